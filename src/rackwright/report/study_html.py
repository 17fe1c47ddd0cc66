"""A study as one HTML page: expectations, table, plots, topologies, inputs with their hashes.

One file without scripts, fonts or links; below 1 MB: of a long study the first rows are shown, the
CSV has all of them. `fragment` is the table alone, for notebooks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from rackwright.report import figures
from rackwright.report.document import cells, document, table
from rackwright.report.scale import shortened
from rackwright.report.study import axis_text, shown_interval, shown_value
from rackwright.report.study_plots import pareto_plot, plots
from rackwright.report.study_topologies import topologies
from rackwright.study.analysis import pareto_front, seed_statistics
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row

__all__ = ["fragment", "page"]

_MOST_BYTES = 300_000  # of the table of points
_MOST_HASHES = 200     # inputs that are listed
_MOST_WIDTH = 4000     # pixels of a cell of text, some 550 letters


def page(result: StudyResult, base: Path = Path("."),
         kept: Callable[[str], Mapping[str, Any] | None] | None = None) -> str:
    """A whole page, ending in a newline.

    `base`: what the study's files are relative to; `kept`: key -> what a store has under it, for
    how busy links and devices were.
    """
    study, front = result.study, pareto_front(result)
    return document(study.name, [
        f"<h1>{escape(study.name)}</h1>\n",
        f"<p>{escape(study.question)}</p>\n" if study.question else "",
        _expectations(result), _errors(result),
        "<h2>Points</h2>\n", _points(result, front), _seeds(result), _plots(result),
        _front(result, front), _knees(result),
        f"<h2>Notes</h2>\n<p>{escape(study.notes)}</p>\n" if study.notes else "",
        topologies(result, base, kept), _inputs(result)])


def fragment(result: StudyResult) -> str:
    """The table, as many rows as fit a page."""
    return _points(result, pareto_front(result))


def _points(result: StudyResult, front: Sequence[int]) -> str:
    names = [*result.shown, *result.study.derived]
    best = set(front)
    head = [("point", ""), *((name, "") for name in result.study.columns),
            *((figures.title(name), "") for name in names), ("what limits it", "t")]
    rows: list[str] = []
    size = 0
    for row in result.rows:
        rows.append(_row(result, row, names, row.number in best))
        size += len(rows[-1].encode())
        if size > _MOST_BYTES:
            break
    text = f"<thead>{cells('th', head)}</thead><tbody>{''.join(rows)}</tbody>"
    more = len(result.rows) - len(rows)
    note = f"<p>and {more} more in results.csv</p>\n" if more > 0 else ""
    return f'<div class="wide"><table>{text}</table></div>\n{note}{_best(front)}'


def _best(front: Sequence[int]) -> str:
    if not front:
        return ""
    numbers = shortened(", ".join(map(str, front)), _MOST_WIDTH)
    return f"<p><small>No other point beats these in every goal: {numbers}.</small></p>\n"


def _row(result: StudyResult, row: Row, names: Sequence[str], front: bool) -> str:
    said = shortened(row.error or str(row.bottleneck.get("text", "")), _MOST_WIDTH)
    texts = [(str(row.number), ""),
             *((axis_text(row.axes[name]), "") for name in result.study.columns),
             *((shown_value(row, name), "") for name in names),
             (said, "t no" if row.error else "t")]
    return cells("td", texts, ' class="front"' if front else "")


def _expectations(result: StudyResult) -> str:
    if not result.expectations:
        return ""
    lines = "".join(
        f'<li><span class="{"yes" if verdict.holds else "no"}">'
        f'{"holds" if verdict.holds else "fails"}</span> {escape(verdict.sentence)}'
        + (f"<small>{escape(verdict.expect.why)}</small>" if verdict.expect.why else "")
        + "</li>\n" for verdict in result.expectations)
    return f"<h2>Expected</h2>\n<ul>{lines}</ul>\n"


def _errors(result: StudyResult) -> str:
    count = len(result.failed)
    return (f'<p class="no">{count} of {len(result.rows)} points failed; the table says why.</p>\n'
            if count else "")


def _seeds(result: StudyResult) -> str:
    groups = seed_statistics(result)
    if not groups:
        return ""
    axes = list(groups[0]["axes"])
    names = list(dict.fromkeys(name for group in groups for name in group["metrics"]))
    head = [(name, "") for name in (*axes, *map(figures.title, names))]
    rows = [[*(axis_text(group["axes"][name]) for name in axes),
             *(shown_interval(name, group["metrics"].get(name)) for name in names)]
            for group in groups]
    kept = rows[:_MOST_HASHES]
    more = f"<p>and {len(rows) - len(kept)} more in study.json</p>\n" if len(rows) > len(kept) \
        else ""
    return ("<h2>Over seeds</h2>\n<p>Mean, and half the width of its 95 % interval.</p>\n"
            f"{table(head, kept)}{more}")


def _plots(result: StudyResult) -> str:
    drawn = plots(result)
    return f'<h2>Plots</h2>\n<div class="plots">{"".join(drawn)}</div>\n' if drawn else ""


def _front(result: StudyResult, front: Sequence[int]) -> str:
    drawn = pareto_plot(result, front)
    return f"<h2>Points worth choosing among</h2>\n{drawn}" if drawn else ""


def _knees(result: StudyResult) -> str:
    from rackwright.study.tables import knees_text

    lines = knees_text(result, _MOST_WIDTH).strip().splitlines()[:_MOST_HASHES]
    items = "".join(f"<li>{escape(line)}</li>\n" for line in lines)
    return f"<h2>Bends</h2>\n<ul>{items}</ul>\n" if lines else ""


def _inputs(result: StudyResult) -> str:
    rows = [("topology", entry["topology"], entry["topology_hash"]) for entry in result.inputs]
    rows += [("trace", entry["trace"], entry["trace_hash"]) for entry in result.inputs]
    rows += [("part", name, digest) for name, digest in result.parts.items()]
    rows += [("loop", name, digest) for name, digest in result.kernels.items()]
    every = list(dict.fromkeys(rows))
    body = "".join(_hashes(every[:_MOST_HASHES]))
    more = f"<p>and {len(every) - _MOST_HASHES} more in study.json</p>\n" \
        if len(every) > _MOST_HASHES else ""
    return ("<h2>Inputs</h2>\n<p>System "
            f"<b>{escape(result.study.base.system)}</b>; what was replayed, with the SHA-256 of "
            "its content (the first 16 digits; all of them in study.json). Points and their "
            f'results: results.csv, store/.</p>\n<div class="wide"><table><tbody>{body}</tbody>'
            f"</table></div>\n{more}")


def _hashes(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for kind, name, digest in rows:
        yield (f'<tr><td class="k">{kind}</td><td class="t">{escape(name)}</td>'
               f'<td class="k"><code>{digest[:16]}</code></td></tr>\n')
