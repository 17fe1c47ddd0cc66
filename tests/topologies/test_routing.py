"""Routes worked out by hand: which path is best, who forwards, how equal paths are shared."""

from __future__ import annotations

from collections import Counter

import networkx as nx
import numpy as np
import pytest

from rackwright.errors import TopologyError, UsageError
from rackwright.topologies import compile, dgx, leaf_spine, star


def latency_ps(fabric, route) -> int:
    return int(fabric.links.latency_ps[list(route)].sum())


def test_gpu_to_gpu_of_another_host(two_gpus, names):
    fabric = compile(two_gpus)
    assert names(fabric, "h0/gpu0", "h1/gpu0") == [
        "h0/gpu0->h0/pcie0", "h0/pcie0->h0/nic0", "h0/nic0->s0", "s0->h1/nic0",
        "h1/nic0->h1/pcie0", "h1/pcie0->h1/gpu0"]
    # links 200 200 1000 1000 200 200 ns, forwarding 100 + 500 + 300 + 500 + 100 ns
    assert latency_ps(fabric, fabric.route("h0/gpu0", "h1/gpu0")) == 4_300_000
    assert fabric.route("h0/gpu0", "h0/gpu0") == ()


def test_forwarding_counts_not_only_links(parts, names):
    """Through the slower wires, since the switch on the other path takes longer."""
    graph = parts.graph(
        {"h0": parts.nic, "h1": parts.nic, "s0": parts.switch, "p0": parts.pcie_switch},
        [("h0", "s0", parts.link(latency_time=10e-9)),
         ("s0", "h1", parts.link(latency_time=10e-9)),   # 10 + 300 + 10
         ("h0", "p0", parts.link(latency_time=100e-9)),
         ("p0", "h1", parts.link(latency_time=100e-9))])  # 100 + 100 + 100
    assert names(compile(graph), "h0", "h1") == ["h0->p0", "p0->h1"]


def test_fewer_links_come_before_width(parts, names):
    none = {"latency_time": 0.0}
    graph = parts.graph(
        {"h0": parts.nic, "h1": parts.nic, "s0": parts.switch},
        [("h0", "h1", parts.link(rate_bps=8e9, latency_time=300e-9)),
         ("h0", "s0", parts.link(**none)), ("s0", "h1", parts.link(**none))])
    assert names(compile(graph), "h0", "h1") == ["h0->h1"]


@pytest.mark.parametrize("flow_id", range(8))
def test_the_wider_of_equally_short_paths(parts, names, flow_id):
    """a has one wide and one narrow link, b two middling ones: b's narrowest is wider."""
    graph = parts.graph(
        {"h0": parts.nic, "h1": parts.nic, "sa": parts.switch, "sb": parts.switch},
        [("h0", "sa", parts.link(rate_bps=400e9)), ("sa", "h1", parts.link(rate_bps=40e9)),
         ("h0", "sb", parts.link(rate_bps=50e9)), ("sb", "h1", parts.link(rate_bps=50e9))])
    assert names(compile(graph), "h0", "h1", flow_id) == ["h0->sb", "sb->h1"]


@pytest.mark.parametrize("flow_id", range(8))
def test_a_narrow_link_far_upstream_counts(parts, names, flow_id):
    graph = parts.graph(
        {"h0": parts.nic, "h1": parts.nic, "sa": parts.switch, "sb": parts.switch,
         "sc": parts.switch},
        [("h0", "sa", parts.link(rate_bps=8e9)), ("sa", "sc", parts.link(rate_bps=400e9)),
         ("h0", "sb", parts.link(rate_bps=80e9)), ("sb", "sc", parts.link(rate_bps=400e9)),
         ("sc", "h1", parts.link(rate_bps=400e9))])
    assert names(compile(graph), "h0", "h1", flow_id) == ["h0->sb", "sb->sc", "sc->h1"]


def test_directions_of_different_kinds(parts, names):
    """The way back from s0 is no NVLink, so s0 has one NVLink: still a way on, no dead end."""
    nvlink, bus = parts.link("nv", "nvlink"), parts.link("bus", "pcie", latency_time=1e-9)
    graph = parts.graph(
        {"h0/gpu0": parts.gpu, "h0/gpu1": parts.gpu, "h0/s0": parts.switch,
         "h0/p0": parts.pcie_switch},
        [("h0/gpu0", "h0/s0", nvlink), ("h0/s0", "h0/gpu1", nvlink),
         ("h0/gpu0", "h0/p0", bus), ("h0/p0", "h0/gpu1", bus)])
    graph.edges["h0/s0", "h0/gpu0"]["link"] = bus
    fabric = compile(graph)
    assert names(fabric, "h0/gpu0", "h0/gpu1") == ["h0/gpu0->h0/s0", "h0/s0->h0/gpu1"]
    assert names(fabric, "h0/gpu1", "h0/gpu0") == ["h0/gpu1->h0/p0", "h0/p0->h0/gpu0"]


def test_gpus_memory_and_drives_forward_nothing(parts, names):
    wire = parts.link("bus", "pcie", latency_time=1e-9)
    slow = parts.link("bus2", "pcie", latency_time=1e-3)
    graph = parts.graph(
        {"h0/nic0": parts.nic, "h0/gpu0": parts.gpu, "h0/mem": parts.memory,
         "h0/nic1": parts.nic, "h0/pcie0": parts.pcie_switch},
        [("h0/nic0", "h0/gpu0", wire), ("h0/gpu0", "h0/nic1", wire),
         ("h0/nic0", "h0/mem", wire), ("h0/mem", "h0/nic1", wire),
         ("h0/nic0", "h0/pcie0", slow), ("h0/pcie0", "h0/nic1", slow)])
    assert names(compile(graph), "h0/nic0", "h0/nic1") == [
        "h0/nic0->h0/pcie0", "h0/pcie0->h0/nic1"]
    graph.nodes["h0/gpu0"]["forwards"] = True
    assert names(compile(graph), "h0/nic0", "h0/nic1") == [
        "h0/nic0->h0/gpu0", "h0/gpu0->h0/nic1"]


def chain_of_hosts(parts):
    return parts.graph({"h0": parts.nic, "h1": parts.nic, "h2": parts.nic},
                       [("h0", "h1", parts.link()), ("h1", "h2", parts.link())])


def test_a_host_carries_nothing_between_others(parts):
    fabric = compile(chain_of_hosts(parts))
    with pytest.raises(TopologyError, match=r"no route: h0 -> h2: no path that only switches"):
        fabric.route("h0", "h2")
    assert len(fabric.route("h0", "h1")) == 1


def test_unless_it_is_told_to(parts, names):
    graph = chain_of_hosts(parts)
    graph.nodes["h1"]["forwards"] = True
    assert names(compile(graph), "h0", "h2") == ["h0->h1", "h1->h2"]


def test_a_node_can_be_told_not_to_forward(two_gpus):
    two_gpus.nodes["h1/pcie0"]["forwards"] = False
    fabric = compile(two_gpus)
    with pytest.raises(TopologyError, match="h0/gpu0 -> h1/gpu0"):
        fabric.route("h0/gpu0", "h1/gpu0")
    assert len(fabric.route("h0/gpu0", "h1/pcie0")) == 5


def test_nvlink_comes_before_a_pcie_path_of_less_latency(names):
    fabric = compile(dgx("a100-sxm-80"))
    assert names(fabric, "h0/gpu0", "h0/gpu1") == [
        "h0/gpu0->h0/nvswitch", "h0/nvswitch->h0/gpu1"]
    bus = [fabric.link_names.index(name)
           for name in ("h0/gpu0->h0/pcie0", "h0/pcie0->h0/gpu1")]
    assert latency_ps(fabric, bus) < latency_ps(fabric, fabric.route("h0/gpu0", "h0/gpu1"))


def test_a_host_is_not_left_to_reach_its_other_end(names):
    """The switch outside would be nearer, but PCIe joins the two NICs."""
    fabric = compile(dgx(hosts=2))
    assert names(fabric, "h0/nic0", "h0/nic7") == [
        "h0/nic0->h0/pcie0", "h0/pcie0->h0/cpu0", "h0/cpu0->h0/cpu1", "h0/cpu1->h0/pcie3",
        "h0/pcie3->h0/nic7"]


def test_a_host_in_two_pieces_is_joined_outside(parts, names):
    wire = parts.link()
    graph = parts.graph({"h0/nic0": parts.nic, "h0/nic1": parts.nic, "s0": parts.switch},
                        [("h0/nic0", "s0", wire), ("h0/nic1", "s0", wire)])
    assert names(compile(graph), "h0/nic0", "h0/nic1") == ["h0/nic0->s0", "s0->h0/nic1"]


def test_memory_is_reached_through_the_nearer_cpu(names):
    fabric = compile(dgx(hosts=1))
    assert names(fabric, "h0/mem", "h0/gpu7") == [
        "h0/mem->h0/cpu1", "h0/cpu1->h0/pcie3", "h0/pcie3->h0/gpu7"]
    assert names(fabric, "h0/gpu0", "h0/mem") == [
        "h0/gpu0->h0/pcie0", "h0/pcie0->h0/cpu0", "h0/cpu0->h0/mem"]


def test_every_gpu_of_a_host_uses_the_nics_beside_it(names):
    fabric = compile(dgx("h100-sxm", hosts=2))
    for gpu in range(8):
        route = names(fabric, f"h0/gpu{gpu}", "h1/gpu3")
        assert route[1:5] == [f"h0/pcie{gpu}->h0/nic{gpu}", f"h0/nic{gpu}->s0", "s0->h1/nic3",
                              "h1/nic3->h1/pcie3"]


def test_rails_meet_in_the_spine(names):
    fabric = compile(dgx("h100-sxm", hosts=2, fabric="rails"))
    assert [name for name in names(fabric, "h0/gpu2", "h1/gpu2") if "leaf" in name] == [
        "h0/nic2->leaf2", "leaf2->h1/nic2"]
    between = names(fabric, "h0/gpu2", "h1/gpu5")  # not over the CPUs of h1, though they are near
    assert {"leaf2->spine0", "spine0->leaf5"} <= set(between) and len(between) == 8


def test_flows_spread_evenly_over_equal_paths():
    fabric = compile(leaf_spine(leaves=2, spines=4, hosts_per_leaf=1))
    used = Counter(fabric.link_names[fabric.route("h0", "h1", flow)[1]] for flow in range(2000))
    assert set(used) == {f"leaf0->spine{spine}" for spine in range(4)}
    assert max(abs(count - 500) for count in used.values()) < 4 * (2000 * 3 / 16) ** 0.5


def test_pairs_spread_without_flow_ids():
    fabric = compile(leaf_spine(leaves=2, spines=4, hosts_per_leaf=16))
    pairs = [(f"h{a}", f"h{b}") for a in range(16) for b in range(16, 32)]
    routes = fabric.routes(pairs)
    used = Counter(fabric.link_names[link] for link in routes.links.tolist())
    for spine in range(4):
        assert 40 <= used[f"leaf0->spine{spine}"] <= 90


def test_parallel_links_share_flows(parts):
    graph = nx.MultiDiGraph()
    graph.add_node("h0", device=parts.nic)
    graph.add_node("h1", device=parts.nic)
    for _ in range(2):
        parts.join(graph, "h0", "h1", parts.link())
    fabric = compile(graph)
    used = Counter(fabric.link_names[fabric.route("h0", "h1", flow)[0]] for flow in range(200))
    assert set(used) == {"h0->h1", "h0->h1#1"} and min(used.values()) > 60


def test_losing_a_spine_moves_only_its_own_flows(names):
    graph = leaf_spine(leaves=2, spines=4, hosts_per_leaf=2)
    whole = compile(graph)
    graph.remove_node("spine2")
    rest = compile(graph)
    moved = 0
    for flow in range(400):
        before = names(whole, "h0", "h3", flow)
        if any("spine2" in name for name in before):
            moved += 1
        else:
            assert names(rest, "h0", "h3", flow) == before
    assert 60 < moved < 140


def test_the_way_back_is_as_long():
    fabric = compile(dgx(hosts=2, fabric="rails"))
    ends = [*fabric.gpus(), "h0/nic0", "h1/nic5"]
    for one in ends:
        for other in ends:
            there, back = fabric.route(one, other), fabric.route(other, one)
            assert len(there) == len(back)
            # the folded forwarding times differ at the two ends only by what the ends forward
            if "nic" not in one + other:
                assert latency_ps(fabric, there) == latency_ps(fabric, back)


def test_routes_are_the_single_routes_in_order():
    fabric = compile(star(hosts=12))
    hosts = fabric.hosts()
    pairs = [(a, b) for b in hosts for a in hosts]
    flows = list(range(len(pairs)))
    routes = fabric.routes(pairs, flows)
    assert routes.offsets.dtype == routes.links.dtype == np.int64
    assert routes.offsets[0] == 0 and routes.offsets[-1] == len(routes.links) == 2 * 12 * 11
    for number, pair in enumerate(pairs):
        found = routes.links[routes.offsets[number]:routes.offsets[number + 1]]
        assert tuple(found.tolist()) == fabric.route(*pair, flows[number])


def test_a_wide_search_finds_what_narrow_ones_find():
    fabric = compile(dgx("h100-sxm", hosts=10, fabric="rails"))
    gpus = fabric.gpus()
    pairs = [("h0/gpu0", gpu) for gpu in gpus]      # ten hosts: one search for all
    routes = fabric.routes(pairs)
    for number, pair in enumerate(pairs):
        found = routes.links[routes.offsets[number]:routes.offsets[number + 1]]
        assert tuple(found.tolist()) == fabric.route(*pair)


def test_no_pairs_no_routes(two_gpus):
    routes = compile(two_gpus).routes([])
    assert routes.offsets.tolist() == [0] and routes.links.tolist() == []


@pytest.mark.parametrize("flow_id", [-1, 2**62, 1.5, True, "1", None])
def test_bad_flow_ids(two_gpus, flow_id):
    with pytest.raises(UsageError, match="flow_id is .*; it must be an integer from 0 to"):
        compile(two_gpus).route("h0/gpu0", "h1/gpu0", flow_id)


def test_numpy_flow_ids_are_the_same_flows(two_gpus):
    fabric = compile(leaf_spine(leaves=2, spines=4, hosts_per_leaf=1))
    for flow in range(20):
        assert fabric.route("h0", "h1", np.int64(flow)) == fabric.route("h0", "h1", flow)


def test_as_many_flow_ids_as_pairs(two_gpus):
    with pytest.raises(UsageError, match="3 flow_ids for 1 pairs; give one each"):
        compile(two_gpus).routes([("h0/gpu0", "s0")], [1, 2, 3])


def test_a_thousand_hosts_and_pairs():
    fabric = compile(leaf_spine(leaves=32, spines=8, hosts_per_leaf=31))
    hosts = fabric.hosts()
    pairs = [(host, hosts[(7 * number + 13) % len(hosts)]) for number, host in enumerate(hosts)]
    routes = fabric.routes(pairs)
    assert set(np.diff(routes.offsets).tolist()) <= {0, 2, 4}
