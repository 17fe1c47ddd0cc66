"""`to_tree`: a topology as an indented tree, hosts from their CPUs down, the network above them.

Inside a host, what hangs on a CPU by anything but GPU links stands below it; NVLink and whatever
else joins two nodes of the tree is listed behind the node, as ``nvlink4 -> nvswitch``. A host
without a CPU starts at its smart NIC, or else at a PCIe switch. What is alike stands there once:
drives of one switch as ``nvme0..7``, other hosts as ``h1..7 like h0``. Two hosts are alike when
their units, links and the sorts of parts outside that they are plugged into are the same; which
switch a host is plugged into is listed with the switch. Leaves out: rates and latencies, which
`to_text` has.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rackwright.topologies.fabric import Fabric, compile
from rackwright.topologies.names import host_part, natural_key, unit_part
from rackwright.topologies.parts import family_of
from rackwright.topologies.searching import GPU_LINKS
from rackwright.topologies.views.roles import ranges, rows_of

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["to_tree"]

_ROOTS = ("cpu", "smart-nic", "pcie-switch", "nic", "switch", "gpu", "memory", "nvme")
_MOST = 8  # names after one arrow
_Links = Mapping[str, Sequence[tuple[str, Any]]]  # node -> (node at the other end, link)


def to_tree(graph: nx.DiGraph[Any] | Fabric) -> str:
    """The tree of a graph or a Fabric. Raises TopologyError when it cannot be compiled.

    >>> from rackwright.topologies import lovelock
    >>> print(to_tree(lovelock(accelerators=1, storage=1, compute=2, drives=2)), end="")
    pod of 4 x e2000
    s0  ethernet-switch
      ethernet-200g -> h0..3/nic0
    h0
      nic0  e2000  ethernet-200g -> s0
        gpu0  a100-sxm-80  [gen4-x16]
    h1
      nic0  e2000  ethernet-200g -> s0
        nvme0..1  nvme-gen4  [gen4-x4]
    h2
      nic0  e2000  ethernet-200g -> s0
    h3 like h2
    """
    fabric = graph if isinstance(graph, Fabric) else compile(graph)
    tree = _Tree(fabric)
    title = str(fabric.graph.graph.get("name", "")) or "topology"
    return "\n".join([title, *tree.network(), *tree.hosts(), ""])


class _Tree:
    """What a Fabric looks like, host by host."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._links: dict[str, list[tuple[str, Any]]] = defaultdict(list)
        for tail, head, data in fabric.graph.edges(data=True):
            self._links[tail].append((head, data["link"]))
        self._members: dict[str, list[str]] = defaultdict(list)
        for node in fabric.nodes:
            self._members[fabric.host_of(node) or ""].append(node)

    def network(self) -> Iterator[str]:
        """The switches outside of hosts, the top row first."""
        rows = rows_of(self._fabric.graph)
        switches = sorted(self._members.get("", ()), key=lambda node: (rows[node],
                                                                       natural_key(node)))
        looks = {node: self._switch(node, _whole) for node in switches}
        same: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for node in switches:
            same[looks[node]].append(node)
        merged = {ranges(nodes): look for look, nodes in same.items()}
        alike = {ranges(nodes): (rows[nodes[0]], len(nodes), self._switch(nodes[0], self._part))
                 for nodes in same.values()}
        yield from _alike(merged, alike)

    def hosts(self) -> Iterator[str]:
        """Every host, or what it is like."""
        names = sorted((host for host in self._members if host), key=natural_key)
        yield from _alike({host: self._host(host, _whole) for host in names},
                          {host: self._host(host, self._part) for host in names})

    def _part(self, node: str) -> str:
        return f"({self._fabric.device(node).name})"

    def _switch(self, node: str, name: Callable[[str], str]) -> tuple[str, ...]:
        """Its part, then a line for each sort of link."""
        found = _arrows(self._links[node], name)
        return (f"  {self._fabric.device(node).name}", *(f"  {text}" for text in found))

    def _host(self, host: str, name: Callable[[str], str]) -> tuple[str, ...]:
        """Lines below the host's name; `name` gives the text of a node outside of it."""
        members = self._members[host]
        if members == [host]:
            return ("  " + "  ".join([self._fabric.device(host).name,
                                      *_arrows(self._links[host], name)]),)
        above = self._parents(members)
        below: dict[str, list[str]] = defaultdict(list)
        for node in members:
            below[above[node]].append(node)

        def near(node: str) -> str:
            return unit_part(node) if host_part(node) == host else name(node)

        def lines(nodes: Sequence[str], depth: int) -> Iterator[str]:
            for group, text in _joined((node, self._line(node, above, near), bool(below[node]))
                                       for node in nodes):
                yield f"{'  ' * depth}{ranges([unit_part(node) for node in group])}  {text}"
                yield from lines(below[group[0]], depth + 1)

        return ("", *lines(below[""], 1))

    def _line(self, node: str, above: Mapping[str, str], near: Callable[[str], str]) -> str:
        """Part, the link to the node above, and where else it is linked to."""
        up = [link.name for head, link in self._links[node] if head == above[node]]
        down = [link.name for head, link in self._links[above[node]] if head == node] \
            if above[node] else []
        bus = ", ".join(up) + ("" if sorted(up) == sorted(down) else f", down {', '.join(down)}")
        others = [(head, link) for head, link in self._links[node]
                  if head != above[node] and above.get(head) != node]
        return "  ".join([self._fabric.device(node).name, *([f"[{bus}]"] if up else []),
                          *_arrows(others, near)])

    def _parents(self, members: Sequence[str]) -> dict[str, str]:
        """Node -> the node above it in its host, "" for none."""
        inside = set(members)
        waiting = sorted(members, key=lambda node: (self._rank(node), natural_key(node)))
        above: dict[str, str] = {}
        for root in waiting:
            if root in above:
                continue
            cpus = [node for node in waiting if self._rank(node) == 0]
            front = cpus if root in cpus else [root]
            above |= dict.fromkeys(front, "")
            for node in front:  # grows while we walk
                for head, link in sorted(self._links[node], key=lambda end: natural_key(end[0])):
                    if head in inside and head not in above and link.kind not in GPU_LINKS:
                        above[head] = node
                        front.append(head)
        return above

    def _rank(self, node: str) -> int:
        return _ROOTS.index(str(family_of(self._fabric.device(node))))


def _whole(node: str) -> str:
    return node


def _arrows(ends: Iterable[tuple[str, Any]], name: Callable[[str], str]) -> list[str]:
    """"nvlink4 -> nvswitch" for each sort of link; "2 x" where they join the same two."""
    count = Counter((link.name, end) for end, link in ends)
    sorts: dict[str, list[str]] = defaultdict(list)
    for (link, end), number in sorted(count.items()):
        sorts[f"{number} x {link}" if number > 1 else link].append(end)
    return [f"{link} -> {_listed([name(end) for end in found])}"
            for link, found in sorted(sorts.items())]


def _listed(names: Sequence[str]) -> str:
    """Short text of names: h0..3/nic0 for one unit of many hosts."""
    texts: list[str] = []
    if any(name.startswith("(") for name in names):  # sorts of parts
        return ", ".join(f"{number} x {name}" for name, number in sorted(Counter(names).items()))
    units: dict[str, list[str]] = defaultdict(list)
    for name in sorted(names, key=natural_key):
        units[host_part(name)].append(unit_part(name))
    hosts: dict[str, list[str]] = defaultdict(list)
    for host, some in units.items():
        hosts[ranges(some)].append(host)
    for unit, some in hosts.items():
        texts += [f"{host}/{part}" if host else part for host in ranges(some).split(", ")
                  for part in unit.split(", ")]
    return _cut(texts)


def _cut(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST
    return ", ".join(texts[:_MOST]) + (f" and {more} more" if more > 0 else "")


def _joined(entries: Iterable[tuple[str, str, bool]]) -> Iterator[tuple[list[str], str]]:
    """(nodes, text) of (node, text, has nodes below); leaves of one text together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for node, text, is_branch in entries:
        groups.setdefault((text, node if is_branch else ""), []).append(node)
    for (text, _), nodes in groups.items():
        yield nodes, text


def _alike(looks: Mapping[str, tuple[str, ...]], signs: Mapping[str, Any]) -> Iterator[str]:
    """Each name and its lines; names of one sign after the first as "h1..7 like h0"."""
    same: dict[Any, list[str]] = defaultdict(list)
    for name in looks:
        same[signs[name]].append(name)
    for first, *others in same.values():
        yield f"{first}{looks[first][0]}"
        yield from looks[first][1:]
        if others:
            texts = [text for name in others for text in name.split(", ")]
            yield f"{_cut(ranges(texts).split(', '))} like {first}"
