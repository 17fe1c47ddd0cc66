"""Hosts as routes see them from the network: what is inside, and the ports that lead out.

Hosts that are alike (same parts in the same places, whatever their names) share one `Inside`, in
which nodes and links are numbered in the fabric's order, so that a search in one is a search in
all. Two sorts of search: past no CPU, and any (see `routing`).

A GPU's adapter is the nearest one by the links inside the host (past no CPU where there is one);
GPUs with the same nearest adapters are dealt out to them in turn, as NCCL does. It decides only
between routes that are equally good otherwise.

Leaves out: hosts that carry traffic of others (`forwards`). Costs: see `searching`.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.topologies.searching import GPU_LINKS, PER_PS, Wiring

__all__ = ["Host", "Inside", "Reach", "hosts_of"]

_ADAPTERS = ("nic", "smart-nic")


class Reach(NamedTuple):
    """A way inside a host. `links`: local, in order; `tied`: there are others as good."""

    cost: int
    width: float
    links: tuple[int, ...]
    tied: bool


class Inside:
    """What hosts of one kind have inside: local nodes and links."""

    def __init__(self, forwards: Sequence[bool], families: Sequence[str],
                 ports: frozenset[int], links: Sequence[tuple[int, int, float, int]]) -> None:
        self._forwards, self._families, self._ports = forwards, families, ports
        self._links = links
        self._out: list[list[int]] = [[] for _ in forwards]
        self._in: list[list[int]] = [[] for _ in forwards]
        for number, (tail, head, _, _) in enumerate(links):
            self._out[tail].append(number)
            self._in[head].append(number)
        self._known: dict[tuple[int, bool, bool], dict[int, Reach]] = {}
        self._adapters: dict[int, int] | None = None

    def carries(self, node: int, past_no_cpu: bool) -> bool:
        """Whether the node passes on what is not its own."""
        return self._forwards[node] and not (past_no_cpu and self._families[node] == "cpu")

    def ways(self, node: int, past_no_cpu: bool, back: bool = False) -> dict[int, Reach]:
        """Every node that `node` reaches, or (`back`) that reaches it, and the best way."""
        key = node, past_no_cpu, back
        if key not in self._known:
            self._known[key] = self._searched(*key)
        return self._known[key]

    def _searched(self, start: int, past_no_cpu: bool, back: bool) -> dict[int, Reach]:
        best = {start: Reach(0, float("inf"), (), False)}
        queue, done = [(0, start)], set()
        while queue:
            _, node = heapq.heappop(queue)
            if node in done or not (node == start or self.carries(node, past_no_cpu)):
                continue
            done.add(node)
            here = best[node]
            for number in (self._in if back else self._out)[node]:
                tail, head, bandwidth, latency = self._links[number]
                far, cost = tail if back else head, here.cost + latency * PER_PS + 1
                known = best.get(far)
                if known is None or cost < known.cost:
                    links = (number, *here.links) if back else (*here.links, number)
                    best[far] = Reach(cost, min(here.width, bandwidth), links, here.tied)
                    heapq.heappush(queue, (cost, far))
                elif cost == known.cost:
                    best[far] = known._replace(tied=True)
        return best

    def adapter(self, node: int) -> int:
        """The adapter of a GPU; -1 for anything else, or without one."""
        if self._adapters is None:
            self._adapters = self._dealt()
        return self._adapters.get(node, -1)

    def _dealt(self) -> dict[int, int]:
        found: dict[int, int] = {}
        taken: dict[tuple[int, ...], int] = {}
        for gpu in (node for node, family in enumerate(self._families) if family == "gpu"):
            nearest = self._nearest(gpu)
            if nearest:
                turn = taken[nearest] = taken.get(nearest, -1) + 1
                found[gpu] = nearest[turn % len(nearest)]
        return found

    def _nearest(self, gpu: int) -> tuple[int, ...]:
        for past_no_cpu in (True, False):
            ways = self.ways(gpu, past_no_cpu)
            there = {node: ways[node].cost for node in sorted(self._ports)
                     if self._families[node] in _ADAPTERS and node in ways}
            if there:
                least = min(there.values())
                return tuple(node for node, cost in there.items() if cost == least)
        return ()


class Host(NamedTuple):
    """A host of the fabric: its nodes and inner links by local number, `local` numbers of nodes;
    `out` and `into`: its links to and from nodes of no host. `closed`: none of them are GPU
    links."""

    inside: Inside
    nodes: Sequence[int]
    local: dict[int, int]
    links: Sequence[int]
    out: Sequence[int]
    into: Sequence[int]
    closed: bool


def hosts_of(wiring: Wiring) -> list[Host]:
    """Every host, by its number."""
    host = np.asarray(wiring.host, np.int64)
    tails, heads = np.asarray(wiring.tail, np.int64), np.asarray(wiring.head, np.int64)
    count = int(host.max(initial=-1)) + 1
    local = np.zeros(len(host), np.int64)
    nodes = _members(host, count)
    for members in nodes:
        local[members] = np.arange(len(members))
    tail_host, head_host = host[tails], host[heads]
    inner = _members(np.where(tail_host == head_host, tail_host, -1), count)
    out = _members(np.where(head_host < 0, tail_host, -1), count)
    into = _members(np.where(tail_host < 0, head_host, -1), count)
    known: dict[tuple[object, ...], Inside] = {}
    found = []
    for number in range(count):
        members, inside = nodes[number].tolist(), inner[number].tolist()
        links = [(int(local[tails[link]]), int(local[heads[link]]), wiring.bandwidth[link],
                  wiring.latency_ps[link]) for link in inside]
        ports = frozenset(local[tails[out[number]]].tolist())
        key = (tuple(wiring.forwards[node] for node in members),
               tuple(wiring.families[node] for node in members), ports, tuple(links))
        kinds = tuple(wiring.link_kinds[link] for link in inside)
        if (*key, kinds) not in known:
            known[*key, kinds] = Inside(key[0], key[1], ports, links)
        ends = out[number].tolist(), into[number].tolist()
        found.append(Host(
            known[*key, kinds], members, {node: place for place, node in enumerate(members)},
            inside, *ends,
            not any(wiring.link_kinds[link] in GPU_LINKS for side in ends for link in side)))
    return found


def _members(group: npt.NDArray[np.int64], count: int) -> list[npt.NDArray[np.int64]]:
    """Which entries belong to each of `count` groups, in order; those of group -1 to none."""
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(count + 1))
    return [order[edges[number]:edges[number + 1]] for number in range(count)]
