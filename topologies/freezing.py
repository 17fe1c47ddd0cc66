"""A sound graph as sequences in one fixed order: by natural name, never by insertion."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.canonical import content_hash
from rackwright.devices import Link
from rackwright.topologies import parts
from rackwright.topologies.names import natural_key
from rackwright.topologies.routing import Wiring
from rackwright.units import seconds_to_ps

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Frozen", "once_each"]

_SCHEMA = 1  # of what the content hash covers


class _Edge(NamedTuple):
    tail: int
    head: int
    link: Link
    digest: str


class Frozen:
    """The parts of a Fabric, from a graph that `check.faults` found nothing wrong with."""

    def __init__(self, graph: nx.DiGraph[str]) -> None:
        self._data = graph.nodes
        self.nodes = tuple(sorted(graph.nodes, key=natural_key))
        self.index = {node: number for number, node in enumerate(self.nodes)}
        self._part_hash = once_each(parts.part_hash)
        link_hash = once_each(parts.link_hash)
        edges = [_Edge(self.index[tail], self.index[head], data["link"], link_hash(data["link"]))
                 for tail, head, data in graph.edges(data=True)]
        self._edges = sorted(edges, key=operator.attrgetter("tail", "head", "digest"))
        self.link_names = tuple(self._link_names())
        self.link_kinds = tuple(edge.link.kind for edge in self._edges)

    def tails(self) -> npt.NDArray[np.int64]:
        return np.array([edge.tail for edge in self._edges], np.int64)

    def heads(self) -> npt.NDArray[np.int64]:
        return np.array([edge.head for edge in self._edges], np.int64)

    def bandwidth(self) -> npt.NDArray[np.float64]:
        return np.array([edge.link.bandwidth for edge in self._edges], np.float64)

    def latency_ps(self) -> npt.NDArray[np.int64]:
        """A link's latency and the forwarding time of the node it leaves."""
        waits = [parts.forwarding_time(self._device(node)) for node in self.nodes]
        return np.array([seconds_to_ps(edge.link.latency_time + waits[edge.tail])
                         for edge in self._edges], np.int64)

    def content_hash(self) -> str:
        """Hash of what decides a replay: names, parts, links, who forwards. No prose, no order."""
        nodes = [[node, self._part_hash(self._device(node)), self._data[node].get("forwards")]
                 for node in self.nodes]
        links = [[self.nodes[edge.tail], self.nodes[edge.head], edge.digest]
                 for edge in self._edges]
        return content_hash({"schema": _SCHEMA, "nodes": nodes, "links": links})

    def part_hashes(self) -> dict[str, str]:
        """Name -> hash of every device, and of every link that the catalog made."""
        devices = [self._device(node) for node in self.nodes]
        hashes = {device.name: self._part_hash(device) for device in devices}
        hashes |= {edge.link.name: edge.digest for edge in self._edges if edge.link.content_hash}
        return dict(sorted(hashes.items()))

    def wiring(self, bandwidth: npt.NDArray[np.float64], latency_ps: npt.NDArray[np.int64]
               ) -> Wiring:
        """What the router reads."""
        data = [self._data[node] for node in self.nodes]
        known: dict[str | None, int] = {None: -1}
        host = [known.setdefault(parts.host_of(node, entry["device"]), len(known))
                for node, entry in zip(self.nodes, data, strict=True)]
        return Wiring(
            self.nodes, host,
            forwards=[entry.get("forwards", parts.forwards(entry["device"])) for entry in data],
            transits=[entry.get("forwards", False) for entry in data],
            families=[str(parts.family_of(entry["device"])) for entry in data],
            link_names=self.link_names, link_kinds=self.link_kinds,
            tail=self.tails().tolist(), head=self.heads().tolist(),
            bandwidth=bandwidth.tolist(), latency_ps=latency_ps.tolist())

    def _device(self, node: str) -> Any:
        return self._data[node]["device"]

    def _link_names(self) -> Iterator[str]:
        """"u->v", then "u->v#1" ... for parallel links, in the order of their content."""
        count: dict[str, int] = {}
        for edge in self._edges:
            plain = f"{self.nodes[edge.tail]}->{self.nodes[edge.head]}"
            number = count[plain] = count.get(plain, -1) + 1
            yield f"{plain}#{number}" if number else plain


def once_each(function: Callable[[Any], str]) -> Callable[[Any], str]:
    """`function`, called once for each object: a thousand nodes often share one part."""
    known: dict[int, tuple[object, str]] = {}

    def remembered(value: object) -> str:
        if id(value) not in known:
            known[id(value)] = value, function(value)  # keeping it keeps its id
        return known[id(value)][1]

    return remembered
