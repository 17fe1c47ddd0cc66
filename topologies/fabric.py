"""`compile(graph) -> Fabric`: a checked, frozen topology with its links as arrays.

Models: directed links with a bandwidth (payload bytes/s) and a latency (int64 ps) that includes
the forwarding time of the node it leaves, so that the latency of a path is the sum over its
links. A switch is non-blocking inside: contention is on links only. Leaves out: buffers, and
changes in time (the replay appends those). Routes: see `rackwright.topologies.routing`.

Order is by natural name, never by insertion, so equal content gives equal arrays and hashes.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, cast

import numpy as np
import numpy.typing as npt

from rackwright.canonical import content_hash
from rackwright.errors import TopologyError, UnknownName, UsageError
from rackwright.topologies.bulk_routes import BulkRoutes, Loads
from rackwright.topologies.check import faults
from rackwright.topologies.freezing import Frozen
from rackwright.topologies.names import natural_key
from rackwright.topologies.parts import FAMILIES, SWITCHES, Device, family_of, host_of
from rackwright.topologies.routing import FLOW_LIMIT, POLICIES, Router

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Fabric", "LinkTable", "Routes", "compile"]


class LinkTable(NamedTuple):
    """One entry a directed link: payload bytes/s, and ps from the tail node's input on."""

    bandwidth: npt.NDArray[np.float64]
    latency_ps: npt.NDArray[np.int64]


class Routes(NamedTuple):
    """Route i crosses ``links[offsets[i]:offsets[i + 1]]``, in order."""

    offsets: npt.NDArray[np.int64]
    links: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Fabric:
    """A compiled topology; made by `compile`. Equal content has an equal `content_hash`.

    `nodes`: names in natural order. `links`, `link_names` ("h0/gpu0->h0/nvswitch"; parallel ones
    end in "#1", "#2" ...), `link_kinds`, `link_tails`, `link_heads` (indices of nodes): one entry
    a directed link. `parts`: name -> SHA-256 of every part on it. `graph`: a frozen copy.
    `policy`: how routes are chosen, see `rackwright.topologies.routing`.
    """

    nodes: tuple[str, ...]
    links: LinkTable
    link_names: tuple[str, ...]
    link_kinds: tuple[str, ...]
    link_tails: npt.NDArray[np.int64]
    link_heads: npt.NDArray[np.int64]
    content_hash: str
    parts: Mapping[str, str]
    graph: nx.DiGraph[str]
    policy: str
    _router: Router = field(repr=False)
    _bulk: BulkRoutes = field(repr=False)
    _index: Mapping[str, int] = field(repr=False)

    def __repr__(self) -> str:
        return (f"<Fabric of {len(self.nodes)} nodes, {len(self.link_names)} links, "
                f"{self.content_hash[:12]}>")

    def _repr_html_(self) -> str:
        """The table of `to_text`, for notebooks."""
        from html import escape

        from rackwright.topologies.views.text import to_text

        return f"<pre>{escape(to_text(self))}</pre>"

    def __reduce__(self) -> tuple[Any, ...]:
        # read-only arrays and proxies do not pickle as such
        return compile, (self.graph, self.policy)

    def device(self, node: str) -> Device:
        """The part on `node`. Raises UnknownName."""
        self._number(node)
        return cast("Device", self.graph.nodes[node]["device"])

    @cached_property
    def endpoints(self) -> Mapping[str, tuple[str, ...]]:
        """Family ("gpu", "nic", ...) -> names in natural order; switches are none."""
        found: dict[str, list[str]] = {family: [] for family in FAMILIES}
        for node in self.nodes:
            found[str(family_of(self.graph.nodes[node]["device"]))].append(node)
        return MappingProxyType({family: tuple(names) for family, names in found.items()
                                 if family not in SWITCHES})

    def gpus(self) -> tuple[str, ...]:
        """Names of the GPUs: h0/gpu0, h0/gpu1, ..., h0/gpu10, h1/gpu0 ..."""
        return self.endpoints["gpu"]

    def hosts(self) -> tuple[str, ...]:
        """Names of the hosts in natural order."""
        return self._hosts

    @cached_property
    def _hosts(self) -> tuple[str, ...]:
        found = {self.host_of(node) for node in self.nodes} - {None}
        return tuple(sorted((str(host) for host in found), key=natural_key))

    def host_of(self, node: str) -> str | None:
        """What stands before the slash; a bare endpoint is its own host; a switch has None."""
        return host_of(node, self.device(node))

    def route(self, source: str, target: str, flow_id: int = 0) -> tuple[int, ...]:
        """Indices of the links from `source` to `target`; empty when they are the same node.

        `flow_id` (0 .. 2**62 - 1) chooses among equally good paths. Raises TopologyError when no
        path leads there, UnknownName, and UsageError for a flow id out of range.
        """
        flow = _flow(flow_id)
        found = self._router.route(self._number(source), self._number(target), flow)
        return self._no_route(source, target) if found is None else found

    def _no_route(self, source: str, target: str) -> NoReturn:
        raise TopologyError("no route", [
            f"{source} -> {target}: no path that only switches, NICs and CPUs forward, and "
            "no third host; link them, or set forwards=True on a node between them"])

    def routes(self, pairs: Iterable[tuple[str, str]],
               flow_ids: Sequence[int] | npt.NDArray[np.int64] | None = None) -> Routes:
        """Routes of (source, target) `pairs`, in their order, as CSR; see `route`.

        `flow_ids`: one a pair; None means 0 for all (the two ends still spread them).
        """
        wanted = list(pairs)
        flows = np.zeros(len(wanted), np.int64) if flow_ids is None else np.array(
            [_flow(flow) for flow in flow_ids], np.int64)
        if len(flows) != len(wanted):
            raise UsageError(f"{len(flows)} flow_ids for {len(wanted)} pairs; give one each")
        ends = np.array([(self._number(source), self._number(target)) for source, target
                         in wanted], np.int64).reshape(-1, 2)
        return self.routes_between(ends[:, 0], ends[:, 1], flows)

    def routes_between(self, sources: npt.NDArray[np.int64], targets: npt.NDArray[np.int64],
                       flows: npt.NDArray[np.int64]) -> Routes:
        """`routes` of pairs by the indices of their nodes; flow ids are not checked."""
        length = np.full(len(sources), -1, np.int64)
        groups = list(self._bulk.routes(sources, targets, flows))
        for pairs, starts, _ in groups:
            length[pairs] = np.diff(starts)
        if len(lost := np.flatnonzero(length < 0)):
            self._no_route(self.nodes[sources[lost[0]]], self.nodes[targets[lost[0]]])
        offsets = np.zeros(len(sources) + 1, np.int64)
        np.cumsum(length, out=offsets[1:])
        links = np.empty(offsets[-1], np.int64)
        for pairs, starts, found in groups:
            links[np.arange(len(found)) + np.repeat(offsets[pairs] - starts[:-1],
                                                    np.diff(starts))] = found
        return Routes(_locked(offsets), _locked(links))

    def loads_between(self, sources: npt.NDArray[np.int64], targets: npt.NDArray[np.int64]
                      ) -> Loads:
        """How many pairs of nodes, by index, cross each link; where hashes draw the paths of more
        than 20,000, mean and variance over draws. Raises TopologyError without a path."""
        found = self._bulk.loads(sources, targets)
        if found is None:  # which one is a slower question
            self.routes_between(sources, targets, np.zeros(len(sources), np.int64))
        return cast("Loads", found)

    def numbers(self, nodes: Iterable[str]) -> npt.NDArray[np.int64]:
        """Indices of nodes. Raises UnknownName."""
        return np.array([self._number(node) for node in nodes], np.int64)

    def _number(self, node: str) -> int:
        if node not in self._index:
            raise UnknownName("node", node, self.nodes[:40])
        return self._index[node]


def compile(graph: nx.Graph[Any], policy: str | None = None) -> Fabric:
    """Check `graph` and freeze it.

    `graph`: a networkx DiGraph or MultiDiGraph with a part as node attribute `device` and a Link
    as edge attribute `link`. `policy`: how routes are chosen, "preferred", "latency" or "widest"
    (see `rackwright.topologies.routing`); without it what ``graph.graph["routes"]`` says, else
    "preferred". Raises TopologyError listing every fault, UsageError for anything that is no
    graph, UnknownName.
    """
    _refuse_no_graph(graph)
    policy = policy or str(graph.graph.get("routes", "preferred"))
    if policy not in POLICIES:
        raise UnknownName("policy of routes", policy, POLICIES)
    found = faults(graph)
    if found:
        raise TopologyError("this topology cannot be used", found)
    return _freeze(cast("nx.DiGraph[str]", graph), policy)


def _refuse_no_graph(graph: object) -> None:
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        hint = f"; topologies.resolve({graph!r}) gives one" if isinstance(graph, str) else ""
        raise UsageError(f"compile() takes a networkx graph, not a {type(graph).__name__}{hint}")


def _freeze(graph: nx.DiGraph[str], policy: str) -> Fabric:
    import networkx as nx

    frozen = Frozen(graph)
    bandwidth, latency = frozen.bandwidth(), frozen.latency_ps()
    wiring = frozen.wiring(bandwidth, latency)
    router = Router(wiring, policy)
    return Fabric(
        nodes=frozen.nodes, links=LinkTable(_locked(bandwidth), _locked(latency)),
        link_names=frozen.link_names, link_kinds=frozen.link_kinds,
        link_tails=_locked(frozen.tails()), link_heads=_locked(frozen.heads()),
        content_hash=_content_hash(frozen, policy), parts=MappingProxyType(frozen.part_hashes()),
        graph=nx.freeze(graph.copy()), policy=policy,
        _router=router, _bulk=BulkRoutes(wiring, policy, router),
        _index=MappingProxyType(frozen.index))


def _content_hash(frozen: Frozen, policy: str) -> str:
    """Hash of what decides a replay; the preferred policy leaves that of the graph as it is."""
    plain = frozen.content_hash()
    return plain if policy == "preferred" else content_hash({"graph": plain, "policy": policy})


def _flow(flow_id: object) -> int:
    try:
        number = operator.index(cast("int", flow_id))
    except TypeError:
        number = -1
    if isinstance(flow_id, bool) or not 0 <= number < FLOW_LIMIT:
        raise UsageError(f"flow_id is {flow_id!r}; it must be an integer from 0 to 2**62 - 1")
    return number


def _locked(array: Any) -> Any:
    array.flags.writeable = False
    return array
