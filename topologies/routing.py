"""Routes between two nodes of a compiled fabric.

Policy, the first of these that leads there: GPU links only (NVLink and its like); inside the
host, for two nodes of one host, or past no CPU, for nodes of different hosts; any path. Then the
smallest sum of latencies (in ps), the fewest links, the widest path (largest smallest bandwidth).
Among the paths that are still equal, the flow id, the two ends and the links' names decide, by
rendezvous hashing: each choice takes the candidate link with the highest hash. That spreads flows
as equal-cost multi-path routers do, needs no state, and leaves other flows where they were when
a link is added or removed.

Who forwards: switches, PCIe switches, NICs and CPUs do. GPUs, memory and drives never do. A host
never carries traffic between two other hosts. The node attribute `forwards` (True or False)
overrides both rules for one node.

That is the order in which NCCL prefers paths, whatever their latency when idle: NVLink, PCIe
switches, a CPU between (PATH_NVL, PATH_PIX, PATH_PXB, PATH_PHB, PATH_SYS, src/graph/topo.h and
graph.h), so that a GPU's traffic leaves and arrives by a NIC beside it.

What it leaves out: adaptive routing, congestion, the order in which a real router hashes its
fields, and relays in software (NCCL's path through another GPU is two transfers here).
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

__all__ = ["FLOW_LIMIT", "GPU_LINKS", "Router", "Wiring"]

GPU_LINKS = ("nvlink", "xgmi", "c2c")  # kinds of links

FLOW_LIMIT = 1 << 62  # flow ids stay below
_PER_PS = 1 << 20   # a cost is latency_ps * _PER_PS + hops: one integer orders by both
_KEPT_TREES = 64
_EVERYWHERE = -2    # no index of a host


class Wiring(NamedTuple):
    """What a router reads: nodes and links by index, in the fabric's order."""

    node_names: Sequence[str]
    host: Sequence[int]                # index of the node's host, -1 for none
    forwards: Sequence[bool]
    transits: Sequence[bool]           # may carry traffic between two other hosts
    is_cpu: Sequence[bool]
    link_names: Sequence[str]
    link_kinds: Sequence[str]
    tail: Sequence[int]
    head: Sequence[int]
    bandwidth: Sequence[float]
    latency_ps: Sequence[int]


class _Hop(NamedTuple):
    """A link as the search sees it."""

    link: int
    head: int
    cost: int
    width: float


class _Paths(Enum):
    """Sorts of paths."""

    GPU_LINKS = 0
    INSIDE_HOST = 1
    PAST_NO_CPU = 2
    ANY = 3


_SAME_HOST = (_Paths.GPU_LINKS, _Paths.INSIDE_HOST, _Paths.ANY)
_OTHER_HOST = (_Paths.GPU_LINKS, _Paths.PAST_NO_CPU, _Paths.ANY)


class _Search(NamedTuple):
    """What a tree covers: other hosts than the source's and `within` may be left out."""

    source: int
    within: int
    paths: _Paths


class _Tree(NamedTuple):
    """All shortest paths from one source; `into[node]` lists the last links of its paths."""

    width: dict[int, float]
    into: dict[int, list[int]]


class Router:
    """Finds routes; keeps the trees of the last sources asked for."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        preferred = [kind in GPU_LINKS for kind in wiring.link_kinds]
        self._all = _hops(wiring, [True] * len(preferred))
        self._gpu_only = _hops(wiring, preferred)
        self._link_names = [name.encode() for name in wiring.link_names]
        self._closed = not any(wiring.transits)  # then no path leads through a third host
        self._trees: dict[_Search, _Tree] = {}

    def route(self, source: int, target: int, flow_id: int = 0, *, many: bool = False
              ) -> tuple[int, ...] | None:
        """Links from `source` to `target` in order; None when there is no path.

        `many`: routes to many hosts will follow, so search them all at once (the same routes).
        """
        if source == target:
            return ()
        here, there = self._wiring.host[source], self._wiring.host[target]
        within = there if self._closed and not many else _EVERYWHERE
        for paths in _SAME_HOST if here == there >= 0 else _OTHER_HOST:
            if paths is _Paths.GPU_LINKS and not self._gpu_only[source]:
                continue
            tree = self._tree(_Search(source, within, paths))
            if target in tree.into:
                return self._walk_back(tree, source, target, flow_id)
        return None

    def _walk_back(self, tree: _Tree, source: int, target: int, flow_id: int
                   ) -> tuple[int, ...]:
        names, width, node = self._wiring.node_names, tree.width[target], target
        salt = hashlib.blake2b(f"{flow_id} {names[source]} {names[target]} ".encode(),
                               digest_size=8)
        links: list[int] = []
        while node != source:
            links.append(self._choose(tree, node, width, salt))
            node = self._wiring.tail[links[-1]]
        return tuple(reversed(links))

    def _choose(self, tree: _Tree, node: int, width: float, salt: hashlib.blake2b) -> int:
        """One of the last links into `node` that lies on a path as wide as `width`."""
        wiring = self._wiring
        fits = [link for link in tree.into[node] if wiring.bandwidth[link] >= width
                and tree.width[wiring.tail[link]] >= width]
        if len(fits) == 1:
            return fits[0]
        return max(fits, key=lambda link: _draw(salt, self._link_names[link]))

    def _tree(self, search: _Search) -> _Tree:
        tree = self._trees.pop(search, None)
        if tree is None:
            tree = self._grow(search)
            if len(self._trees) >= _KEPT_TREES:
                del self._trees[next(iter(self._trees))]
        self._trees[search] = tree  # the latest used stands last
        return tree

    def _grow(self, search: _Search) -> _Tree:
        """Dijkstra's algorithm that keeps every equally short last link."""
        source, host, entered = search.source, self._wiring.host, self._entered(search)
        out = self._gpu_only if search.paths is _Paths.GPU_LINKS else self._all
        best, width = {source: 0}, {source: float("inf")}
        into: dict[int, list[int]] = {}
        queue = [(0, source)]
        while queue:
            cost, node = heapq.heappop(queue)
            if cost != best[node]:
                continue  # a shorter path was found meanwhile
            for link, head, step, breadth in self._usable(search, node, out[node]):
                if entered and host[head] not in entered:
                    continue
                total, known = cost + step, best.get(head)
                if known is None or total < known:
                    best[head], width[head], into[head] = total, min(width[node], breadth), [link]
                    if len(out[head]) != 1 or out[head][0].head != node:  # else a dead end
                        heapq.heappush(queue, (total, head))
                elif total == known:
                    width[head] = max(width[head], min(width[node], breadth))
                    into[head].append(link)
        return _Tree(width, into)

    def _entered(self, search: _Search) -> tuple[int, ...]:
        """The hosts (-1: no host) whose nodes the search enters; none means all."""
        here = self._wiring.host[search.source]
        if search.paths is _Paths.INSIDE_HOST:
            return (here,)
        return () if search.within == _EVERYWHERE else (-1, here, search.within)

    def _usable(self, search: _Search, node: int, hops: Sequence[_Hop]) -> Sequence[_Hop]:
        """Those of `hops` by which traffic of the source may leave `node`."""
        wiring = self._wiring
        if node == search.source:
            return hops
        if not wiring.forwards[node] or (search.paths is _Paths.PAST_NO_CPU
                                         and wiring.is_cpu[node]):
            return ()
        host = wiring.host[node]
        if host < 0 or host == wiring.host[search.source] or wiring.transits[node]:
            return hops
        return [hop for hop in hops if wiring.host[hop.head] == host]


def _draw(salt: hashlib.blake2b, name: bytes) -> bytes:
    draw = salt.copy()
    draw.update(name)
    return draw.digest()


def _hops(wiring: Wiring, wanted: Sequence[bool]) -> list[list[_Hop]]:
    """The wanted links by the node they leave. Each link costs its latency and one hop."""
    out: list[list[_Hop]] = [[] for _ in wiring.node_names]
    for link, (tail, head) in enumerate(zip(wiring.tail, wiring.head, strict=True)):
        if wanted[link]:
            cost = wiring.latency_ps[link] * _PER_PS + 1
            out[tail].append(_Hop(link, head, cost, wiring.bandwidth[link]))
    return out
