"""What `compile` makes of a graph: arrays, order, hashes, and that nothing can be changed."""

from __future__ import annotations

import dataclasses
import pickle
import random

import networkx as nx
import numpy as np
import pytest

from rackwright.errors import UnknownName, UsageError
from rackwright.topologies import compile, dgx


def test_a_link_carries_payload_bytes_and_the_forwarding_time_of_its_tail(two_gpus):
    fabric = compile(two_gpus)
    row = fabric.link_names.index
    assert fabric.links.bandwidth[row("h0/gpu0->h0/pcie0")] == 160e9 * 0.5 / 8
    assert fabric.links.bandwidth[row("s0->h1/nic0")] == 80e9 / 8
    assert fabric.links.latency_ps[row("h0/gpu0->h0/pcie0")] == 200_000  # a GPU forwards nothing
    assert fabric.links.latency_ps[row("h0/pcie0->h0/gpu0")] == 200_000 + 100_000
    assert fabric.links.latency_ps[row("h0/nic0->s0")] == 1_000_000 + 500_000
    assert fabric.links.latency_ps[row("s0->h0/nic0")] == 1_000_000 + 300_000
    assert fabric.links.bandwidth.dtype == np.float64 and fabric.links.latency_ps.dtype == np.int64
    assert fabric.link_kinds[row("h0/nic0->s0")] == "ethernet"


def test_tails_and_heads_are_the_names(two_gpus):
    fabric = compile(two_gpus)
    for name, tail, head in zip(fabric.link_names, fabric.link_tails, fabric.link_heads,
                                strict=True):
        assert name == f"{fabric.nodes[tail]}->{fabric.nodes[head]}"


def test_names_come_in_natural_order():
    fabric = compile(dgx(hosts=12, gpus=12, nics=1))
    assert fabric.gpus()[:4] == ("h0/gpu0", "h0/gpu1", "h0/gpu2", "h0/gpu3")
    assert fabric.gpus()[10:13] == ("h0/gpu10", "h0/gpu11", "h1/gpu0")
    assert fabric.hosts() == tuple(f"h{host}" for host in range(12))
    assert fabric.endpoints["gpu"] == fabric.gpus()
    assert len(fabric.endpoints["cpu"]) == 24 and fabric.endpoints["nvme"] == ()
    assert "switch" not in fabric.endpoints


def test_hosts_of_nodes(parts):
    wire = parts.link()
    fabric = compile(parts.graph({"h1": parts.nic, "h0/gpu0": parts.gpu, "s0": parts.switch},
                                 [("h1", "s0", wire), ("h0/gpu0", "s0", wire)]))
    assert fabric.host_of("h0/gpu0") == "h0" and fabric.host_of("h1") == "h1"
    assert fabric.host_of("s0") is None
    assert fabric.hosts() == ("h0", "h1")
    assert fabric.device("h1") is parts.nic


def shuffled(graph, seed):
    """The same content, inserted in another order."""
    draw = random.Random(seed)
    nodes, edges = list(graph.nodes(data=True)), list(graph.edges(data=True))
    draw.shuffle(nodes)
    draw.shuffle(edges)
    other = type(graph)()
    other.add_nodes_from(nodes)
    other.add_edges_from(edges)
    return other


@pytest.mark.parametrize("seed", range(5))
def test_order_of_insertion_changes_nothing(seed):
    graph = dgx(hosts=3, gpus=4, nics=2)
    one, other = compile(graph), compile(shuffled(graph, seed))
    assert one.content_hash == other.content_hash
    assert one.nodes == other.nodes and one.link_names == other.link_names
    assert one.parts == other.parts
    assert np.array_equal(one.links.latency_ps, other.links.latency_ps)
    pairs = [(a, b) for a in one.gpus() for b in one.gpus()]
    assert np.array_equal(one.routes(pairs).links, other.routes(pairs).links)


def test_parallel_links_are_told_apart_whatever_their_order(parts):
    slow, fast = parts.link("slow", rate_bps=8e9), parts.link("fast", rate_bps=16e9)
    fabrics = []
    for pair in ((slow, fast), (fast, slow)):
        graph = nx.MultiDiGraph()
        graph.add_node("h0", device=parts.nic)
        graph.add_node("h1", device=parts.nic)
        for link in pair:
            parts.join(graph, "h0", "h1", link)
        fabrics.append(compile(graph))
    one, other = fabrics
    assert sorted(one.link_names) == ["h0->h1", "h0->h1#1", "h1->h0", "h1->h0#1"]
    assert one.content_hash == other.content_hash
    assert np.array_equal(one.links.bandwidth, other.links.bandwidth)


def test_the_hash_follows_what_counts_and_nothing_else(two_gpus, parts):
    plain = compile(two_gpus).content_hash
    two_gpus.graph["name"] = "something"
    two_gpus.nodes["s0"]["rack"] = "r1"
    link = two_gpus.edges["h0/nic0", "s0"]["link"]
    two_gpus.edges["h0/nic0", "s0"]["link"] = dataclasses.replace(link, source="a datasheet")
    assert compile(two_gpus).content_hash == plain

    changed = set()
    for field, value in (("rate_bps", 81e9), ("efficiency", 0.99), ("latency_time", 2e-6),
                         ("kind", "other"), ("name", "other")):
        copy = two_gpus.copy()
        copy.edges["h0/nic0", "s0"]["link"] = dataclasses.replace(link, **{field: value})
        changed.add(compile(copy).content_hash)
    copy = two_gpus.copy()
    copy.nodes["s0"]["forwards"] = True
    changed.add(compile(copy).content_hash)
    copy = two_gpus.copy()
    copy.nodes["s0"]["device"] = dataclasses.replace(parts.switch, latency_time=1e-6)
    changed.add(compile(copy).content_hash)
    copy = nx.relabel_nodes(two_gpus, {"s0": "s1"})
    changed.add(compile(copy).content_hash)
    assert len(changed | {plain}) == 9


def test_parts_name_every_device_and_catalog_link():
    fabric = compile(dgx(hosts=2))
    assert {"a100-sxm-80", "connectx-6", "nvlink3", "ethernet-200g", "gen4-x16"} <= set(
        fabric.parts)
    assert all(len(digest) == 64 for digest in fabric.parts.values())


def test_nothing_can_be_changed(two_gpus):
    fabric = compile(two_gpus)
    with pytest.raises(nx.NetworkXError, match="[Ff]rozen"):
        fabric.graph.remove_node("s0")
    with pytest.raises(ValueError, match="read-only"):
        fabric.links.bandwidth[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        fabric.nodes = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        fabric.parts["x"] = "y"
    two_gpus.remove_node("s0")
    assert "s0" in fabric.graph  # a copy


def test_it_can_be_sent_to_another_process(two_gpus):
    fabric = compile(two_gpus)
    again = pickle.loads(pickle.dumps(fabric))
    assert again.content_hash == fabric.content_hash
    assert again.route("h0/gpu0", "h1/gpu0") == fabric.route("h0/gpu0", "h1/gpu0")
    assert not again.links.bandwidth.flags.writeable


def test_what_is_no_graph_is_a_usage_error():
    with pytest.raises(UsageError, match=r"not a str; topologies.resolve\('star'\) gives one"):
        compile("star")  # type: ignore[arg-type]


def test_an_unknown_node_is_named(two_gpus):
    fabric = compile(two_gpus)
    for call in (fabric.device, fabric.host_of, lambda node: fabric.route("s0", node)):
        with pytest.raises(UnknownName, match="unknown node 'h0/gpu1'. Did you mean 'h0/gpu0'"):
            call("h0/gpu1")
