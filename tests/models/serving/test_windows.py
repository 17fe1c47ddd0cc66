"""Windows on counters made by hand: what is steady, stable, overloaded, and what has no window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.models.serving.requests import new_admission, new_requests
from rackwright.models.serving.snapshots import (
    ACTIVE,
    ARRIVED,
    FINISHED,
    SNAPSHOTS,
    TOKENS,
    Snapshots,
    new_snapshots,
)
from rackwright.models.serving.windows import Window, busy_shares, middle_window, steady_window

SECOND = 10**12
Counts = Any


def snapshots(arrived: Counts, finished: Counts, tokens: Counts = 0, active: Counts = None,
              seconds: float = 128.0) -> Snapshots:
    """Complete snapshots with these columns (numbers, or one entry a snapshot)."""
    made = new_snapshots(0, int(seconds * SECOND), devices=2, links=1)
    made.taken[0] = SNAPSHOTS + 1
    made.counts[:, ARRIVED] = arrived
    made.counts[:, FINISHED] = finished
    made.counts[:, TOKENS] = tokens
    made.counts[:, ACTIVE] = made.counts[:, ARRIVED] - made.counts[:, FINISHED] \
        if active is None else active
    return made


def window(made: Snapshots) -> Window:
    found = middle_window(made)
    assert isinstance(found, Window)
    return found


STEPS = np.arange(SNAPSHOTS + 1)


def test_the_middle_of_80_s_is_60_s() -> None:
    found = window(snapshots(STEPS, STEPS, 80 * STEPS, seconds=80.0))
    assert (found.first, found.last) == (SNAPSHOTS // 8, SNAPSHOTS - SNAPSHOTS // 8)
    assert found.seconds == pytest.approx(60.0, rel=1e-12)
    assert found.tokens_per_s == pytest.approx(80 * 96 / 60.0)


def test_rates_are_differences_over_the_window() -> None:
    """What was counted before the window began does not matter."""
    found = window(snapshots(1000 + 10 * STEPS, 950 + 10 * STEPS, 7 + 300 * STEPS))
    assert found.arrived_per_s == pytest.approx(10.0)
    assert found.finished_per_s == pytest.approx(10.0)
    assert found.tokens_per_s == pytest.approx(300.0)
    assert found.active_mean == 50.0


def test_equal_flows_and_a_level_number_inside_are_stable() -> None:
    found = window(snapshots(100 + 10 * STEPS, 10 * STEPS))
    assert found.stable and not found.overloaded


def test_an_overload_lags_and_piles_up() -> None:
    found = window(snapshots(10 * STEPS, 8 * STEPS))
    assert found.overloaded and not found.stable


@pytest.mark.parametrize(("from_step", "to_step", "more"), [(112, 113, 400), (60, 112, 100)])
def test_either_sign_of_overload_alone_is_neither(from_step: int, to_step: int, more: int) -> None:
    """A burst just before the window ends (lags); a bulge that is gone by then (piles up)."""
    inside = np.full(SNAPSHOTS + 1, 100)
    inside[from_step:to_step] += more
    found = window(snapshots(10 * STEPS + inside, 10 * STEPS))
    assert not found.overloaded and not found.stable


def test_waiting_requests_count_as_inside() -> None:
    """A cap on the running ones keeps `active` level; the overload shows all the same."""
    found = window(snapshots(10 * STEPS, 8 * STEPS, active=20))
    assert found.overloaded and found.active_mean == 20.0


@pytest.mark.parametrize(("arrived", "missing", "stable"), [(10_000, 300 + 199, True),
                                                            (10_000, 300 + 202, False)])
def test_the_allowance_is_3_percent_and_twice_the_square_root(arrived: int, missing: int,
                                                              stable: bool) -> None:
    """96 steps of the middle; only the last one lags, so nothing piles up by the mean."""
    per_step = arrived / 96
    entered = np.round(per_step * STEPS).astype(np.int64)
    left = entered - 5000
    left[SNAPSHOTS - SNAPSHOTS // 8:] -= missing
    made = snapshots(entered, left)
    start, end = made.counts[16], made.counts[112]
    assert end[ARRIVED] - start[ARRIVED] == arrived
    assert end[ARRIVED] - start[ARRIVED] - (end[FINISHED] - start[FINISHED]) == missing
    assert window(made).stable == stable


@given(st.integers(1, 500), st.integers(0, 10_000))
def test_never_both_stable_and_overloaded(rate: int, gap: int) -> None:
    finished = np.maximum(rate * STEPS - gap * STEPS // SNAPSHOTS, 0)
    found = window(snapshots(rate * STEPS, finished))
    assert not (found.stable and found.overloaded)


def test_a_replay_that_ended_early_has_no_window() -> None:
    made = snapshots(STEPS, STEPS)
    made.taken[0] = SNAPSHOTS - SNAPSHOTS // 8
    assert middle_window(made) == "the replay ended before the window did"
    made.taken[0] += 1
    assert isinstance(middle_window(made), Window)


def test_simultaneous_arrivals_have_no_window() -> None:
    made = snapshots(5, 0, seconds=0.0)
    assert middle_window(made) == "all requests arrive at once"


def steady(made: Snapshots, itl_s: float, longest: int) -> Window | str:
    """The steady window of a replay with this mean inter-token latency and longest output."""
    outputs = np.array([longest, 1], np.int64)
    requests = new_requests(np.zeros(2, np.int64), np.ones(2, np.int64), outputs, 16)
    admission = new_admission(np.ones(1, np.int64))
    admission.itl_counts[5] = 100
    admission.itl_sum_ps[0] = 100 * itl_s * SECOND
    return steady_window(made, requests, admission)


@pytest.mark.parametrize(("itl_s", "longest", "first"), [(0.1, 200, 30), (0.1, 201, 31),
                                                         (0.001, 1, 1), (0.25, 200, 75)])
def test_the_ramp_is_one_and_a_half_longest_outputs(itl_s: float, longest: int,
                                                    first: int) -> None:
    """128 s of arrivals: snapshot i is taken at i s."""
    found = steady(snapshots(STEPS, STEPS), itl_s, longest)
    assert isinstance(found, Window)
    assert (found.first, found.last) == (first, SNAPSHOTS)


def test_a_ramp_that_leaves_less_than_an_eighth_is_refused() -> None:
    assert isinstance(steady(snapshots(STEPS, STEPS), 1.0, 74), Window)  # 111 s of 128 s
    found = steady(snapshots(STEPS, STEPS), 1.0, 80)
    assert found == "arrivals last 128 s, the ramp 120 s; use a longer trace"


def test_without_second_tokens_there_is_no_steady_window() -> None:
    requests = new_requests(np.zeros(1, np.int64), np.ones(1, np.int64), np.ones(1, np.int64), 16)
    admission = new_admission(np.ones(1, np.int64))
    assert steady_window(snapshots(STEPS, STEPS), requests, admission) \
        == "no request had a second token"


def test_busy_shares_of_a_window_and_of_everything() -> None:
    made = snapshots(STEPS, STEPS)
    made.device_busy[:, 0] = STEPS * SECOND // 2     # half busy
    made.device_busy[40:, 1] = 40 * SECOND           # busy before the window only
    final = made.device_busy[-1] + SECOND
    inside = Window(40, SNAPSHOTS, 88.0, 0, 0, 0, 0, stable=True, overloaded=False)
    # the last snapshot falls one picosecond after the last arrival
    assert busy_shares(made.device_busy, made, inside, final, 200 * SECOND).tolist() \
        == pytest.approx([0.5, 0.0], rel=1e-9)
    whole = busy_shares(made.device_busy, made, None, final, 200 * SECOND)
    assert whole.tolist() == pytest.approx([65 / 200, 41 / 200])
    assert busy_shares(made.device_busy, made, None, 0 * final, 0).tolist() == [0.0, 0.0]
