"""Counts and bandwidths against what can be worked out by hand, and the table they appear in."""

from __future__ import annotations

import json

import networkx as nx
import pytest

from rackwright.topologies import compile, dgx, facts, leaf_spine, star, to_text
from rackwright.topologies.views.roles import ranges, rows_of


def test_a_star_of_equal_hosts(parts):
    found = facts(compile(star(hosts=6, link=parts.link(rate_bps=80e9))))
    assert found["hosts"] == 6 and found["nodes"] == 7
    assert found["parts"]["connectx-6"] == {"kind": "nic", "count": 6}
    assert found["links"] == [{"kind": "ethernet", "name": "wire", "count": 12, "rate_bps": 80e9,
                               "bandwidth": 10e9, "latency_time": 1e-6}]
    assert found["injection_bandwidth"] == {"least": 10e9, "most": 10e9}
    assert found["bisection_bandwidth"] == 30e9
    assert "oversubscription" not in found
    assert found["longest_route"]["links"] == 2


@pytest.mark.parametrize("uplink, ratio, half", [(80e9, 4.0, 20e9), (160e9, 2.0, 40e9),
                                                 (640e9, 0.5, 80e9)])
def test_a_leaf_spine_is_cut_at_its_thinnest(parts, uplink, ratio, half):
    """Two leaves of 8 hosts at 10 GB/s, two spines: the halves are the leaves."""
    graph = leaf_spine(leaves=2, spines=2, hosts_per_leaf=8,
                       host_link=parts.link("down", rate_bps=80e9),
                       uplink=parts.link("up", rate_bps=uplink))
    found = facts(compile(graph))
    assert found["oversubscription"] == {"leaf0": ratio, "leaf1": ratio}
    assert found["bisection_bandwidth"] == pytest.approx(half, rel=1e-5)


def test_bisection_is_the_maximum_flow_of_networkx(parts):
    graph = leaf_spine(leaves=3, spines=2, hosts_per_leaf=3,
                       host_link=parts.link("down", rate_bps=56e9),
                       uplink=parts.link("up", rate_bps=24e9))
    flow = nx.DiGraph()
    for tail, head, data in graph.edges(data=True):
        flow.add_edge(tail, head, capacity=data["link"].bandwidth)
    for host in range(9):
        ends = ("source", f"h{host}") if host < 4 else (f"h{host}", "sink")
        flow.add_edge(*ends, capacity=1e15)
    wanted = nx.maximum_flow_value(flow, "source", "sink")
    assert facts(compile(graph))["bisection_bandwidth"] == pytest.approx(wanted, rel=1e-5)


def test_one_host_has_no_network():
    found = facts(compile(dgx("h100-sxm")))
    assert found["hosts"] == 1
    assert not {"injection_bandwidth", "bisection_bandwidth", "oversubscription"} & set(found)


def test_hosts_without_a_network_between_them_still_count(parts):
    graph = parts.graph({"h0": parts.nic, "h1": parts.nic}, [("h0", "h1", parts.link())])
    assert facts(compile(graph))["bisection_bandwidth"] == 10e9


def test_facts_are_plain_json():
    found = facts(compile(dgx("h100-sxm", hosts=2, fabric="rails")))
    assert json.loads(json.dumps(found)) == found
    assert found["oversubscription"] == {f"leaf{rail}": 1.0 for rail in range(8)}


def test_a_big_fabric_has_no_longest_route():
    assert "longest_route" not in facts(compile(star(hosts=65)))


def test_rows_put_the_network_on_top():
    rows = rows_of(leaf_spine(leaves=2, spines=2, hosts_per_leaf=1))
    assert rows == {"h0": 0, "h1": 0, "leaf0": -1, "leaf1": -1, "spine0": -2, "spine1": -2}


@pytest.mark.parametrize("names, text", [
    (["h0"], "h0"), (["h0", "h1"], "h0..1"), (["h9", "h10", "h11"], "h9..11"),
    (["h0", "h2"], "h0, h2"), (["mem"], "mem"), (["a0", "b1"], "a0, b1"), ([], "")])
def test_ranges(names, text):
    assert ranges(names) == text


def table(graph) -> str:
    """All but the last line, which is the hash."""
    return to_text(graph).rpartition("sha256")[0]


def test_the_table_of_two_hosts(two_gpus):
    two_gpus.graph["name"] = "two"
    assert table(two_gpus) == """\
two

s0           crossbar
h0..1/nic0   2 x adapter
h0..1/pcie0  2 x bridge
h0..1/gpu0   2 x a100-sxm-80

links, both directions alike unless the arrow says otherwise
s0           <->  h0..1/nic0   2 x wire  10 GB/s raw  10 GB/s payload  1 us
h0..1/nic0   <->  h0..1/pcie0  2 x bus   20 GB/s raw  10 GB/s payload  200 ns
h0..1/pcie0  <->  h0..1/gpu0   2 x bus   20 GB/s raw  10 GB/s payload  200 ns

nodes           7 in 2 hosts
leaves a host   10 GB/s
between halves  10 GB/s of the hosts
longest route   h0/gpu0 -> h1/gpu0, 6 links, 4.3 us
"""


def test_hosts_that_differ_have_lines_of_their_own(parts, two_gpus):
    two_gpus.graph["name"] = "two"
    two_gpus.edges["h1/nic0", "s0"]["link"] = parts.link("slow", rate_bps=8e9)
    assert table(two_gpus) == """\
two

s0        crossbar
h0/nic0   adapter
h0/pcie0  bridge
h0/gpu0   a100-sxm-80
h1/nic0   adapter
h1/pcie0  bridge
h1/gpu0   a100-sxm-80

links, both directions alike unless the arrow says otherwise
s0        <->  h0/nic0   1 x wire  10 GB/s raw  10 GB/s payload  1 us
s0        -->  h1/nic0   1 x wire  10 GB/s raw  10 GB/s payload  1 us
h0/nic0   <->  h0/pcie0  1 x bus   20 GB/s raw  10 GB/s payload  200 ns
h0/pcie0  <->  h0/gpu0   1 x bus   20 GB/s raw  10 GB/s payload  200 ns
h1/nic0   -->  s0        1 x slow  1 GB/s raw   1 GB/s payload   1 us
h1/nic0   <->  h1/pcie0  1 x bus   20 GB/s raw  10 GB/s payload  200 ns
h1/pcie0  <->  h1/gpu0   1 x bus   20 GB/s raw  10 GB/s payload  200 ns

nodes           7 in 2 hosts
leaves a host   1 GB/s to 10 GB/s
between halves  10 GB/s of the hosts
longest route   h0/gpu0 -> h1/gpu0, 6 links, 4.3 us
"""


def test_links_inside_a_group_count_once_for_both_directions(parts):
    wire = parts.link()
    graph = parts.graph({f"h{host}": parts.nic for host in range(3)},
                        [("h0", "h1", wire), ("h1", "h2", wire), ("h0", "h2", wire)])
    assert "h0..2  <->  h0..2  3 x wire" in table(graph)


def test_links_from_each_side_add_up(two_gpus):
    """Every directed link is in exactly one line."""
    lines = [line for line in to_text(two_gpus).splitlines() if "payload" in line]
    total = sum(int(line.split(" x ")[0].split()[-1]) * (2 if "<->" in line else 1)
                for line in lines)
    assert total == two_gpus.number_of_edges()
