"""Nothing is lost, doubled or out of order: the state is inspected after every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.state import AepState, grow
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace


def chain(state: AepState, first: int) -> Iterator[int]:
    while first >= 0:
        yield first
        first = int(state.items.next_item[first])


def places(state: AepState) -> Counter[int]:
    """Every item that is in a queue, a running batch or a message, with how often."""
    found: Counter[int] = Counter()
    gpus, messages = state.gpus, state.messages
    for index in zip(*np.nonzero(gpus.length), strict=True):
        members = list(chain(state, int(gpus.head[index])))
        assert len(members) == gpus.length[index]
        assert members[-1] == gpus.tail[index]
        found.update(members)
    for gpu in np.flatnonzero(gpus.batch >= 0):
        members = list(chain(state, int(gpus.batch[gpu])))
        assert len(members) == gpus.batch_size[gpu]
        found.update(members)
    free = set(messages.free[:messages.free_count[0]].tolist())
    for m in set(range(len(messages.first))) - free:
        members = list(chain(state, int(messages.first[m])))
        assert len(members) == messages.tokens[m]
        found.update(members)
    return found


class Checker:
    """Invariants of one replay; remembers what must never go back."""

    def __init__(self, kv_total: Any) -> None:
        self.kv_total = kv_total
        self.now = 0
        self.home: dict[int, int] = {}
        self.block: dict[int, tuple[int, int]] = {}

    def __call__(self, state: AepState) -> None:
        assert self.now <= state.control.now_ps[0]
        self.now = int(state.control.now_ps[0])
        self.conservation(state)
        self.sticky_and_in_order(state)
        self.memory(state)
        self.work_conserving(state)

    def conservation(self, state: AepState) -> None:
        found, k = places(state), state.fixed.top_k
        assert not found or max(found.values()) == 1
        parts = Counter(item // k for item in found)
        admitted = int(state.admission.admitted[0])
        for r in range(len(state.requests.arrival_ps)):
            live = r < admitted and state.requests.finish_ps[r] < 0
            joined = int(state.items.joined[r])
            # a whole token, or its k parts, some of them already back home
            assert parts[r] + joined in ((1, k) if live else (0,)), f"request {r}"
            assert 0 <= joined < k

    def sticky_and_in_order(self, state: AepState) -> None:
        for r in range(int(state.admission.admitted[0])):
            home = int(state.requests.home[r])
            assert self.home.setdefault(r, home) == home
            at = (int(state.requests.generated[r]), int(state.items.block[r]))
            before = self.block.get(r, (0, 0))
            steps = (at[0] - before[0]) * (state.fixed.blocks + 1) + at[1] - before[1]
            finished = at[0] == state.requests.output_tokens[r] and before[0] == at[0] - 1
            assert 0 <= steps <= 1 or finished, f"request {r} went from {before} to {at}"
            self.block[r] = at

    def memory(self, state: AepState) -> None:
        held = np.zeros_like(self.kv_total)
        for r in range(int(state.admission.admitted[0])):
            if state.requests.finish_ps[r] < 0:
                held[state.requests.home[r]] += state.requests.kv_blocks[r]
        assert np.array_equal(self.kv_total - held, state.admission.kv_free)
        assert np.all(state.admission.kv_free >= 0)

    def work_conserving(self, state: AepState) -> None:
        waiting = state.gpus.block_length.sum(axis=1) > 0
        assert not np.any(waiting & (state.gpus.batch < 0)), "a GPU idles although it has work"
        assert np.array_equal(state.gpus.length.sum(axis=2), state.gpus.block_length)


@pytest.mark.parametrize(("policy", "top_k", "caps"), [
    ("defrag", 1, 0), ("mtfs", 2, 0), ("flfs", 1, 0), ("defrag", 3, 2)])
def test_every_event(dgx: Fabric, short_trace: RequestTrace, state_of: Callable[..., Any],
                     policy: str, top_k: int, caps: int) -> None:
    trace = short_trace
    state = state_of(dgx, trace, policy=policy, top_k=top_k, attention_batch_cap=caps,
                     expert_batch_cap=caps)
    end = drive(advance, state, grow=grow, check=Checker(state.admission.kv_free.copy()))
    assert end.admission.finished[0] == len(trace)
    assert end.admission.tokens[0] == trace.output_tokens.sum()
    assert end.heap.size[0] == 0
    assert end.messages.free_count[0] == len(end.messages.first)
    visits = trace.output_tokens.sum() * end.fixed.blocks
    assert end.gpus.handled.tolist() == [visits + trace.output_tokens.sum(), visits * top_k]


def test_requests_queue_for_memory(dgx: Fabric, short_trace: RequestTrace,
                                   state_of: Callable[..., Any]) -> None:
    """With room for a few requests only, the others wait and still finish, in order."""
    trace = short_trace
    state = state_of(dgx, trace)
    state.admission.kv_free[:] = state.requests.kv_blocks.max()
    end = drive(advance, state, grow=grow, check=Checker(state.admission.kv_free.copy()))
    assert end.admission.finished[0] == len(trace)
    assert np.all(np.diff(end.requests.admitted_ps) >= 0)
    assert end.requests.admitted_ps[-1] > end.requests.arrival_ps[-1]
