"""Routes of random graphs against networkx, by rules written down a second time."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import TopologyError
from rackwright.topologies import compile

FAMILIES = ("gpu", "nic", "cpu", "pcie_switch", "switch", "memory")
KINDS = ("ethernet", "pcie", "nvlink")
PLAIN = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def graphs(draw: st.DrawFn, parts: Any) -> nx.MultiDiGraph[Any]:
    """Connected, with few different latencies and rates, so that ties are common."""
    count = draw(st.integers(2, 9))
    nodes = []
    for number in range(count):
        family = draw(st.sampled_from(FAMILIES if number else FAMILIES[:3]))
        host = draw(st.sampled_from(["", "h0/", "h1/", "h2/"]))
        nodes.append((f"{host}{family.replace('_', '-')}{number}", getattr(parts, family)))
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    for name, device in nodes:
        graph.add_node(name, device=device)
        if draw(st.integers(0, 9)) == 0:
            graph.nodes[name]["forwards"] = draw(st.booleans())
    ends = [(draw(st.integers(0, number - 1)), number) for number in range(1, count)]
    ends += draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)),
                          max_size=8))
    for one, other in ends:
        if one != other:
            link = parts.link("wire", draw(st.sampled_from(KINDS)),
                              draw(st.sampled_from([8e9, 16e9, 32e9])), 1.0,
                              draw(st.sampled_from([0.0, 1e-7, 2e-7])))
            parts.join(graph, nodes[one][0], nodes[other][0], link)
    return graph


def host(graph: nx.MultiDiGraph[Any], node: str) -> str:
    if "/" in node:
        return node.split("/")[0]
    return "" if type(graph.nodes[node]["device"]).__name__ in ("Switch", "PcieSwitch") else node


def allowed(graph: nx.MultiDiGraph[Any], source: str, sort: str) -> nx.MultiDiGraph[Any]:
    """The links that traffic of `source` may take, with a weight for (latency, hops)."""
    found: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    found.add_nodes_from(graph)
    for tail, head, data in graph.edges(data=True):
        device, told = graph.nodes[tail]["device"], graph.nodes[tail].get("forwards")
        forwards = type(device).__name__ not in ("Gpu", "Memory") if told is None else told
        leaves_third_host = (host(graph, tail) not in ("", host(graph, source))
                             and host(graph, tail) != host(graph, head) and told is not True)
        fits = {"gpu links": data["link"].kind == "nvlink",
                "inside": host(graph, head) == host(graph, source),
                "past no cpu": type(device).__name__ != "Cpu" or tail == source, "any": True}
        if fits[sort] and (tail == source or (forwards and not leaves_third_host)):
            waits = 0.0 if type(device).__name__ in ("Gpu", "Memory") else device.latency_time
            ps = round((data["link"].latency_time + waits) * 1e12)
            found.add_edge(tail, head, weight=ps * 1000 + 1, width=data["link"].bandwidth)
    return found


def best(graph: nx.MultiDiGraph[Any], source: str, target: str) -> tuple[int, float] | None:
    """(1000 x latency + hops, width) of the best path."""
    one_host = host(graph, source) == host(graph, target) != ""
    for sort in ("gpu links", "inside" if one_host else "past no cpu", "any"):
        usable = allowed(graph, source, sort)
        if nx.has_path(usable, source, target):
            cost = nx.dijkstra_path_length(usable, source, target)
            paths = nx.all_shortest_paths(usable, source, target, weight="weight")
            return cost, max(width_of(usable, path) for path in paths)
    return None


def width_of(usable: nx.MultiDiGraph[Any], path: list[str]) -> float:
    """Of the widest choice among the cheapest parallel links of each hop."""
    widths = []
    for tail, head in zip(path, path[1:], strict=False):
        options = usable[tail][head].values()
        cheapest = min(option["weight"] for option in options)
        widths.append(max(o["width"] for o in options if o["weight"] == cheapest))
    return min(widths)


@PLAIN
@given(data=st.data())
def test_routes_are_connected_and_the_best_that_networkx_finds(parts, data):
    graph = data.draw(graphs(parts))
    fabric = compile(graph)
    for source in fabric.nodes:
        for target in fabric.nodes:
            if source == target:
                continue
            wanted = best(graph, source, target)
            try:
                route = list(fabric.route(source, target, data.draw(st.integers(0, 3))))
            except TopologyError:
                assert wanted is None, f"{source} -> {target}"
                continue
            assert wanted is not None, f"{source} -> {target}"
            walk = [fabric.nodes[fabric.link_tails[link]] for link in route]
            assert walk[0] == source and fabric.nodes[fabric.link_heads[route[-1]]] == target
            assert (fabric.link_heads[route[:-1]] == fabric.link_tails[route[1:]]).all()
            cost = int(fabric.links.latency_ps[route].sum()) * 1000 + len(route)
            assert (cost, fabric.links.bandwidth[route].min()) == wanted


@PLAIN
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_routes_do_not_depend_on_the_order_of_insertion(parts, data, seed):
    graph = data.draw(graphs(parts))
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(data=True))
    shuffle = np.random.default_rng(seed)
    other: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    other.add_nodes_from([nodes[place] for place in shuffle.permutation(len(nodes))])
    other.add_edges_from([edges[place] for place in shuffle.permutation(len(edges))])
    one, two = compile(graph), compile(other)
    assert one.content_hash == two.content_hash
    for source in one.nodes:
        for target in one.nodes:
            found = []
            for fabric in (one, two):
                try:
                    found.append(fabric.route(source, target))
                except TopologyError:
                    found.append(None)
            assert found[0] == found[1]
