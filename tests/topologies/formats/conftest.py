"""Where the machines of others are, and small files of each format."""
# ruff: noqa: E501

from __future__ import annotations

import os
from pathlib import Path

import pytest

NCCL = """<system version="1">
  <cpu numaid="0" arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="143">
    <pci busid="0000:10:00.0" class="0x060400" link_speed="32.0 GT/s PCIe" link_width="16">
      <pci busid="0000:11:00.0" class="0x030200" vendor="0x10de" device="0x2330" link_speed="32.0 GT/s PCIe" link_width="16">
        <gpu dev="0" sm="90" rank="0" gdr="1"><nvlink target="fffffff:ff:ff.0" count="18" tclass="0x068000"/></gpu>
      </pci>
      <pci busid="0000:12:00.0" class="0x020000" link_speed="32.0 GT/s PCIe" link_width="16">
        <nic><net name="mlx5_0" dev="0" speed="400000" port="1" guid="0x1"/></nic>
      </pci>
    </pci>
  </cpu>
  <cpu numaid="1" arch="x86_64" vendor="GenuineIntel" familyid="6" modelid="143">
    <pci busid="0000:20:00.0" class="0x030200" vendor="0x10de" device="0x2330" link_speed="32.0 GT/s PCIe" link_width="16">
      <gpu dev="1" sm="90" rank="1" gdr="1"><nvlink target="fffffff:ff:ff.0" count="18" tclass="0x068000"/></gpu>
    </pci>
  </cpu>
</system>
"""
HWLOC = """<?xml version="1.0"?><!DOCTYPE topology SYSTEM "hwloc2.dtd">
<topology version="2.0"><object type="Machine" gp_index="1"><info name="CPUVendor" value="x"/>
 <object type="Package" gp_index="2"><object type="NUMANode" gp_index="3" local_memory="1024"/>
  <object type="Bridge" bridge_type="0-1" gp_index="4">
   <object type="Bridge" bridge_type="1-1" pci_busid="0000:01:00.0" pci_type="0604 [8086:0001] [0:0] 0 0" pci_link_speed="15.753846" gp_index="5">
    <object type="PCIDev" pci_busid="0000:02:00.0" pci_type="0302 [10de:1db1] [0:0] 0 0" pci_link_speed="15.753846" gp_index="6"><object type="OSDev" gp_index="7" name="nvml0"/></object>
   </object>
   <object type="Bridge" bridge_type="1-1" pci_busid="0000:03:00.0" pci_type="0604 [8086:0001] [0:0] 0 0" pci_link_speed="15.753846" gp_index="8">
    <object type="PCIDev" pci_busid="0000:04:00.0" pci_type="0302 [10de:1db1] [0:0] 0 0" pci_link_speed="15.753846" gp_index="9"/>
   </object>
  </object></object></object>
 <distances2hetero nbobjs="2" kind="25" name="NVLinkBandwidth"><indexes length="8">OSDev:7</indexes><indexes length="8"> PCIDev:9</indexes>
  <u64values length="8">0 50000 </u64values><u64values length="8">50000 0</u64values></distances2hetero>
</topology>
"""
SMI = ("\t\x1b[4mGPU0\tGPU1\tNIC0\tCPU Affinity\tNUMA Affinity\x1b[0m\n"
       "GPU0\t X \tNV4\tPIX\t0-3\t0\nGPU1\tNV4\t X \tSYS\t4-7\t1\nNIC0\tPIX\tSYS\t X \t\t\n\n"
       "Legend:\n\nNIC Legend:\n\n  NIC0: mlx5_0\n")
NS3 = "5 2 1 1 5 A100\n3 4\n0 3 2400Gbps 0.000025ms 0\n1 3 2400Gbps 0.000025ms 0\n" \
      "0 4 100Gbps 0.0005ms 0\n1 4 100Gbps 0.0005ms 0\n2 4 100Gbps 0.0005ms 0.01\n"
ASTRA = "topology: [Switch, Ring]\nnpus_count: [2, 3]\nbandwidth: [400, 50]\nlatency: [900, 1000]\n"
LAB = ("name: clos\ntopology:\n  nodes:\n    leaf1: {kind: srl}\n    h1: {kind: linux}\n"
       "    h2: {kind: linux}\n  links:\n    - endpoints: [\"leaf1:e1\", \"h1:e1\"]\n"
       "    - endpoints: [\"leaf1:e2\", \"h2:e1\"]\n    - endpoints: [\"h2:e2\", \"leaf1:e3\"]\n")
GRAPHML = """<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key attr.name="Latitude" attr.type="double" for="node" id="a"/><key attr.name="Longitude" attr.type="double" for="node" id="b"/>
<key attr.name="label" attr.type="string" for="node" id="c"/><key attr.name="LinkSpeedRaw" attr.type="double" for="edge" id="d"/>
<graph edgedefault="undirected">
<node id="0"><data key="c">Wien Mitte</data><data key="a">48.2</data><data key="b">16.4</data></node>
<node id="1"><data key="c">Graz</data><data key="a">47.1</data><data key="b">15.4</data></node>
<edge source="0" target="1"><data key="d">10000000000.0</data></edge></graph></graphml>
"""
TEXTS = {"nccl": NCCL, "hwloc": HWLOC, "smi": SMI, "ns3": NS3, "astra": ASTRA, "lab": LAB,
         "graphml": GRAPHML}


@pytest.fixture(scope="session")
def texts() -> dict[str, str]:
    return TEXTS


@pytest.fixture(scope="session")
def machines() -> Path:
    """Descriptions of real machines; third-party files, so they are not in the project."""
    data = os.environ.get("RACKWRIGHT_DATA")
    folder = (Path(data) if data else
              Path(__file__).parents[3].parent / "shared" / "data") / "topologies"
    if not folder.is_dir():
        pytest.skip(f"no machines of others in {folder}; set RACKWRIGHT_DATA")
    return folder
