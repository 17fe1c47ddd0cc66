"""Routes of random graphs against networkx, and against a plain search of the whole graph.

The first says that a route is a best one, by rules written down a second time; the second that it
is the very one of equally good paths that the flow id chooses.
"""

from __future__ import annotations

import hashlib
import heapq
from itertools import permutations
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import TopologyError
from rackwright.topologies import (
    compile,
    dgx,
    dragonfly,
    fat_tree,
    hybrid_cube_mesh,
    leaf_spine,
    scale,
    torus,
)

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
            waits = 0.0 if type(device).__name__ in ("Gpu", "Memory") else device.latency_time - (
                100e-9 if type(device).__name__ == "PcieSwitch" else 0.0)
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


class PlainRouter:
    """One search of everything for every source, with no way to stop early."""

    def __init__(self, wiring: Any) -> None:
        self.wiring = wiring
        self.out: list[list[int]] = [[] for _ in wiring.node_names]
        for link, tail in enumerate(wiring.tail):
            self.out[tail].append(link)
        self.trees: dict[tuple[int, str], Any] = {}

    def route(self, source: int, target: int, flow_id: int) -> tuple[int, ...] | None:
        host = self.wiring.host
        one_host = host[source] == host[target] >= 0
        for sort in ("gpu links", "inside" if one_host else "past no cpu", "any"):
            if (source, sort) not in self.trees:
                self.trees[source, sort] = self.tree(source, sort)
            width, into = self.trees[source, sort]
            if target in into:
                return self.walk(width, into, source, target, flow_id)
        return None

    def tree(self, source: int, sort: str) -> Any:
        wiring = self.wiring
        best, width = {source: 0}, {source: float("inf")}
        into: dict[int, list[int]] = {}
        queue = [(0, source)]
        while queue:
            cost, node = heapq.heappop(queue)
            for link in self.out[node] if cost == best[node] else ():
                head = wiring.head[link]
                if not self.allowed(source, sort, link):
                    continue
                total = cost + wiring.latency_ps[link] * 2**20 + 1
                breadth = min(width[node], wiring.bandwidth[link])
                if total < best.get(head, total + 1):
                    best[head], width[head], into[head] = total, breadth, [link]
                    heapq.heappush(queue, (total, head))
                elif total == best[head]:
                    width[head] = max(width[head], breadth)
                    into[head].append(link)
        return width, into

    def allowed(self, source: int, sort: str, link: int) -> bool:
        wiring = self.wiring
        tail, head = wiring.tail[link], wiring.head[link]
        host, here = wiring.host[tail], wiring.host[source]
        if sort == "gpu links" and wiring.link_kinds[link] not in ("nvlink", "xgmi", "c2c"):
            return False
        if sort == "inside" and wiring.host[head] != here:
            return False
        if tail == source:
            return True
        if not wiring.forwards[tail] or (sort == "past no cpu" and wiring.families[tail] == "cpu"):
            return False
        return host in (-1, here, wiring.host[head]) or wiring.transits[tail]

    def walk(self, width: Any, into: Any, source: int, target: int, flow_id: int
             ) -> tuple[int, ...]:
        wiring, links, node = self.wiring, [], target
        into = {place: [link for link in options if wiring.bandwidth[link] >= width[target]
                        and width[wiring.tail[link]] >= width[target]]
                for place, options in into.items()}
        if wiring.host[source] != wiring.host[target]:
            for end in (source, target):
                into = self.over(into, source, target, self.adapter(end))
        salt = f"{flow_id} {wiring.node_names[source]} {wiring.node_names[target]} "
        while node != source:
            links.append(max(into[node], key=lambda link: hashlib.blake2b(
                (salt + wiring.link_names[link]).encode(), digest_size=8).digest()))
            node = wiring.tail[links[-1]]
        return tuple(reversed(links))

    def over(self, into: Any, source: int, target: int, adapter: int) -> Any:
        """Of all paths from source to target, one by one, those over the adapter if there are."""
        paths = [path for path in self.paths(into, source, target)
                 if adapter in [self.wiring.tail[link] for link in path[1:]]]
        if not paths:
            return into
        kept: dict[int, list[int]] = {}
        for link in {link for path in paths for link in path}:
            kept.setdefault(self.wiring.head[link], []).append(link)
        return kept

    def paths(self, into: Any, source: int, node: int) -> list[tuple[int, ...]]:
        if node == source:
            return [()]
        return [(*path, link) for link in into.get(node, ())
                for path in self.paths(into, source, self.wiring.tail[link])]

    def adapter(self, node: int) -> int:
        """Nearest inside the host; GPUs with the same nearest ones take them in turn."""
        wiring = self.wiring
        mates = [other for other, host in enumerate(wiring.host) if host == wiring.host[node]]
        dealt: dict[tuple[int, ...], int] = {}
        for gpu in (mate for mate in mates if wiring.families[mate] == "gpu"):
            nearest = self.nearest(gpu, mates)
            turn = dealt[nearest] = dealt.get(nearest, -1) + 1
            if gpu == node and nearest:
                return nearest[turn % len(nearest)]
        return -1

    def nearest(self, gpu: int, mates: list[int]) -> tuple[int, ...]:
        wiring = self.wiring
        for sort in ("past no cpu", "any"):
            inside: nx.DiGraph[int] = nx.DiGraph()
            inside.add_node(gpu)
            for link, (tail, head) in enumerate(zip(wiring.tail, wiring.head, strict=True)):
                cost = wiring.latency_ps[link] * 2**20 + 1
                if tail in mates and head in mates and self.allowed(gpu, sort, link) \
                        and cost < inside.get_edge_data(tail, head, {"cost": cost + 1})["cost"]:
                    inside.add_edge(tail, head, cost=cost)
            reached = nx.single_source_dijkstra_path_length(inside, gpu, weight="cost")
            found = {mate: reached[mate] for mate in mates if mate in reached
                     and wiring.families[mate] in ("nic", "smart-nic")
                     and any(wiring.tail[link] == mate and wiring.host[head] == -1
                             for link, head in enumerate(wiring.head))}
            if found:
                return tuple(sorted(mate for mate, cost in found.items()
                                    if cost == min(found.values())))
        return ()


def differing(fabric: Any, pairs: list[tuple[int, int]], flow_id: int) -> list[tuple[str, str]]:
    """Pairs whose routes differ from those of the plain router."""
    plain, found = PlainRouter(fabric._router._wiring), []
    for one, other in pairs:
        source, target = fabric.nodes[one], fabric.nodes[other]
        try:
            route = fabric.route(source, target, flow_id)
        except TopologyError:
            route = None
        if route != plain.route(one, other, flow_id):
            found.append((source, target))
    return found


@PLAIN
@given(data=st.data(), flow_id=st.integers(0, 99))
def test_the_very_routes_of_the_plain_router(parts, data, flow_id):
    fabric = compile(data.draw(graphs(parts)))
    pairs = list(permutations(range(len(fabric.nodes)), 2))
    data.draw(st.randoms(use_true_random=False)).shuffle(pairs)  # searches alone, and for all
    assert not differing(fabric, pairs, flow_id)


@PLAIN
@given(data=st.data())
def test_spliced_routes_are_those_of_one_by_one(parts, data):
    fabric, alone = (compile(graph) for graph in [data.draw(graphs(parts))] * 2)
    pairs = []
    for pair in permutations(fabric.nodes, 2):
        try:
            alone.route(*pair)
        except TopologyError:
            continue
        pairs.append(pair)
    flows = [data.draw(st.integers(0, 5)) for _ in pairs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rackwright.topologies.bulk_routes._SPLICED", 0)
        patch.setattr("rackwright.topologies.bulk_routes._A_SWITCH", 0)
        routes = fabric.routes(pairs, flows)
    for number, (pair, flow) in enumerate(zip(pairs, flows, strict=True)):
        found = routes.links[routes.offsets[number]:routes.offsets[number + 1]]
        assert tuple(found.tolist()) == alone.route(*pair, flow)


NETWORKS = {
    "fat-tree": lambda: fat_tree(6), "torus": lambda: torus("5x4x4"), "dragonfly": dragonfly,
    "mesh": lambda: torus("6x7", wrap=False), "cube mesh": hybrid_cube_mesh,
    "rails": lambda: dgx("h100-sxm", hosts=3, fabric="rails"),
    "two adapters a switch": lambda: dgx("a100-sxm-80", hosts=3, fabric="rails"),
    "half of the adapters": lambda: dgx("h100-sxm", hosts=3, nics=4),
    "uneven": lambda: scale(leaf_spine(leaves=6, spines=6), "leaf0->spine*", 0.5)}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_of_many_equal_paths(name):
    fabric = compile(NETWORKS[name]())
    draw = np.random.default_rng(7)
    ends = draw.integers(0, len(fabric.nodes), (150, 2)).tolist()
    assert not differing(fabric, [(one, other) for one, other in ends if one != other], 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_many_routes_of_one_source(name):
    """To everywhere: first single searches, then one tree for all, then one asked for as such."""
    fabric = compile(NETWORKS[name]())
    assert not differing(fabric, [(0, other) for other in range(1, len(fabric.nodes))], 1)
    source, *targets = fabric.endpoints["nic"] or fabric.gpus()
    routes = compile(fabric.graph).routes([(source, target) for target in targets])
    single = [link for target in targets for link in fabric.route(source, target)]
    assert routes.links.tolist() == single
