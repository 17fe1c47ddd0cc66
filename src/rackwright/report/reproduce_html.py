"""Published against simulated as HTML: a page of its own, or tables for a notebook.

The page is one file: a style sheet inside, the plot as SVG, no scripts, nothing fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from rackwright.report.reproduce import SHORT, error, goal, notes_of, number
from rackwright.report.reproduce_plot import COLOURS, plot
from rackwright.reproduce.rows import Headline, Reproduction, Row

__all__ = ["fragment", "page"]

_STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; background: #fff; max-width: 1100px;
  margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; margin: 0.6em 0 1.6em; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.3em 0.7em 0.3em 0;
  border-bottom: 1px solid #e3e3e3; }
th { color: #555; font-weight: normal; }
td.n, th.n { text-align: right; white-space: nowrap; }
td.c { width: 48%; }
td.k, td.s { white-space: nowrap; }
small { color: #666; display: block; }
svg { max-width: 100%; height: auto; }
"""
_ABOUT = ("Only predicted rows count: a fitted row was used to choose a number, a stand-in rests "
          "on an assumption of ours, a check is our own arithmetic or a direction.")
_LEGEND = ("Grey bar: what is allowed. Filled dot: predicted; hollow: of another kind; arrow: "
           "beyond the axis.")
_COLUMNS = (("row", "k"), ("claim", "c"), ("kind", "k"), ("published", "n"), ("simulated", "n"),
            ("error", "n"), ("state", "s"))


def page(found: Reproduction) -> str:
    """A whole page; ends in a newline."""
    picture = plot(found)
    drawn = f"<h2>Simulated over published</h2><p>{_LEGEND}</p>{picture}" if picture else ""
    return ("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
            "<title>Published against simulated</title>"
            f"<style>{_STYLE}</style></head><body>\n<h1>Published against simulated</h1>\n"
            f"<p>{escape(found.headline.text)}. {_ABOUT}</p>\n{_changes(found)}{_counts(found)}"
            f"{drawn}{''.join(_system(found, name) for name in found.papers)}</body></html>\n")


def fragment(found: Reproduction) -> str:
    """The headline and the tables, without a style sheet."""
    return (f"<p>{escape(found.headline.text)}</p>"
            + "".join(_system(found, name) for name in found.papers))


def _counts(found: Reproduction) -> str:
    rows = [_cells([name, Headline.of(found.of(name)).text], ("k", "")) for name in found.papers]
    return f"<table><tbody>{''.join(rows)}</tbody></table>\n"


def _changes(found: Reproduction) -> str:
    lines = "".join(f"<li>{escape(row.sentence)}</li>" for row in found.changed)
    return f"<p>Rows that are not as their file says:</p><ul>{lines}</ul>\n" if lines else ""


def _system(found: Reproduction, name: str) -> str:
    head = "".join(f'<th class="{kind}">{title}</th>' for title, kind in _COLUMNS)
    return (f"<h2>{escape(name)}</h2><p>{escape(found.papers[name])}</p><table><thead><tr>{head}"
            f"</tr></thead><tbody>{''.join(map(_row, found.of(name)))}</tbody></table>\n")


def _row(row: Row) -> str:
    texts = [row.key, None, row.claim.kind, goal(row.claim), number(row.simulated, row.claim.unit),
             error(row), None]
    kinds = [kind for _, kind in _COLUMNS]
    colour = COLOURS.get(row.state, "#555")
    special = {1: "".join(_said(row)),
               6: f'<span style="color:{colour}">{escape(SHORT[row.state])}</span>'}
    cells = [f'<td class="{kind}">{special.get(place) or escape(text or "")}</td>'
             for place, (text, kind) in enumerate(zip(texts, kinds, strict=True))]
    return f"<tr>{''.join(cells)}</tr>\n"


def _said(row: Row) -> Iterator[str]:
    claim = row.claim
    yield escape(claim.claim)
    yield f"<small>{escape(claim.configuration)}; {escape(claim.figure)}</small>"
    for note in notes_of(row):
        yield f"<small>{escape(note)}</small>"


def _cells(texts: Sequence[str], kinds: Sequence[str]) -> str:
    cells = (f'<td class="{kind}">{escape(text)}</td>'
             for text, kind in zip(texts, kinds, strict=True))
    return f"<tr>{''.join(cells)}</tr>"
