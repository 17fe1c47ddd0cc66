"""Builders of networks whose hosts are one node each: a star and a leaf-spine.

Models: hosts `h0`, `h1`, ... (each its own endpoint), switches `s0` or `leaf0`, `spine0`.
Leaves out: what is inside a host (see `dgx`), cable lengths, breakout cables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.topologies.builders.building import (
    add_link,
    count,
    device_part,
    link_part,
    new_graph,
)

if TYPE_CHECKING:
    import networkx as nx

    from rackwright.topologies.parts import Device

__all__ = ["leaf_spine", "star"]


def star(hosts: int = 4, device: str | Device = "connectx-6", link: str | Link = "ethernet-200g",
         switch: str | Device = "ethernet-switch") -> nx.DiGraph[Any]:
    """`hosts` hosts `h0`, `h1`, ... around one switch `s0`.

    `device`: the part that stands for a host (a NIC, smart NIC, CPU ...), `link`: its cable; each
    a catalog name or an object. Raises UsageError and UnknownName.

    >>> sorted(star(hosts=2).nodes)
    ['h0', 'h1', 's0']
    """
    graph = new_graph(f"star, hosts: {count('hosts', hosts)}")
    graph.add_node("s0", device=device_part(switch))
    part, cable = device_part(device), link_part(link)
    for host in range(hosts):
        graph.add_node(f"h{host}", device=part)
        add_link(graph, f"h{host}", "s0", cable)
    return graph


def leaf_spine(leaves: int = 4, spines: int = 2, hosts_per_leaf: int = 4,
               device: str | Device = "connectx-6", host_link: str | Link = "ethernet-200g",
               uplink: str | Link = "ethernet-400g",
               switch: str | Device = "ethernet-switch-400g") -> nx.DiGraph[Any]:
    """A two-tier Clos network: every leaf has one `uplink` to every spine.

    Hosts are numbered leaf by leaf: `h0` .. under `leaf0`. A leaf is oversubscribed by
    (hosts_per_leaf x host rate) / (spines x uplink rate). Raises UsageError and UnknownName.

    >>> leaf_spine(leaves=2, spines=2, hosts_per_leaf=1).number_of_edges()
    12
    """
    for name, value in (("leaves", leaves), ("spines", spines),
                        ("hosts_per_leaf", hosts_per_leaf)):
        count(name, value)
    graph = new_graph(f"leaf-spine, {leaves} leaves x {hosts_per_leaf} hosts, "
                        f"{spines} spines")
    crossbar, part = device_part(switch), device_part(device)
    cable, trunk = link_part(host_link), link_part(uplink)
    for spine in range(spines):
        graph.add_node(f"spine{spine}", device=crossbar)
    for leaf in range(leaves):
        graph.add_node(f"leaf{leaf}", device=crossbar)
        for spine in range(spines):
            add_link(graph, f"leaf{leaf}", f"spine{spine}", trunk)
        for host in range(leaf * hosts_per_leaf, (leaf + 1) * hosts_per_leaf):
            graph.add_node(f"h{host}", device=part)
            add_link(graph, f"h{host}", f"leaf{leaf}", cable)
    return graph
