"""Everything that can be wrong with a graph, found in one pass and said in one error.

Checked: the graph's type, names of nodes, devices, links and their numbers, that each link has
its reverse, and that the graph hangs together. Not checked: whether the hardware could be built
(lanes, ports, slots).
"""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.topologies.freezing import once_each
from rackwright.topologies.names import name_fault, natural_key
from rackwright.topologies.parts import FAMILIES, family_of, forwarding_time, is_switch, part_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    import networkx as nx

__all__ = ["faults", "link_faults"]

_SHOWN = 5  # examples in a message that would otherwise grow with the graph
# Our own limits: inside them, picoseconds of a transfer and of a path fit the engine's clock.
_LEAST_RATE, _MOST_RATE = 1.0, 1e18  # bits/s
_MOST_LATENCY = 3600.0               # s


def faults(graph: nx.Graph[Any]) -> tuple[str, ...]:
    """All faults of `graph`, each a sentence with the node or edge; empty when it is sound."""
    if graph.number_of_nodes() == 0:
        return ("the graph is empty: add nodes with a device, and edges with a link",)
    return (*_kind_faults(graph), *_node_faults(graph), *_edge_faults(graph),
            *_apart_faults(graph))


def link_faults(link: Link) -> Iterator[str]:
    """What is wrong with the fields of a link."""
    for name in ("name", "kind"):
        if not isinstance(getattr(link, name), str):
            yield f"{name} is {_short(getattr(link, name))}; it must be text"
    rate, share = link.rate_bps, link.efficiency
    if not _within(rate, _LEAST_RATE, _MOST_RATE):
        yield (f"rate_bps is {rate!r}; it must be {_LEAST_RATE:g} to {_MOST_RATE:g} bits/s, and "
               "finite")
    if not _within(share, 0, 1) or share == 0:
        yield f"efficiency is {share!r}; it must be above 0 and at most 1"
    elif _within(rate, _LEAST_RATE, _MOST_RATE) and rate * share < _LEAST_RATE:
        yield f"rate_bps x efficiency is {rate * share!r}; it must be at least {_LEAST_RATE:g}"
    if not _within(link.latency_time, 0, _MOST_LATENCY):
        yield f"latency_time is {link.latency_time!r}; it must be 0 to {_MOST_LATENCY:g} seconds"


def _within(value: object, low: float, high: float) -> bool:
    if not isinstance(value, numbers.Real) or isinstance(value, bool):
        return False
    number: Any = value
    return bool(low <= number <= high)


def _kind_faults(graph: nx.Graph[Any]) -> Iterator[str]:
    if not graph.is_directed():
        yield ("the graph is undirected, but each direction is a link of its own: "
               "pass graph.to_directed()")
    devices = [device for _, device in graph.nodes(data="device")]
    if all(family_of(device) is None or is_switch(device) for device in devices):
        yield ("there is no endpoint: every node is a switch; add a GPU, NIC, CPU, memory or "
               "drive")


def _node_faults(graph: nx.Graph[Any]) -> Iterator[str]:
    for node, data in graph.nodes(data=True):
        bad_name = name_fault(node)
        if bad_name:
            yield f"node {bad_name}"
        yield from (f"node {node!r}: {fault}" for fault in _device_faults(data))
    yield from _case_faults(graph)
    yield from _part_faults(graph)


def _device_faults(data: dict[str, Any]) -> Iterator[str]:
    allowed = ", ".join(FAMILIES)
    if "device" not in data:
        yield f"has no attribute 'device'; give it a part ({allowed}), as catalog.gpu(...) makes"
    elif family_of(data["device"]) is None:
        yield (f"its device is {_short(data['device'])}, no part; allowed: {allowed}, as "
               "catalog.gpu(...) makes")
    elif not _within(forwarding_time(data["device"]), 0, _MOST_LATENCY):
        yield (f"its part's latency_time is {forwarding_time(data['device'])!r}; it must be 0 to "
               f"{_MOST_LATENCY:g} seconds")
    if not isinstance(data.get("forwards", True), bool):
        yield f"forwards is {_short(data['forwards'])}; it must be True or False"


def _case_faults(graph: nx.Graph[Any]) -> Iterator[str]:
    """Names that differ in case only: sooner or later one is taken for the other."""
    seen: dict[str, list[str]] = {}
    for node in graph.nodes:
        if isinstance(node, str):
            seen.setdefault(node.casefold(), []).append(node)
    for alike in seen.values():
        if len(alike) > 1:
            yield f"nodes {_listed(alike)} differ in upper and lower case only; rename one"


def _part_faults(graph: nx.Graph[Any]) -> Iterator[str]:
    """Two parts of one name that differ: results could not say which one was meant."""
    first: dict[str, tuple[str, str]] = {}
    digest_of = once_each(part_hash)
    for node, data in graph.nodes(data=True):
        device: Any = data.get("device")
        if family_of(device) is None:
            continue
        try:
            digest = digest_of(device)
        except (TypeError, ValueError) as problem:
            yield f"node {node!r}: its part {device.name!r} cannot be hashed: {problem}"
            continue
        other_node, other = first.setdefault(device.name, (node, digest))
        if other != digest:
            yield (f"node {node!r}: its part {device.name!r} differs from the one of that name "
                   f"on {other_node!r}; give one of them another name")


def _edge_faults(graph: nx.Graph[Any]) -> Iterator[str]:
    arrow = "->" if graph.is_directed() else "--"
    for tail, head, data in graph.edges(data=True):
        place = f"edge {tail}{arrow}{head}"
        if tail == head:
            yield f"{place}: a node cannot be linked to itself; remove the edge"
        yield from (f"{place}: {fault}" for fault in _link_attribute_faults(data))
        if graph.is_directed() and not graph.has_edge(head, tail):
            yield (f"{place} has no reverse {head}->{tail}: a link carries both directions; "
                   "add it")


def _link_attribute_faults(data: dict[str, Any]) -> Iterator[str]:
    if "link" not in data:
        yield "has no attribute 'link'; give it one, as catalog.link(...) makes"
    elif not isinstance(data["link"], Link):
        yield f"its link is {_short(data['link'])}, no Link; use what catalog.link(...) makes"
    else:
        yield from link_faults(data["link"])


def _apart_faults(graph: nx.Graph[Any]) -> Iterator[str]:
    import networkx as nx

    pieces = list(nx.connected_components(graph.to_undirected(as_view=True)))
    if len(pieces) > 1:
        heads = sorted((min(map(str, piece), key=natural_key), len(piece)) for piece in pieces)
        shown = [f"{name} ({size} node{'s' if size > 1 else ''})" for name, size in heads]
        yield (f"the graph falls into {len(pieces)} parts without a link between them, one each "
               f"around: {_listed(shown)}; join them or compile them one by one")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _short(value: object) -> str:
    text = repr(value)
    text = text if len(text) <= 40 else f"{text[:40]}..."
    return f"{text} (a {type(value).__name__})"
