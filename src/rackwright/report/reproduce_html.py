"""Published against simulated as HTML: a page of its own, or tables for a notebook.

The page is one file: a style sheet inside, the plot as SVG, no scripts, nothing fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from rackwright.report.document import cells, document, table
from rackwright.report.reproduce import SHORT, error, goal, notes_of, number
from rackwright.report.reproduce_moved import HEADER, moved_rows
from rackwright.report.reproduce_plot import COLOURS, plot
from rackwright.reproduce.rows import Headline, Reproduction, Row

__all__ = ["fragment", "page"]

_ABOUT = ("Only predicted rows count: a fitted row was used to choose a number, a stand-in rests "
          "on an assumption of ours, a check is our own arithmetic or a direction.")
_LEGEND = ("Grey bar: what is allowed. Filled dot: predicted; hollow: of another kind; arrow: "
           "beyond the axis.")
_COLUMNS = (("row", "t"), ("claim", "t"), ("kind", "k"), ("published", ""), ("simulated", ""),
            ("error", ""), ("state", "k"))


def page(found: Reproduction) -> str:
    """A whole page; ends in a newline."""
    picture = plot(found)
    drawn = (f'<h2>Simulated over published</h2><p>{_LEGEND}</p><div class="wide">{picture}</div>\n'
             if picture else "")
    return document("Published against simulated", [
        "<h1>Published against simulated</h1>\n",
        f"<p>{escape(found.headline.text)}. {_ABOUT}</p>\n{_changes(found)}{_counts(found)}",
        drawn, *(_system(found, name) for name in found.papers)])


def fragment(found: Reproduction) -> str:
    """The headline and the tables, without a style sheet."""
    return (f"<p>{escape(found.headline.text)}</p>"
            + "".join(_system(found, name) for name in found.papers))


def _counts(found: Reproduction) -> str:
    return table([("", "k"), ("", "t")], [[name, Headline.of(found.of(name)).text]
                                          for name in found.papers])


def _changes(found: Reproduction) -> str:
    lines = "".join(f"<li>{escape(row.sentence)}</li>" for row in found.changed)
    return f"<p>Rows that are not as their file says:</p><ul>{lines}</ul>\n" if lines else ""


def _system(found: Reproduction, name: str) -> str:
    rows = found.of(name)
    return (f"<h2>{escape(name)}</h2><p>{escape(found.papers[name])}</p>\n"
            f'<div class="wide"><table><thead>{cells("th", _COLUMNS)}</thead>'
            f"<tbody>{''.join(map(_row, rows))}</tbody></table></div>\n{_moved(rows)}")


def _moved(rows: Sequence[Row]) -> str:
    lines = moved_rows(rows)
    if not lines:
        return ""
    kinds = ("k", "", "", "", "", "", "k", "t")
    return ("<h3>Numbers that are fitted or stand in</h3>\n"
            + table(list(zip(HEADER, kinds, strict=True)), lines))


def _row(row: Row) -> str:
    texts = [row.key, None, row.claim.kind, goal(row.claim), number(row.simulated, row.claim.unit),
             error(row), None]
    kinds = [kind for _, kind in _COLUMNS]
    colour = COLOURS.get(row.state, "#555")
    special = {0: f'<span class="key">{escape(row.key)}</span>', 1: "".join(_said(row)),
               6: f'<span style="color:{colour}">{escape(SHORT[row.state])}</span>'}
    inside = [f'<td{kind and f" class={chr(34)}{kind}{chr(34)}"}>'
              f"{special.get(place) or escape(text or '')}</td>"
              for place, (text, kind) in enumerate(zip(texts, kinds, strict=True))]
    return f"<tr>{''.join(inside)}</tr>\n"


def _said(row: Row) -> Iterator[str]:
    claim = row.claim
    yield escape(claim.claim)
    yield f"<small>{escape(claim.configuration)}; {escape(claim.figure)}</small>"
    for note in notes_of(row):
        yield f"<small>{escape(note)}</small>"
