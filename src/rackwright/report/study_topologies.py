"""The topologies of a study, each drawn once, coloured by how busy the first point on it was.

At most three: of a study that sweeps links or parts the others are like them. Without a store the
links have no colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from rackwright.errors import RackwrightError
from rackwright.report.study import axis_text
from rackwright.report.topology_svg import topology_figure
from rackwright.study.grid import Point, points
from rackwright.study.inputs import own_parts, prepared
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row

__all__ = ["topologies"]

Kept = Callable[[str], Mapping[str, Any] | None]

_MOST = 3
_MOST_BYTES = 250_000  # of all pictures
_DECIDES = ("system", "catalog", "topology", "replace", "device", "link", "fail")


def topologies(result: StudyResult, base: Path, kept: Kept | None) -> str:
    """A section of the report; empty when nothing was replayed."""
    rows = {row.number: row for row in result.rows if not row.error}
    drawn: list[str] = []
    seen: set[tuple[tuple[str, Any], ...]] = set()
    left = 0
    for point in points(result.study) if rows else ():
        sort = tuple((path, value) for path, value in point.scenario.items()
                     if path.partition(".")[0] in _DECIDES)
        if point.number not in rows or sort in seen:
            continue
        seen.add(sort)
        figure = _figure(rows[point.number], point, base, kept) if len(drawn) < _MOST else ""
        fits = figure and sum(map(len, drawn)) + len(figure) <= _MOST_BYTES
        drawn += [figure] if fits else []
        left += not fits
    if not drawn:
        return ""
    more = f"<p>and {left} more, which differ in parts, links or failures</p>\n" if left else ""
    return f"<h2>Topologies</h2>\n{''.join(drawn)}{more}"


def _figure(row: Row, point: Point, base: Path, kept: Kept | None) -> str:
    try:
        with own_parts(point.scenario, base):
            graph = prepared(point.scenario, base).fabric.graph
    except RackwrightError:  # a file is gone since
        return ""
    answer = (kept(row.hash) if kept else None) or {}
    result = answer.get("result", {})
    name = str(graph.graph.get("name", "")) or "without a name"
    return (f"<h3>{escape(name)}</h3>\n<p>{''.join(_caption(row, bool(result)))}</p>\n"
            + topology_figure(graph, result.get("link_utilisation"),
                              result.get("device_utilisation")))


def _caption(row: Row, coloured: bool) -> Iterator[str]:
    axes = ", ".join(f"{name} = {axis_text(value)}" for name, value in row.axes.items())
    said = row.bottleneck.get("text", "")
    yield escape(f"Point {row.number}{f' ({axes})' if axes else ''}: {said}.")
    if coloured:
        yield " The colour of a link says how busy it was."
