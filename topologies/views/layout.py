"""Where the boxes of a picture stand: rows by role, columns by what a box is linked to.

Rows: network switches on top, then NICs, PCIe switches, CPUs with memory, GPUs, NVSwitch. A box
stands as near as possible to the middle of its neighbours, one column apart from the next (exact
least squares, by pooling). A switch above or below neighbours that no other switch of its row
shares is a bar across them. Units: columns and rows; y grows downwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rackwright.topologies.names import natural_key
from rackwright.topologies.views.cells import Cell, Cells, Line

__all__ = ["Box", "Frame", "Picture", "arrange", "line_ends"]

_HALF = 0.41         # half the width of a box; a column is 1
_HALF_HEIGHT = 0.2   # of a box with one line of text; a row is 1, or more above slanted lines
_LINE_HEIGHT = 0.18  # each further line of text
_GAP = 1.4           # columns from a frame's last box to the next frame's first
_EDGE = 0.3          # from a box's column to its frame


class Box(NamedTuple):
    """A cell in its place; `left` and `right` are its sides."""

    cell: Cell
    x: float
    left: float
    right: float
    y: float = 0.0

    @property
    def half_height(self) -> float:
        return _HALF_HEIGHT + self.cell.label.count("\n") * _LINE_HEIGHT / 2

    @property
    def is_bar(self) -> bool:
        return self.right - self.left > 2 * _HALF + 1e-9


class Frame(NamedTuple):
    """The rectangle around the units of a host."""

    name: str
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Picture:
    """Boxes by name, frames, lines; `width` and `height` in columns and rows."""

    boxes: Mapping[str, Box]
    frames: tuple[Frame, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


def arrange(cells: Cells) -> Picture:
    """Place all boxes."""
    near: dict[str, list[str]] = defaultdict(list)
    for line in cells.lines:
        near[line.one].append(line.other)
        near[line.other].append(line.one)
    x: dict[str, float] = {}
    bars: dict[str, tuple[float, float]] = {}
    edge = 0.0
    for block in _blocks(cells, near):
        edge = _place_block(block, near, x, bars, edge)
    network = [cell for cell in cells.boxes.values() if not _is_below(cell)]
    for number in sorted({cell.row for cell in network}, reverse=True):
        row = [cell for cell in network if cell.row == number]
        _place_row(row, near, dict(x), x, bars, max(1.6, 0.5 * edge / len(row)))
    return _picture(cells, x, bars)


def _is_below(cell: Cell) -> bool:
    return bool(cell.frame) or cell.row >= 0


def _blocks(cells: Cells, near: Mapping[str, Sequence[str]]) -> list[list[Cell]]:
    """The units of each host, hosts of the same switch side by side."""
    found: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells.boxes.values():
        if _is_below(cell):
            found[cell.frame or cell.name].append(cell)

    def order(name: str) -> tuple[object, ...]:
        above = [natural_key(other) for cell in found[name] for other in near[cell.name]
                 if not _is_below(cells.boxes[other])]
        return min(above, default=()), natural_key(name)

    return [found[name] for name in sorted(found, key=order)]


def _place_block(block: list[Cell], near: Mapping[str, Sequence[str]], x: dict[str, float],
                 bars: dict[str, tuple[float, float]], edge: float) -> float:
    """Columns of one host, right of `edge`; returns the edge for the next one."""
    rows: dict[int, list[Cell]] = defaultdict(list)
    for cell in block:
        rows[cell.row].append(cell)
    base = max(rows, key=lambda row: (len(rows[row]), row))  # the lower one of equally wide rows
    for column, cell in enumerate(rows[base]):
        x[cell.name] = column
    placed, left = {cell.name for cell in rows[base]}, set(rows) - {base}
    while left:  # the row with the most links to what has its place already
        row = max(left, key=lambda row: (_links(rows[row], near, placed), -row))
        _place_row(rows[row], near, {name: x[name] for name in placed}, x, bars, 1.0)
        placed |= {cell.name for cell in rows[row]}
        left.remove(row)
    first = min(x[cell.name] for cell in block)
    shift = edge + (_EDGE + _HALF if block[0].frame else _HALF) - first
    for cell in block:
        x[cell.name] += shift
        if cell.name in bars:
            bars[cell.name] = bars[cell.name][0] + shift, bars[cell.name][1] + shift
    last = max(x[cell.name] for cell in block)
    return last + (_GAP if block[0].frame else 1 - _HALF)


def _links(row: Sequence[Cell], near: Mapping[str, Sequence[str]], placed: set[str]) -> int:
    return sum(other in placed for cell in row for other in near[cell.name])


def _place_row(row: list[Cell], near: Mapping[str, Sequence[str]], known: Mapping[str, float],
               x: dict[str, float], bars: dict[str, tuple[float, float]], spacing: float) -> None:
    """Columns (into `x` and `bars`) of cells, some of whose neighbours are `known` already."""
    spans = {cell.name: [known[other] for other in near[cell.name] if other in known]
             for cell in row}
    everything = [place for places in spans.values() for place in places] or list(known.values())
    middle = (min(everything) + max(everything)) / 2 if everything else 0.0
    wish = {name: sum(places) / len(places) if places else middle
            for name, places in spans.items()}
    ordered = sorted(row, key=lambda cell: (wish[cell.name], natural_key(cell.name)))
    places = _apart([wish[cell.name] for cell in ordered], spacing)
    wide = _bars(ordered, spans)
    for cell, place in zip(ordered, places, strict=True):
        x[cell.name] = sum(wide[cell.name]) / 2 if wide else place
    bars.update(wide)


def _bars(row: Sequence[Cell], spans: Mapping[str, Sequence[float]]
          ) -> dict[str, tuple[float, float]]:
    """Left and right ends of switches as bars; none if two of the row would overlap."""
    if any(cell.family != "switch" or not spans[cell.name] for cell in row):
        return {}
    ends = sorted((min(spans[cell.name]), max(spans[cell.name])) for cell in row)
    if any(one[1] >= other[0] for one, other in zip(ends, ends[1:], strict=False)):
        return {}
    return {cell.name: (min(spans[cell.name]) - _HALF, max(spans[cell.name]) + _HALF)
            for cell in row}


def _apart(wish: Sequence[float], spacing: float) -> list[float]:
    """The places nearest to the ascending `wish` that are at least `spacing` apart."""
    pools: list[tuple[float, int]] = []  # (mean, how many) of wishes less their spacing
    for number, place in enumerate(wish):
        mean, many = place - number * spacing, 1
        while pools and pools[-1][0] >= mean:
            other, count = pools.pop()
            mean, many = (mean * many + other * count) / (many + count), many + count
        pools.append((mean, many))
    flat = [mean for mean, many in pools for _ in range(many)]
    return [place + number * spacing for number, place in enumerate(flat)]


def line_ends(one: Box, other: Box) -> tuple[float, float]:
    """Where a line between two rows leaves its boxes: straight down from a bar, if it can."""
    return _leaves(one, other), _leaves(other, one)


def _leaves(box: Box, other: Box) -> float:
    if not box.is_bar or (other.cell.family == "switch" and other.cell.row < box.cell.row):
        return box.x  # a bar hangs over what is below, so a line up starts in its middle
    return min(max(other.x, box.left + _HALF), box.right - _HALF)


def _picture(cells: Cells, x: Mapping[str, float], bars: Mapping[str, tuple[float, float]]
             ) -> Picture:
    left = min(bars.get(name, (x[name] - _HALF,))[0] for name in x)
    boxes = {}
    for name, cell in cells.boxes.items():
        ends = bars.get(name, (x[name] - _HALF, x[name] + _HALF))
        boxes[name] = Box(cell, x[name] - left, ends[0] - left, ends[1] - left)
    height = _heights(boxes, cells.lines)
    boxes = {name: box._replace(y=height[box.cell.row]) for name, box in boxes.items()}
    return Picture(boxes, tuple(_frames(boxes.values())), cells.lines,
                   width=max(box.right for box in boxes.values()),
                   height=max(box.y + box.half_height for box in boxes.values()))


def _heights(boxes: Mapping[str, Box], lines: Iterable[Line]) -> dict[int, float]:
    """Row -> y of its middle: a row stands further down below flat lines and tall boxes."""
    slant: dict[int, float] = defaultdict(float)  # lower row -> longest way to the side
    for line in lines:
        one, other = boxes[line.one], boxes[line.other]
        begin, end = line_ends(one, other)
        row = max(one.cell.row, other.cell.row)
        slant[row] = max(slant[row], abs(begin - end))
    tall: dict[int, float] = defaultdict(float)
    for box in boxes.values():
        tall[box.cell.row] = max(tall[box.cell.row], box.half_height - _HALF_HEIGHT)
    height: dict[int, float] = {}
    y = 0.0
    for number, row in enumerate(rows := sorted(tall)):
        if number:
            extra = min(1.3, max(0.0, slant[row] / 8 - 0.3))
            y += 1 + extra + tall[row] + tall[rows[number - 1]]
        height[row] = y
    return height


def _frames(boxes: Iterable[Box]) -> list[Frame]:
    inside: dict[str, list[Box]] = defaultdict(list)
    for box in boxes:
        if box.cell.frame:
            inside[box.cell.frame].append(box)
    return [Frame(name, min(box.left for box in held) - _EDGE, max(b.right for b in held) + _EDGE,
                  min(box.y for box in held) - 2.7 * _HALF_HEIGHT,
                  max(box.y for box in held) + 1.5 * _HALF_HEIGHT)
            for name, held in inside.items()]
