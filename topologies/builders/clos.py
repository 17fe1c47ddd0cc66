"""Networks of switches whose hosts are one node each: fat-tree, dragonfly, torus.

Fat-tree: M. Al-Fares et al., A Scalable, Commodity Data Center Network Architecture, SIGCOMM 2008.
Dragonfly: J. Kim et al., Technology-Driven, Highly-Scalable Dragonfly Topology, ISCA 2008 (groups
fully connected inside, one link between any two groups when they are as many as fit).

Routes are those of the fabric: shortest, equal ones by flow id. Leaves out: adaptive and Valiant
routing, which dragonflies usually want, and dimension order in a torus.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.errors import UsageError
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

__all__ = ["dragonfly", "fat_tree", "torus"]

_MOST_NODES = 200_000  # our own limit


def fat_tree(k: int = 4, device: str | Device = "connectx-6", link: str | Link = "ethernet-200g",
             switch: str | Device = "ethernet-switch") -> nx.DiGraph[Any]:
    """A three-tier fat-tree of `k`-port switches: k**3 / 4 hosts, full bisection.

    Pod p has `edge<p>-0` .. and `agg<p>-0` ..; `core0` .. join the pods. Raises UsageError for an
    odd `k`, UnknownName.

    >>> fat_tree(4).number_of_nodes()  # 16 hosts, 16 switches in pods, 4 cores
    36
    """
    if count("k", k, 2, 64) % 2:
        raise UsageError(f"k is {k}; a fat-tree needs an even number of ports")
    half = k // 2
    graph = new_graph(f"fat-tree, k = {k}")
    crossbar, part, cable = device_part(switch), device_part(device), link_part(link)
    graph.add_nodes_from((f"core{number}" for number in range(half * half)), device=crossbar)
    for pod, number in itertools.product(range(k), range(half)):
        for tier in ("edge", "agg"):
            graph.add_node(f"{tier}{pod}-{number}", device=crossbar)
    for pod, edge, other in itertools.product(range(k), range(half), range(half)):
        add_link(graph, f"edge{pod}-{edge}", f"agg{pod}-{other}", cable)
        add_link(graph, f"agg{pod}-{edge}", f"core{edge * half + other}", cable)
        host = f"h{(pod * half + edge) * half + other}"
        graph.add_node(host, device=part)
        add_link(graph, host, f"edge{pod}-{edge}", cable)
    return graph


def dragonfly(groups: int = 9, routers: int = 4, hosts_per_router: int = 2,
              global_links: int = 2, device: str | Device = "connectx-6",
              link: str | Link = "ethernet-200g", global_link: str | Link = "ethernet-200g",
              switch: str | Device = "ethernet-switch") -> nx.DiGraph[Any]:
    """`groups` groups of fully connected `routers`, each router with `global_links` to others.

    Router r of group g is `g<g>-r<r>`. Links between groups are dealt out in turn, so that any two
    groups have as many as any other two, give or take one. Raises UsageError when the groups
    cannot all be joined (more than routers x global_links + 1), UnknownName.

    >>> dragonfly(groups=3, routers=2, hosts_per_router=1, global_links=1).number_of_nodes()
    12
    """
    for name, value in (("groups", groups), ("routers", routers),
                        ("hosts_per_router", hosts_per_router), ("global_links", global_links)):
        count(name, value)
    ports = routers * global_links
    if groups > ports + 1:
        raise UsageError(f"{groups} groups cannot all be joined: {routers} routers with "
                         f"{global_links} global links reach {ports} other groups")
    if groups * routers * (hosts_per_router + 1) > _MOST_NODES:
        raise UsageError(f"more than {_MOST_NODES} nodes; take fewer groups, routers or hosts")
    graph = new_graph(f"dragonfly, {groups} groups of {routers} routers")
    crossbar, part = device_part(switch), device_part(device)
    near, far = link_part(link), link_part(global_link)
    for group, router in itertools.product(range(groups), range(routers)):
        node = f"g{group}-r{router}"
        graph.add_node(node, device=crossbar)
        for before in range(router):
            add_link(graph, node, f"g{group}-r{before}", near)
        for number in range(hosts_per_router):
            host = f"h{(group * routers + router) * hosts_per_router + number}"
            graph.add_node(host, device=part)
            add_link(graph, host, node, near)
    for one, other in _between_groups(groups, routers, global_links):
        add_link(graph, one, other, far)
    return graph


def _between_groups(groups: int, routers: int, global_links: int) -> Iterator[tuple[str, str]]:
    """Pairs of routers, one for each pair of groups, the links of a group dealt out in turn."""
    used = [0] * groups
    for step in range(1, groups // 2 + 1):
        for one in range(groups if 2 * step < groups else groups // 2):
            other = (one + step) % groups
            yield tuple(f"g{group}-r{used[group] // global_links % routers}"  # type: ignore[misc]
                        for group in (one, other))
            used[one] += 1
            used[other] += 1


def torus(dims: str | tuple[int, ...] = "4x4", device: str | Device = "connectx-6",
          link: str | Link = "ethernet-200g", wrap: bool = True) -> nx.DiGraph[Any]:
    """Nodes on a grid, each joined to its neighbours and passing on what is not its own.

    `dims`: sizes such as ``"4x4x2"`` or (4, 4, 2); one dimension is a ring. `wrap`: also join the
    ends (a dimension of two has one link anyway). Nodes `h0`, `h1` ... in row order have an
    attribute `place`. Raises UsageError, UnknownName.

    >>> torus("3x3").out_degree("h0")
    4
    """
    sizes = _sizes(dims)
    graph = new_graph(f"{'torus' if wrap else 'mesh'} {'x'.join(map(str, sizes))}")
    part, cable = device_part(device), link_part(link)
    places = list(itertools.product(*(range(size) for size in sizes)))
    names = {place: f"h{number}" for number, place in enumerate(places)}
    for place, name in names.items():
        graph.add_node(name, device=part, forwards=True, place=list(place))
    for place, name in names.items():
        for axis, size in enumerate(sizes):
            step = place[axis] + 1
            if size > 1 and (step < size or (wrap and size > 2)):
                add_link(graph, name, names[(*place[:axis], step % size, *place[axis + 1:])],
                         cable)
    return graph


def _sizes(dims: str | tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(dims, str):
        if not re.fullmatch(r"\d{1,6}(x\d{1,6})*", dims):
            raise UsageError(f"dims is {dims!r}; write sizes such as '4x4x2'")
        dims = tuple(int(word) for word in dims.split("x"))
    sizes = tuple(count("a size of dims", size) for size in dims)
    if not sizes or math.prod(sizes) > _MOST_NODES or math.prod(sizes) < 2:
        raise UsageError(f"dims is {dims!r}; two to {_MOST_NODES} nodes are needed")
    return sizes
