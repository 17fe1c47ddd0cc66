"""AEP once more, in plain Python with dictionaries and lists: slow, short, written independently.

Shares with the model only its inputs: step times, routing draws, routes, link rates.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from typing import Any

import numpy as np

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.traces.routing import draw_experts

STEP, HEAD, ARRIVED = 0, 1, 2


class Machine:
    def __init__(self, state: Any) -> None:
        self.f, self.q, self.ports = state.fixed, state.requests, state.ports
        self.kv_free = state.admission.kv_free.tolist()
        self.gpus = self.f.attention_gpus + self.f.expert_gpus
        self.queues: list[dict[tuple[int, int], list[int]]] = [
            defaultdict(list) for _ in range(self.gpus)]
        self.running: list[Any] = [None] * self.gpus
        self.free_at: dict[int, int] = defaultdict(int)
        self.events: list[Any] = []
        self.count = 0
        self.back: dict[int, int] = defaultdict(int)
        n = len(self.q.arrival_ps)
        self.block, self.made, self.home = [0] * n, [0] * n, [-1] * n
        self.finish = [-1] * n
        self.waiting: list[int] = []

    def push(self, time: int, kind: int, what: Any) -> None:
        heapq.heappush(self.events, (time, kind, self.count, what))
        self.count += 1

    def run(self) -> list[int]:
        arrivals = self.q.arrival_ps.tolist()
        coming = 0
        while self.events or coming < len(arrivals):
            if self.events and (coming == len(arrivals) or self.events[0][0] <= arrivals[coming]):
                now, kind, _, what = heapq.heappop(self.events)
                (self.end_step, self.head_at, self.arrive)[kind](now, what)
            else:
                self.waiting.append(coming)
                self.admit(arrivals[coming])
                coming += 1
        return self.finish

    def admit(self, now: int) -> None:
        woken = False
        while self.waiting:
            r = self.waiting[0]
            rank = max(range(self.f.attention_gpus), key=lambda g: (self.kv_free[g], -g))
            if self.kv_free[rank] < self.q.kv_blocks[r]:
                break
            self.waiting.pop(0)
            self.kv_free[rank] -= int(self.q.kv_blocks[r])
            self.home[r] = rank
            self.queues[rank][0, 0].append(r)
            woken = True
        if woken:
            for gpu in range(self.f.attention_gpus):
                self.start(now, gpu)

    def context(self, r: int) -> int:
        return int(self.q.input_tokens[r]) + self.made[r]

    def start(self, now: int, gpu: int) -> None:
        queues = {key: members for key, members in self.queues[gpu].items() if members}
        if self.running[gpu] is not None or not queues:
            return
        attends = gpu < self.f.attention_gpus
        ring = self.f.blocks + (1 if attends else 0)
        hosted = 1 if attends else int(self.f.hosted[gpu])

        def score(key: tuple[int, int]) -> tuple[float, int, int]:
            load = 0.0
            for k in range(1, self.f.look_ahead + 1):
                at = (key[0] + k) % ring
                total = sum(len(m) for (b, _), m in queues.items() if b == at)
                load += float(self.f.decay[k]) * (total / hosted)
            return load + len(queues[key]), -key[0], -key[1]

        best = max(queues, key=score)
        batch = self.queues[gpu].pop(best)
        size = len(batch)
        if not attends:
            time = table1_ps(self.f.expert, size)
        elif best[0] == self.f.blocks:
            time = table1_ps(self.f.sampler, size)
        else:
            time = table2_ps(self.f.attention, size, sum(map(self.context, batch)) / size)
        self.running[gpu] = (best, batch)
        self.push(now + int(time), STEP, gpu)

    def end_step(self, now: int, gpu: int) -> None:
        (block, _), batch = self.running[gpu]
        self.running[gpu] = None
        out: dict[int, list[Any]] = defaultdict(list)
        sampled = gpu < self.f.attention_gpus and block == self.f.blocks
        for r in batch:
            if sampled:
                self.sample(now, gpu, r)
            elif gpu < self.f.attention_gpus:
                chosen = np.zeros(self.f.top_k, np.int64)
                draw_experts(self.f.draws.weights, block, self.f.top_k, self.f.routing_seed, r,
                             self.made[r], chosen)
                for expert in chosen.tolist():
                    out[int(self.f.expert_gpu[expert])].append((r, expert))
            else:
                out[self.home[r]].append((r, -1))
        for target in sorted(out):
            self.send(now, gpu, target, out[target])
        if sampled:
            self.admit(now)
        self.start(now, gpu)

    def sample(self, now: int, gpu: int, r: int) -> None:
        self.made[r] += 1
        self.block[r] = 0
        if self.made[r] == self.q.output_tokens[r]:
            self.finish[r] = now
            self.kv_free[gpu] += int(self.q.kv_blocks[r])
        else:
            self.queues[gpu][0, 0].append(r)

    def send(self, now: int, source: int, target: int, tokens: list[Any]) -> None:
        pair = source * self.gpus + target
        low, high = self.f.route_offsets[pair:pair + 2].tolist()
        path = self.f.route_links[low:high].tolist()
        head = now + self.f.message_ps
        self.head_at(head, (path, head, target, tokens))

    def head_at(self, head: int, message: Any) -> None:
        path, tail, target, tokens = message
        link = path[0]
        begin = max(head, self.free_at[link])
        exact = len(tokens) * self.f.token_bytes * float(self.ports.ps_per_byte[link])
        end = max(begin + math.ceil(exact), tail)
        self.free_at[link] = end
        latency = int(self.ports.latency_ps[link])
        if path[1:]:
            self.push(begin + latency, HEAD, (path[1:], end + latency, target, tokens))
        else:
            self.push(end + latency, ARRIVED, (target, tokens))

    def arrive(self, now: int, message: Any) -> None:
        gpu, tokens = message
        for r, expert in tokens:
            if expert >= 0:
                self.queues[gpu][self.block[r], int(self.f.expert_slot[expert])].append(r)
                continue
            self.back[r] += 1
            if self.back[r] == self.f.top_k:
                self.back[r] = 0
                self.block[r] += 1
                self.queues[gpu][self.block[r], 0].append(r)
        self.start(now, gpu)
