"""Finish times against a solver in exact fractions that shares no code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import maxmin_faults, share_flows
from rackwright.engine.driver import drive
from rackwright.engine.share import new_share, share_advance, share_waits
from rackwright.errors import Stalled

STEPS = 4e-12  # s: float64 against exact fractions may round an end up by a step, now and then


@st.composite
def cases(draw: st.DrawFn, least_bandwidth: int = 10**6) -> dict[str, Any]:
    links = draw(st.integers(1, 5))
    flows = draw(st.integers(1, 8))
    some = st.integers(0, links - 1)
    spread = draw(st.sampled_from([0, 10**6, 10**9]))
    return {
        "bandwidth": draw(st.lists(st.integers(least_bandwidth, 10**9).map(lambda b: b // 7 * 7),
                                   min_size=links, max_size=links)),
        "paths": draw(st.lists(st.lists(some, max_size=4), min_size=flows, max_size=flows)),
        "nbytes": draw(st.lists(st.integers(0, 10**6), min_size=flows, max_size=flows)),
        "start_ps": draw(st.lists(st.integers(0, spread), min_size=flows, max_size=flows)),
        "weight": draw(st.lists(st.integers(1, 3), min_size=flows, max_size=flows)),
    }


def arguments(case: dict[str, Any]) -> tuple[Any, Any, Any, Any, Any]:
    offsets = np.cumsum([0, *map(len, case["paths"])])
    links = [link for path in case["paths"] for link in path]
    return (case["bandwidth"], offsets, np.array(links, np.int64), case["nbytes"],
            np.array(case["start_ps"]) / 1e12)


@settings(deadline=None, max_examples=300)
@given(case=cases())
def test_finish_times_equal_the_reference(case: dict[str, Any],
                                          reference: Callable[..., Any]) -> None:
    finish = share_flows(*arguments(case), weight=case["weight"])
    assert finish == pytest.approx(np.array(reference(**case)) / 1e12, abs=STEPS)


@settings(deadline=None, max_examples=150)
@given(case=cases(least_bandwidth=0), dead=st.integers(0, 4))
def test_only_flows_on_dead_links_stall(case: dict[str, Any], dead: int,
                                        reference: Callable[..., Any]) -> None:
    case["bandwidth"] = [0 if link == dead or width < 10**6 else width
                         for link, width in enumerate(case["bandwidth"])]
    expected = reference(**case)
    state = new_share(*arguments(case), weight=case["weight"])
    if None in expected:
        with pytest.raises(Stalled, match=r"flow \d+ .* waits for link \d+, whose bandwidth is 0"):
            drive(share_advance, state, waits=share_waits)
    else:
        drive(share_advance, state)
    wanted = [-1 if end is None else end for end in expected]
    assert state.finish_ps == pytest.approx(np.array(wanted), abs=STEPS * 1e12)


@settings(deadline=None, max_examples=100)
@given(case=cases(least_bandwidth=0))
def test_rates_are_max_min_fair_after_every_share(case: dict[str, Any]) -> None:
    state = new_share(*arguments(case), weight=case["weight"])
    faults: list[str] = []
    try:
        drive(share_advance, state, check=lambda now: faults.extend(maxmin_faults(now.flows)))
    except Stalled:
        pass
    assert faults == []


def test_rates_are_max_min_fair_all_through_a_shuffle(shuffle: Callable[..., Any]) -> None:
    state = new_share(*shuffle(4, 60, spread=5e-5).arguments)
    ticks = []

    def check(now: Any) -> None:
        ticks.append(now.control.now_ps[0])
        assert maxmin_faults(now.flows) == []

    drive(share_advance, state, check=check)
    assert len(set(ticks)) > 100


def test_the_certificate_sees_a_wrong_rate(shuffle: Callable[..., Any]) -> None:
    state = new_share(*shuffle(4, 60).arguments)
    share_advance(state, 0, 1)
    assert maxmin_faults(state.flows) == []
    state.flows.slots.rate[3] *= 1.001
    assert any("carries" in fault for fault in maxmin_faults(state.flows))
    state.flows.slots.rate[3] *= 0.99
    assert any("flow 3 " in fault for fault in maxmin_faults(state.flows))
