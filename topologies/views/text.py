"""`to_text`: a topology as a table that fits a terminal.

Nodes that are alike share a line: the GPUs of a host, and hosts that look the same. Bandwidths
are those of one direction, raw and as payload.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from rackwright.devices import Link
from rackwright.topologies.fabric import Fabric, compile
from rackwright.topologies.names import host_part, natural_key, unit_part
from rackwright.topologies.parts import link_hash
from rackwright.topologies.views.facts import facts
from rackwright.topologies.views.roles import prefix_of, ranges, rows_of
from rackwright.units import format_bandwidth, format_time

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["to_text"]


class _Group(NamedTuple):
    """Nodes that share a line: same row, same sort of host, same prefix, same part."""

    row: int
    hosts: str     # "h0..1", or "" outside of hosts
    prefix: str
    part: str


def to_text(graph: nx.DiGraph[Any] | Fabric) -> str:
    """The table of a graph or a Fabric. Raises TopologyError when it cannot be compiled.

    >>> from rackwright.topologies import star
    >>> print(to_text(star(hosts=2)).splitlines()[2])
    s0     ethernet-switch
    """
    fabric = graph if isinstance(graph, Fabric) else compile(graph)
    groups = _grouped(fabric)
    members: dict[_Group, list[str]] = defaultdict(list)
    for node in fabric.nodes:
        members[groups[node]].append(node)
    return "\n".join([
        str(fabric.graph.graph.get("name", "")) or "topology", "",
        *_aligned(_node_lines(members)), "",
        "links, both directions alike unless the arrow says otherwise",
        *_aligned(_link_lines(fabric, groups, members)), "",
        *_aligned(_fact_lines(fabric)), ""])


def _grouped(fabric: Fabric) -> dict[str, _Group]:
    rows = rows_of(fabric.graph)
    alike = _alike_hosts(fabric)
    return {node: _Group(rows[node], alike.get(host_part(node), ""), prefix_of(unit_part(node)),
                         fabric.device(node).name) for node in fabric.nodes}


def _alike_hosts(fabric: Fabric) -> dict[str, str]:
    """Host -> text of all hosts of the same make-up (only hosts that have units)."""
    looks: dict[str, list[Any]] = defaultdict(list)
    for node in fabric.nodes:
        looks[host_part(node)].append((unit_part(node), fabric.device(node).name))
    for tail, head, data in fabric.graph.edges(data=True):
        far = unit_part(head) if host_part(head) == host_part(tail) else fabric.device(head).name
        looks[host_part(tail)].append((unit_part(tail), far, link_hash(data["link"])))
    looks.pop("", None)
    sorts: dict[str, list[str]] = defaultdict(list)
    for host, look in looks.items():
        sorts[repr(sorted(look))].append(host)
    found: dict[str, str] = {}
    for hosts in sorts.values():
        found |= dict.fromkeys(hosts, ranges(hosts))
    return found


def _label(group: _Group, members: Sequence[str]) -> str:
    units = ranges(sorted({unit_part(node) for node in members}, key=natural_key))
    return f"{group.hosts}/{units}" if group.hosts else units


def _times(members: Sequence[str], part: str) -> str:
    return f"{len(members)} x {part}" if len(members) > 1 else part


def _node_lines(members: dict[_Group, list[str]]) -> Iterator[tuple[str, ...]]:
    for group in sorted(members, key=_order):
        yield _label(group, members[group]), _times(members[group], group.part)


def _order(group: _Group) -> tuple[Any, ...]:
    return natural_key(group.hosts), group.row, natural_key(group.prefix), group.part


def _link_lines(fabric: Fabric, groups: dict[str, _Group], members: dict[_Group, list[str]]
                ) -> Iterator[tuple[str, ...]]:
    count: Counter[tuple[_Group, _Group, str]] = Counter()
    links: dict[str, Link] = {}
    for tail, head, data in fabric.graph.edges(data=True):
        digest = link_hash(data["link"])
        links[digest] = data["link"]
        count[groups[tail], groups[head], digest] += 1
    for tails, heads, digest in sorted(count, key=lambda key: (*map(_order, key[:2]), key[2])):
        number = count[tails, heads, digest]
        both = count.get((heads, tails, digest)) == number
        if both and _order(tails) > _order(heads):
            continue  # told from the other end
        number //= 2 if tails == heads else 1
        link = links[digest]
        yield (_label(tails, members[tails]), "<->" if both else "-->",
               _label(heads, members[heads]), f"{number} x {link.name}", *_numbers(link))


def _numbers(link: Link) -> tuple[str, ...]:
    return (f"{format_bandwidth(link.rate_bps / 8)} raw",
            f"{format_bandwidth(link.bandwidth)} payload", format_time(link.latency_time))


def _fact_lines(fabric: Fabric) -> Iterator[tuple[str, str]]:
    found = facts(fabric)
    yield "nodes", f"{found['nodes']} in {found['hosts']} host{'s' * (found['hosts'] != 1)}"
    if "injection_bandwidth" in found:
        ends = [format_bandwidth(found["injection_bandwidth"][end]) for end in ("least", "most")]
        yield "leaves a host", " to ".join(dict.fromkeys(ends))
        yield "between halves", f"{format_bandwidth(found['bisection_bandwidth'])} of the hosts"
    if "oversubscription" in found:
        ratios = sorted({f"{ratio:.3g}:1" for ratio in found["oversubscription"].values()})
        yield "oversubscribed", f"{', '.join(ratios)} (to hosts : to switches)"
    if "longest_route" in found:
        longest = found["longest_route"]
        yield "longest route", (f"{longest['source']} -> {longest['target']}, {longest['links']} "
                                f"links, {format_time(longest['latency_time'])}")
    yield "sha256", fabric.content_hash


def _aligned(rows: Iterator[tuple[str, ...]]) -> list[str]:
    """Columns two blanks apart."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in table]
