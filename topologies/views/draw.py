"""Pictures of a topology: `to_svg` and `to_png`, drawn with matplotlib (extra ``[plot]``).

Rows follow the roles of nodes, colours their kind, the width of a line its bandwidth. More than
about thirty columns are drawn with less detail: hosts as boxes, then alike hosts as one box. With
utilisation the colour of a line says how busy its busiest link is; grey ones are not known. An
SVG has the same bytes each time, whatever the user's matplotlib settings; a PNG as well, for one
version of matplotlib.
"""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.errors import MissingTool, TopologyError
from rackwright.topologies.check import faults
from rackwright.topologies.parts import family_of, link_hash
from rackwright.topologies.views.cells import cells
from rackwright.topologies.views.layout import Box, Frame, Picture, arrange, line_ends
from rackwright.units import format_bandwidth
from rackwright.writing import write_whole

if TYPE_CHECKING:
    import networkx as nx
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["to_png", "to_svg"]

_MOST_COLUMNS = 30.0   # in full detail; more would make labels unreadable at 1200 pixels
_INCHES = 12.0         # width of a picture
_ROW = 0.9            # inches
_HEAD = 0.45          # inches, for the title
_TOP = 0.8            # rows above the middle of the first one
_NEAR = 0.8           # columns between boxes of a row that a straight line joins
_DPI = 150
_FONT = 9.5            # points, the largest
_INK, _PAPER = "#22272e", "#f7f8fa"

# fill, border of a box
_BOXES = {
    "gpu": ("#cdebd9", "#1b7f4b"), "nic": ("#ffe6c4", "#b86a00"),
    "smart-nic": ("#ffd3b0", "#a04a00"), "cpu": ("#d6e4f7", "#2b5c9e"),
    "memory": ("#e7ddf5", "#6b4ba3"), "nvme": ("#efe3d3", "#7a5a2e"),
    "pcie-switch": ("#e3e7eb", "#5a6570"), "switch": ("#fdf1b8", "#9a7d00"),
    "host": ("#eef1f4", "#5a6570"),
}
_LINES = {"nvlink": "#2a9d5b", "xgmi": "#2a9d5b", "c2c": "#2a9d5b", "pcie": "#8a96a3",
          "ethernet": "#d97706", "infiniband": "#d97706", "memory": "#8b6bc0",
          "socket": "#2b5c9e"}
_OTHER_LINE = "#a0522d"
# utilisation up to -> colour, light to dark so that it reads without colour too
_BUSY = ((0.1, "#c7dbef"), (0.3, "#8fbbdc"), (0.5, "#f2c14e"), (0.7, "#f08a3c"),
         (0.9, "#d9442e"), (1.0, "#7f0d1f"))
_UNKNOWN_USE = "#d5d9de"


def to_svg(graph: nx.DiGraph[Any], path: str | os.PathLike[str],
           utilisation: Mapping[str, float] | None = None) -> None:
    """Draw `graph` into an SVG file.

    `utilisation`: link ("h0/gpu0->h0/nvswitch") -> share 0..1, as in `Result.link_utilisation`.
    Raises TopologyError, MissingTool, UsageError.
    """
    _save(graph, path, "svg", {"Date": None, "Creator": None}, utilisation)


def to_png(graph: nx.DiGraph[Any], path: str | os.PathLike[str],
           utilisation: Mapping[str, float] | None = None) -> None:
    """Draw `graph` into a PNG file; see `to_svg`."""
    _save(graph, path, "png", {"Software": None}, utilisation)


def _save(graph: nx.DiGraph[Any], path: str | os.PathLike[str], kind: str,
          metadata: dict[str, None], use: Mapping[str, float] | None) -> None:
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingTool("drawing needs matplotlib, which is not installed; run: "
                          "pip install 'rackwright[plot]'") from None
    found = faults(graph)
    if found:
        raise TopologyError("this topology cannot be drawn", found)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.hashsalt": "rackwright", "svg.fonttype": "path",
                             "font.family": "DejaVu Sans"})
        figure = _figure(graph, use)
        write_whole(path, lambda waiting: figure.savefig(waiting, format=kind, dpi=_DPI,
                                                         metadata=metadata, facecolor="white"))


def _figure(graph: nx.DiGraph[Any], use: Mapping[str, float] | None) -> Figure:
    from matplotlib.figure import Figure

    picture = _readable(graph, use)
    patches, lines = list(_box_entries(graph)), list(_line_entries(graph))
    rows = len(_BUSY) + 1 if use else len(lines)
    legend = 0.19 * max(-(-len(patches) // 2), rows) + 0.25  # inches
    inches = max(_INCHES, picture.width * _INCHES / _MOST_COLUMNS / 1.5)
    below = 0.15 + _hanging(picture)
    height = _HEAD + (picture.height + below + _TOP - 0.15) * _ROW + legend
    figure = Figure(figsize=(inches, height))
    axes = figure.add_axes((0.01, legend / height, 0.98, 1 - (_HEAD + legend) / height))
    axes.set_axis_off()
    columns = max(picture.width, 10.0)  # a small picture is not blown up
    axes.set_xlim((picture.width - columns) / 2 - 0.4, (picture.width + columns) / 2 + 0.4)
    axes.set_ylim(picture.height + below, 0.15 - _TOP)
    _draw(axes, picture, inches / (columns + 0.8) * 72, bool(use))
    figure.text(0.5, 1 - 0.28 / height, str(graph.graph.get("name", "")), ha="center",
                va="center", fontsize=12, weight="bold", color=_INK)
    _legends(figure, patches, _busy_entries() if use else [
        (_colour(link.kind), _width(link.bandwidth), text) for link, text in lines])
    return figure


def _hanging(picture: Picture) -> float:
    """Rows that curves between boxes of the lowest row hang below it."""
    lowest = max(box.y for box in picture.boxes.values())
    return 0.3 * any(picture.boxes[line.one].y == picture.boxes[line.other].y == lowest
                     for line in picture.lines)


def _readable(graph: nx.DiGraph[Any], use: Mapping[str, float] | None) -> Picture:
    """The most detailed picture that is narrow enough, else the least detailed."""
    for candidate in cells(graph, use):
        picture = arrange(candidate)
        if picture.width <= _MOST_COLUMNS:
            break
    return picture


def _draw(axes: Axes, picture: Picture, column_points: float, by_use: bool) -> None:
    size = _font_size(picture, column_points)
    for frame in picture.frames:
        _draw_frame(axes, frame, size)
    for line in picture.lines:
        colour = _busy(line.use) if by_use else _colour(line.link.kind)
        _draw_line(axes, picture.boxes[line.one], picture.boxes[line.other], colour,
                   _width(line.link.bandwidth * line.number))
    for box in picture.boxes.values():
        _draw_box(axes, box, size)


def _font_size(picture: Picture, column_points: float) -> float:
    """Points at which every label fits its box (letters are about 0.6 of their height wide)."""
    fits = [(box.right - box.left) * column_points * 0.92 / (0.68 * len(row))
            for box in picture.boxes.values() for row in box.cell.label.split("\n") if row]
    return max(3.0, min([_FONT, *fits]))


def _draw_frame(axes: Axes, frame: Frame, size: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    axes.add_patch(FancyBboxPatch(
        (frame.left, frame.top), frame.right - frame.left, frame.bottom - frame.top,
        boxstyle="round,pad=0,rounding_size=0.12", facecolor=_PAPER, edgecolor="#c5ccd3",
        linewidth=1.0, zorder=0))
    axes.text(frame.left + 0.14, frame.top + 0.15, frame.name, ha="left", va="center",
              fontsize=size, weight="bold", color="#5a6570", zorder=4,
              bbox={"facecolor": _PAPER, "edgecolor": "none", "pad": 1.0})


def _draw_box(axes: Axes, box: Box, size: float) -> None:
    from matplotlib.patches import FancyBboxPatch

    fill, border = _BOXES[box.cell.family]
    half = box.half_height
    axes.add_patch(FancyBboxPatch(
        (box.left, box.y - half), box.right - box.left, 2 * half,
        boxstyle="round,pad=0,rounding_size=0.06", facecolor=fill, edgecolor=border,
        linewidth=1.1, zorder=3))
    axes.text(box.x, box.y, box.cell.label, ha="center", va="center", fontsize=size,
              color=_INK, linespacing=1.15, zorder=4)


def _draw_line(axes: Axes, one: Box, other: Box, colour: str, width: float) -> None:
    from matplotlib.patches import PathPatch

    axes.add_patch(PathPatch(_path(one, other), fill=False, edgecolor=colour, linewidth=width,
                             capstyle="round", alpha=0.9, zorder=1))


def _path(one: Box, other: Box) -> Any:
    """A straight line between rows; a curve below the row between boxes of one row."""
    from matplotlib.path import Path

    if one.y != other.y:
        begin, end = line_ends(one, other)
        return Path([(begin, one.y), (end, other.y)])
    left, right = sorted((one, other), key=lambda box: box.x)
    depth = 0.0 if right.left - left.right < _NEAR else 0.44
    return Path([(left.x, left.y), ((left.x + right.x) / 2, left.y + 2 * depth),
                 (right.x, right.y)], [Path.MOVETO, Path.CURVE3, Path.CURVE3])


def _colour(kind: str) -> str:
    return _LINES.get(kind, _OTHER_LINE)


def _busy(use: float | None) -> str:
    if use is None:
        return _UNKNOWN_USE
    return next(colour for most, colour in _BUSY if use <= most or most == 1.0)


def _busy_entries() -> list[tuple[str, float, str]]:
    """(colour, width, text) of the scale of utilisation."""
    least = [0.0, *(most for most, _ in _BUSY)]
    return [(_UNKNOWN_USE, 2.0, "not used, or not known"),
            *((colour, 2.0, f"{100 * low:.0f} to {100 * most:.0f} % busy")
              for low, (most, colour) in zip(least, _BUSY, strict=False))]


def _width(bandwidth: float) -> float:
    """Points: 1 at 12.5 GB/s (100 Gb/s), one more for each doubling, 1 to 5."""
    return min(5.0, max(1.0, 1.0 + math.log2(bandwidth / 12.5e9)))


def _box_entries(graph: nx.DiGraph[Any]) -> Iterator[tuple[str, str]]:
    """(family, text) for each part that is drawn."""
    devices = [data["device"] for _, data in graph.nodes(data=True)]
    count = Counter((list(_BOXES).index(str(family_of(device))), device.name)
                    for device in devices)
    for (index, name), number in sorted(count.items()):
        family = list(_BOXES)[index]
        yield family, f"{family}: {number} x {name}" if number > 1 else f"{family}: {name}"


def _line_entries(graph: nx.DiGraph[Any]) -> Iterator[tuple[Link, str]]:
    """A link of each sort, with what to say of it."""
    links = {link_hash(data["link"]): data["link"] for _, _, data in graph.edges(data=True)}
    for link in sorted(links.values(), key=lambda link: (link.kind, link.name, link.rate_bps)):
        yield link, (f"{link.kind}: {link.name}, {format_bandwidth(link.rate_bps / 8)} raw, "
                     f"{format_bandwidth(link.bandwidth)} payload")


def _legends(figure: Figure, patches: list[tuple[str, str]],
             lines: list[tuple[str, float, str]]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    left = [Patch(facecolor=_BOXES[family][0], edgecolor=_BOXES[family][1], label=text)
            for family, text in patches]
    right = [Line2D([], [], color=colour, linewidth=width, label=text)
             for colour, width, text in lines]
    look: dict[str, Any] = {"frameon": False, "fontsize": 8, "labelcolor": _INK}
    figure.legend(handles=left, loc="lower left", ncols=1 + (len(left) > 4), **look)
    figure.legend(handles=right, loc="lower right", **look)
