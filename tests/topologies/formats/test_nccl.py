"""NCCL topology XML: what becomes a node, what is assumed, what comes back."""

from __future__ import annotations

import networkx as nx
import pytest

from rackwright.devices.unknown import UnknownPart
from rackwright.errors import TopologyError
from rackwright.topologies import compile, dgx, export, hybrid_cube_mesh, report_of
from rackwright.topologies.formats.detect import read_text


def test_a_machine_becomes_a_graph(texts):
    graph = read_text(texts["nccl"], "m.xml")
    assert sorted(graph) == ["h0/cpu0", "h0/cpu1", "h0/gpu0", "h0/gpu1", "h0/nic0",
                             "h0/nvswitch", "h0/pcie0"]
    assert graph.nodes["h0/gpu0"]["device"].name == "h100-sxm"
    assert graph.edges["h0/gpu0", "h0/nvswitch"]["link"].name == "nvlink4"
    assert graph.edges["h0/gpu1", "h0/cpu1"]["link"].name == "gen5-x16"
    assert graph.edges["h0/pcie0", "h0/nic0"]["link"].rate_bps == 16 * 32e9
    assert graph.nodes["h0/nic0"]["rate_bps"] == 400e9
    assert graph.nodes["h0/nic0"]["nets"][0]["name"] == "mlx5_0"
    assert compile(graph).gpus() == ("h0/gpu0", "h0/gpu1")


def test_the_report_tells_what_was_read_and_assumed(texts):
    text = texts["nccl"].replace('link_width="16"', 'link_width="0"')
    found = report_of(read_text(text, "m.xml"))
    assert found["format"] == "NCCL topology XML"
    assert "a GPU (2 times)" in found["read"]
    assert "PCIe width '0' is taken for 16 lanes, as NCCL does (4 times)" in found["assumed"]


def test_two_hosts_are_told_by_their_hash(texts):
    text = texts["nccl"].replace('numaid="0"', 'numaid="0" host_hash="0xa"').replace(
        'numaid="1"', 'numaid="0" host_hash="0xb"')
    graph = read_text(text, "m.xml")
    assert {"h0/cpu0", "h1/cpu0", "h0/gpu0", "h1/gpu1", "h0/nvswitch", "h1/nvswitch"} <= set(graph)
    assert not graph.has_edge("h0/cpu0", "h1/cpu0")


def test_an_unknown_gpu_routes_but_does_not_cost(texts):
    text = texts["nccl"].replace('device="0x2330"', 'device="0xabcd"').replace('sm="90"', 'sm=""')
    graph = read_text(text, "m.xml")
    part = graph.nodes["h0/gpu0"]["device"]
    assert isinstance(part, UnknownPart) and part.name == "gpu-10de-abcd"
    assert compile(graph).route("h0/gpu0", "h0/gpu1")
    with pytest.raises(Exception, match="gpu-10de-abcd .gpu. has no gemm_time: its numbers are"):
        part.gemm_time(1, 1, 1)


@pytest.mark.parametrize("find, put, message", [
    ('busid="0000:20:00.0"', 'busid="0000:11:00.0"', None),  # another host's processor: allowed?
    ('dev="1"', 'dev="0"', "line [0-9]+: <gpu> dev 0 stands twice in h0"),
    ('numaid="1"', 'numaid="0"', "line 12: <cpu> numaid 0 stands twice in h0"),
    ('count="18"', 'count="x"', "count 'x'; a whole number from 1 is needed"),
    ('target="fffffff:ff:ff.0" count="18" tclass="0x068000"', 'target="0000:99:00.0" count="1"',
     "target '0000:99:00.0' is no bus id of h0"),
    ('busid="0000:12:00.0" ', "", "line 7: <pci> has no busid"),
    ('version="1"', 'version="7"', "version '7'; 1 and 2 are read"),
])
def test_faults_name_the_line(texts, find, put, message):
    text = texts["nccl"].replace(find, put)
    with pytest.raises(TopologyError, match=message or "busid 0000:11:00.0 stands twice in h0"):
        read_text(text, "m.xml")


@pytest.mark.parametrize("graph", [dgx("h100-sxm", hosts=2), dgx("a100-sxm-80"),
                                   hybrid_cube_mesh()], ids=["h100", "a100", "dgx-1"])
def test_ours_come_back_with_equal_structure(graph):
    text, report = export(graph, "nccl-xml")
    back = read_text(text, "back.xml")
    kept = graph.subgraph([node for node in graph if node in back])
    assert set(graph) - set(back) == {node for node in graph if node.endswith("mem")
                                      or node == "s0"}
    assert report.record()["dropped"]
    assert not set(back) - set(graph)
    assert nx.utils.edges_equal(kept.edges(), back.edges())
    for one, other, link in kept.edges(data="link"):
        found = back.edges[one, other]["link"]
        if link.kind in ("pcie", "nvlink"):
            assert (found.kind, found.rate_bps) == (link.kind, link.rate_bps), (one, other)


def test_writing_needs_a_processor(texts):
    graph = read_text(texts["astra"], "a.yml")
    with pytest.raises(TopologyError, match="it has no processor"):
        export(graph, "nccl-xml")
