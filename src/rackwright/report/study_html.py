"""A study as one HTML page: table, plots, topology, expectations, inputs with their hashes.

One file without scripts, fonts or links; below 1 MB: of a long study the first rows are shown, the
CSV has all of them. `fragment` is the table alone, for notebooks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from rackwright.errors import RackwrightError
from rackwright.report import figures
from rackwright.report.study import axis_text, shown_value
from rackwright.report.study_plots import plots
from rackwright.study.analysis import pareto_front
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row

__all__ = ["fragment", "page"]

_MOST_ROWS = 500        # in the page
_MOST_DRAWING = 400_000  # bytes of the picture of the topology
_STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; background: #fff; max-width: 1120px;
  margin: 2em auto; padding: 0 1em; }
h1 { margin-bottom: 0.2em; } h2 { margin-top: 1.8em; }
table { border-collapse: collapse; margin: 0.6em 0 1.2em; font-size: 14px; }
th, td { text-align: right; vertical-align: top; padding: 0.3em 0 0.3em 1.1em;
  border-bottom: 1px solid #e3e3e3; white-space: nowrap; }
th { color: #555; font-weight: normal; vertical-align: bottom; }
td.t, th.t { text-align: left; white-space: normal; min-width: 12em; }
tr.front td { background: #eef6ee; }
.wide { overflow-x: auto; }
.yes { color: #1b7f4b; } .no { color: #b3261e; font-weight: bold; }
.plots { display: flex; flex-wrap: wrap; gap: 1em; }
figure { margin: 0; }
.plots svg { max-width: 100%; height: auto; }
.drawing svg { max-width: 100%; height: auto; }
code { font-size: 12.5px; overflow-wrap: anywhere; } small, .dim { color: #666; }
"""


def page(result: StudyResult, base: Path = Path(".")) -> str:
    """A whole page, ending in a newline; `base`: what the study's files are relative to."""
    study = result.study
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(study.name)}</title><style>{_STYLE}</style></head><body>\n",
        f"<h1>{escape(study.name)}</h1>\n",
        f"<p>{escape(study.question)}</p>\n" if study.question else "",
        _expectations(result), _errors(result),
        "<h2>Points</h2>\n", fragment(result), _plots(result), _notes(result),
        _topology(result, base), _inputs(result), "</body></html>\n"]
    return "".join(parts)


def fragment(result: StudyResult) -> str:
    """The table, at most some hundred rows."""
    names = [*result.shown, *result.study.derived]
    front = pareto_front(result)
    head = [("point", ""), *((name, "") for name in result.study.columns),
            *((figures.title(name), "") for name in names), ("what limits it", "t")]
    body = "".join(_row(result, row, names, row.number in front)
                   for row in result.rows[:_MOST_ROWS])
    text = f"<thead>{_cells('th', head)}</thead><tbody>{body}</tbody>"
    more = len(result.rows) - _MOST_ROWS
    note = f"<p>and {more} more in results.csv</p>\n" if more > 0 else ""
    if front:
        note += "<p><small>Green rows: no other point beats them in every goal.</small></p>\n"
    return f'<div class="wide"><table>{text}</table></div>\n{note}'


def _row(result: StudyResult, row: Row, names: Sequence[str], front: bool) -> str:
    text = row.error or str(row.bottleneck.get("text", ""))
    cells = [(str(row.number), ""),
             *((axis_text(row.axes[name]), "") for name in result.study.columns),
             *((shown_value(row, name), "") for name in names), (text, "t")]
    return _cells("td", cells, ' class="front"' if front else "")


def _cells(tag: str, cells: Sequence[tuple[str, str]], marks: str = "") -> str:
    inside = "".join(f"<{tag}{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{escape(text)}"
                     f"</{tag}>" for text, kind in cells)
    return f"<tr{marks}>{inside}</tr>\n"


def _expectations(result: StudyResult) -> str:
    if not result.expectations:
        return ""
    lines = "".join(
        f'<li><span class="{"yes" if verdict.holds else "no"}">'
        f'{"holds" if verdict.holds else "fails"}</span> {escape(verdict.sentence)}'
        + (f"<br><small>{escape(verdict.expect.why)}</small>" if verdict.expect.why else "")
        + "</li>\n" for verdict in result.expectations)
    return f"<h2>Expected</h2>\n<ul>{lines}</ul>\n"


def _errors(result: StudyResult) -> str:
    count = len(result.failed)
    return (f'<p class="no">{count} of {len(result.rows)} points failed; the table says why.</p>\n'
            if count else "")


def _plots(result: StudyResult) -> str:
    drawn = plots(result)
    return f'<h2>Plots</h2>\n<div class="plots">{"".join(drawn)}</div>\n' if drawn else ""


def _notes(result: StudyResult) -> str:
    return f"<h2>Notes</h2>\n<p>{escape(result.study.notes)}</p>\n" if result.study.notes else ""


def _topology(result: StudyResult, base: Path) -> str:
    """The base scenario's topology, drawn when matplotlib is installed, else as text."""
    from rackwright import topologies
    from rackwright.study.inputs import fabric_of_base

    try:
        graph = fabric_of_base(result.study, base).graph
        return (f"<h2>Topology of the base</h2>\n<p>{escape(str(graph.graph.get('name', '')))}"
                f"</p>\n{_drawing(topologies, graph)}")
    except RackwrightError:  # the base alone need not be sound, or a file is gone
        return ""


def _drawing(topologies: Any, graph: Any) -> str:
    from rackwright.errors import MissingTool

    try:
        with tempfile.TemporaryDirectory() as folder:
            topologies.to_svg(graph, Path(folder, "base.svg"))
            svg = Path(folder, "base.svg").read_text("utf-8")
    except MissingTool:
        svg = ""
    start = svg.find("<svg")
    if start < 0 or len(svg) > _MOST_DRAWING:
        return f"<pre>{escape(topologies.to_text(graph)[:20_000])}</pre>\n"
    return f'<div class="drawing">{svg[start:]}</div>\n'


def _inputs(result: StudyResult) -> str:
    rows = [("topology", entry["topology"], entry["topology_hash"]) for entry in result.inputs]
    rows += [("trace", entry["trace"], entry["trace_hash"]) for entry in result.inputs]
    rows += [("part", name, digest) for name, digest in result.parts.items()]
    rows += [("loop", name, digest) for name, digest in result.kernels.items()]
    body = "".join(_hashes(dict.fromkeys(rows)))
    return ("<h2>Inputs</h2>\n<p>System "
            f"<b>{escape(result.study.base.system)}</b>; what was replayed, with the SHA-256 of "
            "its content. Points and their results: results.csv, store/.</p>\n"
            f"<table>{body}</table>\n")


def _hashes(rows: Any) -> Iterator[str]:
    for kind, name, digest in rows:
        yield (f'<tr><td class="t">{kind}</td><td class="t">{escape(name)}</td>'
               f'<td class="t"><code>{digest[:16]}</code></td></tr>\n')
