"""Continuous batching once more, in plain Python: objects, lists, no state arrays.

Written from the rules alone; shares nothing with the kernel but the cost tables, which it reads by
interpolating with NumPy.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass
class Request:
    number: int
    arrival: int
    prompt: int
    answer: int
    made: int = 0          # tokens of the answer so far
    cached: int = 0        # tokens whose keys and values are held
    pages: int = 0
    first: int = -1
    finish: int = -1
    preempted: int = 0

    @property
    def tokens(self) -> int:
        return self.prompt + self.made


class Engine:
    """`log`: (start, tokens, [(request, tokens) ...]) of every step."""

    def __init__(self, state: Any) -> None:
        self.fixed = f = state.fixed
        self.free = int(state.admission.kv_free[0])
        r = state.requests
        self.all = [Request(i, int(a) + f.frontend_ps, int(p), int(o)) for i, (a, p, o) in
                    enumerate(zip(r.arrival_ps, r.input_tokens, r.output_tokens, strict=True))]
        self.unsent = deque(self.all if f.clients else [])
        self.coming = deque([] if f.clients else self.all)
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []
        self.log: list[tuple[int, int, list[tuple[int, int]]]] = []

    def run(self) -> None:
        now = 0
        while self.unsent or self.coming or self.waiting or self.running:
            self.send(now)
            while self.coming and self.coming[0].arrival <= now:
                self.waiting.append(self.coming.popleft())
            batch = self.schedule()
            if not batch:
                now = self.coming[0].arrival
                continue
            lasts = self.lasts(batch)
            self.log.append((now, sum(n for _, n in batch), [(q.number, n) for q, n in batch]))
            now += lasts
            self.finish(batch, now)

    def send(self, now: int) -> None:
        """Clients of a closed loop: each has one request under way."""
        under_way = sum(each.finish < 0 for each in self.all) - len(self.unsent)
        while self.unsent and under_way < self.fixed.clients:
            request = self.unsent.popleft()
            request.arrival = now + self.fixed.frontend_ps
            self.coming.append(request)
            under_way += 1

    def need(self, request: Request, tokens: int) -> int:
        f = self.fixed

        def pages(count: int) -> int:
            blocks = -(-count // int(f.block_tokens))
            return int(blocks * f.full_groups + min(blocks, f.window_blocks) * f.window_groups)

        return int(pages(tokens) - pages(self.prefix(request)) - request.pages)

    def prefix(self, request: Request) -> int:
        whole = (request.prompt - 1) // self.fixed.block_tokens * self.fixed.block_tokens
        return int(min(self.fixed.prefix_tokens, whole))

    def schedule(self) -> list[tuple[Request, int]]:
        left, evicted = int(self.fixed.most_tokens), False
        batch: list[tuple[Request, int]] = []
        for request in list(self.running):
            if request not in self.running or left == 0:
                continue
            count = min(request.tokens - request.cached, left)
            while self.need(request, request.cached + count) > self.free:
                last = self.running.pop()
                self.free += last.pages
                last.pages = last.cached = 0
                last.preempted += 1
                self.waiting.appendleft(last)
                evicted = True
                if last is request:
                    return batch
            self.take(request, count)
            batch.append((request, count))
            left -= count
        while not evicted and left and self.waiting and len(self.running) < self.fixed.most_running:
            request = self.waiting[0]
            held = self.prefix(request)
            if self.fixed.prefilled and not request.preempted:
                held = max(held, request.prompt - 1)
            count = request.tokens - held
            if count > left < self.fixed.most_tokens and not self.fixed.chunked:
                break
            count = min(count, left)
            if self.need(request, held + count) > self.free:
                break
            self.waiting.popleft()
            request.cached = held
            self.take(request, count)
            self.running.append(request)
            batch.append((request, count))
            left -= count
        return batch

    def take(self, request: Request, count: int) -> None:
        more = self.need(request, request.cached + count)
        self.free -= more
        request.pages += more

    def lasts(self, batch: list[tuple[Request, int]]) -> int:
        f, t = self.fixed, self.fixed.tables
        tokens = sum(count for _, count in batch)
        graph = tokens < len(f.padded)
        size = int(f.padded[tokens]) if graph else tokens
        sampling = sum(q.cached + count == q.tokens for q, count in batch)
        device = sum(int(table.exact_ps[size]) for table in (t.linear, t.experts, t.exchange))
        device += int(t.head.exact_ps[sampling])
        single = [q.cached + 1 for q, count in batch if count == 1]
        if single:
            device += f.full_layers * look(t.decode, len(single), sum(single) / len(single))
            if f.window_layers:
                short = sum(min(each, f.window) for each in single) / len(single)
                device += f.window_layers * look(t.decode, len(single), short)
        alone, packed = [0], [0]
        for q, count in batch:
            if count > 1:
                where = -(-count // 128), -(-q.cached // 128)
                alone.append(f.full_layers * look(t.alone, *where)
                             + f.window_layers * look(t.window_alone, *where))
                packed.append(f.full_layers * look(t.packed, *where)
                              + f.window_layers * look(t.window_packed, *where))
        device += max(max(alone), sum(packed))
        if not graph:
            device = max(device, f.launch_ps)
        host = f.host_ps + f.sequence_ps * len(batch)
        return int(max(host, device) if f.overlapped else host + device)

    def finish(self, batch: list[tuple[Request, int]], now: int) -> None:
        for request, count in batch:
            request.cached += count
            if request.cached < request.tokens:
                continue
            request.made += 1
            if request.made == 1:
                request.first = now
            if request.made == request.answer:
                request.finish = now
                self.free += request.pages
                self.running.remove(request)


def look(table: Any, n: int, y: float) -> int:
    """A table within its exact range of n: linear in y, rounded to the nearest."""
    grid = table.y_grid
    j = min(int(np.searchsorted(grid, y, side="right")) - 1, len(grid) - 2)
    low, high = int(table.exact_ps[n, j]), int(table.exact_ps[n, j + 1])
    along = (y - int(grid[j])) / (int(grid[j + 1]) - int(grid[j]))
    return int(low + (high - low) * along + 0.5)
