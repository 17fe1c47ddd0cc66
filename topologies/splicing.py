"""Routes of many pairs at once: the ways inside hosts and between switches, searched once each.

A route between hosts leaves its host once, crosses switches and enters the other host, so it is
the best of a few combinations of ways that many pairs share. `Splice.plan` looks them up for all
pairs together, by the router's order: cost, width, the ends' own adapters. Where that leaves
several equal paths, the router draws among them pair by pair; `loads` gives the mean and the
variance of what such draws put on each link instead.

It holds where no host carries traffic of others, no link joins two hosts directly, and no way
through the source's own host is as short as one between its switches; `usable` is False elsewhere,
and every pair is the router's.

Leaves out: the policies "latency" and "widest". Costs: see `searching`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from rackwright.topologies.hosts_inside import Host
from rackwright.topologies.plans import FOUND, NONE, SPREAD, TIED, Plan, Ways, table_of
from rackwright.topologies.searching import (
    EVERYWHERE,
    PER_PS,
    Maps,
    Paths,
    Search,
    Tree,
    Wiring,
    grow,
)

__all__ = ["Splice"]

I64 = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
FAR = np.int64(1) << 60        # cost of no path; three of them do not overflow
MOST_PS = 1 << 38              # latency of all links together, so that costs stay below FAR
CHUNK = 1 << 16                # pairs looked at together: their arrays stay in the cache


class Splice:
    """The shared ways of a fabric, found as they are asked for."""

    def __init__(self, wiring: Wiring, hosts: Sequence[Host]) -> None:
        self._wiring, self.hosts = wiring, hosts
        self._maps = Maps(wiring, False)

    @cached_property
    def usable(self) -> bool:
        """Whether spliced routes are the router's; see the module's text."""
        wiring = self._wiring
        if any(wiring.transits) or sum(wiring.latency_ps) >= MOST_PS:
            return False
        host = wiring.host
        if any(-1 != host[tail] != host[head] != -1
               for tail, head in zip(wiring.tail, wiring.head, strict=True)):
            return False
        return len(self.switches) > 0 and not any(map(self._short_cut, self.hosts))

    @cached_property
    def switches(self) -> dict[int, int]:
        """Nodes of no host that hosts are plugged into, numbered."""
        wiring = self._wiring
        found = {node for host in self.hosts for ends, links in
                 ((wiring.head, host.out), (wiring.tail, host.into))
                 for node in (ends[link] for link in links) if wiring.forwards[node]}
        return {node: place for place, node in enumerate(sorted(found))}

    @cached_property
    def _nodes(self) -> list[int]:
        return list(self.switches)

    @cached_property
    def trees(self) -> list[Tree]:
        """From every switch over nodes of no host."""
        return [grow(self._maps, Search(node, EVERYWHERE, Paths.INSIDE_HOST))
                for node in self._nodes]

    @cached_property
    def between(self) -> tuple[I64, Floats, npt.NDArray[np.bool_]]:
        """Cost, width and tie of the paths from switch to switch."""
        count = len(self._nodes)
        cost = np.full((count, count), FAR)
        width, tied = np.full((count, count), np.inf), np.zeros((count, count), bool)
        for row, tree in enumerate(self.trees):
            several = self._several(row)
            for column, node in enumerate(self._nodes):
                if node in tree.cost:
                    cost[row, column], tied[row, column] = tree.cost[node], node in several
                    width[row, column] = tree.width[node]
        return cost, width, tied

    @cached_property
    def _orders(self) -> list[list[int]]:
        """The nodes of each tree, the nearest first."""
        return [sorted(tree.cost, key=tree.cost.__getitem__) for tree in self.trees]

    def _several(self, row: int) -> set[int]:
        """The nodes that several paths lead to."""
        found, tree, tail = set[int](), self.trees[row], self._wiring.tail
        for node in self._orders[row][1:]:
            links = tree.into[node]
            if len(links) > 1 or any(tail[link] in found for link in links):
                found.add(node)
        return found

    def ends(self, number: int) -> tuple[Tree, int, int]:
        """The tree of a pair of switches by `Plan.between`, and their nodes."""
        row, column = divmod(number, len(self._nodes))
        return self.trees[row], self._nodes[row], self._nodes[column]

    def _short_cut(self, host: Host) -> bool:
        """Whether a way through the host is as good as one between its switches."""
        wiring, cost = self._wiring, self.between[0]
        place = host.local
        for into in host.into:
            enters = place[wiring.head[into]]
            ways = host.inside.ways(enters, False)
            for out in host.out:
                leaves, one, two = place[wiring.tail[out]], wiring.tail[into], wiring.head[out]
                if one == two or leaves not in ways or not (
                        one in self.switches and two in self.switches):
                    continue
                through = ways[leaves].cost + self._cost(into) + self._cost(out)
                if cost[self.switches[one], self.switches[two]] >= through:
                    return True
        return False

    def _cost(self, link: int) -> int:
        return self._wiring.latency_ps[link] * PER_PS + 1

    def plan(self, source: I64, target: I64, past_no_cpu: bool) -> Plan:
        """Of pairs of nodes on different hosts. `ahead` and `behind` belong to the last plan."""
        count = len(source)
        ahead, between, behind, latency = np.zeros((4, count), np.int64)
        found = Plan(np.zeros(count, np.int8), ahead, between, behind, latency, np.zeros(count))
        sources, row = np.unique(source, return_inverse=True)
        targets, column = np.unique(target, return_inverse=True)
        self.ahead = self._ways(sources.tolist(), past_no_cpu, False)
        self.behind = self._ways(targets.tolist(), past_no_cpu, True)
        for start in range(0, count, CHUNK):
            part = slice(start, start + CHUNK)
            best: Sequence[npt.NDArray[Any]] = self._best(row.reshape(-1)[part],
                                                          column.reshape(-1)[part])
            for whole, some in zip(found, best, strict=True):
                cast("npt.NDArray[Any]", whole)[part] = some
        return found

    def _best(self, row: I64, column: I64) -> Plan:
        """Of the combinations of ways, the best by cost, width and own adapters."""
        cost, width, tied = self.between
        least, widest = np.full(len(row), FAR), np.zeros(len(row))
        most, state = np.zeros(len(row), np.int64), np.zeros(len(row), np.int8)
        ahead, between, behind = np.zeros((3, len(row)), np.int64)
        for one, two in np.ndindex(self.ahead.cost.shape[1], self.behind.cost.shape[1]):
            here, there = self.ahead.switch[row, one], self.behind.switch[column, two]
            total = self.ahead.cost[row, one] + cost[here, there] + self.behind.cost[column, two]
            breadth = np.minimum(np.minimum(self.ahead.width[row, one], width[here, there]),
                                 self.behind.width[column, two])
            own = 2 * self.ahead.own[row, one] + self.behind.own[column, two]
            equal = (total == least) & (breadth == widest) & (own == most)
            better = (total < least) | ((total == least) & (
                (breadth > widest) | ((breadth == widest) & (own > most))))
            new = np.where(self.ahead.tied[row, one] | self.behind.tied[column, two], TIED,
                           np.where(tied[here, there], SPREAD, FOUND))
            state = np.where(better, new, np.where(equal, TIED, state)).astype(np.int8)
            least, widest = np.where(better, total, least), np.where(better, breadth, widest)
            most = np.where(better, own, most)
            for kept, new in zip((ahead, between, behind), (self.ahead.path[row, one],
                                          here * len(self._nodes) + there,
                                          self.behind.path[column, two]), strict=True):
                np.copyto(kept, new, where=better)
        return Plan(np.where(least >= FAR, NONE, state).astype(np.int8), ahead, between, behind,
                    least // PER_PS, widest)

    def loads(self, plan: Plan, count: int) -> tuple[Floats, Floats]:
        """Mean and variance of how many of the plan's pairs cross each of `count` links, when
        paths are drawn at random; none of the pairs may be TIED or NONE."""
        mean, variance = np.zeros(count), np.zeros(count)
        for paths, which in ((self.ahead.paths, plan.ahead), (self.behind.paths, plan.behind)):
            times = np.bincount(which, minlength=len(paths))
            starts, links = table_of(paths)
            mean += np.bincount(links, np.repeat(times, np.diff(starts)), count)
        switches = len(self._nodes)
        times = np.bincount(plan.between, minlength=switches ** 2).reshape(switches, switches)
        for row in range(switches):
            self._pour(row, times[row].tolist(), mean, variance)
        return mean, variance

    def _pour(self, row: int, times: Sequence[int], mean: Floats, variance: Floats) -> None:
        """Add flows from one switch; at every draw among n links each has 1 / n of the chances,
        and the draws of a node are those of a binomial."""
        wiring, tree = self._wiring, self.trees[row]
        held = {node: (float(many), 0.0) for node, many in zip(self._nodes, times, strict=True)
                if many}
        for node in self._orders[row][:0:-1]:
            flows, spread = held.get(node, (0.0, 0.0))
            if not flows:
                continue
            fits = [link for link in tree.into[node] if wiring.bandwidth[link] >= tree.width[node]
                    and tree.width[wiring.tail[link]] >= tree.width[node]]
            share = 1 / len(fits)
            part, doubt = flows * share, share * (1 - share) * flows + share * share * spread
            for link in fits:
                mean[link] += part
                variance[link] += doubt
                before = held.get(wiring.tail[link], (0.0, 0.0))
                held[wiring.tail[link]] = before[0] + part, before[1] + doubt

    def _ways(self, nodes: Sequence[int], past_no_cpu: bool, back: bool) -> Ways:
        """From each of `nodes` to the switches beyond its host, or (`back`) from them."""
        rows = [list(self._choices(node, past_no_cpu, back)) for node in nodes]
        shape = len(rows), max((len(row) for row in rows), default=0)
        found = Ways(np.full(shape, FAR), np.zeros(shape, np.int64), np.zeros(shape),
                     np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape, np.int64), [])
        for number, row in enumerate(rows):
            for place, (cost, switch, width, own, tied, path) in enumerate(row):
                at = number, place
                found.cost[at], found.switch[at], found.width[at] = cost, switch, width
                found.own[at], found.tied[at], found.path[at] = own, tied, len(found.paths)
                found.paths.append(path)
        return found

    def _choices(self, node: int, past_no_cpu: bool, back: bool
                 ) -> Iterator[tuple[int, int, float, bool, bool, tuple[int, ...]]]:
        wiring, host = self._wiring, self.hosts[self._wiring.host[node]]
        place = host.local
        start = place[node]
        ways, adapter = host.inside.ways(start, past_no_cpu, back), host.inside.adapter(start)
        near, far = (wiring.head, wiring.tail) if back else (wiring.tail, wiring.head)
        for port in host.into if back else host.out:
            end, switch = place[near[port]], self.switches.get(far[port])
            if switch is None or end not in ways or not (
                    end == start or host.inside.carries(end, past_no_cpu)):
                continue
            way = ways[end]
            inner = tuple(host.links[link] for link in way.links)
            yield (way.cost + self._cost(port), switch, min(way.width, wiring.bandwidth[port]),
                   end == adapter, way.tied, (port, *inner) if back else (*inner, port))
