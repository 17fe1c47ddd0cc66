"""A topology coloured by how busy its links were, as SVG with a key below it, for reports.

The same boxes and lines as `rackwright.topologies.to_svg`, in less detail for a big rack, but
written directly: it needs no matplotlib, its letters are text, and the mouse tells each link's
share and each node's part. Colours go from light to dark, so that they read without colour too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from rackwright.report import figures
from rackwright.report.scale import number
from rackwright.topologies.parts import family_of
from rackwright.topologies.views.cells import cells
from rackwright.topologies.views.layout import Box, Frame, Picture, arrange, line_ends

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.views.cells import Line

__all__ = ["topology_figure"]

_WIDEST, _LEAST = 1500.0, 620.0  # pixels of a picture
_FONT, _SMALL = 12.0, 10.0       # pixels of letters, the largest and the least
_LETTER = 0.62                   # width of a letter over its height, DejaVu Sans
_ROW, _EDGE = 62.0, 10.0
_NEAR = 0.8   # columns between boxes of a row that a straight line joins

# fill, border of a box
_BOXES = {
    "gpu": ("#cdebd9", "#1b7f4b"), "nic": ("#ffe6c4", "#b86a00"),
    "smart-nic": ("#ffd3b0", "#a04a00"), "cpu": ("#d6e4f7", "#2b5c9e"),
    "memory": ("#e7ddf5", "#6b4ba3"), "nvme": ("#efe3d3", "#7a5a2e"),
    "pcie-switch": ("#e3e7eb", "#5a6570"), "switch": ("#fdf1b8", "#9a7d00"),
    "host": ("#eef1f4", "#5a6570"),
}
# busy share up to -> colour
_BUSY = ((0.1, "#b9d3ea"), (0.3, "#7fb0d8"), (0.5, "#e8b53a"), (0.7, "#ee8434"),
         (0.9, "#d9442e"), (1.0, "#7f0d1f"))
_UNKNOWN = "#c6ccd2"


class _Sheet(NamedTuple):
    """Where columns and rows of a picture come to stand: pixels a column, of column 0, of row 0;
    `font`: how high letters are; `width`, `height` of the whole."""

    column: float
    left: float
    top: float
    font: float
    width: float
    height: float

    def x(self, columns: float) -> str:
        return number(self.left + columns * self.column)

    def y(self, rows: float) -> str:
        return number(self.top + rows * _ROW)


def topology_figure(graph: nx.DiGraph[Any], links: Mapping[str, float] | None = None,
                    devices: Mapping[str, float] | None = None) -> str:
    """HTML: the picture and its key. `links`, `devices`: busy shares, as in `Result`."""
    picture, sheet = _fitting(graph, links)
    width, height = number(sheet.width), number(sheet.height)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
             f'width="{width}" height="{height}" role="img" font-family="sans-serif" '
             f'font-size="{number(sheet.font)}">'
             f"<title>{escape(str(graph.graph.get('name', 'topology')))}</title>"]
    parts += [_frame(frame, sheet) for frame in picture.frames]
    parts += [_line(line, picture, sheet, bool(links)) for line in picture.lines]
    parts += [_box(box, sheet, graph, devices or {}) for box in picture.boxes.values()]
    return (f'<div class="wide">{"".join(parts)}</svg></div>\n'
            f'<p class="keys">{"".join(_keys(graph, bool(links)))}</p>\n')


def _fitting(graph: nx.DiGraph[Any], links: Mapping[str, float] | None
             ) -> tuple[Picture, _Sheet]:
    """The most detailed picture that is narrow enough with letters one can read."""
    for candidate in cells(graph, links):
        picture = arrange(candidate)
        need = max((len(row) / (box.right - box.left) for box in picture.boxes.values()
                    for row in box.cell.label.split("\n")), default=1.0) * _LETTER * 1.08
        if 2 * _EDGE + picture.width * need * _SMALL <= _WIDEST:
            break
    column = min(max(need * _FONT, 78.0), max(need * _SMALL, (_WIDEST - 400) / picture.width))
    return picture, _sheet(picture, column, min(_FONT, column / need))


def _sheet(picture: Picture, column: float, font: float) -> _Sheet:
    boxes, frames = picture.boxes.values(), picture.frames
    left = min([0.0, *(frame.left for frame in frames)])
    right = max([picture.width, *(frame.right for frame in frames)])
    top = min(min(box.y - box.half_height for box in boxes), *(frame.top for frame in frames), 0.0)
    lowest = max(box.y for box in boxes)
    curved = any(picture.boxes[line.one].y == picture.boxes[line.other].y == lowest
                 for line in picture.lines)
    bottom = max([picture.height + 0.3 * curved, *(frame.bottom for frame in frames)])
    inner = (right - left) * column
    width = max(inner, _LEAST)
    return _Sheet(column, _EDGE + (width - inner) / 2 - left * column, _EDGE - top * _ROW, font,
                  width + 2 * _EDGE, (bottom - top) * _ROW + 2 * _EDGE)


def _frame(frame: Frame, sheet: _Sheet) -> str:
    wide = number((frame.right - frame.left) * sheet.column)
    return (f'<rect x="{sheet.x(frame.left)}" y="{sheet.y(frame.top)}" width="{wide}" '
            f'height="{number((frame.bottom - frame.top) * _ROW)}" rx="8" fill="#f7f8fa" '
            f'stroke="#c5ccd3"/><text x="{sheet.x(frame.left + 0.12)}" '
            f'y="{sheet.y(frame.top + 0.24)}" fill="#4c5661" font-weight="bold">'
            f"{escape(frame.name)}</text>")


def _box(box: Box, sheet: _Sheet, graph: nx.DiGraph[Any], devices: Mapping[str, float]) -> str:
    fill, border = _BOXES[box.cell.family]
    rows = box.cell.label.split("\n")
    step = sheet.font * 1.15
    texts = "".join(
        f'<tspan x="{sheet.x((box.left + box.right) / 2)}" '
        f'dy="{number(step if place else sheet.font * 0.36 - step * (len(rows) - 1) / 2)}">'
        f"{escape(row)}</tspan>" for place, row in enumerate(rows))
    told = box.cell.name
    if box.cell.name in graph:
        told += f": {graph.nodes[box.cell.name]['device'].name}"
    if box.cell.name in devices:
        told += f", busy {figures.percent(devices[box.cell.name])}"
    return (f'<g><title>{escape(told)}</title><rect x="{sheet.x(box.left)}" '
            f'y="{sheet.y(box.y - box.half_height)}" '
            f'width="{number((box.right - box.left) * sheet.column)}" '
            f'height="{number(2 * box.half_height * _ROW)}" rx="4" fill="{fill}" '
            f'stroke="{border}"/><text x="{sheet.x(box.x)}" y="{sheet.y(box.y)}" '
            f'text-anchor="middle" fill="#1f242b">{texts}</text></g>')


def _line(line: Line, picture: Picture, sheet: _Sheet, by_use: bool) -> str:
    one, other = picture.boxes[line.one], picture.boxes[line.other]
    colour = _colour(line.use) if by_use else "#7d8894"
    share = "" if line.use is None else f", busy {figures.percent(line.use)}"
    many = f"{line.number} x " if line.number > 1 else ""
    told = f"{line.one} - {line.other}: {many}{line.link.name}{share}"
    return (f'<path d="{_path(one, other, sheet)}" fill="none" stroke="{colour}" '
            f'stroke-width="{number(_width(line))}" stroke-linecap="round">'
            f"<title>{escape(told)}</title></path>")


def _path(one: Box, other: Box, sheet: _Sheet) -> str:
    """A straight line between rows; a curve below the row between boxes of one row."""
    if one.y != other.y:
        begin, end = line_ends(one, other)
        return f"M{sheet.x(begin)} {sheet.y(one.y)}L{sheet.x(end)} {sheet.y(other.y)}"
    left, right = sorted((one, other), key=lambda box: box.x)
    depth = 0.0 if right.left - left.right < _NEAR else 0.44
    return (f"M{sheet.x(left.x)} {sheet.y(left.y)}Q{sheet.x((left.x + right.x) / 2)} "
            f"{sheet.y(left.y + 2 * depth)} {sheet.x(right.x)} {sheet.y(right.y)}")


def _width(line: Line) -> float:
    """Pixels: 1.5 at 12.5 GB/s (100 Gb/s), more with the bandwidth's square root, at most 7."""
    return min(7.0, max(1.5, 1.5 * math.sqrt(line.link.bandwidth * line.number / 12.5e9)))


def _colour(use: float | None) -> str:
    if use is None:
        return _UNKNOWN
    return next(colour for most, colour in _BUSY if use <= most or most == 1.0)


def _keys(graph: nx.DiGraph[Any], by_use: bool) -> Iterator[str]:
    count: Counter[tuple[str, str]] = Counter()
    for _, data in graph.nodes(data=True):
        count[str(family_of(data["device"])), data["device"].name] += 1
    for (family, name), many in sorted(count.items()):
        fill, border = _BOXES[family]
        yield _key(f"background:{fill};border-color:{border}",
                   f"{f'{many} x ' if many > 1 else ''}{name}")
    if by_use:
        low = 0.0
        for most, colour in _BUSY:
            yield _key(f"background:{colour};border-color:{colour}",
                       f"{100 * low:.0f} to {100 * most:.0f} % busy")
            low = most
        yield _key(f"background:{_UNKNOWN};border-color:{_UNKNOWN}", "not used, or not known")


def _key(style: str, text: str) -> str:
    return f'<span><i style="{style}"></i>{escape(text)}</span> '
