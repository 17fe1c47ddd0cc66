"""`Draft`: a graph under construction by an importer, with its report and its faults."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.errors import TopologyError
from rackwright.topologies.formats.report import Report

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.parts import Device

__all__ = ["Draft"]

_MOST_NODES, _MOST_EDGES = 200_000, 4_000_000  # our own limits: beyond, memory runs out first


class Draft:
    """Nodes and links as they are read; `finish` gives the graph or lists what is wrong."""

    def __init__(self, form: str, place: object, name: str) -> None:
        import networkx as nx

        self.report = Report(form)
        self.faults: list[str] = []
        self.place = place
        self._graph: nx.DiGraph[Any] = nx.DiGraph(name=name)
        self._numbers: Counter[str] = Counter()

    def __contains__(self, node: object) -> bool:
        return node in self._graph

    def device(self, node: str) -> Device:
        """The part on a node."""
        found: Device = self._graph.nodes[node]["device"]
        return found

    def fresh(self, stem: str) -> str:
        """The next free name: ``h0/pcie`` gives h0/pcie0, h0/pcie1 ..."""
        while f"{stem}{self._numbers[stem]}" in self._graph:
            self._numbers[stem] += 1
        return f"{stem}{self._numbers[stem]}"

    def add(self, node: str, device: Device, **attributes: Any) -> str:
        """A node; attributes that are empty are left out. Returns its name."""
        if node in self._graph:
            self.faults.append(f"node {node!r} stands twice")
        elif len(self._graph) >= _MOST_NODES:
            raise TopologyError("not a topology", [f"more than {_MOST_NODES} nodes"],
                                place=self.place)
        kept = {key: value for key, value in attributes.items() if value not in ("", None, {})}
        self._graph.add_node(node, device=device, **kept)
        return node

    def join(self, one: str, other: str, link: Link) -> bool:
        """Link two nodes in both directions; False when they were linked before."""
        if self._graph.has_edge(one, other):
            return False
        if self._graph.number_of_edges() >= _MOST_EDGES:
            raise TopologyError("not a topology", [f"more than {_MOST_EDGES} links"],
                                place=self.place)
        self._graph.add_edge(one, other, link=link)
        self._graph.add_edge(other, one, link=link)
        return True

    def join_one_way(self, tail: str, head: str, link: Link) -> None:
        """One direction of a link; `compile` asks for the other."""
        self._graph.add_edge(tail, head, link=link)

    def assume(self, sentence: str) -> None:
        """Say in the report what the file left open; an empty sentence says nothing."""
        if sentence:
            self.report.assumed[sentence] += 1

    def finish(self) -> nx.DiGraph[Any]:
        """The graph with its report. Raises TopologyError listing every fault."""
        if self.faults:
            raise TopologyError(f"not a usable {self.report.format}", self.faults,
                                place=self.place)
        self._graph.graph["import"] = self.report.record()
        return self._graph
