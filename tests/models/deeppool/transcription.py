"""The published planner written down step by step, in microseconds, without any array.

An independent reading of the fact sheet for tests: dictionaries by per-GPU batch, the transfer with
its egress and ingress sides, the test of the amplification where it stands in the program.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from rackwright.traces import LayerProfile

KEPT = ("relu", "flatten", "batch_norm")


class Planned(NamedTuple):
    time: float               # us
    gpus: tuple[int, ...]
    busy: float


class Written:
    """One chain, global batch, number of GPUs and flat network (bytes/us, us)."""

    def __init__(self, profile: LayerProfile, batch: int, gpus: int, bandwidth: float,
                 latency: float, one_dimensional: bool = False) -> None:
        self.profile, self.batch, self.bandwidth, self.latency = profile, batch, bandwidth, latency
        self.one_dimensional = one_dimensional
        self.options = [batch >> k for k in range(int(math.log2(gpus)) + 1) if batch >> k >= 1]
        self.times = [{b: float(profile.column(b)[at]) * 1e6 for b in self.options}
                      for at in range(len(profile))]

    def own(self, layer: int, b: int) -> float:
        g = self.batch // b
        params = int(self.profile.parameters[layer])
        ring = 2 * (g - 1) / g * 4 * params / self.bandwidth if g > 1 else 0
        return self.times[layer][b] + ring

    def move(self, layer: int, s1: int, s2: int) -> float:
        """Into `layer`, both passes."""
        if s1 == s2:
            return 0.0
        out = int(self.profile.output_elements[layer - 1])
        g1, g2 = self.batch // s1, self.batch // s2
        common = 4 * min(s1, s2) * out
        egress, ingress = 4 * s1 * out, 4 * s2 * out
        if self.one_dimensional:
            egress, ingress = egress - common, ingress - common
        else:
            egress -= common if g1 <= g2 else 0
            ingress -= common if g2 <= g1 else 0
        time = max(egress, ingress) / self.bandwidth
        time = 2 * (time + self.latency) if time > 0 else 0.0
        return time * 1000 if self.profile.kinds[layer] in KEPT else time

    def plan(self, limit: float) -> Planned:
        best = [{b: self.own(0, b) for b in self.options}]
        taken = [{b: self.own(0, b) for b in self.options}]
        before: list[dict[int, int]] = [{}]
        for layer in range(1, len(self.profile)):
            row: dict[int, float] = {}
            lasts: dict[int, float] = {}
            froms: dict[int, int] = {}
            for b in self.options:
                row[b], least = math.inf, 999999.0
                for c in self.options:
                    last = taken[layer - 1][c]
                    alone = self.own(layer - 1, self.batch)
                    amp = last * (self.batch // c) / alone if last > 0 and alone > 300 else 1.0
                    new = best[layer - 1][c] + self.move(layer, c, b) + self.own(layer, b)
                    if new < row[b] and (amp < limit or amp < least):
                        row[b], least, froms[b] = new, amp, c
                        lasts[b] = new - best[layer - 1][c]
            best.append(row)
            taken.append(lasts)
            before.append(froms)
        end = min(self.options, key=lambda b: best[-1][b])
        path = [end]
        for froms in reversed(before[1:]):
            path.append(froms[path[-1]])
        path.reverse()
        busy = sum(taken[at][b] * (self.batch // b) for at, b in enumerate(path))
        return Planned(best[-1][end], tuple(self.batch // b for b in path), busy)

    def cost(self, path: Sequence[int]) -> float:
        """Of a chain of per-GPU batches."""
        moves = sum(self.move(at, path[at - 1], path[at]) for at in range(1, len(path)))
        return moves + sum(self.own(at, b) for at, b in enumerate(path))

    def shortest(self) -> float:
        """By trying everything."""
        return min(self.cost(path)
                   for path in itertools.product(self.options, repeat=len(self.profile)))
