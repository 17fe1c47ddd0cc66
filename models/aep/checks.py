"""Debug mode: what must hold after every event of an asynchronous replay.

Tokens are conserved and in one place, a queue is in order of arrival, no batch holds a token
twice, a request stays on its GPU and visits the blocks in order, KV-cache blocks are conserved, no
GPU idles with work. Plain Python over the state's arrays: thousands of times slower than a replay.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from rackwright.errors import ModelFault
from rackwright.models.aep.state import BLOCK, JOINED, NEXT, SINCE, AepState

__all__ = ["Checks"]


class Checks:
    """`Checks(state)` before the first event; then call it with the state after each of them.

    Raises `ModelFault` that says what is broken, where and when.
    """

    def __init__(self, state: AepState) -> None:
        self.kv_total = state.admission.kv_free.copy()
        self.now_ps = 0
        self.home: dict[int, int] = {}
        self.place: dict[int, tuple[int, int]] = {}

    def __call__(self, state: AepState) -> None:
        now_ps = int(state.control.now_ps[0])
        _hold(state, now_ps >= self.now_ps, f"time went back from {self.now_ps} ps")
        self.now_ps = now_ps
        _conservation(state)
        self._sticky_and_in_order(state)
        self._memory(state)
        _work_conserving(state)

    def _sticky_and_in_order(self, state: AepState) -> None:
        requests, k = state.requests, state.fixed.top_k
        for r in range(int(state.admission.admitted[0])):
            home = int(requests.home[r])
            _hold(state, self.home.setdefault(r, home) == home, f"request {r} moved to GPU {home}")
            at = (int(requests.generated[r]), int(state.items.of[r * k, BLOCK]))
            before = self.place.get(r, (0, 0))
            steps = (at[0] - before[0]) * (state.fixed.blocks + 1) + at[1] - before[1]
            ended = at[0] == requests.output_tokens[r] and before[0] == at[0] - 1
            _hold(state, 0 <= steps <= 1 or ended,
                  f"request {r} went from (token, block) {before} to {at}")
            self.place[r] = at

    def _memory(self, state: AepState) -> None:
        held = np.zeros_like(self.kv_total)
        for r in range(int(state.admission.admitted[0])):
            if state.requests.finish_ps[r] < 0:
                held[state.requests.home[r]] += state.requests.kv_blocks[r]
        free = state.admission.kv_free
        _hold(state, bool(np.array_equal(self.kv_total - held, free) and np.all(free >= 0)),
              f"KV-cache blocks: {self.kv_total} less {held} in use are not the {free} free ones")


def _hold(state: AepState, true: bool, text: str) -> None:
    if not true:
        raise ModelFault(f"{text}; event {state.control.events[0]}, "
                         f"{state.control.now_ps[0]} ps of virtual time")


def _chain(state: AepState, first: int) -> Iterator[int]:
    for _ in range(len(state.items.of)):
        if first < 0:
            return
        yield first
        first = int(state.items.of[first, NEXT])
    _hold(state, first < 0, f"the list through item {first} is a ring")


def _places(state: AepState) -> Counter[int]:
    """Every item in a queue, a running batch or a message, with how often it is there."""
    found: Counter[int] = Counter()
    gpus, messages = state.gpus, state.messages
    for index in zip(*np.nonzero(gpus.length), strict=True):
        members = list(_chain(state, int(gpus.head[index])))
        since = [int(state.items.of[item, SINCE]) for item in members]
        where = f"queue (GPU, block, slot) {tuple(int(i) for i in index)}"
        _hold(state, len(members) == gpus.length[index] and members[-1] == gpus.tail[index],
              f"{where} holds {len(members)} items, not {gpus.length[index]}")
        _hold(state, since == sorted(since), f"{where} is not in order of arrival")
        found.update(members)
    for gpu in np.flatnonzero(gpus.batch >= 0):
        members = list(_chain(state, int(gpus.batch[gpu])))
        _hold(state, len(set(members)) == len(members) == gpus.batch_size[gpu],
              f"the batch of GPU {gpu} has an item twice or too few: {members}")
        found.update(members)
    free = set(messages.free[:messages.free_count[0]].tolist())
    for m in set(range(len(messages.first))) - free:
        members = list(_chain(state, int(messages.first[m])))
        _hold(state, len(members) == messages.tokens[m], f"message {m} lost items: {members}")
        found.update(members)
    return found


def _conservation(state: AepState) -> None:
    found, k = _places(state), state.fixed.top_k
    twice = [item for item, times in found.items() if times > 1]
    _hold(state, not twice, f"items {twice} are in two places")
    parts = Counter(item // k for item in found)
    admitted = int(state.admission.admitted[0])
    for r in range(len(state.requests.arrival_ps)):
        live = r < admitted and state.requests.finish_ps[r] < 0
        joined = int(state.items.of[r * k, JOINED])
        # a whole token, or its k parts, some of them already back home
        _hold(state, parts[r] + joined in ((1, k) if live else (0,)) and 0 <= joined < k,
              f"request {r} has {parts[r]} parts under way and {joined} joined")


def _work_conserving(state: AepState) -> None:
    gpus = state.gpus
    idle = np.flatnonzero((gpus.block_length.sum(axis=1) > 0) & (gpus.batch < 0))
    _hold(state, len(idle) == 0, f"GPUs {idle} idle although they have work")
    _hold(state, bool(np.array_equal(gpus.length.sum(axis=2), gpus.block_length)),
          "the lengths of queues do not add up to those of their blocks")
