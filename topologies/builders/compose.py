"""Changing and joining topologies: `replace`, `scale`, `merge`. All give new graphs.

Patterns are those of the shell (``h*/gpu*``) on names of nodes; an edge is written
``h0/gpu0->h0/nvswitch`` with patterns on both sides and means both directions, with ``=>`` only
that one. Anything else is ordinary networkx.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link, catalog
from rackwright.errors import UsageError
from rackwright.topologies.builders.building import add_link, device_part, link_part
from rackwright.topologies.builders.hosts import switch_for
from rackwright.topologies.names import host_part, natural_key
from rackwright.topologies.parts import family_of, is_switch

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.parts import Device

__all__ = ["edges_like", "merge", "nodes_like", "replace", "scale"]


def replace(graph: nx.DiGraph[Any], pattern: str, part: str | Device | Link) -> nx.DiGraph[Any]:
    """A copy in which all that `pattern` names is `part`: nodes a device, edges a link.

    Raises UsageError when nothing is named so, UnknownName.

    >>> from rackwright import topologies
    >>> graph = topologies.replace(topologies.dgx("h100-sxm"), "h0/gpu*", "h200-sxm")
    >>> graph.nodes["h0/gpu7"]["device"].name
    'h200-sxm'
    """
    changed = graph.copy()
    if _is_edge(pattern):
        link = link_part(part)  # type: ignore[arg-type]  # a device is refused there
        for data in edges_like(changed, pattern):
            data["link"] = link
        return changed
    device = device_part(part)  # type: ignore[arg-type]
    for node in nodes_like(changed, pattern):
        changed.nodes[node]["device"] = device
    return changed


def scale(graph: nx.DiGraph[Any], pattern: str, rate: float = 1.0, latency: float = 1.0
          ) -> nx.DiGraph[Any]:
    """A copy in which the links that `pattern` names have `rate` times their rate and `latency`
    times their latency. Raises UsageError.

    >>> from rackwright import topologies
    >>> half = topologies.scale(topologies.star(hosts=2), "h0->s0", rate=0.5)
    >>> half.edges["h0", "s0"]["link"].rate_bps / half.edges["h1", "s0"]["link"].rate_bps
    0.5
    """
    for name, factor, least in (("rate", rate, 0.0), ("latency", latency, -1.0)):
        if not (math.isfinite(factor) and least < factor <= 1e9) or factor < 0:
            raise UsageError(f"{name} is {factor!r}; a finite factor above 0 is needed"
                             + (" (0 is allowed)" if name == "latency" else ""))
    changed = graph.copy()
    for data in edges_like(changed, pattern):
        link = data["link"]
        marks = [f"{word}{factor:g}" for word, factor in (("rate", rate), ("latency", latency))
                 if factor != 1.0]
        data["link"] = dataclasses.replace(
            link, name="*".join([link.name, *marks]), rate_bps=link.rate_bps * rate,
            latency_time=link.latency_time * latency, content_hash="" if marks else
            link.content_hash)
    return changed


def merge(graphs: Sequence[nx.DiGraph[Any]], network: str | Link | None = "",
          switch: str = "", uplink: str | Link | None = None) -> nx.DiGraph[Any]:
    """One graph of several: hosts are numbered on, switches of one name get a number.

    `network`: the cable by which every adapter without a network is plugged into one new switch
    (`s0`, or the first such name that is free); empty takes a cable of the adapter's rate, None
    joins nothing. `uplink`: the cable from that switch to each graph that brings a network of its
    own: to its switches without hosts (spines, cores), or to all of its switches where every one
    has hosts. Raises UsageError, also where the graphs would be left apart, and UnknownName.

    >>> from rackwright import topologies
    >>> racks = [topologies.star(hosts=2), topologies.leaf_spine(leaves=2, spines=2)]
    >>> merged = topologies.merge(racks, uplink="ethernet-400g")
    >>> sorted(merged.successors("s1"))  # s0 is that of the star
    ['s0', 'spine0', 'spine1']
    """
    import networkx as nx

    if not graphs:
        raise UsageError("merge() needs graphs")
    merged: nx.DiGraph[Any] = nx.DiGraph(name=" + ".join(
        str(graph.graph.get("name", "")) or "unnamed" for graph in graphs)[:200])
    hosts, roots = 0, []
    for graph in graphs:
        names, hosts = _new_names(graph, merged, hosts)
        moved = nx.relabel_nodes(graph, names)
        merged.add_nodes_from(moved.nodes(data=True))
        merged.add_edges_from(moved.edges(data=True))
        roots.append([names[node] for node in _top_switches(graph)])
    if network is None:
        if uplink is not None:
            raise UsageError("network=None joins nothing, uplink= joins; give one of them")
        return merged
    _plug(merged, network, switch, uplink, roots)
    _refuse_parts(merged, graphs, roots)
    return merged


def nodes_like(graph: nx.DiGraph[Any], pattern: str) -> list[str]:
    """Nodes that a pattern names, in natural order. Raises UsageError for none."""
    found = sorted(fnmatch.filter(map(str, graph.nodes), pattern), key=natural_key)
    if not found:
        raise UsageError(f"no node is named {pattern!r}; nodes are {_some(graph.nodes)}")
    return found


def edges_like(graph: nx.DiGraph[Any], pattern: str) -> list[dict[str, Any]]:
    """Attributes of the edges that a pattern names. Raises UsageError for none."""
    return [data for _, _, data in named_edges(graph, pattern)]


def named_edges(graph: nx.DiGraph[Any], pattern: str) -> list[tuple[str, str, dict[str, Any]]]:
    """(tail, head, attributes) of the edges that a pattern names. Raises UsageError for none."""
    one_way = "=>" in pattern
    tail, arrow, head = pattern.partition("=>" if one_way else "->")
    if not arrow:
        raise UsageError(f"{pattern!r} names no edge; write 'h0/gpu*->h0/nvswitch'")
    found = list(_matching(graph, [(tail, head)] if one_way else [(tail, head), (head, tail)]))
    if not found:
        raise UsageError(f"no edge is named {pattern!r}; edges are "
                         f"{_some(f'{one}->{other}' for one, other in graph.edges())}")
    return found


def _matching(graph: nx.DiGraph[Any], pairs: Iterable[tuple[str, str]]
              ) -> Iterator[tuple[str, str, dict[str, Any]]]:
    wanted = [(tail.strip(), head.strip()) for tail, head in pairs]
    for one, other, data in graph.edges(data=True):
        if any(fnmatch.fnmatchcase(one, tail) and fnmatch.fnmatchcase(other, head)
               for tail, head in wanted):
            yield one, other, data


def _is_edge(pattern: str) -> bool:
    return "->" in pattern or "=>" in pattern


def _some(names: Iterable[Any]) -> str:
    ordered = sorted(map(str, names), key=natural_key)
    return ", ".join(ordered[:6]) + (" ..." if len(ordered) > 6 else "")


def _new_names(graph: nx.DiGraph[Any], merged: nx.DiGraph[Any], hosts: int
               ) -> tuple[Mapping[str, str], int]:
    """New name by old: hosts counted on, others as they are while they are free."""
    found: dict[str, str] = {}
    host_names: dict[str, str] = {}
    for node in sorted(graph.nodes, key=natural_key):
        part = graph.nodes[node]["device"]
        host = host_part(node) or ("" if is_switch(part) else node)
        if host:
            new = host_names.setdefault(host, f"h{hosts + len(host_names)}")
            found[node] = f"{new}/{node.rpartition('/')[2]}" if host_part(node) else new
        else:
            name, number = node, 1
            while name in merged or name in found.values():
                number += 1
                name = f"{node}-{number}"
            found[node] = name
    return found, hosts + len(host_names)


def _plug(graph: nx.DiGraph[Any], network: str | Link, switch: str, uplink: str | Link | None,
          roots: Sequence[Sequence[str]]) -> None:
    loose = [node for node in sorted(graph.nodes, key=natural_key)
             if family_of(graph.nodes[node]["device"]) in ("nic", "smart-nic")
             and all("" != host_part(node) == host_part(other) for other in graph.successors(node))]
    cables = {node: _cable(graph, node) if network == "" else link_part(network)
              for node in loose}
    if uplink is not None:
        cables |= {node: link_part(uplink) for nodes in roots for node in nodes}
    if not cables:
        return
    fastest = max(cables.values(), key=lambda link: link.rate_bps)
    name = next(f"s{number}" for number in range(len(graph) + 1) if f"s{number}" not in graph)
    graph.add_node(name, device=device_part(switch or switch_for(fastest)))
    for node, cable in cables.items():
        add_link(graph, node, name, cable)


def _top_switches(graph: nx.DiGraph[Any]) -> list[str]:
    """Of a graph's own network: its switches without hosts, else all of them."""
    switches = [node for node in sorted(graph.nodes, key=natural_key)
                if not host_part(node) and is_switch(graph.nodes[node]["device"])]
    bare = [node for node in switches
            if all(other in switches for other in graph.successors(node))]
    return bare or switches


def _refuse_parts(merged: nx.DiGraph[Any], graphs: Sequence[nx.DiGraph[Any]],
                  roots: Sequence[Sequence[str]]) -> None:
    """Raises UsageError when what should have been joined falls into parts."""
    import networkx as nx

    if nx.number_weakly_connected_components(merged) < 2:
        return
    parts = []
    for number, (graph, nodes) in enumerate(zip(graphs, roots, strict=True), 1):
        name = f"graph {number} ({str(graph.graph.get('name', '')) or 'unnamed'})"
        if nodes:
            parts.append(f"{name} brings a network of its own (switch {nodes[0]}: give "
                         "uplink='ethernet-400g')")
        elif not any(family_of(device) in ("nic", "smart-nic")
                     for _, device in graph.nodes(data="device")):
            parts.append(f"{name} has no adapter (join it with graph.add_edge(..., link=...))")
    raise UsageError("the graphs would be left apart: " + ("; ".join(parts) or "one has parts of "
                     "its own without a link") + "; network=None joins nothing")


def _cable(graph: nx.DiGraph[Any], node: str) -> Link:
    """An Ethernet cable of the adapter's rate: what an import says of it, else the part's."""
    data = graph.nodes[node]
    rate = data.get("rate_bps") or getattr(data["device"], "rate_bps", None)
    if rate is None:
        raise UsageError(f"{node} has no rate; give the cable, as in network='ethernet-100g'")
    for gigabits in (10, 25, 40, 100, 200, 400, 800):
        name = f"ethernet-{gigabits}g"
        if rate <= gigabits * 1e9 and name in catalog.names("link"):
            return catalog.link(name)
    raise UsageError(f"{node} has {rate / 1e9:g} Gb/s, faster than any cable of the catalog; give "
                     "network=")
