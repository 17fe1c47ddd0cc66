"""Snapshots hold the counters as they were at their times, however events fall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.models.serving.requests import new_admission
from rackwright.models.serving.snapshots import (
    ACTIVE,
    ARRIVED,
    FINISHED,
    SNAPSHOTS,
    TOKENS,
    new_snapshots,
    take_snapshots,
)


@pytest.mark.parametrize(("first", "last"), [(0, 80 * 10**12), (7, 1000), (5, 5), (0, 127)])
def test_times_span_the_arrivals(first: int, last: int) -> None:
    times = new_snapshots(first, last, 1, 1).time_ps
    assert len(times) == SNAPSHOTS + 1
    assert (times[0], times[-1]) == (first, last + 1)
    assert np.all(np.diff(times) >= 0)
    assert np.ptp(np.diff(times[:-1])) == 0


@settings(deadline=None)
@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=60).map(sorted))
def test_a_snapshot_is_what_was_before_its_time(times: list[int]) -> None:
    """Each event hands out two tokens; one at the very time of a snapshot comes after it."""
    made = new_snapshots(times[0], times[-1], 2, 1)
    admission = new_admission(np.ones(1, np.int64))
    devices, links = np.zeros(2, np.int64), np.zeros(1, np.int64)
    for now in times:
        take_snapshots(made, now, admission, devices, links)
        admission.tokens[0] += 2
        devices += (3, 5)
        links += 7
    taken = int(made.taken[0])
    assert taken == np.searchsorted(made.time_ps, times[-1], side="right")
    before = np.searchsorted(times, made.time_ps[:taken], side="left")
    assert made.counts[:taken, TOKENS].tolist() == (2 * before).tolist()
    assert made.device_busy[:taken].tolist() == np.outer(before, (3, 5)).tolist()
    assert made.link_busy[:taken, 0].tolist() == (7 * before).tolist()
    assert not made.counts[taken:].any()


def test_every_counter_has_its_column() -> None:
    made = new_snapshots(0, 10, 1, 1)
    admission = new_admission(np.ones(1, np.int64))
    for value, counter in enumerate((admission.arrived, admission.finished, admission.active,
                                     admission.tokens), start=11):
        counter[0] = value
    take_snapshots(made, 0, admission, np.zeros(1, np.int64), np.zeros(1, np.int64))
    row = made.counts[0]
    assert (row[ARRIVED], row[FINISHED], row[ACTIVE], row[TOKENS]) == (11, 12, 13, 14)


def test_all_times_may_be_due_at_once() -> None:
    made = new_snapshots(0, 1000, 1, 1)
    admission = new_admission(np.ones(1, np.int64))
    take_snapshots(made, 10**15, admission, np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert made.taken[0] == SNAPSHOTS + 1
    take_snapshots(made, 2 * 10**15, admission, np.zeros(1, np.int64), np.zeros(1, np.int64))
    assert made.taken[0] == SNAPSHOTS + 1
