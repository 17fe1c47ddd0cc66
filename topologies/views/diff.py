"""What differs between two topologies: nodes, their parts, links. Prose and order do not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from rackwright.devices import Link
from rackwright.topologies.names import natural_key
from rackwright.topologies.parts import link_hash, part_hash
from rackwright.units import format_bandwidth, format_time

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["diff"]


def diff(one: nx.DiGraph[Any], other: nx.DiGraph[Any]) -> list[dict[str, str]]:
    """Rows of `what` ("node" or "edge"), `name`, `before`, `after`; "" where there is none.

    An edge is told once when both directions change alike. Empty for equal topologies.

    >>> from rackwright import topologies
    >>> topologies.diff(topologies.star(hosts=1), topologies.star(hosts=2))[0]["name"]
    'h1'
    """
    return [*_nodes(one, other), *_edges(one, other)]


def _nodes(one: nx.DiGraph[Any], other: nx.DiGraph[Any]) -> Iterator[dict[str, str]]:
    for node in sorted({*one.nodes, *other.nodes}, key=natural_key):
        before, after = (_part(graph, node) for graph in (one, other))
        if before != after:
            yield _row("node", node, before[0], after[0])


def _part(graph: nx.DiGraph[Any], node: str) -> tuple[str, str]:
    """What is said of a node's part, and what it compares by."""
    if node not in graph:
        return "", ""
    data = graph.nodes[node]
    said = data.get("forwards")
    forwards = "" if said is None else ", forwards" if said else ", forwards nothing"
    return data["device"].name + forwards, part_hash(data["device"]) + forwards


def _edges(one: nx.DiGraph[Any], other: nx.DiGraph[Any]) -> Iterator[dict[str, str]]:
    pairs = {*one.edges(), *other.edges()}
    told: set[tuple[str, str]] = set()
    for tail, head in sorted(pairs, key=lambda pair: (natural_key(pair[0]), natural_key(pair[1]))):
        change = [_links(graph, tail, head) for graph in (one, other)]
        if change[0][1] == change[1][1] or (tail, head) in told:
            continue
        arrow = "->"
        if change == [_links(graph, head, tail) for graph in (one, other)]:
            told.add((head, tail))
            arrow = "<->"
        yield _row("edge", f"{tail}{arrow}{head}", change[0][0], change[1][0])


def _links(graph: nx.DiGraph[Any], tail: str, head: str) -> tuple[str, tuple[str, ...]]:
    """What is said of the links from one node to another, and what they compare by."""
    data = graph.get_edge_data(tail, head)
    if data is None:
        return "", ()
    links: list[Link] = [entry["link"] for entry in data.values()] if graph.is_multigraph() \
        else [data["link"]]
    words = Counter(_words(link) for link in links)
    return (" + ".join(f"{number} x {text}" if number > 1 else text
                       for text, number in sorted(words.items())),
            tuple(sorted(link_hash(link) for link in links)))


def _words(link: Link) -> str:
    return (f"{link.name} ({format_bandwidth(link.bandwidth)} payload, "
            f"{format_time(link.latency_time)})")


def _row(what: str, name: str, before: str, after: str) -> dict[str, str]:
    return {"what": what, "name": name, "before": before, "after": after}
