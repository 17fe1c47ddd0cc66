"""Searches for shortest paths between two nodes of a fabric, every equally short one kept.

Two ways to the same answer. `grow` looks from the source to everywhere (Dijkstra's algorithm),
which pays when many routes leave one source. `meet` looks from both ends at once and stops as soon
as no shorter path can turn up, which on a network of thousands of nodes sees a small part of it.
Costs are whole numbers, latency and hops in one, and above zero, so equal means equal.

Which links traffic may take depends on the source and on the sort of path (`Ways`); the policy
is in `rackwright.topologies.routing`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Sequence
from enum import Enum
from typing import NamedTuple

__all__ = ["EVERYWHERE", "GPU_LINKS", "PER_PS", "Maps", "Paths", "Search", "Tree", "Ways", "Wiring",
           "grow", "meet"]

GPU_LINKS = ("nvlink", "xgmi", "c2c")  # kinds of links
EVERYWHERE = -2    # no index of a host
PER_PS = 1 << 20   # a cost is latency_ps * PER_PS + hops: one integer orders by both


class Wiring(NamedTuple):
    """What a router reads: nodes and links by index, in the fabric's order."""

    node_names: Sequence[str]
    host: Sequence[int]                # index of the node's host, -1 for none
    forwards: Sequence[bool]
    transits: Sequence[bool]           # may carry traffic between two other hosts
    families: Sequence[str]            # "gpu", "cpu", "nic" ...
    link_names: Sequence[str]
    link_kinds: Sequence[str]
    tail: Sequence[int]
    head: Sequence[int]
    bandwidth: Sequence[float]
    latency_ps: Sequence[int]


class Paths(Enum):
    """Sorts of paths."""

    GPU_LINKS = 0
    INSIDE_HOST = 1
    PAST_NO_CPU = 2
    ANY = 3


class Search(NamedTuple):
    """Where from; other hosts than the source's and `within` are left out, unless EVERYWHERE."""

    source: int
    within: int
    paths: Paths


class Tree(NamedTuple):
    """Shortest paths from one source: `into[node]` are the last links of all of node's paths.

    `width`: the smallest bandwidth of the widest of them; `cost`: of each. A tree of `meet` has the
    nodes on paths to its target only; all are empty when there is no path.
    """

    width: dict[int, float]
    into: dict[int, Collection[int]]
    cost: dict[int, int]


_Step = tuple[int, int, int]  # link, the node at its other end, cost


class _Map:
    """Links by one of their ends, as a whole and by the host of the other end."""

    def __init__(self, wiring: Wiring, wanted: Sequence[bool], near: Sequence[int],
                 far: Sequence[int]) -> None:
        count = len(wiring.node_names)
        self.every: list[list[_Step]] = [[] for _ in range(count)]
        self.by_host: list[dict[int, list[_Step]]] = [{} for _ in range(count)]
        for link, (here, there) in enumerate(zip(near, far, strict=True)):
            if wanted[link]:
                step = link, there, wiring.latency_ps[link] * PER_PS + 1
                self.every[here].append(step)
                self.by_host[here].setdefault(wiring.host[there], []).append(step)


class Maps:
    """The links as searches walk them: forwards, and backwards once somebody asks.

    `gpu_links`: those alone; `least`: those of at least that bandwidth.
    """

    def __init__(self, wiring: Wiring, gpu_links: bool, least: float = 0.0) -> None:
        self.wiring = wiring
        self._wanted = [(not gpu_links or kind in GPU_LINKS) and width >= least
                        for kind, width in zip(wiring.link_kinds, wiring.bandwidth, strict=True)]
        self.ahead = _Map(wiring, self._wanted, wiring.tail, wiring.head)
        self._behind: _Map | None = None
        self._carriers: dict[bool, tuple[Sequence[bool], Sequence[bool]]] = {}

    @property
    def behind(self) -> _Map:
        """By the node that a link enters."""
        if self._behind is None:
            wiring = self.wiring
            self._behind = _Map(wiring, self._wanted, wiring.head, wiring.tail)
        return self._behind

    def carriers(self, past_no_cpu: bool) -> tuple[Sequence[bool], Sequence[bool]]:
        """Node -> does it pass on what is not its own, and does it pass it on to anybody."""
        if past_no_cpu not in self._carriers:
            wiring = self.wiring
            carries = [forwards and not (past_no_cpu and family == "cpu") for forwards, family
                       in zip(wiring.forwards, wiring.families, strict=True)]
            self._carriers[past_no_cpu] = carries, [
                carry and (host < 0 or transits) for carry, host, transits
                in zip(carries, wiring.host, wiring.transits, strict=True)]
        return self._carriers[past_no_cpu]

    def islands(self) -> list[int]:
        """Node -> number of the island that these links join it to; no path leads between two."""
        found, place = [-1] * len(self.ahead.every), 0
        for start in range(len(found)):
            waiting = [start] if found[start] < 0 else []
            while waiting:
                node = waiting.pop()
                if found[node] < 0:
                    found[node] = place
                    waiting += [near for side in (self.ahead, self.behind)
                                for _, near, _ in side.every[node] if found[near] < 0]
            place += 1
        return found


class Ways:
    """The links that traffic of one search may take."""

    def __init__(self, maps: Maps, search: Search) -> None:
        self._maps, self._host, self._source = maps, maps.wiring.host, search.source
        self._here = self._host[search.source]
        self._carries, self._open = maps.carriers(search.paths is Paths.PAST_NO_CPU)
        if search.paths is Paths.INSIDE_HOST:
            self._entered: tuple[int, ...] = (self._here,)  # hosts; -1: no host, (): all
        else:
            self._entered = () if search.within == EVERYWHERE else tuple(
                dict.fromkeys((-1, self._here, search.within)))

    def ahead(self, node: int) -> Sequence[_Step]:
        """Links by which traffic leaves `node`."""
        side = self._maps.ahead
        if self._open[node] or node == self._source:
            return self._picked(side, node, self._entered) if self._entered else side.every[node]
        if not self._carries[node]:
            return ()
        host = self._host[node]
        return self._picked(side, node, self._entered if host == self._here else (host,))

    def behind(self, node: int) -> Sequence[_Step]:
        """Links by which traffic reaches `node`."""
        steps, is_open = self._picked(self._maps.behind, node, self._entered), self._open
        return [step for step in steps
                if is_open[step[1]] or self._leaves(step[1], self._host[node])]

    def _leaves(self, tail: int, host: int) -> bool:
        """True when traffic of the source may leave `tail`, which is not open, for `host`."""
        return tail == self._source or (
            self._carries[tail] and self._host[tail] in (self._here, host))

    @staticmethod
    def _picked(side: _Map, node: int, hosts: tuple[int, ...]) -> Sequence[_Step]:
        """The links between `node` and `hosts`; all of its links for none."""
        if not hosts:
            return side.every[node]
        steps = [side.by_host[node][host] for host in hosts if host in side.by_host[node]]
        return steps[0] if len(steps) == 1 else [step for some in steps for step in some]


def grow(maps: Maps, search: Search) -> Tree:
    """All shortest paths from the source to every node that it reaches."""
    source, ways, every = search.source, Ways(maps, search), maps.ahead.every
    bandwidth = maps.wiring.bandwidth
    best, width = {source: 0}, {source: float("inf")}
    into: dict[int, list[int]] = {}
    queue = [(0, source)]
    while queue:
        cost, node = heapq.heappop(queue)
        if cost != best[node]:
            continue  # a shorter path was found meanwhile
        breadth = width[node]
        for link, head, step in ways.ahead(node):
            total, known = cost + step, best.get(head)
            if known is None or total < known:
                best[head], into[head] = total, [link]
                width[head] = min(breadth, bandwidth[link])
                if len(every[head]) != 1 or every[head][0][1] != node:  # else a dead end
                    heapq.heappush(queue, (total, head))
            elif total == known:
                width[head] = max(width[head], min(breadth, bandwidth[link]))
                into[head].append(link)
    return Tree(width, dict(into), best)


class _Side:
    """Half of a search from both ends: what this end has seen."""

    def __init__(self, start: int, steps: Callable[[int], Sequence[_Step]]) -> None:
        self.start, self._steps = start, steps
        self.best, self.queue = {start: 0}, [(0, start)]
        self.links: dict[int, list[int]] = {}  # node -> equally good links towards this end

    def advance(self, other: _Side, found: int | None) -> int | None:
        """Settle one node; the cost of the best path known then."""
        cost, node = heapq.heappop(self.queue)
        best, links = self.best, self.links
        if cost != best[node]:
            return found
        open_cost = other.queue[0][0]
        for link, far, step in self._steps(node):
            total, known = cost + step, best.get(far)
            if known is None or total < known:
                rest = other.best.get(far)
                if rest is None and found is not None and total + open_cost >= found:
                    continue  # the other end has yet to come here, and that will be too far
                if rest is not None and (found is None or total + rest < found):
                    found = total + rest
                best[far], links[far] = total, [link]
                heapq.heappush(self.queue, (total, far))
            elif total == known:
                links[far].append(link)
        return found


def meet(maps: Maps, search: Search, target: int) -> Tree:
    """All shortest paths from the source to `target`."""
    ways = Ways(maps, search)
    one, two = _Side(search.source, ways.ahead), _Side(target, ways.behind)
    found: int | None = None
    while one.queue and two.queue:
        # A link of a shortest path has its tail settled here or its head settled there from then
        # on: with both open, the path would cost more than the two smallest open costs.
        if found is not None and one.queue[0][0] + two.queue[0][0] >= found:
            break
        near, far = (one, two) if len(one.queue) <= len(two.queue) else (two, one)
        found = near.advance(far, found)
    return Tree({}, {}, {}) if found is None else _joined(maps.wiring, one, two, found)


def _joined(wiring: Wiring, one: _Side, two: _Side, found: int) -> Tree:
    """Both halves from where they meet: every shortest path passes such a node."""
    meeting = [node for node, cost in one.best.items() if two.best.get(node) == found - cost]
    before = _followed(meeting, one.links, wiring.tail)
    into = {node: set(one.links.get(node, ())) for node in before}
    cost = {node: one.best[node] for node in before}
    for node in _followed(meeting, two.links, wiring.head):
        cost.setdefault(node, found - two.best[node])
        for link in two.links.get(node, ()):
            into.setdefault(wiring.head[link], set()).add(link)
    del into[one.start]
    width = {one.start: float("inf")}
    for node in sorted(into, key=cost.__getitem__):
        width[node] = max(min(width[wiring.tail[link]], wiring.bandwidth[link])
                          for link in into[node])
    return Tree(width, dict(into), cost)


def _followed(start: Sequence[int], links: dict[int, list[int]], end: Sequence[int]) -> set[int]:
    """`start`, and every node that `links` lead to from there."""
    seen, waiting = set(start), list(start)
    while waiting:
        for link in links.get(waiting.pop(), ()):
            if end[link] not in seen:
                seen.add(end[link])
                waiting.append(end[link])
    return seen
