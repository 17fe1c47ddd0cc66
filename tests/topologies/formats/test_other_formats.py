"""hwloc, nvidia-smi, ns-3 text, ASTRA-sim and containerlab YAML, GraphML: small files by hand."""

from __future__ import annotations

import pytest

from rackwright.errors import InputError, TopologyError
from rackwright.topologies import compile, export, leaf_spine, load, report_of
from rackwright.topologies.builders.fibre import fibre_time
from rackwright.topologies.formats.detect import read_text


def test_hwloc(texts):
    graph = read_text(texts["hwloc"], "m.xml")
    assert sorted(graph) == ["h0/cpu0", "h0/gpu0", "h0/gpu1", "h0/mem0"]
    assert graph.edges["h0/gpu0", "h0/gpu1"]["link"].rate_bps == 50_000e6 * 8
    assert graph.edges["h0/cpu0", "h0/gpu0"]["link"].rate_bps == 16 * 8e9
    compile(graph)


def test_hwloc_matrix_must_be_square(texts):
    with pytest.raises(TopologyError, match="NVLinkBandwidth has 2 indexes and 3 values"):
        read_text(texts["hwloc"].replace("50000 0</u64", "50000</u64"), "m.xml")


def test_a_topo_matrix(texts):
    graph = read_text(texts["smi"], "topo.txt")
    assert sorted(graph) == ["h0/cpu0", "h0/cpu1", "h0/gpu0", "h0/gpu1", "h0/nic0", "h0/pcie0"]
    assert graph.nodes["h0/nic0"]["names"] == ["mlx5_0"]
    assert graph.nodes["h0/pcie0"]["inferred"] is True
    assert set(graph.successors("h0/pcie0")) == {"h0/cpu0", "h0/gpu0", "h0/nic0"}
    assert graph.edges["h0/gpu0", "h0/gpu1"]["link"].kind == "nvlink"
    compile(graph)


@pytest.mark.parametrize("find, put, message", [
    ("PIX\t0-3", "PUX\t0-3", "line 2: GPU0 to NIC0 is 'PUX'; NV#, PIX, PXB"),
    ("GPU1\tNV4", "GPU1\tSYS", "GPU0 to GPU1 is NV4, but back SYS"),
    ("NIC0\tPIX\tSYS\t X \t\t\n", "", "there is no row of NIC0"),
    (" X \tNV4", "NV4\tNV4", "line 2: GPU0 to GPU0 is 'NV4'"),
])
def test_a_broken_matrix(texts, find, put, message):
    with pytest.raises(TopologyError, match=message):
        read_text(texts["smi"].replace(find, put), "topo.txt")


def test_ns3_text(texts):
    graph = read_text(texts["ns3"], "x.topo")
    assert sorted(graph) == ["h0/gpu0", "h0/gpu1", "h0/nvswitch0", "h1/gpu0", "s4"]
    assert graph.edges["h0/gpu0", "h0/nvswitch0"]["link"].rate_bps == 2400e9
    assert graph.edges["s4", "h1/gpu0"]["link"].latency_time == pytest.approx(0.5e-6)
    assert "the error rate 0.01 of a link" in report_of(graph)["dropped"]


def test_ns3_text_comes_back_as_written():
    text, _ = export(leaf_spine(2, 2, 2), "ns3")
    back = read_text(text, "x.topo")
    assert export(back, "ns3")[0] == text.replace("CONNECTX", "GPU")
    assert len(back) == 8


@pytest.mark.parametrize("find, put, message", [
    ("0 4 100Gbps", "0 9 100Gbps", "line 5: 0 to 9; two different ids from 0 to 4"),
    ("0 4 100Gbps", "0 4 100", "line 5: not a data rate: '100'"),
    ("5 2 1 1 5 A100", "5 2 1 1 6 A100", "line 1 announces 6 links; the file has 5"),
    ("3 4\n", "3 7\n", "line 2: '7' is no id of a node; 0 to 4"),
    ("0 4 100Gbps 0.0005ms 0", "0 4", "line 5: 2 words; src dst rate latency error_rate"),
])
def test_broken_ns3_text(texts, find, put, message):
    with pytest.raises(TopologyError, match=message):
        read_text(texts["ns3"].replace(find, put, 1), "x.topo")


def test_astra_dimensions_multiply(texts):
    graph = read_text(texts["astra"], "a.yml")
    assert len([node for node in graph if "gpu" in node]) == 6
    assert graph.edges["h0/gpu0", "h0/nvswitch"]["link"].bandwidth == pytest.approx(400e9)
    assert graph.has_edge("h0/gpu1", "h1/gpu1") and graph.has_edge("h2/gpu1", "h0/gpu1")
    assert not graph.has_edge("h0/gpu0", "h1/gpu1")
    assert compile(graph).route("h0/gpu0", "h2/gpu1")


@pytest.mark.parametrize("text, message", [
    ("topology: [Ring, Torus]\nnpus_count: [2, 2]\nbandwidth: [1, 1]\nlatency: [1, 1]",
     r"topology\[1\] is 'Torus'; allowed: FullyConnected, Ring, Switch"),
    ("topology: [Ring]\nnpus_count: [2, 2]\nbandwidth: [1]\nlatency: [1]", "differ in length"),
    ("topology: [Ring]\nnpus_count: [2.5]\nbandwidth: [1]\nlatency: [1]",
     r"npus_count\[0\] is 2.5; a whole number"),
    ("topology: [Ring]\nnpus_count: [4]\nbandwidth: [-1]\nlatency: [1]",
     r"bandwidth\[0\] is -1; a number from 1e-06"),
    ("topology: [FullyConnected]\nnpus_count: [60000]\nbandwidth: [1]\nlatency: [1]",
     "at most 65536 and 1000000 are read"),
    ("npus_count: [2]", "topology is None; a list such as"),
])
def test_broken_astra(text, message):
    with pytest.raises(TopologyError, match=message):
        read_text(text, "a.yml")


def test_a_lab_needs_rates(texts, tmp_path):
    path = tmp_path / "lab.clab.yml"
    path.write_text(texts["lab"])
    with pytest.raises(TopologyError, match="the format carries no rates; give one"):
        load(path)
    graph = load(path, default_rate="100Gbps")
    assert graph.edges["leaf1", "h1"]["link"].rate_bps == 100e9
    assert graph.edges["leaf1", "h2"]["link"].rate_bps == 200e9  # two cables
    compile(graph)


def test_a_lab_with_a_dangling_end(texts):
    with pytest.raises(TopologyError, match=r"links\[0\].*no node 'leaf9'"):
        read_text(texts["lab"].replace("leaf1:e1", "leaf9:e1"), "lab.yml", 1e11)


def test_a_zoo_graph_gets_the_time_of_light(texts):
    graph = read_text(texts["graphml"], "zoo.graphml")
    assert sorted(graph) == ["Graz", "Wien-Mitte"]
    link = graph.edges["Graz", "Wien-Mitte"]["link"]
    assert link.rate_bps == 1e10
    assert link.latency_time == pytest.approx(fibre_time((48.2, 16.4), (47.1, 15.4)))
    compile(graph)


@pytest.mark.parametrize("text, message", [
    ("<graphs version='1'/>", "NCCL's dump of the rings and trees it chose"),
    ("<platform version='4.1'/>", "a SimGrid platform, which is not read yet"),
    ("<a><b></a>", "broken XML: mismatched tag"),
    ("<!DOCTYPE x [<!ENTITY y 'z'>]><system/>", "a document type with declarations of its own"),
    ("hello", "this is no topology that is read, it begins \"hello\""),
    ("a: [1, 2", "broken YAML"),
    ("a: &x 1\nb: *x", "r:2: an alias"),
    ("   \n", "the file is empty"),
    ("{\"nodes\": [{\"id\": 1}], \"edges\": [{\"source\": 1}]}", "networkx cannot read"),
])
def test_what_is_no_topology(text, message):
    with pytest.raises(InputError, match=message):
        read_text(text, "r")


def test_plain_node_link_json_needs_rates():
    text = '{"nodes": [{"id": "a"}, {"id": "b"}], "links": [{"source": "a", "target": "b"}]}'
    with pytest.raises(TopologyError, match="edge a->b: no rate; it needs rate_bps"):
        read_text(text, "r")
    assert compile(read_text(text, "r", 1e9)).hosts() == ("a", "b")
