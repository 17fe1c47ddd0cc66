"""Debug mode: what must hold after every event of an asynchronous replay.

Tokens are conserved and in one place, a queue is first in, first out, no batch holds a token twice,
a request stays on its GPU and visits the blocks in order, KV-cache blocks are conserved, no GPU
idles with work. Plain Python over the state's arrays: thousands of times slower than a replay.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from rackwright.errors import ModelFault
from rackwright.models.aep.state import AepState

__all__ = ["Checks"]

Where = tuple[int, int, int]   # GPU, block, slot
Chains = dict[Where, list[int]]
Blocks = dict[int, list[int]]  # item -> the block of each place where it is


class Checks:
    """`Checks(state)` before the first event; then call it with the state after each of them.

    Raises `ModelFault` that says what is broken, where and when.
    """

    def __init__(self, state: AepState) -> None:
        self.kv_total = state.admission.kv_free.tolist()
        self.now_ps = 0
        self.home: dict[int, int] = {}
        self.place: dict[int, tuple[int, int]] = {}
        self.queued: Chains = {}

    def __call__(self, state: AepState) -> None:
        now_ps = int(state.control.now_ps[0])
        if now_ps < self.now_ps:
            raise _fault(state, f"time went back from {self.now_ps} ps")
        self.now_ps = now_ps
        queued = _queues(state)
        found = _places(state, queued)
        _conservation(state, found)
        self._first_in_first_out(state, queued)
        self._sticky_and_in_order(state, found)
        self._memory(state)
        _work_conserving(state)

    def _first_in_first_out(self, state: AepState, queued: Chains) -> None:
        """Those that were in a queue before are at its head now, in the order of then."""
        for where, members in queued.items():
            before = self.queued.get(where, [])
            if before == members[:len(before)]:
                continue
            present = set(members)
            stayed = [item for item in before if item in present]
            if members[:len(stayed)] != stayed or before[len(before) - len(stayed):] != stayed:
                raise _fault(state, f"queue (GPU, block, slot) {where} is not in order: {before}, "
                                    f"then {members}")
        self.queued = queued

    def _sticky_and_in_order(self, state: AepState, found: Blocks) -> None:
        k, ring = state.fixed.top_k, state.fixed.blocks + 1
        homes, made = state.requests.home.tolist(), state.requests.generated.tolist()
        for r in range(int(state.admission.admitted[0])):
            if self.home.setdefault(r, homes[r]) != homes[r]:
                raise _fault(state, f"request {r} moved to GPU {homes[r]}")
            blocks = {block for part in range(r * k, r * k + k) for block in found.get(part, ())}
            if len(blocks) > 1:
                raise _fault(state, f"parts of request {r} are in blocks {blocks}")
            before = self.place.get(r, (0, 0))
            at = (made[r], blocks.pop() if blocks else before[1])
            steps = (at[0] - before[0]) * ring + at[1] - before[1]
            ended = at[0] == state.requests.output_tokens[r] and before[0] == at[0] - 1
            if not (0 <= steps <= 1 or ended):
                raise _fault(state, f"request {r} went from (token, block) {before} to {at}")
            self.place[r] = at

    def _memory(self, state: AepState) -> None:
        requests, held = state.requests, [0] * len(self.kv_total)
        for r in range(int(state.admission.admitted[0])):
            if requests.finish_ps[r] < 0:
                held[requests.home[r]] += int(requests.kv_blocks[r])
        free = state.admission.kv_free.tolist()
        left = [total - used for total, used in zip(self.kv_total, held, strict=True)]
        if left != free or min(free) < 0:
            raise _fault(state, f"KV-cache blocks: {self.kv_total} less {held} in use are not the "
                                f"{free} free ones")


def _fault(state: AepState, text: str) -> ModelFault:
    return ModelFault(f"{text}; event {state.control.events[0]}, "
                      f"{state.control.now_ps[0]} ps of virtual time")


def _chain(state: AepState, first: int, last: int, count: int, what: str) -> list[int]:
    """The items of a chain, which must have `count` of them and end with `last` (-1: any)."""
    behind, items = state.items.next, len(state.items.key)
    members = [first]
    while len(members) < count:
        following = int(behind[members[-1]])
        if not 0 <= following < items:
            raise _fault(state, f"{what} holds {members}, not {count} items")
        members.append(following)
    if len(set(members)) != count:
        raise _fault(state, f"{what} has an item twice: {members}")
    if last not in (-1, members[-1]):
        raise _fault(state, f"{what} holds {members}, but ends with {last}")
    return members


def _queues(state: AepState) -> Chains:
    gpus, found = state.gpus, {}
    for where in np.argwhere(gpus.length).tolist():
        gpu, block, slot = where
        head, tail, length = (int(array[gpu, block, slot])
                              for array in (gpus.head, gpus.tail, gpus.length))
        found[gpu, block, slot] = _chain(state, head, tail, length,
                                         f"queue (GPU, block, slot) {gpu, block, slot}")
    return found


def _batches(state: AepState) -> list[tuple[int, list[int]]]:
    """(block, items) of every running batch."""
    gpus = state.gpus
    return [(int(gpus.batch_block[gpu]), _chain(state, first, -1, int(gpus.batch_size[gpu]),
                                                f"the batch of GPU {gpu}"))
            for gpu, first in enumerate(gpus.batch.tolist()) if first >= 0]


def _lists(state: AepState) -> list[tuple[int, list[int]]]:
    """(block, items) of every list of a message under way."""
    messages, found = state.messages, []
    free = set(messages.free[:messages.free_count[0]].tolist())
    for m in (m for m in range(len(messages.tokens)) if m not in free):
        lists = int(state.fixed.hosted[messages.target[m]])   # 1 of an attention GPU
        counts = messages.counts[m, :lists].tolist()
        for at, count in enumerate(counts):
            if count:
                found.append((int(messages.block[m]), _chain(
                    state, int(messages.first[m, at]), int(messages.last[m, at]), count,
                    f"list {at} of message {m}")))
        if sum(counts) != messages.tokens[m]:
            raise _fault(state, f"message {m} lost items: it has {sum(counts)}")
    return found


def _places(state: AepState, queued: Chains) -> Blocks:
    found: Blocks = defaultdict(list)
    for (_, block, _), members in queued.items():
        for item in members:
            found[item].append(block)
    for block, members in (*_batches(state), *_lists(state)):
        for item in members:
            found[item].append(block)
    return found


def _conservation(state: AepState, found: Blocks) -> None:
    k = state.fixed.top_k
    twice = [item for item, blocks in found.items() if len(blocks) > 1]
    if twice:
        raise _fault(state, f"items {twice} are in two places")
    parts = Counter(item // k for item in found)
    admitted = int(state.admission.admitted[0])
    finish, joined = state.requests.finish_ps.tolist(), state.items.joined[::k].tolist()
    for r, end_ps in enumerate(finish):
        live = r < admitted and end_ps < 0
        # a whole token, or its k parts, some of them already back home
        if parts[r] + joined[r] not in ((1, k) if live else (0,)) or not 0 <= joined[r] < k:
            raise _fault(state, f"request {r} has {parts[r]} parts under way and {joined[r]} "
                                "joined")


def _work_conserving(state: AepState) -> None:
    gpus = state.gpus
    idle = [gpu for gpu, (lengths, first) in enumerate(
        zip(gpus.block_length.tolist(), gpus.batch.tolist(), strict=True))
        if first < 0 and any(lengths)]
    if idle:
        raise _fault(state, f"GPUs {idle} idle although they have work")
    if not np.array_equal(gpus.length.sum(axis=2), gpus.block_length):
        raise _fault(state, "the lengths of queues do not add up to those of their blocks")
