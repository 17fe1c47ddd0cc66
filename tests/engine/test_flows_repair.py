"""Local repair: the rates of a full fill, found by looking at what a change touches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import FOREVER_PS, Flows, grown_flows, kernel, maxmin_faults, new_flows
from rackwright.engine.driver import drive
from rackwright.engine.flow_state import RESIZED
from rackwright.engine.flows import (
    flow_close,
    flow_next_ps,
    flow_open_as,
    flow_reroute,
    flow_set_bandwidth,
    flow_share,
    flow_take,
)
from rackwright.engine.share import new_share, share_advance

OPEN, CLOSE, SET, MOVE, NEXT, TAKE, SHARE = range(7)
ALWAYS, NEVER = 1, 0  # what `cut` says of repairs
STEPS = 100  # ps: ends that differ by a step shift those of others


@kernel
def play(flows, what, now_ps, item, value, weight, priority):  # type: ignore[no-untyped-def]
    """One operation; returns what it gives."""
    if what == OPEN:
        return flow_open_as(flows, now_ps, item, value, weight, 0, priority, 1)
    if what == CLOSE:
        flow_close(flows, now_ps, item)
    if what == SET:
        flow_set_bandwidth(flows, item, value)
    if what == MOVE:
        flow_reroute(flows, item, priority)
    if what == NEXT:
        return flow_next_ps(flows, now_ps)
    if what == TAKE:
        return flow_take(flows, now_ps)
    if what == SHARE:
        flow_share(flows, now_ps)
    return 0


def do(flows: Flows, what: int, now: int, item: int = 0, value: float = 0.0, weight: float = 1.0,
       priority: int = 0) -> int:
    return int(play(flows, what, now, item, value, weight, priority))


def copied(part: Any) -> Any:
    if isinstance(part, np.ndarray):
        return part.copy()
    return type(part)(*map(copied, part))


def assert_rates_of_a_full_fill(flows: Flows, now: int) -> None:
    full = copied(flows)
    full.cut[0], full.dirty[0] = NEVER, RESIZED
    do(full, SHARE, now)
    live = flows.slots.ends[:flows.live[0]]
    assert flows.slots.rate[live] == pytest.approx(full.slots.rate[live], rel=1e-12, abs=1e-9)
    assert maxmin_faults(flows) == []
    assert_books_are_kept(flows)


def assert_books_are_kept(flows: Flows) -> None:
    """Who is held by which link is counted right, and no scratch is left behind."""
    slots, links = flows.slots, flows.links
    live = slots.ends[:flows.live[0]]
    holders = slots.held_by[live]
    counts = np.bincount(holders[holders >= 0], minlength=len(links.held))
    assert links.held.tolist() == counts.tolist()
    assert (links.open_hops == 0).all() and (links.news == 0).all() and (slots.open == 0).all()


PATHS = [[0], [1], [2], [3], [0, 1], [1, 2], [2, 3], [0, 3], [0, 1, 2], [1, 3, 1], [4], [4, 0]]

STEP = st.tuples(st.sampled_from([OPEN, OPEN, OPEN, CLOSE, SET, MOVE, NEXT]),
                 st.integers(0, 60), st.integers(0, 10**6), st.sampled_from([1, 1, 1, 2, 30]))


def some_flows(cut: int) -> Flows:
    flows = new_flows([10e6, 7e6, 3e6, 7e6, 1e6], np.cumsum([0, *map(len, PATHS)]),
                      np.concatenate(PATHS), slots=2)
    flows.cut[0] = cut
    return flows


def replay(flows: Flows, steps: Any, priorities: int, check: Callable[[Flows, int], None]) -> None:
    now = 0
    for what, item, value, weight in steps:
        live = flows.slots.ends[:flows.live[0]]
        some = int(live[item % len(live)]) if len(live) else -1
        if what == OPEN:
            if flows.free_count[0] == 0:
                flows = grown_flows(flows)
            do(flows, OPEN, now, item % len(PATHS), value + 1, weight, value % priorities)
        elif what == CLOSE and some >= 0:
            do(flows, CLOSE, now, some)
        elif what == SET:
            do(flows, SET, now, item % 5, float(value % 3 * 4e6))
        elif what == MOVE and some >= 0:
            do(flows, MOVE, now, some, 0.0, 1.0, value % len(PATHS))
        end = do(flows, NEXT, now)
        assert end >= now
        if what == NEXT and end < FOREVER_PS:
            now = end
            while do(flows, TAKE, now) >= 0:
                pass
            do(flows, NEXT, now)
        check(flows, now)


@settings(deadline=None, max_examples=200)
@given(steps=st.lists(STEP, max_size=50))
def test_a_repair_gives_the_rates_of_a_full_fill_after_every_event(steps: Any) -> None:
    replay(some_flows(ALWAYS), steps, 1, assert_rates_of_a_full_fill)


@settings(deadline=None, max_examples=60)
@given(steps=st.lists(STEP, max_size=40), cut=st.sampled_from([0, 2, 8]))
def test_changing_between_the_two_keeps_the_books(steps: Any, cut: int) -> None:
    replay(some_flows(cut), steps, 1, assert_rates_of_a_full_fill)


@settings(deadline=None, max_examples=100)
@given(steps=st.lists(STEP, max_size=40))
def test_priorities_come_and_go(steps: Any) -> None:
    replay(some_flows(ALWAYS), steps, 3, assert_rates_of_a_full_fill)


def test_a_shuffle_is_repaired_exactly_all_through(shuffle: Callable[..., Any]) -> None:
    state = new_share(*shuffle(4, 150, spread=2e-4).arguments)
    state.flows.cut[0] = ALWAYS

    def check(now: Any) -> None:
        assert_rates_of_a_full_fill(now.flows, int(now.control.now_ps[0]))

    drive(share_advance, state, check=check)
    assert (state.finish_ps > 0).all()


@pytest.mark.parametrize("spread", [0.0, 1e-4])
def test_finish_times_are_those_of_full_fills(shuffle: Callable[..., Any], spread: float) -> None:
    load = shuffle(8, 800, spread=spread)
    finish = {}
    for cut in (NEVER, ALWAYS, 8):
        state = new_share(*load.arguments)
        state.flows.cut[0] = cut
        finish[cut] = drive(share_advance, state).finish_ps
    assert finish[ALWAYS] == pytest.approx(finish[NEVER], abs=STEPS, rel=0)
    assert finish[8] == pytest.approx(finish[NEVER], abs=STEPS, rel=0)


def test_a_repair_looks_at_a_small_part_of_a_sparse_load(shuffle: Callable[..., Any]) -> None:
    work = []
    for cut in (NEVER, 8):
        state = new_share(*shuffle(16, 500).arguments)
        state.flows.cut[0] = cut
        work.append(int(drive(share_advance, state).flows.work[0]))
    assert work[1] < work[0] / 20
