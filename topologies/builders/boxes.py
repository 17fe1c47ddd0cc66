"""Hosts without NVSwitch: PCIe-only boxes and the hybrid cube mesh of DGX-1.

A box has two processors `h0/cpu0`, `h0/cpu1` with memory `h0/mem`, PCIe switches below them, and
GPUs, adapters and NVMe drives spread over the switches in turn. With no switches everything hangs
on the processors. DGX-1 joins its eight V100 directly: each has six NVLinks, to four others
(NVIDIA DGX-1 With Tesla V100 System Architecture, WP-08437-002: hybrid cube mesh; the doubled
links as `nvidia-smi topo -m` shows them on such machines: recalled, not checked).

Leaves out: lanes that a slot lacks, storage controllers, the BMC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rackwright.devices import Gpu, Link, catalog
from rackwright.errors import UsageError
from rackwright.topologies.builders.building import (
    add_link,
    count,
    device_part,
    new_graph,
    nvlink_bundle,
)
from rackwright.topologies.builders.hosts import (
    SOCKETS,
    add_pcie_switches,
    add_processors,
    join_adapters,
    share,
)

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.parts import Device

__all__ = ["hybrid_cube_mesh", "pcie_box"]

_SOCKET_LINK = Link("socket-link", "socket", 128e9, 1.0, 0.0, "assumed: 16 GB/s, what NCCL's path "
                    "search takes between AMD sockets (src/graph/topo.h), not a measurement")
# NVLinks between GPUs i and j of a DGX-1 with V100
_CUBE = {(0, 1): 1, (0, 2): 1, (0, 3): 2, (0, 4): 2, (1, 2): 2, (1, 3): 1, (1, 5): 2, (2, 3): 2,
         (2, 6): 1, (3, 7): 1, (4, 5): 1, (4, 6): 1, (4, 7): 2, (5, 6): 2, (5, 7): 1, (6, 7): 2}


def pcie_box(gpu: str | Gpu = "l40s", hosts: int = 1, gpus: int = 8, nics: int = 2,
             drives: int = 2, switches: int = 2, cpu: str | Device = "epyc-7763",
             memory: str | Device = "ddr4-3200-8ch", nic: str | Device = "connectx-6",
             drive: str | Device = "nvme-gen4", pcie: str | Link = "",
             network: str | Link = "ethernet-200g") -> nx.DiGraph[Any]:
    """`hosts` boxes whose devices meet over PCIe only.

    `switches`: PCIe switches of a host, 0 for none; `pcie`: of every device, the GPU's own when
    empty. Several hosts are joined at one switch `s0`. Raises UnknownName, UsageError.

    >>> sorted(pcie_box(gpus=1, nics=0, drives=1, switches=0).nodes)
    ['h0/cpu0', 'h0/cpu1', 'h0/gpu0', 'h0/mem', 'h0/nvme0']
    """
    part = catalog.gpu(gpu) if isinstance(gpu, str) else gpu
    for name, value in (("gpus", gpus), ("nics", nics), ("drives", drives),
                        ("switches", switches)):
        count(name, value, 0, 64)
    lanes = catalog.link(pcie or part.pcie) if isinstance(pcie, str) else pcie
    units = [("gpu", part, gpus), ("nic", device_part(nic), nics),
             ("nvme", device_part(drive), drives)]
    graph = new_graph(f"{count('hosts', hosts, most=4096)} PCIe boxes of {gpus} {part.name}")
    for number in range(hosts):
        above = _processors(graph, f"h{number}", device_part(cpu), device_part(memory), switches,
                            lanes)
        for stem, device, many in units:
            for unit in range(many):
                node = f"h{number}/{stem}{unit}"
                graph.add_node(node, device=device)
                add_link(graph, node, above[share(unit, many, len(above))], lanes)
    if hosts > 1:
        join_adapters(graph, network)
    return graph


def hybrid_cube_mesh(gpu: str | Gpu = "v100-sxm", hosts: int = 1, nic: str | Device = "connectx-6",
                     network: str | Link = "ethernet-100g") -> nx.DiGraph[Any]:
    """DGX-1: eight GPUs joined directly, four PCIe switches with two GPUs and an adapter each.

    Raises UnknownName, and UsageError for a GPU whose NVLinks are not six.

    >>> hybrid_cube_mesh().degree("h0/gpu0")  # four neighbours and PCIe, both directions
    10
    """
    part = catalog.gpu(gpu) if isinstance(gpu, str) else gpu
    if part.nvlink != "nvlink2":
        raise UsageError(f"a hybrid cube mesh joins GPUs with six links of NVLink 2; {part.name} "
                         f"has {part.nvlink or 'no NVLink'}")
    lanes = catalog.link(part.pcie)
    bundles = {links: nvlink_bundle(part.nvlink, links) for links in (1, 2)}
    graph = new_graph(f"{count('hosts', hosts, most=4096)} x 8 {part.name}, hybrid cube mesh")
    for number in range(hosts):
        host = f"h{number}"
        above = _processors(graph, host, device_part("epyc-7742"), device_part("ddr4-3200-8ch"), 4,
                            lanes)
        for unit in range(8):
            graph.add_node(f"{host}/gpu{unit}", device=part)
            add_link(graph, f"{host}/gpu{unit}", above[unit // 2], lanes)
        for unit in range(4):
            graph.add_node(f"{host}/nic{unit}", device=device_part(nic))
            add_link(graph, f"{host}/nic{unit}", above[unit], lanes)
        for (one, other), links in _CUBE.items():
            add_link(graph, f"{host}/gpu{one}", f"{host}/gpu{other}", bundles[links])
    if hosts > 1:
        join_adapters(graph, network)
    return graph


def _processors(graph: nx.DiGraph[Any], host: str, cpu: Device, memory: Device, switches: int,
                lanes: Link) -> list[str]:
    """Two processors with their memory and the switches; the nodes that devices hang on."""
    add_processors(graph, host, cpu, memory, _SOCKET_LINK)
    add_pcie_switches(graph, host, switches, device_part("pcie-switch"), lanes)
    return [f"{host}/pcie{number}" for number in range(switches)] or [f"{host}/cpu{number}"
                                                                      for number in range(SOCKETS)]
