"""Routes by latency and by width against brute force, and where the policies part."""

from __future__ import annotations

import pickle

import networkx as nx
import pytest

from rackwright.devices import Link
from rackwright.errors import UnknownName
from rackwright.topologies import compile, dgx, load, save, torus


def diamond() -> nx.DiGraph:
    """Two ways from h0 to h3: a quick narrow one, a slow wide one."""
    graph = torus("4", wrap=False)
    graph.remove_edges_from(list(graph.edges()))
    narrow, wide = (Link(name, "ethernet", rate, 1.0, time) for name, rate, time in (
        ("narrow", 1e9, 1e-6), ("wide", 4e9, 9e-6)))
    for one, other, link in (("h0", "h1", narrow), ("h1", "h3", wide), ("h0", "h2", wide),
                             ("h2", "h3", wide)):
        graph.add_edge(one, other, link=link)
        graph.add_edge(other, one, link=link)
    return graph


def nodes(fabric, source, target, flow=0):
    route = fabric.route(source, target, flow)
    return [source, *(fabric.nodes[fabric.link_heads[link]] for link in route)]


def test_latency_and_width_part():
    assert nodes(compile(diamond(), "latency"), "h0", "h3") == ["h0", "h1", "h3"]
    assert nodes(compile(diamond(), "widest"), "h0", "h3") == ["h0", "h2", "h3"]
    assert nodes(compile(diamond(), "widest"), "h0", "h1") == ["h0", "h2", "h3", "h1"]


def test_latency_alone_sends_gpus_over_pcie():
    graph = dgx("a100-sxm-80")
    kinds = {policy: {compile(graph, policy).link_kinds[link]
                      for link in compile(graph, policy).route("h0/gpu0", "h0/gpu1")}
             for policy in ("preferred", "latency", "widest")}
    assert kinds["preferred"] == kinds["widest"] == {"nvlink"}
    assert kinds["latency"] in ({"pcie"}, {"nvlink"})
    fabric = compile(graph, "latency")
    for one in fabric.gpus():
        for other in fabric.gpus():
            found = sum(int(fabric.links.latency_ps[link]) for link in fabric.route(one, other))
            there = sum(int(compile(graph).links.latency_ps[link])
                        for link in compile(graph).route(one, other))
            assert found <= there


@pytest.mark.parametrize("seed", range(6))
def test_the_widest_is_as_wide_as_any_path(seed):
    plain = nx.random_regular_graph(3, 8, seed=seed)
    graph = torus("8", wrap=False)
    graph.remove_edges_from(list(graph.edges()))
    for place, (one, other) in enumerate(sorted(plain.edges())):
        link = Link(f"l{place}", "ethernet", 1e9 * (1 + (7 * place + seed) % 5), 1.0,
                    1e-6 * (1 + (3 * place) % 4))
        graph.add_edge(f"h{one}", f"h{other}", link=link)
        graph.add_edge(f"h{other}", f"h{one}", link=link)
    if not nx.is_strongly_connected(graph):
        pytest.skip("not connected")
    wide, quick = compile(graph, "widest"), compile(graph, "latency")
    for target in range(1, 8):
        paths = list(nx.all_simple_paths(graph, "h0", f"h{target}"))
        links = [[graph.edges[pair]["link"] for pair in nx.utils.pairwise(path)] for path in paths]
        widest = max(min(link.bandwidth for link in path) for path in links)
        route = list(wide.route("h0", f"h{target}"))
        assert min(wide.links.bandwidth[route]) == widest
        among = [path for path in links if min(link.bandwidth for link in path) == widest]
        assert sum(wide.links.latency_ps[route]) / 1e12 <= min(
            sum(link.latency_time for link in path) for path in among) + 1e-5
        least = min(sum(link.latency_time for link in path) for path in links)
        route = list(quick.route("h0", f"h{target}"))
        hops = sum(quick.links.latency_ps[route]) / 1e12
        assert hops >= least


def test_the_policy_travels(tmp_path):
    graph = diamond()
    graph.graph["routes"] = "widest"
    fabric = compile(graph)
    assert fabric.policy == "widest"
    save(graph, tmp_path / "g.json")
    assert compile(load(tmp_path / "g.json")).policy == "widest"
    assert pickle.loads(pickle.dumps(fabric)).policy == "widest"
    assert fabric.content_hash != compile(graph, "preferred").content_hash
    with pytest.raises(UnknownName, match="policy of routes"):
        compile(graph, "shortest")
