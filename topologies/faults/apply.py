"""What an event makes of a graph: links gone, narrowed or slower, nodes gone or slower.

`apply` gives the graph after one event, `epochs` the compiled topology of every stretch of time
between events: in each, routes are searched anew, as after a route change. `capacity_changes`
keeps the routes and changes rates only: rows for the flow solver, in which a dead link stalls its
flows until it is up again.

A slow node is a GPU or NIC whose rates are divided by the factor, under a name of its own. Leaves
out: the time that a network takes to find new routes.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rackwright.devices import Gpu, Link, Nic
from rackwright.errors import TopologyError, UsageError
from rackwright.topologies.builders.compose import named_edges, nodes_like
from rackwright.topologies.fabric import Fabric, compile
from rackwright.topologies.faults.events import FaultEvent, in_order
from rackwright.units import seconds_to_ps

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["apply", "capacity_changes", "epochs", "links_by_ends"]

_GPU_RATES = ("clock_hz", "memory_bandwidth", "peak_fp16", "peak_bf16", "peak_tf32", "peak_fp8",
              "peak_int8", "peak_fp32")


def apply(graph: nx.DiGraph[Any], event: FaultEvent | str,
          healthy: nx.DiGraph[Any] | None = None) -> nx.DiGraph[Any]:
    """A copy of `graph` after `event`. `healthy`: what "up" goes back to. Raises UsageError.

    >>> from rackwright import topologies
    >>> star = topologies.star(hosts=3)
    >>> sorted(topologies.apply(star, "0s h1 down"))
    ['h0', 'h2', 's0']
    """
    one = in_order([event])[0]
    changed = graph.copy()
    if one.action == "up":
        _mend(changed, one, healthy if healthy is not None else graph)
    elif one.action == "slow":
        for node in nodes_like(changed, one.what):
            changed.nodes[node]["device"] = _slower(changed.nodes[node]["device"], one.value)
    elif one.is_edge:
        for tail, head, data in named_edges(changed, one.what):
            if one.action == "down" or (one.action == "rate" and one.value == 0):
                changed.remove_edge(tail, head)
            else:
                data["link"] = _worse(data["link"], one)
        _drop_halves(changed)
    else:
        changed.remove_nodes_from(nodes_like(changed, one.what))
    return changed


def epochs(graph: nx.DiGraph[Any], events: Iterable[FaultEvent | str]
           ) -> list[tuple[float, Fabric]]:
    """(start in seconds, topology) of every stretch of time, the first from 0.

    Raises TopologyError when what is left of the graph falls apart or cannot be used.

    >>> from rackwright import topologies
    >>> [start for start, _ in topologies.epochs(topologies.star(), ["1s h0 down", "2s h0 up"])]
    [0.0, 1.0, 2.0]
    """
    found = [(0.0, compile(graph))]
    current = graph
    for event in in_order(events):
        current = apply(current, event, healthy=graph)
        try:
            fabric = compile(current)
        except TopologyError as problem:
            raise TopologyError(f"after {_words(event)} this topology cannot be used",
                                problem.faults) from None
        if found[-1][0] == event.time:
            found.pop()
        found.append((event.time, fabric))
    return found


def capacity_changes(fabric: Fabric, events: Iterable[FaultEvent | str]
                     ) -> list[tuple[int, int, float]]:
    """Rows (time in ps, link, payload bytes/s) for `share_flows(changes=...)`.

    Only "down", "up", "rate" and "lanes" of edges and "down" and "up" of nodes change rates;
    others raise UsageError, as they need `epochs`.
    """
    rows: list[tuple[int, int, float]] = []
    graph, number = fabric.graph, links_by_ends(fabric)
    known: dict[str, Sequence[tuple[str, str, dict[str, Any]]]] = {}
    for event in in_order(events):
        if event.action in ("latency", "slow"):
            raise UsageError(f"{_words(event)} changes no rate; use topologies.epochs")
        if event.what not in known:
            known[event.what] = _touched(graph, event)
        for tail, head, data in known[event.what]:
            rate = 0.0 if event.action == "down" else data["link"].bandwidth \
                if event.action == "up" else _worse(data["link"], event).bandwidth
            rows += [(seconds_to_ps(event.time), link, float(rate))
                     for link in number[tail, head]]
    return rows


def links_by_ends(fabric: Fabric) -> dict[tuple[str, str], list[int]]:
    """(tail, head) -> indices of the links between them, parallel ones together."""
    found: dict[tuple[str, str], list[int]] = {}
    for link, (tail, head) in enumerate(zip(fabric.link_tails, fabric.link_heads, strict=True)):
        found.setdefault((fabric.nodes[tail], fabric.nodes[head]), []).append(link)
    return found


def _touched(graph: nx.DiGraph[Any], event: FaultEvent
             ) -> Sequence[tuple[str, str, dict[str, Any]]]:
    if event.is_edge:
        return named_edges(graph, event.what)
    nodes = set(nodes_like(graph, event.what))
    return [(tail, head, data) for tail, head, data in graph.edges(data=True)
            if tail in nodes or head in nodes]


def _worse(link: Link, event: FaultEvent) -> Link:
    """The link after "rate", "lanes" or "latency"."""
    if event.action == "latency":
        return dataclasses.replace(link, name=f"{link.name}-late", content_hash="",
                                   latency_time=event.value)
    if event.action == "lanes":
        width = re.search(r"-x(\d+)$", link.name)
        if link.kind != "pcie" or not width:
            raise UsageError(f"{_words(event)}: {link.name} has no lanes to lose")
        if event.value > int(width[1]):
            raise UsageError(f"{_words(event)}: {link.name} has no more lanes to give")
        return dataclasses.replace(
            link, name=f"{link.name[:width.start()]}-x{int(event.value)}", content_hash="",
            rate_bps=link.rate_bps * event.value / int(width[1]))
    rate = link.rate_bps * event.value if event.relative else event.value
    return dataclasses.replace(link, name=f"{link.name}-cut", rate_bps=rate, content_hash="")


def _slower(device: Any, factor: float) -> Any:
    name = f"{device.name}-slow{factor:g}"
    if isinstance(device, Gpu):
        rates = {key: getattr(device, key) / factor for key in _GPU_RATES
                 if getattr(device, key, None) is not None}
        return dataclasses.replace(device, name=name, content_hash="", **rates)
    if isinstance(device, Nic):
        return dataclasses.replace(device, name=name, content_hash="",
                                   rate_bps=device.rate_bps / factor,
                                   latency_time=device.latency_time * factor)
    raise UsageError(f"{device.name} ({device.kind}) cannot be slowed; GPUs and adapters can")


def _mend(graph: nx.DiGraph[Any], event: FaultEvent, healthy: nx.DiGraph[Any]) -> None:
    """Put back nodes and edges as `healthy` has them."""
    if not event.is_edge:
        for node in nodes_like(healthy, event.what):
            graph.add_node(node, **healthy.nodes[node])
    for tail, head, data in _touched(healthy, event):
        if tail in graph and head in graph:
            graph.add_edge(tail, head, **data)


def _drop_halves(graph: nx.DiGraph[Any]) -> None:
    """A link of which one direction is gone carries nothing: the other goes too."""
    graph.remove_edges_from([(tail, head) for tail, head in graph.edges()
                             if not graph.has_edge(head, tail)])


def _words(event: FaultEvent) -> str:
    return f"{event.what} {event.action} at {event.time:g} s"
