"""Lovelock-style pods: headless smart NICs that host accelerators, storage, or nothing.

After "Lovelock: Towards Smart NIC-hosted Clusters" (arXiv 2309.12665), of which the three kinds of
node are taken: accelerator nodes (a smart NIC with GPUs on its PCIe lanes), storage nodes (with
NVMe drives) and lite-compute nodes (bare). Every node is a host `h0`, `h1` ... in that order, whose
smart NIC `h0/nic0` is root of its devices and plugged into the switch `s0`. A node's attribute
`role` is "accelerator", "storage" or "compute".

Checked: the PCIe lanes that the devices take are no more than the NIC has. Leaves out: what a
NIC's cores can do (the device's), redundancy, racks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rackwright.devices import Gpu, Link, Nvme, SmartNic, catalog
from rackwright.errors import UsageError
from rackwright.topologies.builders.building import (
    add_link,
    count,
    device_part,
    link_part,
    new_graph,
)
from rackwright.topologies.builders.hosts import switch_for

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["lovelock"]


def lovelock(accelerators: int = 4, storage: int = 2, compute: int = 2,
             gpus: int = 1, drives: int = 4, nic: str | SmartNic = "e2000",
             gpu: str | Gpu = "a100-sxm-80", drive: str | Nvme = "nvme-gen4",
             network: str | Link = "ethernet-200g") -> nx.DiGraph[Any]:
    """A pod of `accelerators`, `storage` and `compute` nodes around one switch.

    `gpus` and `drives`: on each node of their kind. A device gets as many of its lanes as the NIC
    has left for it, in equal parts. Raises UnknownName, and UsageError for lanes that do not go
    round.

    >>> graph = lovelock(accelerators=1, storage=1, compute=1, drives=2)
    >>> sorted(node for node in graph if node != "s0")
    ['h0/gpu0', 'h0/nic0', 'h1/nic0', 'h1/nvme0', 'h1/nvme1', 'h2/nic0']
    """
    card = catalog.smart_nic(nic) if isinstance(nic, str) else nic
    cable = link_part(network)
    total = sum(count(name, value, 0) for name, value in (
        ("accelerators", accelerators), ("storage", storage), ("compute", compute)))
    if total == 0:
        raise UsageError("a pod without nodes; give accelerators, storage or compute")
    graph = new_graph(f"pod of {total} x {card.name}")
    graph.add_node("s0", device=device_part(switch_for(cable)))
    kinds = (("accelerator", accelerators, "gpu", gpu, count("gpus", gpus, 0, 64)),
             ("storage", storage, "nvme", drive, count("drives", drives, 0, 64)),
             ("compute", compute, "", "", 0))
    number = 0
    for role, nodes, stem, part, many in kinds:
        for _ in range(nodes):
            host = f"h{number}"
            graph.add_node(f"{host}/nic0", device=card, role=role)
            add_link(graph, f"{host}/nic0", "s0", cable)
            for unit in range(many):
                device: Any = device_part(part)
                graph.add_node(f"{host}/{stem}{unit}", device=device)
                add_link(graph, f"{host}/{stem}{unit}", f"{host}/nic0", _lanes(card, device, many))
            number += 1
    return graph


def _lanes(card: SmartNic, device: Any, many: int) -> Link:
    """The PCIe link of one of `many` devices: its own, narrowed to what the NIC has for it."""
    own = str(device.pcie)
    generation, _, width = own.partition("-x")
    whole = card.root_lanes or card.pcie_lanes
    lanes = min(int(width), _floor_power(whole // many))
    name = f"{generation}-x{lanes}"
    if lanes < 1:
        raise UsageError(f"{many} x {device.name} do not fit the {whole} PCIe lanes of "
                         f"{card.name}: {whole // many} each")
    return catalog.link(name)


def _floor_power(number: int) -> int:
    return 1 << (number.bit_length() - 1) if number > 0 else 0
