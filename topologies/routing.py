"""Routes between two nodes of a compiled fabric.

Policy "preferred", the first of these that leads there: GPU links only (NVLink and its like);
inside the host, for two nodes of one host, or past no CPU, for nodes of different hosts; any path.
Then the smallest sum of latencies (in ps), the fewest links, the widest path (largest smallest
bandwidth). Policy "latency" takes any path by the same order; policy "widest" first asks for the
largest smallest bandwidth. Among the paths that are still equal, the flow id, the two ends and the
links' names decide, by rendezvous hashing: each choice takes the candidate link with the highest
hash. That spreads flows as equal-cost multi-path routers do, needs no state, and leaves other flows
where they were when a link is added or removed. Between hosts, a GPU's own adapter (see
`hosts_inside`) comes before the hash where it is on one of these paths: the source's, then the
target's. So adapters that are as near as one another carry equal parts.

Who forwards: switches, PCIe switches, NICs and CPUs do. GPUs, memory and drives never do. A host
never carries traffic between two other hosts. The node attribute `forwards` (True or False)
overrides both rules for one node.

The preferred order is that in which NCCL prefers paths, whatever their latency when idle: NVLink,
PCIe switches, a CPU between (PATH_NVL, PATH_PIX, PATH_PXB, PATH_PHB, PATH_SYS, src/graph/topo.h
and graph.h), so that a GPU's traffic leaves and arrives by a NIC beside it.

What it leaves out: adaptive routing, congestion, the order in which a real router hashes its
fields, and relays in software (NCCL's path through another GPU is two transfers here).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

from rackwright.topologies.hosts_inside import Host, hosts_of
from rackwright.topologies.searching import (
    EVERYWHERE,
    GPU_LINKS,
    Maps,
    Paths,
    Search,
    Tree,
    Wiring,
    grow,
    meet,
)

__all__ = ["FLOW_LIMIT", "GPU_LINKS", "POLICIES", "Router", "Wiring"]

POLICIES = ("latency", "preferred", "widest")

FLOW_LIMIT = 1 << 62  # flow ids stay below
_KEPT = 64            # trees, and counts of what was asked
_PATIENCE = 4         # pairs of one source that are searched one by one, before a tree for all
_ALL = -1             # in place of a target

_SAME_HOST = (Paths.GPU_LINKS, Paths.INSIDE_HOST, Paths.ANY)
_OTHER_HOST = (Paths.GPU_LINKS, Paths.PAST_NO_CPU, Paths.ANY)


class Router:
    """Finds routes; keeps the trees of the last sources asked for."""

    def __init__(self, wiring: Wiring, policy: str = "preferred") -> None:
        self._wiring, self._policy = wiring, policy
        self._all, self._gpu_only = Maps(wiring, False), Maps(wiring, True)
        self._link_names = [name.encode() for name in wiring.link_names]
        self._closed = not any(wiring.transits)  # then no path leads through a third host
        self._trees: dict[tuple[Search, int, float], Tree] = {}
        self._asked: dict[tuple[Search, float], int] = {}
        self._wide: dict[float, Maps] = {}  # links of at least that bandwidth

    @cached_property
    def hosts(self) -> list[Host]:
        """By number."""
        return hosts_of(self._wiring)

    def route(self, source: int, target: int, flow_id: int = 0, *, many: bool = False
              ) -> tuple[int, ...] | None:
        """Links from `source` to `target` in order; None when there is no path.

        `many`: routes to many hosts will follow, so search them all at once (the same routes).
        """
        return self.found(source, target, flow_id, many)[0]

    def found(self, source: int, target: int, flow_id: int, many: bool
               ) -> tuple[tuple[int, ...] | None, bool]:
        """The route, and whether it was drawn among several."""
        if source == target:
            return (), False
        here, there = self._wiring.host[source], self._wiring.host[target]
        within = there if self._closed and not many else EVERYWHERE
        if self._policy != "preferred":
            return self._by_width(Search(source, within, Paths.ANY), target, flow_id, many)
        for paths in _SAME_HOST if here == there >= 0 else _OTHER_HOST:
            if paths is Paths.GPU_LINKS and self.islands[source] != self.islands[target]:
                continue
            maps = self._gpu_only if paths is Paths.GPU_LINKS else self._all
            tree = self._tree(maps, Search(source, within, paths), target, many)
            if target in tree.into:
                return self._walk_back(tree, source, target, flow_id)
        return None, False

    def _by_width(self, search: Search, target: int, flow_id: int, many: bool
                  ) -> tuple[tuple[int, ...] | None, bool]:
        """The shortest of all paths, or of the widest ones."""
        widths = sorted(set(self._wiring.bandwidth), reverse=True) \
            if self._policy == "widest" else [0.0]
        for least in widths:
            if least not in self._wide:
                self._wide[least] = Maps(self._wiring, False, least)
            tree = self._tree(self._wide[least], search, target, many, least)
            if target in tree.into:
                return self._walk_back(tree, search.source, target, flow_id)
        return None, False

    @cached_property
    def islands(self) -> list[int]:
        """Node -> island; GPU links certainly do not join two."""
        return self._gpu_only.islands()

    def _walk_back(self, tree: Tree, source: int, target: int, flow_id: int
                   ) -> tuple[tuple[int, ...], bool]:
        """The path of the tree, and whether there are others."""
        links, node, width = [], target, tree.width[target]
        while node != source:
            fits = self.fitting(tree, width, node)
            if len(fits) > 1:
                return self._drawn(tree, source, target, flow_id), True
            links.append(fits[0])
            node = self._wiring.tail[fits[0]]
        return tuple(reversed(links)), False

    def fitting(self, tree: Tree, width: float, node: int) -> list[int]:
        """The last links into `node` that lie on a path as wide as `width`."""
        wiring = self._wiring
        return [link for link in tree.into[node] if wiring.bandwidth[link] >= width
                and tree.width[wiring.tail[link]] >= width]

    def _drawn(self, tree: Tree, source: int, target: int, flow_id: int) -> tuple[int, ...]:
        tail = self._wiring.tail
        into: dict[int, list[int]] = {}
        waiting = [target]
        while waiting:
            node = waiting.pop()
            if node != source and node not in into:
                into[node] = self.fitting(tree, tree.width[target], node)
                waiting += [tail[link] for link in into[node]]
        if self._wiring.host[source] != self._wiring.host[target]:
            for end in (source, target):
                into = self._by_way_of(into, target, self._adapter(end))
        return self.chosen(into.__getitem__, source, target,
                            self.salt(source, target, flow_id))

    def salt(self, source: int, target: int, flow_id: int) -> hashlib.blake2b:
        """What the draws of a flow begin with."""
        names = self._wiring.node_names
        return hashlib.blake2b(f"{flow_id} {names[source]} {names[target]} ".encode(),
                               digest_size=8)

    def chosen(self, into: Callable[[int], list[int]], source: int, target: int,
                salt: hashlib.blake2b) -> tuple[int, ...]:
        """The path from `source` that the draws choose, from its end to its start."""
        links, node, tail = [], target, self._wiring.tail
        while node != source:
            fits = into(node)
            links.append(fits[0] if len(fits) == 1 else
                         max(fits, key=lambda link: _draw(salt, self._link_names[link])))
            node = tail[links[-1]]
        return tuple(reversed(links))

    def _adapter(self, end: int) -> int:
        """The GPU's own adapter, -1 for none."""
        number = self._wiring.host[end]
        if self._wiring.families[end] != "gpu" or number < 0:
            return -1
        host = self.hosts[number]
        local = host.inside.adapter(host.local[end])
        return host.nodes[local] if local >= 0 else -1

    def _by_way_of(self, into: dict[int, list[int]], target: int, over: int
                   ) -> dict[int, list[int]]:
        """The paths to `target` that pass the node `over`; all of them where none does."""
        if over not in into:
            return into
        tail = self._wiring.tail
        after, grows = {over}, True
        while grows:  # a few rounds: paths are short
            more = {node for node, links in into.items()
                    if node not in after and any(tail[link] in after for link in links)}
            after, grows = after | more, bool(more)
        return {node: [link for link in links if tail[link] in after]
                if node in after and node != over else links for node, links in into.items()}

    def _tree(self, maps: Maps, search: Search, target: int, many: bool, least: float = 0.0
              ) -> Tree:
        """Paths of the search to `target`, or to everywhere when its source is asked often."""
        for known in ((search, _ALL, least), (search, target, least)):
            if known in self._trees:
                self._trees[known] = tree = self._trees.pop(known)  # the latest used stands last
                return tree
        asked = self._asked.pop((search, least), 0) + 1
        alone = not many and asked <= _PATIENCE
        tree = meet(maps, search, target) if alone else grow(maps, search)
        _keep(self._asked, (search, least), asked)
        _keep(self._trees, (search, target if alone else _ALL, least), tree)
        return tree


def _keep(shelf: dict[Any, Any], key: Any, value: Any) -> None:
    """Put it last; the first goes when the shelf is full."""
    if len(shelf) >= _KEPT:
        del shelf[next(iter(shelf))]
    shelf[key] = value


def _draw(salt: hashlib.blake2b, name: bytes) -> bytes:
    draw = salt.copy()
    draw.update(name)
    return draw.digest()
