"""The two clusters that are compared: a pod of headless NICs, and the servers that it replaces.

The pod is the fabric as given. Its hosts are smart NICs; what hangs on them says their role
(or the node attribute `role` of the pod builder): `accelerator`, `storage`, `compute`. The servers
are *derived* from it: every `phi` neighbouring NICs of one role become one server on the switch
of the first of them, with all their devices on the PCIe lanes of its sockets; switches and the
links between them stay. So both clusters hold the same devices and the same network core.

Operators run on the compute nodes; in a pod without any on the accelerator nodes, else on the
storage nodes. Nodes of one role must be equal. Leaves out: NUMA (the sockets of a server are one
node), redundancy. Units: bytes/s, reference cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rackwright.devices import Gpu, Link, Nvme, Server, SmartNic, catalog
from rackwright.errors import TopologyError
from rackwright.models.lovelock.options import LovelockOptions, core_performance
from rackwright.topologies import compile as compile_graph
from rackwright.topologies.fabric import Fabric

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["ROLES", "Cluster", "Node", "headless", "server_graph", "servers"]

ROLES = ("compute", "accelerator", "storage")
_CABLES = ("ethernet", "infiniband")
_SHOWN = 4     # parts of a host that an error names


@dataclass(frozen=True)
class Node:
    """What operators find on one node that runs them."""

    part: str
    cores: int
    core_rate: float          # reference core-seconds a second
    memory_bandwidth: float   # bytes/s
    stream_bandwidth: float   # bytes/s of it in long streams
    line_bps: float
    memory_nbytes: int | None  # None: the catalog does not say


@dataclass(frozen=True)
class Cluster:
    """A fabric, and who does what on it.

    `roles`: role -> hosts. `memories`: host -> the endpoint at which its bytes start and end.
    `workers`: hosts that run operators, `node` what each has. `servers`: how many servers the
    workers are or replace.
    """

    kind: str
    fabric: Fabric
    roles: Mapping[str, tuple[str, ...]]
    memories: Mapping[str, str]
    workers: tuple[str, ...]
    node: Node
    servers: int
    drives: tuple[str, ...]
    gpus: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(host for role in ROLES for host in self.roles[role])


def headless(fabric: Fabric, options: LovelockOptions) -> Cluster:
    """The pod on `fabric`. Raises TopologyError and OptionsError."""
    roles = _roles(fabric)
    _refuse_phi(roles, options)
    card = _card(fabric, roles)
    workers = _workers(roles)
    performance = core_performance(card.name, options)
    if performance is None:
        raise options.refused([
            f"core_performance of {card.name} is not known: give it, as the throughput of one "
            "core over that of an EPYC 7763's (0.79 for e2000)"])
    peak = card.memory_bandwidth
    node = Node(card.name, card.cores, card.cores * performance,
                card.stream_bandwidth if options.memory == "stream" else peak,
                card.stream_bandwidth, card.rate_bps, card.memory_nbytes)
    return Cluster("headless", fabric, roles, {host: _nic(fabric, host) for host in fabric.hosts()},
                   workers, node, len(workers) // options.phi, fabric.endpoints["nvme"],
                   fabric.gpus())


def servers(pod: Cluster, options: LovelockOptions, smart: bool) -> Cluster:
    """The servers in place of `pod`; `smart`: with its NICs in their slots."""
    part = _server(options)
    fabric = compile_graph(server_graph(pod, options, smart))
    roles, at = {}, 0
    for role in ROLES:
        count = len(pod.roles[role]) // options.phi
        roles[role] = tuple(f"h{number}" for number in range(at, at + count))
        at += count
    cpu = catalog.cpu(part.cpu)
    peak = part.sockets * cpu.memory_bandwidth
    node = Node(part.name, part.cores(), part.cores() * options.server_core_performance,
                part.memory_bandwidth() if options.memory == "stream" else peak,
                part.memory_bandwidth(), _line_bps(pod, options, smart),
                part.memory_nbytes())
    workers = _workers(roles)
    return Cluster("server_nic" if smart else "servers", fabric, roles,
                   {host: f"{host}/mem" for host in fabric.hosts()}, workers, node, len(workers),
                   fabric.endpoints["nvme"], fabric.gpus())


def server_graph(pod: Cluster, options: LovelockOptions, smart: bool = False) -> nx.DiGraph[Any]:
    """The servers that `pod` replaces, as a graph. Raises TopologyError for lanes that run out."""
    import networkx as nx

    old = pod.fabric.graph
    graph: nx.DiGraph[Any] = nx.DiGraph(name=f"servers of {old.graph.get('name', 'a pod')}")
    switches = [node for node in pod.fabric.nodes if pod.fabric.host_of(node) is None]
    graph.add_nodes_from((node, dict(old.nodes[node])) for node in switches)
    graph.add_edges_from((tail, head, dict(data)) for tail, head, data in old.edges(data=True)
                         if tail in graph and head in graph)
    number = 0
    for role in ROLES:
        hosts = pod.roles[role]
        for first in range(0, len(hosts), options.phi):
            _add_server(graph, pod, f"h{number}", hosts[first:first + options.phi], options,
                        smart, role)
            number += 1
    return graph


def _add_server(graph: nx.DiGraph[Any], pod: Cluster, host: str, group: tuple[str, ...],
                options: LovelockOptions, smart: bool, role: str) -> None:
    part = _server(options)
    cpu, memory = catalog.cpu(part.cpu), catalog.memory(part.memory)
    nic: Any = pod.fabric.device(_nic(pod.fabric, group[0])) if smart else catalog.nic(part.nic)
    channels = Link(memory.name, "memory", memory.bandwidth * 8 * part.sockets, 1.0, 0.0,
                    memory.sources["bandwidth"])
    graph.add_node(f"{host}/cpu0", device=cpu)
    graph.add_node(f"{host}/mem", device=memory)
    graph.add_node(f"{host}/nic0", device=nic, role=role)
    _join(graph, f"{host}/mem", f"{host}/cpu0", channels)
    _join(graph, f"{host}/nic0", f"{host}/cpu0", catalog.link(nic.pcie))
    lanes = catalog.pcie(nic.pcie).lanes
    for stem, nodes in (("gpu", pod.gpus), ("nvme", pod.drives)):
        mine = [node for node in nodes if pod.fabric.host_of(node) in group]
        for number, node in enumerate(mine):
            device: Any = pod.fabric.device(node)
            graph.add_node(f"{host}/{stem}{number}", device=device)
            _join(graph, f"{host}/{stem}{number}", f"{host}/cpu0", catalog.link(device.pcie))
            lanes += catalog.pcie(device.pcie).lanes
    if lanes > part.sockets * cpu.pcie_lanes:
        raise TopologyError("the servers of this pod cannot be built", [
            f"{host}: its adapter and the devices of {', '.join(group)} take {lanes} PCIe lanes; "
            f"{part.name} has {part.sockets * cpu.pcie_lanes}: lower phi, or take another server"])
    first = _nic(pod.fabric, group[0])
    for switch in pod.fabric.graph.successors(first):
        if pod.fabric.host_of(switch) is None:
            cable = pod.fabric.graph.edges[first, switch]["link"] if smart \
                else _cable(options)
            _join(graph, f"{host}/nic0", switch, cable)


def _join(graph: nx.DiGraph[Any], one: str, other: str, link: Link) -> None:
    graph.add_edge(one, other, link=link)
    graph.add_edge(other, one, link=link)


def _roles(fabric: Fabric) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {role: [] for role in ROLES}
    wrong = []
    for host in fabric.hosts():
        parts = [node for node in fabric.nodes if fabric.host_of(node) == host]
        nics = [node for node in parts if isinstance(fabric.device(node), SmartNic)]
        others = [fabric.device(node) for node in parts if node not in nics]
        if len(nics) != 1 or not all(isinstance(each, Gpu | Nvme) for each in others):
            more = " ..." if len(parts) > _SHOWN else ""
            wrong.append(f"{host}: {', '.join(sorted(parts)[:_SHOWN])}{more}")
            continue
        told = fabric.graph.nodes[nics[0]].get("role")
        role = told or ("accelerator" if any(isinstance(each, Gpu) for each in others)
                        else "storage" if others else "compute")
        found[role if role in ROLES else "compute"].append(host)
    if wrong or not any(found.values()):
        raise TopologyError(
            "Lovelock needs hosts of one smart NIC each, with GPUs, drives or nothing on it "
            "(topology `lovelock`); the servers are derived from it", wrong or ["no host at all"])
    return {role: tuple(hosts) for role, hosts in found.items()}


def _refuse_phi(roles: Mapping[str, tuple[str, ...]], options: LovelockOptions) -> None:
    """A server stands for phi nodes of one role: phi divides the number of each."""
    counts = {role: len(hosts) for role, hosts in roles.items() if hosts}
    allowed = [phi for phi in range(1, max(counts.values()) + 1)
               if not any(count % phi for count in counts.values())]
    if options.phi not in allowed:
        raise options.refused([
            f"phi = {options.phi}: expected {', '.join(map(str, allowed))}; the pod has "
            f"{' and '.join(f'{count} {role}' for role, count in counts.items())} nodes, and a "
            "server stands for phi nodes of one role"])


def _card(fabric: Fabric, roles: Mapping[str, tuple[str, ...]]) -> SmartNic:
    """The NIC of all nodes, which must be one part with equal devices in each role."""
    hosts = [host for role in ROLES for host in roles[role]]
    cards = {fabric.device(_nic(fabric, host)).name: fabric.device(_nic(fabric, host))
             for host in hosts}
    if len(cards) > 1:
        raise TopologyError("Lovelock needs equal smart NICs", [
            f"the {len(hosts)} hosts have {', '.join(sorted(cards))}"])
    for role, members in roles.items():
        kinds = {tuple(sorted(fabric.device(node).name for node in fabric.nodes
                              if fabric.host_of(node) == host)) for host in members}
        if len(kinds) > 1:
            raise TopologyError("Lovelock needs equal nodes of a role", [
                f"{role}: {' and '.join(' + '.join(kind) for kind in sorted(kinds))}"])
    card = next(iter(cards.values()))
    assert isinstance(card, SmartNic)  # _roles took no others
    return card


def _workers(roles: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return next(roles[role] for role in ROLES if roles[role])


def _nic(fabric: Fabric, host: str) -> str:
    return next(node for node in fabric.nodes if fabric.host_of(node) == host
                and isinstance(fabric.device(node), SmartNic))


def _server(options: LovelockOptions) -> Server:
    part = catalog.server(options.server)
    if not part.nic:
        raise options.refused([
            f"server {part.name} has no adapter; take one with a NIC, such as server-milan-1s"])
    return replace(part, nics=1)


def _cable(options: LovelockOptions) -> Link:
    cable = catalog.link(options.server_network)
    if cable.kind not in _CABLES:
        raise options.refused([
            f"server_network is {cable.name!r}, of kind {cable.kind}; expected a cable to a "
            f"switch ({' or '.join(_CABLES)}), such as ethernet-100g"])
    return cable


def _line_bps(pod: Cluster, options: LovelockOptions, smart: bool) -> float:
    if smart:
        return pod.node.line_bps
    return min(catalog.nic(_server(options).nic).rate_bps,
               _cable(options).rate_bps)
