"""Real machines of others: right numbers of devices and links, and they survive export."""

from __future__ import annotations

import pytest

from rackwright.topologies import compile, export, load, report_of
from rackwright.topologies.formats.detect import read_text

# file: GPUs, adapters, nodes, links (both directions as one), GPU bundles; counted by hand from
# the files (<pci>, <gpu>, <nvlink>, <xgmi>, <nic>)
MACHINES = {
    "azure_ndv4-topo.xml": (8, 8, 24, 26, 0),
    "h100_x4_vm_nccl.xml": (4, 1, 7, 9, 4),
    "h100_x4_vm_nvidia_smi_topo.txt": (4, 0, 6, 8, 4),
    "hwloc_nvidiaDGX2.xml": (16, 0, None, None, 16),
    "rccl_topo_4p1h.xml": (4, 1, 11, 14, 4),
    "rccl_topo_8p_90a.xml": (8, 1, 11, 22, 12),
    "rccl_topo_8p_rome_4nics.xml": (8, 4, 36, 50, 12),
}


def test_every_file_is_in_the_list(machines):
    assert {path.name for path in machines.iterdir()} == set(MACHINES)


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_whole(machines, name):
    graph = load(machines / name)
    fabric = compile(graph)  # connected, or this raises
    gpus, nics, nodes, links, bundles = MACHINES[name]
    assert len(fabric.gpus()) == gpus
    assert len(fabric.endpoints["nic"]) == nics
    found = [link for one, other, link in graph.edges(data="link")
             if link.kind in ("nvlink", "xgmi") and one < other]
    assert len(found) == bundles
    if nodes is not None:
        assert (len(graph), graph.number_of_edges() / 2) == (nodes, links)
    for one in fabric.gpus():
        for other in fabric.gpus():
            fabric.route(one, other)


@pytest.mark.parametrize("form", ["json", "graphml", "nccl-xml"])
@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_survives_export(machines, name, form):
    graph = load(machines / name)
    text, report = export(graph, form)
    back = read_text(text, "back")
    lost = set(graph) - set(back)
    assert all("mem" in node for node in lost) and bool(lost) == bool(report.dropped)
    kept = graph.subgraph(set(back))
    assert set(back) == set(kept)
    assert {(one, other, data["link"].kind, data["link"].rate_bps)
            for one, other, data in back.edges(data=True)
            if data["link"].kind != "socket"} == \
        {(one, other, data["link"].kind, data["link"].rate_bps)
         for one, other, data in kept.edges(data=True) if data["link"].kind != "socket"}
    if form != "nccl-xml":
        assert compile(back).content_hash == compile(graph).content_hash


def test_the_crossbar_of_a_dgx2_has_all_its_links(machines):
    graph = load(machines / "hwloc_nvidiaDGX2.xml")
    said = report_of(graph)
    assert "an NVLink of 25000 MB/s (96 times)" in said["read"]
    assert "an NVSwitch, part of the crossbar (12 times)" in said["read"]
    assert all(graph.edges[f"h0/gpu{number}", "h0/nvswitch"]["link"].rate_bps == 6 * 25e9 * 8
               for number in range(16))


def test_a_virtual_machine_takes_what_the_driver_says(machines):
    one = load(machines / "h100_x4_vm_nccl.xml")
    other = load(machines / "h100_x4_vm_nvidia_smi_topo.txt")
    for graph in (one, other):
        assert graph.nodes["h0/gpu3"]["device"].name == "h100-sxm"
        assert graph.edges["h0/gpu3", "h0/nvswitch"]["link"].name == "nvlink4"
