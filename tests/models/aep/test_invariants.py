"""Nothing is lost, doubled or out of order: the state is inspected after every event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.engine.status import RUNNING
from rackwright.errors import ModelFault
from rackwright.models.aep import AepOptions, replay
from rackwright.models.aep.checks import Checks
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.state import AepState, grow
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace


@pytest.mark.parametrize(("policy", "top_k", "caps"), [
    ("defrag", 1, 0), ("mtfs", 2, 0), ("flfs", 1, 0), ("defrag", 3, 2), ("group", 1, 0)])
def test_every_event(dgx: Fabric, short_trace: RequestTrace, state_of: Callable[..., Any],
                     policy: str, top_k: int, caps: int) -> None:
    trace = short_trace
    state = state_of(dgx, trace, policy=policy, top_k=top_k, attention_batch_cap=caps,
                     expert_batch_cap=caps)
    end = drive(advance, state, grow=grow, check=Checks(state))
    assert end.admission.finished[0] == len(trace)
    assert end.admission.tokens[0] == trace.output_tokens.sum()
    assert end.heap.size[0] == 0
    assert end.messages.free_count[0] == len(end.messages.tokens)
    visits = trace.output_tokens.sum() * end.fixed.blocks
    assert end.gpus.handled.tolist() == [visits + trace.output_tokens.sum(), visits * top_k]


def test_requests_queue_for_memory(dgx: Fabric, short_trace: RequestTrace,
                                   state_of: Callable[..., Any]) -> None:
    """With room for a few requests only, the others wait and still finish, in order."""
    trace = short_trace
    state = state_of(dgx, trace)
    state.admission.kv_free[:] = state.requests.kv_blocks.max()
    end = drive(advance, state, grow=grow, check=Checks(state))
    assert end.admission.finished[0] == len(trace)
    assert np.all(np.diff(end.requests.admitted_ps) >= 0)
    assert end.requests.admitted_ps[-1] > end.requests.arrival_ps[-1]


def test_debug_checks_change_nothing(dgx: Fabric, short_trace: RequestTrace) -> None:
    plain, checked = (replay(dgx, short_trace, AepOptions(debug_checks=on)).metrics
                      for on in (False, True))
    assert plain == checked


def busy(state: AepState) -> bool:
    """At a moment with a queue of two, a batch and a message."""
    return bool(state.gpus.length.max() >= 2 and (state.gpus.batch >= 0).any()
                and state.messages.free_count[0] < len(state.messages.tokens))


def lose_an_item(state: AepState) -> None:
    gpu = int(np.flatnonzero(state.gpus.batch >= 0)[0])
    state.gpus.batch[gpu] = -1


def double_an_item(state: AepState) -> None:
    where = np.unravel_index(int(np.argmax(state.gpus.length)), state.gpus.length.shape)
    gpu = int(np.flatnonzero(state.gpus.batch >= 0)[0])
    state.items.next[state.gpus.head[where]] = state.gpus.batch[gpu]
    state.gpus.tail[where] = state.gpus.batch[gpu]
    state.gpus.length[where] = 2


def close_a_ring(state: AepState) -> None:
    where = np.unravel_index(int(np.argmax(state.gpus.length)), state.gpus.length.shape)
    state.items.next[state.gpus.head[where]] = state.gpus.head[where]


def swap_a_queue(state: AepState) -> None:
    where = np.unravel_index(int(np.argmax(state.gpus.length)), state.gpus.length.shape)
    head, following = state.gpus.head[where], state.items.next[state.gpus.head[where]]
    beyond = state.items.next[following]
    state.gpus.head[where], state.items.next[following] = following, head
    state.items.next[head] = beyond
    if state.gpus.tail[where] == following:
        state.gpus.tail[where] = head


def leak_memory(state: AepState) -> None:
    state.admission.kv_free[0] -= 1


def move_a_request(state: AepState) -> None:
    state.requests.home[0] += 1


def skip_a_block(state: AepState) -> None:
    gpu = int(np.flatnonzero(state.gpus.batch >= 0)[0])
    state.gpus.batch_block[gpu] += 2


def turn_time_back(state: AepState) -> None:
    state.control.now_ps[0] -= 10 ** 9


@pytest.mark.parametrize(("damage", "words"), [
    (lose_an_item, "parts under way"), (double_an_item, "in two places"),
    (close_a_ring, "has an item twice"), (swap_a_queue, "is not in order"),
    (leak_memory, "KV-cache blocks"), (move_a_request, "moved to GPU"),
    (skip_a_block, r"request \d+ went from"),
    (turn_time_back, "time went back")])
def test_every_damage_is_noticed(dgx: Fabric, busy_trace: RequestTrace,
                                 state_of: Callable[..., Any], damage: Callable[[AepState], None],
                                 words: str) -> None:
    state = state_of(dgx, busy_trace.first(30))
    checks = Checks(state)
    while not busy(state):
        assert advance(state, 2 ** 62, 1) == RUNNING
        checks(state)
    damage(state)
    with pytest.raises(ModelFault, match=words):
        checks(state)
