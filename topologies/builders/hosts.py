"""What builders of hosts share: processors and memory, PCIe switches, the switch between hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rackwright.devices import Link, Memory
from rackwright.errors import UsageError
from rackwright.topologies.builders.building import add_link, device_part, link_part
from rackwright.topologies.names import natural_key
from rackwright.topologies.parts import family_of

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.parts import Device

__all__ = ["SOCKETS", "add_pcie_switches", "add_processors", "channels", "join_adapters", "share",
           "switch_for"]

SOCKETS = 2
_SWITCHES = {100e9: "ethernet-switch-100g", 200e9: "ethernet-switch",
             400e9: "ethernet-switch-400g"}  # by port rate, bits/s


def add_processors(graph: nx.DiGraph[Any], host: str, cpu: Device, memory: Device,
                   between: Link) -> None:
    """Two processors, joined by `between`, and the memory that both reach."""
    graph.add_node(f"{host}/mem", device=memory)
    for number in range(SOCKETS):
        graph.add_node(f"{host}/cpu{number}", device=cpu)
        add_link(graph, f"{host}/cpu{number}", f"{host}/mem", channels(memory))
    add_link(graph, f"{host}/cpu0", f"{host}/cpu1", between)


def add_pcie_switches(graph: nx.DiGraph[Any], host: str, switches: int, part: Device,
                      lanes: Link) -> None:
    """`switches` PCIe switches, dealt to the processors."""
    for number in range(switches):
        node = f"{host}/pcie{number}"
        graph.add_node(node, device=part)
        add_link(graph, node, f"{host}/cpu{share(number, switches, SOCKETS)}", lanes)


def channels(memory: Device) -> Link:
    """All channels of a socket; the way through the processor to memory is the processor's."""
    if not isinstance(memory, Memory):
        raise UsageError(f"{memory.name} is no memory part")
    return Link(memory.name, "memory", memory.bandwidth * 8, 1.0, 0.0,
                memory.sources["bandwidth"])


def share(number: int, things: int, places: int) -> int:
    """The place of thing `number` when `things` are dealt evenly, neighbours together."""
    return number * places // things


def join_adapters(graph: nx.DiGraph[Any], network: str | Link, switch: str = "") -> None:
    """Plug every adapter of `graph` into one new switch `s0`, in the order of their names."""
    cable = link_part(network)
    part = device_part(switch or switch_for(cable))
    adapters = [node for node in sorted(graph.nodes, key=natural_key)
                if family_of(graph.nodes[node]["device"]) in ("nic", "smart-nic")]
    if not adapters:
        raise UsageError("there is no adapter to join the hosts with; take nics=1 or more")
    graph.add_node("s0", device=part)
    for adapter in adapters:
        add_link(graph, adapter, "s0", cable)


def switch_for(cable: Link) -> str:
    """The catalog's switch with ports of the cable's rate, or the next faster one."""
    rates = [rate for rate in sorted(_SWITCHES) if rate >= cable.rate_bps]
    return _SWITCHES[rates[0] if rates else max(_SWITCHES)]
