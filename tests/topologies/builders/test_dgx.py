"""The make-up of DGX-like hosts, and what `dgx` refuses."""

from __future__ import annotations

from collections import Counter

import pytest

from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError
from rackwright.topologies import compile, dgx, preset
from rackwright.topologies.parts import family_of


def families(graph):
    return Counter(family_of(device) for _, device in graph.nodes(data="device"))


def near(graph, node, prefix):
    return sorted(other.split("/")[-1] for other in graph.successors(node)
                  if other.split("/")[-1].startswith(prefix))


def test_dgx_a100_pairs_gpus_and_nics_on_four_switches():
    graph = dgx("a100-sxm-80")
    assert families(graph) == {"gpu": 8, "nic": 8, "pcie-switch": 4, "cpu": 2, "memory": 1,
                               "switch": 1}
    for pair in range(4):
        bridge = f"h0/pcie{pair}"
        assert near(graph, bridge, "gpu") == [f"gpu{2 * pair}", f"gpu{2 * pair + 1}"]
        assert near(graph, bridge, "nic") == [f"nic{2 * pair}", f"nic{2 * pair + 1}"]
        assert near(graph, bridge, "cpu") == [f"cpu{pair // 2}"]
    assert len(near(graph, "h0/nvswitch", "gpu")) == 8
    assert graph.edges["h0/gpu0", "h0/nvswitch"]["link"] == catalog.link("nvlink3")
    assert graph.edges["h0/gpu0", "h0/pcie0"]["link"] == catalog.pcie("gen4-x16").link()
    assert graph.nodes["h0/nic0"]["device"] == catalog.nic("connectx-6")
    assert near(graph, "h0/mem", "cpu") == ["cpu0", "cpu1"]


def test_dgx_h100_gives_each_gpu_a_switch_and_a_nic():
    graph = dgx("h100-sxm", hosts=2)
    assert families(graph) == {"gpu": 16, "nic": 16, "pcie-switch": 16, "cpu": 4, "memory": 2,
                               "switch": 3}
    for gpu in range(8):
        assert near(graph, f"h1/pcie{gpu}", "gpu") == [f"gpu{gpu}"]
        assert near(graph, f"h1/pcie{gpu}", "nic") == [f"nic{gpu}"]
    assert graph.edges["h1/nic0", "s0"]["link"] == catalog.link("ethernet-400g")
    assert graph.nodes["h0/nic0"]["device"] == catalog.nic("connectx-7")
    assert len(list(graph.successors("s0"))) == 16


def test_p4d_has_one_slow_adapter_for_two_gpus():
    graph = preset("p4d:hosts=2")
    assert families(graph)["nic"] == 8
    assert near(graph, "h0/pcie2", "gpu") == ["gpu4", "gpu5"]
    assert near(graph, "h0/pcie2", "nic") == ["nic2"]
    assert graph.edges["h0/nic0", "s0"]["link"].rate_bps == 100e9
    assert graph.nodes["h0/gpu0"]["device"].memory_nbytes == 40e9
    same = dgx("a100-sxm-40", hosts=2, nics=4, network="ethernet-100g", pcie="gen3-x16")
    assert compile(same).content_hash == compile(graph).content_hash


def test_rails_join_equal_nics_and_block_nothing():
    graph = dgx("h100-sxm", hosts=3, fabric="rails")
    assert {node for node in graph if "/" not in node} == {
        "spine0", *(f"leaf{rail}" for rail in range(8))}
    assert sorted(graph.successors("leaf5")) == ["h0/nic5", "h1/nic5", "h2/nic5", "spine0"]
    down = sum(graph.edges["leaf5", node]["link"].rate_bps for node in graph.successors("leaf5")
               if node != "spine0")
    assert graph.edges["leaf5", "spine0"]["link"].rate_bps == down


@pytest.mark.parametrize("gpu", catalog.names("gpu"))
def test_each_gpu_of_the_catalog_either_builds_or_says_why_not(gpu):
    try:
        fabric = compile(dgx(gpu, hosts=2))
    except UsageError as problem:
        assert gpu in str(problem)
    else:
        assert len(fabric.gpus()) == 16
        assert fabric.device("h1/gpu7").name == gpu


@pytest.mark.parametrize("gpus, nics", [(1, 0), (1, 1), (3, 2), (5, 8), (16, 16)])
def test_uneven_hosts_hang_together(gpus, nics):
    fabric = compile(dgx("a100-sxm-80", gpus=gpus, nics=nics))
    assert len(fabric.gpus()) == gpus and len(fabric.endpoints["nic"]) == nics


@pytest.mark.parametrize("arguments, message", [
    ({"hosts": 0}, "hosts is 0; it must be a whole number from 1 to 4096"),
    ({"hosts": True}, "hosts is True"),
    ({"gpus": 65}, "gpus is 65; it must be a whole number from 1 to 64"),
    ({"hosts": 2, "nics": 0}, "nics is 0; it must be a whole number from 1 to 64"),
    ({"nics": 2.0}, "nics is 2.0"),
    ({"network": "ethernet-400g"},
     r"network ethernet-400g \(400 Gb/s\) is faster than the NIC connectx-6 \(200 Gb/s\)"),
    ({"network": 400}, "400 is no link; give a catalog name or a Link"),
])
def test_bad_arguments(arguments, message):
    with pytest.raises(UsageError, match=message):
        dgx(**arguments)


@pytest.mark.parametrize("arguments, message", [
    ({"gpu": "a100"}, "unknown GPU 'a100'"),
    ({"network": "ethernet-11g"}, "unknown link 'ethernet-11g'"),
    ({"nic": "connectx-5"}, "unknown NIC 'connectx-5'. Did you mean 'connectx-"),
    ({"pcie": "gen9-x16"}, "unknown PCIe part 'gen9-x16'"),
    ({"fabric": "ring"}, "unknown fabric 'ring'. Known: rails, switch"),
])
def test_unknown_names(arguments, message):
    with pytest.raises(UnknownName, match=message):
        dgx(**arguments)


def test_a_smart_nic_can_take_the_place_of_a_nic():
    fabric = compile(dgx(nic="bluefield-3", network="ethernet-400g", hosts=2))
    assert len(fabric.endpoints["smart-nic"]) == 16
