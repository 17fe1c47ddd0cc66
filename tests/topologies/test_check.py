"""Everything that can be wrong with a graph is said, with its place, in one error."""

from __future__ import annotations

import dataclasses
import math

import networkx as nx
import pytest

from rackwright.errors import TopologyError
from rackwright.topologies import compile


def complaint(graph) -> str:
    with pytest.raises(TopologyError) as caught:
        compile(graph)
    assert caught.value.exit_code == 3
    return str(caught.value)


def test_all_faults_are_listed_at_once(parts):
    wire = parts.link()
    graph = nx.DiGraph()
    graph.add_node("h0", device=parts.nic)
    graph.add_node("H0", device=parts.nic)
    graph.add_node("h1")
    graph.add_node("h2", device="connectx-6")
    graph.add_node("h 3", device=parts.nic)
    graph.add_node(4, device=parts.nic)
    graph.add_node("h5", device=dataclasses.replace(parts.nic, latency_time=1e-6))
    graph.add_node("h6", device=parts.nic, forwards="yes")
    graph.add_node("far0", device=parts.nic)
    graph.add_node("far1", device=parts.nic)
    parts.join(graph, "far0", "far1", wire)
    graph.add_edge("h0", "h1", link=wire)
    graph.add_edge("h1", "h1", link=wire)
    parts.join(graph, "h0", "h2", parts.link(rate_bps=-1.0, efficiency=1.5, latency_time=-1e-9))
    parts.join(graph, "h0", "h 3", parts.link(rate_bps=math.inf, efficiency=0.0,
                                             latency_time=math.nan))
    graph.add_edge("h0", 4)
    graph.add_edge(4, "h0", link="wire")
    for node in ("H0", "h5", "h6"):
        parts.join(graph, "h0", node, wire)
    with pytest.raises(TopologyError) as caught:
        compile(graph)
    text = "\n".join(caught.value.faults)
    for wanted in (
        "nodes h0, H0 differ in upper and lower case only",
        "node 'h1': has no attribute 'device'; give it a part (gpu, smart-nic, nic",
        "node 'h2': its device is 'connectx-6' (a str), no part",
        "node 'h 3' is no name: use letters, digits and _.:+-",
        "node 4 is a int; a node is named by text such as 'h0/gpu0'",
        "node 'h5': its part 'adapter' differs from the one of that name on 'h0'",
        "node 'h6': forwards is 'yes' (a str); it must be True or False",
        "edge h0->h1 has no reverse h1->h0",
        "edge h1->h1: a node cannot be linked to itself",
        "edge h0->h2: rate_bps is -1.0; it must be 1 to 1e+18 bits/s",
        "edge h2->h0: efficiency is 1.5; it must be above 0 and at most 1",
        "edge h0->h2: latency_time is -1e-09; it must be 0 to 3600 seconds",
        "edge h0->h 3: rate_bps is inf",
        "edge h0->h 3: efficiency is 0.0",
        "edge h0->h 3: latency_time is nan",
        "edge h0->4: has no attribute 'link'",
        "edge 4->h0: its link is 'wire' (a str), no Link",
        "the graph falls into 2 parts without a link between them, one each around: "
        "4 (8 nodes), far0 (2 nodes)",
    ):
        assert wanted in text, wanted
    assert len(caught.value.faults) == 24
    assert str(caught.value).startswith("this topology cannot be used (24 faults):\n  - ")


def test_an_empty_graph(parts):
    assert "the graph is empty" in complaint(nx.DiGraph())


def test_a_graph_of_switches_only(parts):
    graph = parts.graph({"s0": parts.switch, "s1": parts.pcie_switch},
                        [("s0", "s1", parts.link())])
    assert "there is no endpoint: every node is a switch" in complaint(graph)


def test_an_undirected_graph_says_what_to_do_and_then_works(parts):
    graph = nx.Graph()
    graph.add_node("h0", device=parts.nic)
    graph.add_node("h1", device=parts.nic)
    graph.add_edge("h0", "h1", link=parts.link())
    assert "pass graph.to_directed()" in complaint(graph)
    assert len(compile(graph.to_directed()).link_names) == 2


@pytest.mark.parametrize("name", ["", "/", "h0/", "/gpu0", "h0/gpu0/x", "a->b", "a#1", "h0\n",
                                  "é0", "x" * 121, ("h0", 1)])
def test_bad_names(parts, name):
    graph = nx.DiGraph()
    graph.add_node("h0", device=parts.nic)
    graph.add_node(name, device=parts.nic)
    parts.join(graph, "h0", name, parts.link())
    assert "node " in complaint(graph)


@pytest.mark.parametrize("field, value", [
    ("rate_bps", 0.0), ("rate_bps", math.nan), ("rate_bps", "100Gbps"), ("rate_bps", True),
    ("rate_bps", 10**400), ("rate_bps", 0.5), ("efficiency", 1e-12), ("efficiency", None),
    ("latency_time", 3601.0), ("latency_time", math.inf), ("kind", None), ("name", 3)])
def test_bad_links(parts, field, value):
    link = dataclasses.replace(parts.link(), **{field: value})
    text = complaint(parts.graph({"h0": parts.nic, "h1": parts.nic}, [("h0", "h1", link)]))
    assert f"edge h0->h1: {field}" in text or "rate_bps x efficiency" in text
    assert "edge h1->h0: " in text


def test_a_part_with_an_impossible_latency(parts):
    part = dataclasses.replace(parts.nic, latency_time=math.nan)
    text = complaint(parts.graph({"h0": part, "h1": part}, [("h0", "h1", parts.link())]))
    assert "node 'h0': its part's latency_time is nan; it must be 0 to 3600 seconds" in text


def test_a_long_list_of_names_is_cut(parts):
    graph = nx.DiGraph()
    for number in range(9):
        graph.add_node(f"h{number}", device=parts.nic)
    assert "h0 (1 node), h1 (1 node), h2 (1 node), h3 (1 node), h4 (1 node) and 4 more" in (
        complaint(graph))
