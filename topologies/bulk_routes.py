"""Routes of many pairs at once, and how many of them cross each link.

The same routes as the router's, pair by pair; where it pays they are spliced (`splicing`). Leaves
out: other policies than "preferred", whose routes are found one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.topologies.hosts_inside import Host
from rackwright.topologies.plans import FOUND, NONE, SPREAD, Plan, spliced
from rackwright.topologies.routing import Router
from rackwright.topologies.searching import Wiring
from rackwright.topologies.splicing import Splice

__all__ = ["BulkRoutes", "Loads"]

_MANY_HOSTS = 8       # targets on more hosts than this are cheaper to find by one wide search
_SPLICED = 256        # pairs from which on routes are spliced, and
_A_SWITCH = 8         # for each switch with hosts: its tree takes as long as so many pairs do
_DRAWN = 20_000       # pairs that are drawn one by one to count who crosses which link: 1 s or so

I64 = npt.NDArray[np.int64]
Group = tuple[I64, I64, I64]
"""Numbers of pairs, and their routes as offsets and links"""


class Loads(NamedTuple):
    """Pairs that cross each link: how many, or their mean and variance where paths are drawn at
    random; and the longest path, ps."""

    mean: npt.NDArray[np.float64]
    variance: npt.NDArray[np.float64]
    latency_ps: int


class BulkRoutes:
    """Beside a router, whose wiring and policy it has."""

    def __init__(self, wiring: Wiring, policy: str, router: Router) -> None:
        self._wiring, self._policy, self._router = wiring, policy, router
        self._inner: dict[tuple[int, int, int], tuple[int, ...] | None] = {}

    @cached_property
    def splice(self) -> Splice:
        """What many routes share."""
        return Splice(self._wiring, self._router.hosts)

    def routes(self, source: I64, target: I64, flow: I64) -> Iterable[Group]:
        """The routes of `route` for all pairs, in groups; a pair without a path is in none."""
        left = np.ones(len(source), bool)
        if self._pays(len(source)):
            for group in (self._inside(source, target), *self._between(source, target, flow)):
                left[group[0]] = False
                yield group
        yield self._one_by_one(np.flatnonzero(left), source, target, flow)

    def loads(self, source: I64, target: I64) -> Loads | None:
        """How many pairs cross each link by their routes of flow 0; None if one has no path.

        Of more than 20,000 pairs whose paths are drawn, mean and variance over draws.
        """
        links, left = len(self._wiring.tail), np.ones(len(source), bool)
        found = Loads(np.zeros(links), np.zeros(links), 0)
        if self._pays(len(source)):
            for pairs, plan in self.plans(source, target):
                many = np.count_nonzero(plan.state == SPREAD) > _DRAWN
                fits = plan.state >= (SPREAD if many else FOUND)
                left[pairs[fits]] = False
                found = _added(found, *self.splice.loads(plan.of(fits), links),
                               plan.latency_ps[fits])
        rest = np.flatnonzero(left)
        for pairs, offsets, crossed in self.routes(source[rest], target[rest],
                                                   np.zeros(len(rest), np.int64)):
            left[rest[pairs]] = False
            ps = np.concatenate([[0], np.cumsum(self._latency_ps[crossed])])
            found = _added(found, np.bincount(crossed, minlength=links), np.zeros(links),
                           ps[offsets[1:]] - ps[offsets[:-1]])
        return None if left.any() else found

    @cached_property
    def _latency_ps(self) -> I64:
        return np.array(self._wiring.latency_ps, np.int64)

    def _pays(self, pairs: int) -> bool:
        """Whether to splice routes of so many pairs."""
        return self._policy == "preferred" and pairs >= _SPLICED \
            and pairs >= _A_SWITCH * self._switches and self.splice.usable

    @cached_property
    def _switches(self) -> int:
        """Nodes of no host beside hosts."""
        host, tail, head = (np.asarray(one, np.int64) for one in (
            self._wiring.host, self._wiring.tail, self._wiring.head))
        return len(np.unique(head[(host[head] < 0) & (host[tail] >= 0)]))

    def apart(self, source: I64, target: I64) -> npt.NDArray[np.bool_]:
        """Pairs of two hosts that GPU links do not join."""
        host, island = (np.asarray(one, np.int64) for one in (self._wiring.host,
                                                              self._router.islands))
        return np.asarray((host[source] != host[target]) & (host[source] >= 0)
                          & (host[target] >= 0) & (island[source] != island[target]))

    def plans(self, source: I64, target: I64) -> Iterable[tuple[I64, Plan]]:
        """(Numbers of the pairs that have one, plan) past no CPU, then of any sort."""
        left = np.flatnonzero(self.apart(source, target))
        for past_no_cpu in (True, False):
            if len(left):
                plan = self.splice.plan(source[left], target[left], past_no_cpu)
                there = plan.state != NONE
                yield left[there], plan.of(there)
                left = left[~there]

    def _between(self, source: I64, target: I64, flow: I64) -> Iterable[Group]:
        splice, router = self.splice, self._router
        for pairs, plan in self.plans(source, target):
            found = plan.state >= SPREAD
            pairs, plan = pairs[found], plan.of(found)
            # a path between switches for each pair of them, or for each pair that draws its own
            key = np.where(plan.state == FOUND, plan.between, -1 - np.arange(len(pairs)))
            _, first, which = np.unique(key, return_index=True, return_inverse=True)
            paths = []
            for place in first.tolist():
                tree, here, there = splice.ends(int(plan.between[place]))
                pair = pairs[place]
                fits = partial(router.fitting, tree, float(plan.width[place]))
                salt = router.salt(int(source[pair]), int(target[pair]), int(flow[pair]))
                paths.append(router.chosen(fits, here, there, salt))
            yield pairs, *spliced([(splice.ahead.paths, plan.ahead), (paths, which.reshape(-1)),
                                   (splice.behind.paths, plan.behind)])

    def _inside(self, source: I64, target: I64) -> Group:
        """Pairs of one host: what was found in a host like it."""
        host = np.asarray(self._wiring.host, np.int64)
        pairs, paths = [], []
        for pair in np.flatnonzero((host[source] == host[target]) & (host[source] >= 0)).tolist():
            path = self._like_before(int(source[pair]), int(target[pair]))
            if path is not None:
                pairs.append(pair)
                paths.append(path)
        offsets, links = spliced([(paths, np.arange(len(paths)))])
        return np.array(pairs, np.int64), offsets, links

    def _like_before(self, source: int, target: int) -> tuple[int, ...] | None:
        host = self.splice.hosts[self._wiring.host[source]]
        one, two = host.local[source], host.local[target]
        key = id(host.inside), one, two
        if key not in self._inner:
            self._inner[key] = self._local_way(host, source, target)
        way = self._inner[key]
        return None if way is None else tuple(host.links[link] for link in way)

    def _local_way(self, host: Host, source: int, target: int) -> tuple[int, ...] | None:
        """The route by the host's own links; None where something is drawn or it leaves."""
        found, drawn = self._router.found(source, target, 0, False)
        place = {link: local for local, link in enumerate(host.links)}
        if drawn or found is None or not all(link in place for link in found) \
                or not host.closed:
            return None
        return tuple(place[link] for link in found)

    def _one_by_one(self, pairs: I64, source: I64, target: I64, flow: I64) -> Group:
        """One source after another, host by host: the router keeps its last searches."""
        host = self._wiring.host
        targets: dict[int, set[int]] = {}
        ends = [(int(source[pair]), int(target[pair])) for pair in pairs]
        for one, other in ends:
            targets.setdefault(one, set()).add(host[other])
        found: list[tuple[int, ...] | None] = [()] * len(ends)
        for place in sorted(range(len(ends)), key=lambda place: (
                ends[place][0], host[ends[place][1]], place)):
            one, other = ends[place]
            found[place] = self._router.route(one, other, int(flow[pairs[place]]),
                                      many=len(targets[one]) > _MANY_HOSTS)
        there = [place for place, path in enumerate(found) if path is not None]
        paths = [path for path in found if path is not None]
        return pairs[there], *spliced([(paths, np.arange(len(paths)))])


def _added(loads: Loads, mean: Any, variance: Any, latency_ps: I64) -> Loads:
    return Loads(loads.mean + mean, loads.variance + variance,
                 max(loads.latency_ps, int(latency_ps.max(initial=0))))
