"""Counters and gauges: integrals against sums over every picosecond, bounded memory, off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import kernel
from rackwright.engine.counters import (
    Counters,
    Gauges,
    counter_add,
    counter_rates,
    gauge_add,
    gauge_levels,
    gauge_means,
    gauge_set,
    gauge_span,
    gauges_at,
    new_counters,
    new_gauges,
)
from rackwright.errors import UsageError

COUNT, SET, CHANGE, SPAN = range(4)


@kernel
def play(counters, gauges, steps, amounts):  # type: ignore[no-untyped-def]
    """Do `steps` (what, track, now_ps, end_ps) with their amounts."""
    for at in range(steps.shape[0]):
        what, track, now_ps = steps[at, 0], steps[at, 1], steps[at, 2]
        if what == COUNT:
            counter_add(counters, track, now_ps, amounts[at])
        elif what == SET:
            gauge_set(gauges, track, now_ps, amounts[at])
        elif what == CHANGE:
            gauge_add(gauges, track, now_ps, amounts[at])
        else:
            gauge_span(gauges, track, now_ps, steps[at, 3], amounts[at])


def played(steps: Sequence[tuple[float, ...]], tracks: int = 2, **how: Any
           ) -> tuple[Counters, Gauges]:
    """Steps are (what, track, now_ps, amount, end_ps or nothing)."""
    counters, gauges = new_counters(tracks, **how), new_gauges(tracks, **how)
    rows = np.array([(*step[:3], *(step[4:] or (0,))) for step in steps], np.int64)
    play(counters, gauges, rows.reshape(-1, 4), np.array([float(step[3]) for step in steps]))
    return counters, gauges


def replay(steps: int) -> tuple[Counters, Gauges]:
    """Some steps drawn from a fixed seed."""
    rng = np.random.Generator(np.random.PCG64(1))
    what, track = rng.integers(0, 4, steps), rng.integers(0, 2, steps)
    now_ps = np.cumsum(rng.integers(0, 10**6, steps))
    rows = zip(what, track, now_ps, rng.random(steps), now_ps + rng.integers(0, 10**6, steps),
               strict=True)
    return played(list(rows), windows=8, width_ps=1000)


STEPS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 1), st.integers(0, 40),
                           st.integers(-5, 9), st.integers(0, 60)), max_size=25)


@settings(deadline=None, max_examples=150)
@given(raw=STEPS, windows=st.integers(2, 7) | st.just(0), width=st.integers(1, 5))
def test_everything_is_the_sum_over_every_picosecond(
        raw: list[tuple[int, ...]], windows: int, width: int) -> None:
    steps, now = [], 0
    for what, track, gap, amount, span in raw:
        now += gap
        steps.append((what, track, now, amount, now + span))
    until = now + 7
    counters, gauges = played(steps, windows=windows, width_ps=width)
    horizon = until + 100
    level, spans, counted = np.zeros((3, 2, horizon))
    for what, track, at, amount, end in steps:
        if what == COUNT:
            counted[track, at] += amount
        elif what == SPAN:
            spans[track, at:end] += amount
        else:
            level[track, at:] = amount + (0 if what == SET else level[track, at])
    total = level[:, :until].sum(axis=1) + spans.sum(axis=1)
    settled = gauges_at(gauges, until)
    assert settled.area.tolist() == total.tolist()
    assert gauge_means(gauges, until).tolist() == (total / until).tolist()
    assert counters.total.tolist() == counted.sum(axis=1).tolist()
    assert_windows(settled.windows.amount, settled.windows.width_ps[0], level[:, :until], spans)
    assert_windows(counters.windows.amount, counters.windows.width_ps[0], counted)


def assert_windows(amount: Any, width: int, *parts: Any) -> None:
    """The record is the sum of the parts in windows of `width`, none of them cut off."""
    windows = amount.shape[1]
    want = np.zeros((2, max(windows, 1) * width + 1_000))
    for part in parts:
        want[:, :part.shape[1]] += part
    if windows:
        assert not want[:, windows * width:].any()
        assert amount.tolist() == want[:, :windows * width].reshape(2, windows, width).sum(
            axis=2).tolist()


def test_least_and_largest_are_of_the_levels_that_were() -> None:
    _, gauges = played([(SET, 0, 5, 3), (CHANGE, 0, 6, 4), (CHANGE, 0, 7, -5), (SPAN, 0, 7, 99, 9)])
    assert (gauges.level[0], gauges.least[0], gauges.largest[0]) == (2, 2, 7)
    assert (gauges.least[1], gauges.largest[1]) == (np.inf, -np.inf)  # never set


def test_memory_stays_as_it_is_and_the_width_doubles() -> None:
    counters, gauges = played([(COUNT, 0, at * 1000, 1) for at in range(10_000)]
                              + [(SET, 1, 3, 2), (SET, 1, 10**7, 0)], windows=16, width_ps=1)
    assert counters.windows.amount.shape == gauges.windows.amount.shape == (2, 16)
    assert counters.windows.width_ps[0] == gauges.windows.width_ps[0] == 2**20  # 16 cover 10**7
    assert counters.windows.amount.sum() == counters.events[0] == 10_000
    assert gauges.windows.amount[1].sum() == gauges.area[1] == 2 * (10**7 - 3)


def test_what_ends_with_the_last_window_folds_nothing() -> None:
    counters, gauges = played([(SPAN, 0, 0, 1, 8), (SET, 1, 8, 0), (COUNT, 0, 7, 1)], windows=4,
                              width_ps=2)
    assert counters.windows.width_ps[0] == gauges.windows.width_ps[0] == 2
    assert gauges.windows.amount[0].tolist() == [2, 2, 2, 2]


def test_a_time_far_away_folds_at_once() -> None:
    counters, _ = played([(COUNT, 0, 0, 1), (COUNT, 0, 2**62, 1)], windows=2, width_ps=1)
    assert counters.windows.amount[0].tolist() == [1, 1]


@pytest.mark.parametrize("windows", [0, 8])
def test_no_tracks_record_nothing(windows: int) -> None:
    counters, gauges = played([(what, 0, 10, 1, 20) for what in range(4)], tracks=0,
                              windows=windows)
    assert sum(len(one) for one in (counters.total, counters.events, gauges.level, gauges.area,
                                    gauges.windows.amount)) == 0


def test_levels_and_rates_end_now() -> None:
    counters, gauges = played([(SET, 0, 0, 1), (SET, 0, 4, 3), (COUNT, 1, 3, 8), (COUNT, 1, 4, 5)],
                              windows=4, width_ps=4)
    times, levels = gauge_levels(gauges, 10)
    assert times.tolist() == [0, 4e-12, 8e-12, 1e-11]
    assert levels.tolist() == [[1, 3, 3], [0, 0, 0]]
    times, rates = counter_rates(counters, 40)  # three windows of 16, the last cut off
    assert times.tolist() == [0, 1.6e-11, 3.2e-11, 4e-11]
    assert rates.tolist() == [[0, 0, 0], [13 / 16 * 1e12, 0, 0]]
    assert counters.windows.width_ps[0] == 4  # reading leaves it alone
    assert [one.shape for one in gauge_levels(new_gauges(3), 10)] == [(1,), (3, 0)]
    assert np.isnan(gauge_means(gauges, 0)).all()


@pytest.mark.parametrize(("how", "words"), [
    ({"tracks": -1}, "cannot record -1 tracks in 0 windows"),
    ({"tracks": 1, "windows": 1}, "cannot record 1 tracks in 1 windows; 0 windows turn recording"),
    ({"tracks": 1, "windows": 2, "width_ps": 0}, "a window of 0 ps; 1 to 2\\*\\*62 is allowed")])
def test_impossible_records_are_refused(how: dict[str, int], words: str) -> None:
    for make in (new_counters, new_gauges):
        with pytest.raises(UsageError, match=words):
            make(**how)
