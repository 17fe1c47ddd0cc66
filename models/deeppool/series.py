"""A graph of layers as a series of layers and blocks of branches, branches being series again.

A block lies between a layer that forks and the one where every way from it meets. Branches that
share layers before that are one branch with a block of its own. Refused: graphs that are not made
of series and blocks, and several first or last layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rackwright.errors import OptionsError

__all__ = ["Block", "Series", "series_of"]


@dataclass(frozen=True)
class Block:
    """Branches between two layers; an empty one is a shortcut."""

    branches: tuple[Series, ...]


Series = tuple["int | Block", ...]


def series_of(edges: tuple[tuple[int, int], ...], count: int) -> Series:
    """The series and blocks of a graph of `count` layers. Raises OptionsError.

    >>> series_of(((0, 1), (0, 2), (1, 3), (2, 3)), 4)
    (0, Block(branches=((1,), (2,))), 3)
    """
    import networkx as nx

    graph = nx.DiGraph(edges)
    graph.add_nodes_from(range(count))
    starts = [node for node in sorted(graph) if not graph.in_degree(node)]
    ends = [node for node in sorted(graph) if not graph.out_degree(node)]
    if len(starts) != 1 or len(ends) != 1:
        raise _refused(f"layers {starts} start and layers {ends} end it")
    reader = _Reader(graph, nx.immediate_dominators(graph.reverse(), ends[0]))
    found = reader.walk(starts[0], None)
    if len(reader.seen) != count:
        twice = sorted({node for node in reader.seen if reader.seen.count(node) > 1})
        raise _refused(f"layer {twice[0]} belongs to several branches" if twice
                       else "it is not connected")
    return found


@dataclass(frozen=True)
class _Reader:
    """Reads series and blocks; `joins`: the layer that every way from a layer meets next."""

    graph: Any
    joins: Mapping[int, int]
    seen: list[int] = field(default_factory=list)

    def walk(self, node: int, stop: int | None) -> Series:
        """The series from `node` to before `stop`."""
        items: list[int | Block] = []
        while node != stop:
            self.seen.append(node)
            items.append(node)
            following = sorted(self.graph.successors(node))
            if not following:
                break
            join = self.joins[node]
            if len(following) > 1:
                items.append(Block(tuple(self.branch(group, join)
                                         for group in self.groups(following, join))))
            node = join
        return tuple(items)

    def branch(self, entries: list[int], join: int) -> Series:
        """A branch that starts at a layer, or, with several, at a block of its own."""
        if len(entries) == 1:
            return self.walk(entries[0], join)
        inner = self.common(entries)
        if inner == join:
            raise _refused(f"layers {entries} lead to shared layers before {join}")
        return (Block(tuple(self.branch(group, inner) for group in self.groups(entries, inner))),
                *self.walk(inner, join))

    def groups(self, entries: list[int], join: int) -> list[list[int]]:
        """Entries that share layers before `join`, together."""
        found: list[tuple[list[int], set[int]]] = []
        for entry in entries:
            inside = self.inside(entry, join)
            alike = [group for group in found if group[1] & inside]
            found = [group for group in found if group not in alike]
            found.append((sorted([entry, *(one for group in alike for one in group[0])]),
                          inside.union(*(group[1] for group in alike))))
        return sorted(group[0] for group in found)

    def inside(self, entry: int, join: int) -> set[int]:
        """Layers on the ways from `entry` to before `join`."""
        found, open_ends = set[int](), [entry]
        while open_ends:
            node = open_ends.pop()
            if node != join and node not in found:
                found.add(node)
                open_ends += self.graph.successors(node)
        return found

    def common(self, entries: list[int]) -> int:
        """The first layer that every way from every entry meets."""
        chains = []
        for node in entries:
            chain = [node]
            while self.joins.get(chain[-1], chain[-1]) != chain[-1]:
                chain.append(self.joins[chain[-1]])
            chains.append(chain)
        return next(node for node in chains[0] if all(node in chain for chain in chains[1:]))


def _refused(what: str) -> OptionsError:
    return OptionsError("the profile's graph", [
        f"{what}; the planner needs one first and one last layer, and branches that share no "
        "layer between a fork and a join"])
