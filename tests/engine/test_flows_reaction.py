"""Sharing at most every so often: what it saves, and what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine.driver import drive
from rackwright.engine.share import new_share, share_advance, share_flows, share_report
from rackwright.errors import InputError


def test_no_reaction_time_is_exact_and_says_so(shuffle: Callable[..., Any]) -> None:
    load = shuffle(4, 100)
    report = share_report(*load.arguments)
    assert (report.reaction_time, report.lag_time) == (0.0, 0.0)
    assert np.array_equal(report.finish_time, share_flows(*load.arguments))


@settings(deadline=None, max_examples=100)
@given(size=st.lists(st.integers(1, 10**6), min_size=1, max_size=20),
       reaction_ps=st.integers(1, 10**9))
def test_on_one_link_no_flow_is_later_than_the_lag_nor_early(
        size: list[int], reaction_ps: int) -> None:
    count = len(size)
    load: Any = ([1e9], np.arange(count + 1), np.zeros(count, int), np.array(size, float))
    exact = share_report(*load).finish_time
    late = share_report(*load, reaction=reaction_ps / 1e12)
    steps = 2e-12 * count
    assert (late.finish_time >= exact - steps).all()
    assert (late.finish_time <= exact + late.lag_time + steps).all()
    assert late.lag_time <= count * reaction_ps / 1e12


def test_freed_bandwidth_waits_and_new_flows_do_not() -> None:
    """Two flows share 10; the first ends at 2 s. Exact: the other ends at 3 s."""
    one: Any = ([10.0], [0, 1, 2], [0, 0], [10.0, 20.0])
    assert share_report(*one).finish_time.tolist() == [2.0, 3.0]
    late = share_report(*one, reaction=2.5)
    assert late.finish_time.tolist() == [2.0, 3.25]  # alone from 2.5 s on
    assert late.lag_time == 0.25
    more: Any = ([10.0], [0, 1, 2, 3], [0, 0, 0], [10.0, 20.0, 1.0], [0.0, 0.0, 2.25])
    assert share_report(*more, reaction=2.5).finish_time.tolist() == pytest.approx(
        [2.0, 4.0, 2.45])  # waits until 4.75 s


def test_the_error_of_a_shuffle_is_below_its_lag(shuffle: Callable[..., Any]) -> None:
    load = shuffle(8, 800)
    exact = share_report(*load.arguments)
    before = np.inf
    for reaction in (1e-4, 1e-5, 1e-6):
        late = share_report(*load.arguments, reaction=reaction)
        error = np.abs(late.finish_time - exact.finish_time).max()
        assert 0 < error < min(late.lag_time, before)
        assert late.shares < exact.shares
        before = late.lag_time


def test_slices_change_nothing(shuffle: Callable[..., Any], digest: Callable[..., str]) -> None:
    ways = {digest(drive(share_advance, new_share(*shuffle(4, 200, spread=4e-4).arguments,
                                                  reaction=2e-5), max_events=events))
            for events in (1, 7, 10**6)}
    assert len(ways) == 1


@pytest.mark.parametrize("reaction", [-1.0, float("nan"), float("inf")])
def test_a_wrong_reaction_is_named(reaction: float) -> None:
    message = re.escape(f"reaction is {reaction}; 0 (exact) or some seconds are needed")
    with pytest.raises(InputError, match=message):
        share_flows([1.0], [0, 1], [0], 1.0, reaction=reaction)
