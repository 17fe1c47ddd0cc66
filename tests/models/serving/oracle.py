"""Continuous batching once more, in plain Python: objects, lists, no state arrays.

Written from the rules alone; shares nothing with the kernel but the cost tables, which it reads by
interpolating with NumPy.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
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
    table: list[int] = field(default_factory=list)      # with prefix caching: its pages
    keys: list[Any] = field(default_factory=list)       # of its blocks of the trace

    @property
    def tokens(self) -> int:
        return self.prompt + self.made


class Cache:
    """Pages by content: what is free stands in an ordered dictionary, oldest first."""

    def __init__(self, pages: int, page: int, block: int) -> None:
        self.page, self.block = page, block
        self.free: OrderedDict[int, None] = OrderedDict((each, None) for each in range(pages))
        self.users = [0] * pages
        self.content: dict[int, Any] = {}
        self.known: dict[Any, list[int]] = {}
        self.hit = self.asked = self.evicted = 0

    def key(self, request: Request, j: int) -> Any:
        last = (j + 1) * self.page - 1
        block = last // self.block
        if last < request.prompt and block < len(request.keys):
            return ("shared", request.keys[block], last % self.block // self.page)
        return ("own", request.number, j)

    def find(self, request: Request) -> list[int]:
        found: list[int] = []
        while (len(found) + 1) * self.page < request.tokens and \
                self.known.get(self.key(request, len(found))):
            found.append(self.known[self.key(request, len(found))][0])
        return found

    def grow(self, request: Request, found: list[int], tokens: int) -> bool:
        wanted = -(-tokens // self.page) - len(request.table) - len(found)
        if max(wanted, 0) + sum(each in self.free for each in found) > len(self.free):
            return False
        for each in found:
            self.free.pop(each, None)
            self.users[each] += 1
            request.table.append(each)
        for _ in range(wanted):
            each, _ = self.free.popitem(last=False)
            if each in self.content:
                self.evicted += 1
                self.known[self.content.pop(each)].remove(each)
            self.users[each] += 1
            request.table.append(each)
        for j in range(tokens // self.page):
            if request.table[j] not in self.content:
                self.content[request.table[j]] = self.key(request, j)
                self.known.setdefault(self.key(request, j), []).append(request.table[j])
        return True

    def release(self, request: Request) -> None:
        for each in reversed(request.table):
            self.users[each] -= 1
            if self.users[each] == 0:
                self.free[each] = None
        request.table.clear()


class Engine:
    """`log`: (start, tokens, [(request, tokens) ...]) of every step."""

    def __init__(self, state: Any) -> None:
        self.fixed = f = state.fixed
        self.free = int(state.admission.kv_free[0])
        r = state.requests
        self.all = [Request(i, int(a) + f.frontend_ps, int(p), int(o)) for i, (a, p, o) in
                    enumerate(zip(r.arrival_ps, r.input_tokens, r.output_tokens, strict=True))]
        self.cache: Cache | None = None
        if f.caching:
            p = state.prefix
            self.cache = Cache(len(p.users), int(f.block_tokens), int(p.block_tokens))
            for q in self.all:
                q.keys = p.blocks[p.chains[q.number]:p.chains[q.number + 1]].tolist()
        self.unsent = deque(self.all if f.clients else [])
        self.coming = deque([] if f.clients else self.all)
        self.waiting: deque[Request] = deque()
        self.running: list[Request] = []
        self.log: list[tuple[int, int, list[tuple[int, int]]]] = []

    def run(self) -> None:
        now, self.idle = 0, True
        while self.unsent or self.coming or self.waiting or self.running:
            self.send(now)
            while self.coming and self.coming[0].arrival <= now:
                self.waiting.append(self.coming.popleft())
            batch = self.schedule()
            if not batch:
                now, self.idle = self.coming[0].arrival, True
                continue
            lasts = self.lasts(batch)
            self.idle = False
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

    def grow(self, request: Request, tokens: int, found: list[int]) -> bool:
        """Pages for `tokens` tokens, or False."""
        if self.cache:
            return self.cache.grow(request, found, tokens)
        more = self.need(request, tokens)
        if more > self.free:
            return False
        self.free -= more
        request.pages += more
        return True

    def release(self, request: Request) -> None:
        if self.cache:
            self.cache.release(request)
        self.free += request.pages
        request.pages = 0

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
            while not self.grow(request, request.cached + count, []):
                last = self.running.pop()
                self.release(last)
                last.cached = 0
                last.preempted += 1
                self.waiting.appendleft(last)
                evicted = True
                if last is request:
                    return batch
            batch.append((request, count))
            left -= count
        while not evicted and left and self.waiting and len(self.running) < self.fixed.most_running:
            request = self.waiting[0]
            held, found = self.prefix(request), []
            if self.cache:
                found = self.cache.find(request)
                held = len(found) * self.cache.page
            if self.fixed.prefilled and not request.preempted:
                held = max(held, request.prompt - 1)
            count = request.tokens - held
            if count > left < self.fixed.most_tokens and not self.fixed.chunked:
                break
            count = min(count, left)
            if not self.grow(request, held + count, found):
                break
            if self.cache and not request.preempted:
                self.cache.asked += request.prompt
                self.cache.hit += held
            self.waiting.popleft()
            request.cached = held
            self.running.append(request)
            batch.append((request, count))
            left -= count
        return batch

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
        if f.overlapped and not self.idle:
            return int(max(host, device) + f.gap_ps)
        return int(host + device)

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
                self.release(request)
                self.running.remove(request)


def look(table: Any, n: int, y: float) -> int:
    """A table within its exact range of n: linear in y, rounded to the nearest."""
    grid = table.y_grid
    j = min(int(np.searchsorted(grid, y, side="right")) - 1, len(grid) - 2)
    low, high = int(table.exact_ps[n, j]), int(table.exact_ps[n, j + 1])
    along = (y - int(grid[j])) / (int(grid[j + 1]) - int(grid[j]))
    return int(low + (high - low) * along + 0.5)
