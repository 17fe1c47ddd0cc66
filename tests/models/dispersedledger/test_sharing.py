"""Max-min shares of ports against plain progressive filling; votes against sorting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.models.dispersedledger.sharing import fill_ports, share_queues
from rackwright.models.dispersedledger.votes import LATE, complete_times, smallest


def _filled(up: Any, down: Any, weight: Any) -> Any:
    """Rates by filling in small steps of exact events: an oracle in plain numpy."""
    rate, fixed = np.zeros_like(weight), weight == 0
    while not fixed.all():
        live = np.where(fixed, 0.0, weight)
        gaps = [(up - rate.sum(1)) / np.maximum(live.sum(1), 1e-30),
                (down - rate.sum(0)) / np.maximum(live.sum(0), 1e-30)]
        gaps = [np.where(total > 0, gap, np.inf) for gap, total in
                zip(gaps, (live.sum(1), live.sum(0)), strict=True)]
        rise = max(min(gap.min() for gap in gaps), 0.0)
        rate += live * rise
        full_up, full_down = (gap <= rise * (1 + 1e-9) + 1e-9 for gap in gaps)
        fixed = fixed | full_up[:, None] | full_down[None, :]
    return rate


@settings(max_examples=40, deadline=None)
@given(st.integers(4, 9), st.integers(0, 10_000))
def test_shares_are_max_min(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    up, down = rng.uniform(1, 10, n), rng.uniform(1, 10, n)
    weight = rng.choice([0.0, 1.0, 30.0, 31.0], (n, n))
    np.fill_diagonal(weight, 0.0)
    room, level = np.zeros((2, 2, n)), np.zeros((n, n))
    room[0, 0], room[0, 1] = up, down
    fill_ports(room, weight, level)
    found = np.where(weight > 0, weight * level, 0.0)
    assert found == pytest.approx(_filled(up, down, weight), rel=1e-6, abs=1e-6)
    assert (found.sum(1) <= up * (1 + 1e-9)).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 9), st.integers(0, 10_000))
def test_queues_share_ports_and_none_sends_more_than_it_has(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    up, down = rng.uniform(1, 10, n), rng.uniform(1, 10, n)
    prefer = rng.integers(1, 4, (n, n)).astype(float)
    backlog = rng.choice([0.0, 0.05, 1e9], (2, n, n))
    for queues in backlog:
        np.fill_diagonal(queues, 0.0)
    room, sent, pace = np.zeros((3, 2, n)), np.zeros((2, n, n)), np.zeros((2, n, n))
    room[0, 0], room[0, 1] = up, down
    share_queues(backlog, prefer, room, np.zeros((n, n)), np.zeros((n, n)), sent, pace)
    assert (sent <= backlog).all()
    assert (sent <= pace * (1 + 1e-9)).all()
    assert (sent.sum((0, 2)) <= up * (1 + 1e-9)).all()
    assert (sent.sum((0, 1)) <= down * (1 + 1e-9)).all()
    endless = np.where(backlog > 1, backlog, 0.0)
    room[0, 0], room[0, 1] = up, down
    share_queues(endless, prefer, room, np.zeros((n, n)), np.zeros((n, n)), sent, pace)
    weight = prefer * (30.0 * (endless[0] > 0) + (endless[1] > 0))
    assert sent.sum(0) == pytest.approx(_filled(up, down, weight), rel=1e-6, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=30), st.data())
def test_order_statistic(values: list[int], data: st.DataObject) -> None:
    wanted = data.draw(st.integers(1, len(values)))
    array = np.array(values, np.float64)
    assert smallest(array, len(values), wanted) == sorted(values)[wanted - 1]


def test_equal_delays_take_two_steps_of_votes() -> None:
    n, faults = 7, 2
    delay = np.full((n, n), 0.1)
    complete = np.zeros(n)
    complete_times(np.full(n, 1.0), delay, faults, np.zeros((3, n)), complete)
    assert complete == pytest.approx(1.2)


def test_no_completion_without_n_minus_f_chunks() -> None:
    n, faults = 7, 2
    got, complete = np.full(n, 1.0), np.zeros(n)
    got[:3] = LATE
    complete_times(got, np.zeros((n, n)), faults, np.zeros((3, n)), complete)
    assert (complete >= LATE).all()
