"""`dgx`: hosts of NVSwitch GPUs, and the network between them.

A host `h0` has GPUs `h0/gpu0` .. on one NVSwitch plane `h0/nvswitch` (one NVLink bundle each),
PCIe switches `h0/pcie0` .. with GPUs and NICs `h0/nic0` .. below and a CPU above, CPUs `h0/cpu0`
and `h0/cpu1`, and memory `h0/mem` that both CPUs reach with the channels of one socket.

How real ones look. DGX A100: each of four PCIe switches holds two GPUs and two of the eight
compute ConnectX-6 (`nvidia-smi topo -m` in github.com/rapidsai/ucx-py/issues/749, NCCL's dump in
github.com/NVIDIA/nccl/issues/1505). DGX H100 and H200: every GPU shares a PCIe switch with one
ConnectX-7 (github.com/NVIDIA/nccl/issues/1264). EC2 p4d: one 100 Gb/s adapter for two GPUs, PCIe
3.0 (aws-ofi-nccl, topology/p4d-24xl-topo.xml). Between hosts they have a rail-optimised, fully
non-blocking fat tree: NIC i of every host on leaf i (NVIDIA HGX H100/H200/B200 enterprise
reference architecture, "Networking Physical Topologies").

Here ``fabric="switch"`` (default) puts all NICs on one non-blocking switch `s0`, which has the
bandwidth of that fat tree and the latency of its shortest path; ``fabric="rails"`` builds
`leaf0` .. and one `spine0` behind non-blocking trunks. Ports are not counted. Leaves out: the
single NVSwitch chips, storage NICs, drives, InfiniBand (its adapters at the same rate as
Ethernet). The memory part is that of one socket: its capacity is half the host's.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from rackwright.devices import Gpu, Link, Memory, Nic, catalog
from rackwright.errors import UnknownName, UsageError
from rackwright.topologies.builders.building import (
    add_link,
    count,
    device_part,
    link_part,
    new_graph,
)
from rackwright.topologies.builders.hosts import (
    add_pcie_switches,
    add_processors,
    join_adapters,
    share,
    switch_for,
)
from rackwright.units import format_rate

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.parts import Device

__all__ = ["dgx"]

_FABRICS = ("rails", "switch")
# Links between CPUs have no latency of their own: that of both CPUs is counted, and covers it.
_NCCL = "assumed: what NCCL's path search takes ({}, src/graph/topo.h), not a measurement"


@dataclass(frozen=True)
class _Platform:
    """The host around GPUs of one PCIe generation; sources in the module's text."""

    cpu: str
    memory: str
    nic: str
    network: str
    pcie_switch: str
    gpus_per_switch: int
    socket_link: Link


_PLATFORMS = {
    "gen4-x16": _Platform(  # DGX A100
        "epyc-7742", "ddr4-3200-8ch", "connectx-6", "ethernet-200g", "pcie-switch", 2,
        Link("xgmi-zen2", "socket", 128e9, 1.0, 0.0, _NCCL.format("AMD_ZEN12_BW, 16 GB/s"))),
    "gen5-x16": _Platform(  # DGX H100, DGX H200
        "xeon-8480c", "ddr5-4800-8ch", "connectx-7", "ethernet-400g", "pcie-switch-gen5", 1,
        Link("upi-sapphire-rapids", "socket", 176e9, 1.0, 0.0,
             _NCCL.format("SRP_QPI_BW, 22 GB/s"))),
}


@dataclass(frozen=True)
class _Plan:
    """What every host of a graph is made of."""

    gpu: Gpu
    gpus: int
    nics: int
    nic: Nic
    pcie: Link
    pcie_switch: Device
    nvswitch: Device | None
    nvlink: Link | None
    cpu: Device
    memory: Memory
    host: _Platform

    @property
    def switches(self) -> int:
        """PCIe switches of a host."""
        return -(-self.gpus // self.host.gpus_per_switch)


def dgx(gpu: str | Gpu = "a100-sxm-80", hosts: int = 1, gpus: int = 8, nics: int = 8,
        network: str | Link | None = None, nic: str | None = None, pcie: str | None = None,
        fabric: str = "switch") -> nx.DiGraph[Any]:
    """`hosts` hosts of `gpus` GPUs and `nics` NICs; the module's text draws them.

    `network`: the link of a NIC, `nic`, `pcie`: parts; None takes those of the GPU's generation.
    `fabric`: "switch" or "rails"; there is none when `hosts` is 1. Raises UnknownName, UsageError.

    >>> dgx("a100-sxm-80").number_of_nodes()  # 8 GPUs, NVSwitch, 4 PCIe, 8 NICs, 2 CPUs, memory
    24
    """
    part = catalog.gpu(gpu) if isinstance(gpu, str) else gpu
    if fabric not in _FABRICS:
        raise UnknownName("fabric", fabric, _FABRICS)
    count("hosts", hosts, most=4096)
    host = _platform(part)
    plan = _Plan(part, count("gpus", gpus, most=64), count("nics", nics, int(hosts > 1), 64),
                 _nic(nic or host.nic), catalog.pcie(pcie or part.pcie).link(),
                 device_part(host.pcie_switch),
                 device_part(part.nvswitch) if part.nvswitch else None,
                 catalog.link(part.nvlink) if part.nvswitch else None,
                 device_part(host.cpu), catalog.memory(host.memory), host)
    cable = link_part(network or host.network)
    graph = new_graph(f"{hosts} x {gpus} {part.name}")
    for number in range(hosts):
        _add_host(graph, f"h{number}", plan)
    if hosts > 1 or network is not None:
        _check_rate(plan.nic, cable)
    if hosts > 1:
        if fabric == "rails":
            _add_rails(graph, hosts, nics, cable)
        else:
            join_adapters(graph, cable)
    return graph


def _platform(gpu: Gpu) -> _Platform:
    if gpu.pcie not in _PLATFORMS:
        raise UsageError(f"dgx() knows no host for {gpu.name} ({gpu.pcie or 'no PCIe part'}); it "
                         f"knows those of GPUs with {' and '.join(_PLATFORMS)}")
    if gpu.nvlink and not gpu.nvswitch:
        raise UsageError(f"{gpu.name} has NVLink but no NVSwitch: dgx() builds hosts around one; "
                         "join its GPUs with networkx and catalog.link(...) instead")
    return _PLATFORMS[gpu.pcie]


def _nic(name: str) -> Nic:
    known = (*catalog.names("nic"), *catalog.names("smart-nic"))
    if name not in known:
        raise UnknownName("NIC", name, known)
    return cast("Nic", catalog.get(name))


def _check_rate(nic: Nic, cable: Link) -> None:
    if cable.rate_bps > nic.rate_bps:
        raise UsageError(
            f"network {cable.name} ({format_rate(cable.rate_bps)}) is faster than the NIC "
            f"{nic.name} ({format_rate(nic.rate_bps)}); take another network= or nic=")


def _add_host(graph: nx.DiGraph[Any], host: str, plan: _Plan) -> None:
    add_processors(graph, host, plan.cpu, plan.memory, plan.host.socket_link)
    add_pcie_switches(graph, host, plan.switches, plan.pcie_switch, plan.pcie)
    if plan.nvswitch:
        graph.add_node(f"{host}/nvswitch", device=plan.nvswitch)
    for number in range(plan.gpus):
        _add_gpu(graph, host, number, plan)
    for number in range(plan.nics):
        name = f"{host}/nic{number}"
        graph.add_node(name, device=plan.nic)
        add_link(graph, name, f"{host}/pcie{share(number, plan.nics, plan.switches)}", plan.pcie)


def _add_gpu(graph: nx.DiGraph[Any], host: str, number: int, plan: _Plan) -> None:
    name = f"{host}/gpu{number}"
    graph.add_node(name, device=plan.gpu)
    add_link(graph, name, f"{host}/pcie{number // plan.host.gpus_per_switch}", plan.pcie)
    if plan.nvlink:
        add_link(graph, name, f"{host}/nvswitch", plan.nvlink)


def _add_rails(graph: nx.DiGraph[Any], hosts: int, nics: int, cable: Link) -> None:
    switch = device_part(switch_for(cable))
    trunk = dataclasses.replace(cable, name=f"{cable.name}-x{hosts}", content_hash="",
                                rate_bps=hosts * cable.rate_bps)
    graph.add_node("spine0", device=switch)
    for nic in range(nics):
        graph.add_node(f"leaf{nic}", device=switch)
        add_link(graph, f"leaf{nic}", "spine0", trunk)
        for host in range(hosts):
            add_link(graph, f"h{host}/nic{nic}", f"leaf{nic}", cable)
