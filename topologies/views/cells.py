"""What stands for what in a picture: each node a box, or a host a box, or alike hosts a box.

A big rack is drawn with less detail, so that labels stay readable.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rackwright.devices import Link
from rackwright.topologies.names import host_part, natural_key, unit_part
from rackwright.topologies.parts import family_of, link_hash
from rackwright.topologies.views.roles import ROWS, ranges, rows_of

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Cell", "Cells", "Line", "cells"]

HOST_ROW = ROWS["nic"]


class Cell(NamedTuple):
    """A box of a picture: `frame` is the host drawn around it, "" for none."""

    name: str
    label: str
    family: str
    row: int
    frame: str


class Line(NamedTuple):
    """`number` links of one sort between two boxes (both directions are one line).

    `use`: the largest utilisation of any of them, 0..1; None when none is known.
    """

    one: str
    other: str
    link: Link
    number: int
    use: float | None = None


@dataclass(frozen=True)
class Cells:
    """The boxes by name, in natural order, and the lines between them."""

    boxes: Mapping[str, Cell]
    lines: tuple[Line, ...]


def cells(graph: nx.DiGraph[Any], use: Mapping[str, float] | None = None) -> Iterator[Cells]:
    """Pictures of `graph`, the most detailed one first. `use`: link ("a->b") -> 0..1."""
    use = use or {}
    nodes = sorted(graph.nodes, key=natural_key)
    rows = rows_of(graph)
    family = {node: str(family_of(graph.nodes[node]["device"])) for node in nodes}
    single = {node: Cell(node, unit_part(node), family[node], rows[node], host_part(node))
              for node in nodes}
    yield _joined(graph, single, use)
    units: dict[str, Counter[str]] = defaultdict(Counter)
    for node in nodes:
        units[host_part(node)][family[node]] += 1
    hosts = {node: _host_cell(host_part(node), units) if host_part(node) else single[node]
             for node in nodes}
    coarse = _joined(graph, hosts, use)
    yield coarse
    merged = _merged(coarse, {cell.name: graph.nodes[node]["device"].name if node == cell.name
                              else str(sorted(units[cell.name].items()))
                              for node, cell in hosts.items()})
    yield _joined(graph, {node: merged[cell.name] for node, cell in hosts.items()}, use)


def _host_cell(host: str, units: Mapping[str, Counter[str]]) -> Cell:
    shown = [f"{units[host][family]} {family}" for family in ("gpu", "nic", "smart-nic", "nvme")
             if units[host][family]]
    return Cell(host, "\n".join([host, *shown]), "host", HOST_ROW, "")


def _merged(coarse: Cells, looks: Mapping[str, str]) -> dict[str, Cell]:
    """Cell name -> the cell of all that look alike and hang on the same switches."""
    near: dict[str, set[str]] = defaultdict(set)
    for line in coarse.lines:
        near[line.one].add(line.other)
        near[line.other].add(line.one)
    alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, cell in coarse.boxes.items():
        alone = name if cell.row < HOST_ROW else ""
        alike[looks[name], alone, *sorted(near[name])].append(name)
    return {name: _several(coarse.boxes[names[0]], names)
            for names in alike.values() for name in names}


def _several(cell: Cell, names: list[str]) -> Cell:
    if len(names) == 1:
        return cell
    _, _, rest = cell.label.partition("\n")
    each = [f"{len(names)} hosts of", rest] if rest else [f"{len(names)} hosts"]
    return cell._replace(label="\n".join([ranges(names), *each]))


def _joined(graph: nx.DiGraph[Any], cell_of: Mapping[str, Cell], use: Mapping[str, float]
            ) -> Cells:
    boxes = {cell.name: cell for cell in cell_of.values()}
    count: Counter[tuple[str, str, str]] = Counter()
    links: dict[str, Link] = {}
    busy: dict[tuple[str, str, str], float] = {}
    for tail, head, data in graph.edges(data=True):
        one, other = sorted((cell_of[tail].name, cell_of[head].name), key=natural_key)
        if one != other:
            digest = link_hash(data["link"])
            links[digest] = data["link"]
            count[one, other, digest] += 1
            share = use.get(f"{tail}->{head}")
            if share is not None:
                busy[one, other, digest] = max(share, busy.get((one, other, digest), 0.0))
    ordered = sorted(count.items(), key=lambda item: (*map(natural_key, item[0][:2]), item[0][2]))
    lines = tuple(Line(one, other, links[digest], -(-number // 2), busy.get((one, other, digest)))
                  for (one, other, digest), number in ordered)
    return Cells({name: boxes[name] for name in sorted(boxes, key=natural_key)}, lines)
