"""replace, scale, merge: copies, patterns, and what cannot be joined."""

from __future__ import annotations

import networkx as nx
import pytest

from rackwright.errors import UnknownName, UsageError
from rackwright.topologies import compile, dgx, diff, leaf_spine, merge, replace, scale, star


def test_replace_nodes_and_links():
    graph = dgx("h100-sxm")
    pcie = replace(graph, "h0/gpu*->h0/nvswitch", "gen5-x16")
    assert pcie.edges["h0/gpu3", "h0/nvswitch"]["link"].name == "gen5-x16"
    assert pcie.edges["h0/nvswitch", "h0/gpu3"]["link"].name == "gen5-x16"
    assert graph.edges["h0/gpu3", "h0/nvswitch"]["link"].name == "nvlink4"
    newer = replace(graph, "h0/gpu[0-3]", "h200-sxm")
    assert [row["name"] for row in diff(graph, newer)] == [f"h0/gpu{n}" for n in range(4)]
    with pytest.raises(UsageError, match="no node is named 'x\\*'; nodes are h0/cpu0"):
        replace(graph, "x*", "h200-sxm")
    with pytest.raises(UnknownName):
        replace(graph, "h0/gpu*", "h300")


def test_scale_one_direction():
    graph = star(hosts=2)
    slow = scale(graph, "h0=>s0", rate=0.5, latency=3)
    up, down = slow.edges["h0", "s0"]["link"], slow.edges["s0", "h0"]["link"]
    assert up.rate_bps == 0.5 * down.rate_bps
    assert up.latency_time == pytest.approx(3 * down.latency_time)
    assert up.name != down.name and not up.content_hash
    assert compile(scale(graph, "*->*")).content_hash == compile(graph).content_hash
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="a finite factor above 0"):
            scale(graph, "h0->s0", rate=bad)
    with pytest.raises(UsageError, match="no edge is named 'h9->s0'"):
        scale(graph, "h9->s0", rate=0.5)


def test_merge_numbers_hosts_on():
    whole = merge([dgx("h100-sxm", gpus=4, nics=2), dgx("h100-sxm", gpus=6, nics=2)])
    fabric = compile(whole)
    assert fabric.hosts() == ("h0", "h1")
    assert len(fabric.gpus()) == 10
    assert whole.edges["h1/nic1", "s0"]["link"].rate_bps == 400e9
    assert fabric.route("h0/gpu3", "h1/gpu5")


def test_merge_keeps_networks_apart():
    two = merge([star(hosts=2), star(hosts=3)], network=None)
    assert {"s0", "s0-2", "h0", "h1", "h2", "h3", "h4"} == set(two)
    assert nx.number_weakly_connected_components(two) == 2
    with pytest.raises(UsageError, match=r"left apart: graph 1 \(leaf-spine.*uplink='ethernet-400g'"
                       r"\); graph 2 \(1 x 8 a100-sxm-80\) has no adapter"):
        merge([leaf_spine(), dgx(nics=0)])
    with pytest.raises(UsageError, match="needs graphs"):
        merge([])


def test_merge_plugs_in_networks():
    """Each graph's own switches get the cable; adapters without a network theirs."""
    racks = [star(hosts=2), leaf_spine(leaves=2, spines=2, hosts_per_leaf=1), dgx(nics=2)]
    whole = merge(racks, uplink="ethernet-400g")
    assert {other: whole.edges["s1", other]["link"].name for other in whole.successors("s1")} == {
        "s0": "ethernet-400g", "spine0": "ethernet-400g", "spine1": "ethernet-400g",
        "h4/nic0": "ethernet-200g", "h4/nic1": "ethernet-200g"}
    fabric = compile(whole)
    assert len(fabric.route("h0", "h3")) == 5 and fabric.route("h0", "h4/gpu0")
    with pytest.raises(UsageError, match=r"graph 1 \(star, hosts: 2\) brings a network.*graph 2"):
        merge(racks)
    with pytest.raises(UsageError, match="graph 3 .* has no adapter"):
        merge([*racks[:2], dgx(nics=0)], uplink="ethernet-400g")
    with pytest.raises(UsageError, match="network=None joins nothing, uplink= joins"):
        merge(racks, network=None, uplink="ethernet-400g")
    assert len(merge([star(hosts=2)])) == 3  # nothing to join
