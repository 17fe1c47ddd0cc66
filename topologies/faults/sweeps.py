"""N-1 and N-2: what is left when any one or two of some elements fail.

`failures` gives every case as the names that fail and the graph without them; a case that falls
apart is told, not hidden. Elements are links (both directions as one), nodes of a family, or what a
pattern names. Leaves out: probabilities.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rackwright.errors import TopologyError, UnknownName, UsageError
from rackwright.topologies.builders.compose import nodes_like
from rackwright.topologies.fabric import Fabric, compile
from rackwright.topologies.names import natural_key
from rackwright.topologies.parts import FAMILIES, family_of

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Failure", "failures"]

_MOST_CASES = 1_000_000  # our own limit


@dataclass(frozen=True)
class Failure:
    """A case: `failed` names ("h0/gpu0->h0/nvswitch" or "h0/nic3"), `fabric` what is left, or
    None with the reason in `fault`."""

    failed: tuple[str, ...]
    fabric: Fabric | None
    fault: str = ""


def failures(graph: nx.DiGraph[Any], many: int = 1, of: str = "links") -> Iterator[Failure]:
    """Every way in which `many` (1 or 2) elements fail at once.

    `of`: "links", a family ("nic", "switch", "gpu" ...), or a pattern of node names. Raises
    UsageError, UnknownName.

    >>> from rackwright import topologies
    >>> [case.failed for case in topologies.failures(topologies.star(hosts=2), of="nic")]
    [('h0',), ('h1',)]
    """
    if many not in (1, 2):
        raise UsageError(f"many is {many!r}; 1 and 2 are swept")
    elements = _elements(graph, of)
    cases = len(elements) if many == 1 else len(elements) * (len(elements) - 1) // 2
    if cases > _MOST_CASES:
        raise UsageError(f"{cases} cases; at most {_MOST_CASES} are swept, so name fewer elements")
    for chosen in itertools.combinations(elements, many):
        yield _case(graph, chosen)


def _case(graph: nx.DiGraph[Any], chosen: tuple[str, ...]) -> Failure:
    left = graph.copy()
    for name in chosen:
        tail, arrow, head = name.partition("->")
        if arrow:
            left.remove_edges_from([(tail, head), (head, tail)])
        else:
            left.remove_node(name)
    try:
        return Failure(chosen, compile(left))
    except TopologyError as problem:
        return Failure(chosen, None, "; ".join(problem.faults))


def _elements(graph: nx.DiGraph[Any], of: str) -> list[str]:
    if of == "links":
        pairs = {tuple(sorted(pair, key=natural_key)) for pair in graph.edges()}
        return [f"{one}->{other}" for one, other in
                sorted(pairs, key=lambda pair: (natural_key(pair[0]), natural_key(pair[1])))]
    if of in FAMILIES:
        return [node for node in sorted(graph.nodes, key=natural_key)
                if family_of(graph.nodes[node]["device"]) == of]
    if any(sign in of for sign in "*?[/0123456789"):
        return nodes_like(graph, of)
    raise UnknownName("sort of element", of, ("links", *FAMILIES))
