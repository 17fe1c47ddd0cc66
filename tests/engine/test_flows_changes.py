"""Bandwidths that rise, fall, vanish and come back while flows move."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import FOREVER_PS, kernel, maxmin_faults, share_flows
from rackwright.engine.driver import drive
from rackwright.engine.flow_state import new_flows
from rackwright.engine.flows import flow_left, flow_next_ps, flow_open, flow_reroute
from rackwright.engine.flows import flow_set_bandwidth as set_width
from rackwright.engine.share import new_share, share_advance, share_grow, share_waits
from rackwright.errors import InputError, Stalled

STEPS = 6  # ps: float64 against exact fractions


def brute_rates(width: list[Fraction], paths: dict[int, list[int]], weight: list[int],
                rank: list[int]) -> dict[int, Fraction]:
    """Max-min rates, priority by priority, by the textbook definition in exact fractions."""
    rates: dict[int, Fraction] = {}
    for now in sorted({rank[flow] for flow in paths}):
        mine = {flow for flow in paths if rank[flow] == now}
        while mine - rates.keys():
            levels = {}
            for link, capacity in enumerate(width):
                hops = [flow for flow in paths for hop in paths[flow] if hop == link]
                wanting = sum(weight[flow] for flow in hops if flow in mine and flow not in rates)
                if wanting:
                    used = sum((rates[flow] for flow in hops if flow in rates), Fraction(0))
                    levels[link] = (capacity - used) / wanting
            level = min(levels.values())
            full = [link for link in levels if levels[link] == level]
            for flow in sorted(mine - rates.keys()):
                if any(link in paths[flow] for link in full):
                    rates[flow] = level * weight[flow]
    return rates


def brute_finish_ps(case: dict[str, Any]) -> list[int]:
    """Finish times with exact rates and whole picoseconds; -1 for a flow that never ends."""
    width = [Fraction(one) for one in case["width"]]
    left = [Fraction(size) for size in case["nbytes"]]
    count = len(left)
    finish, live, now = [-1] * count, {}, 0
    starts = sorted(range(count), key=lambda flow: (case["start_ps"][flow], flow))
    rows = list(case["changes"])
    while starts or live:
        rates = brute_rates(width, live, case["weight"], case["priority"])
        ends = {flow: now + math.ceil(left[flow] * 10**12 / rates[flow])
                for flow in live if rates[flow]}
        times = [*ends.values(), *(case["start_ps"][flow] for flow in starts[:1]),
                 *(row[0] for row in rows[:1])]
        if not times:
            break
        then = min(times)
        for flow in list(live):
            left[flow] -= rates[flow] * (then - now) / 10**12
            if ends.get(flow) == then:
                finish[flow] = then
                del live[flow]
        now = then
        while rows and rows[0][0] == now:
            _, link, bandwidth = rows.pop(0)
            width[link] = Fraction(bandwidth)
        while starts and case["start_ps"][starts[0]] == now:
            flow = starts.pop(0)
            if left[flow] and case["paths"][flow]:
                live[flow] = case["paths"][flow]
            else:
                finish[flow] = now
    return finish


@st.composite
def cases(draw: st.DrawFn, priorities: int = 1) -> dict[str, Any]:
    links, flows = draw(st.integers(1, 4)), draw(st.integers(1, 7))
    # widths far above the rounding of the clock's steps, with zeros among them
    width = st.one_of(st.just(0), st.integers(10**6, 10**9))
    path = st.lists(st.integers(0, links - 1), max_size=3)
    row = st.tuples(st.integers(0, 2 * 10**9), st.integers(0, links - 1), width)

    def each(what: Any) -> Any:
        return draw(st.lists(what, min_size=flows, max_size=flows))

    return {"width": draw(st.lists(width, min_size=links, max_size=links)), "paths": each(path),
            "nbytes": each(st.integers(0, 10**6)), "start_ps": each(st.integers(0, 10**9)),
            "weight": each(st.sampled_from([1, 1, 2, 30])),
            "priority": each(st.integers(0, priorities - 1)),
            "changes": sorted(draw(st.lists(row, max_size=8)), key=lambda one: one[0])}


def state_of(case: dict[str, Any], cut: int) -> Any:
    offsets = np.cumsum([0, *map(len, case["paths"])])
    links = np.array([link for path in case["paths"] for link in path], np.int64)
    state = new_share(case["width"], offsets, links, case["nbytes"],
                      np.array(case["start_ps"]) / 1e12, case["weight"], case["priority"],
                      case["changes"])
    state.flows.cut[0] = cut
    return state


def assert_as_brute(case: dict[str, Any], cut: int) -> None:
    state = state_of(case, cut)
    faults: list[str] = []
    try:
        drive(share_advance, state, grow=share_grow, waits=share_waits,
              check=lambda now: faults.extend(maxmin_faults(now.flows)))
    except Stalled:
        assert (state.finish_ps < 0).any()
    assert faults == []
    assert state.finish_ps == pytest.approx(np.array(brute_finish_ps(case)), abs=STEPS, rel=0)


@settings(deadline=None, max_examples=200)
@given(case=cases(), cut=st.sampled_from([0, 1, 8]))
def test_finish_times_are_those_of_the_brute_force_solver(case: dict[str, Any], cut: int) -> None:
    assert_as_brute(case, cut)


@settings(deadline=None, max_examples=100)
@given(case=cases(priorities=3))
def test_so_they_are_with_priorities(case: dict[str, Any]) -> None:
    assert_as_brute(case, 8)


def test_a_link_that_fails_stalls_its_flow_until_it_is_back() -> None:
    finish = share_flows([10.0], [0, 1], [0], [40.0],
                         changes=[(10**12, 0, 0.0), (6 * 10**12, 0, 30.0)])
    assert finish.tolist() == [7.0]


def test_a_link_that_never_comes_back_is_a_stall() -> None:
    with pytest.raises(Stalled, match=r"at 1 s .*flow 0 \(30 bytes left\) waits for link 0"):
        share_flows([10.0], [0, 1], [0], [40.0], changes=[(10**12, 0, 0.0)])


def test_all_changes_of_a_tick_cost_one_re_share() -> None:
    state = new_share([10.0, 10.0], [0, 1, 2], [0, 1], [40.0, 40.0],
                      changes=[(10**12, 0, 5.0), (10**12, 1, 5.0), (10**12, 0, 20.0)])
    state = drive(share_advance, state)
    assert state.finish_ps.tolist() == [2_500_000_000_000, 7_000_000_000_000]
    assert state.flows.fills[0] == 4 and state.changes.done[0] == len(state.changes.link) == 2


def test_changes_after_the_last_end_are_not_waited_for() -> None:
    assert share_flows([10.0], [0, 1], [0], [40.0], changes=[(10**15, 0, 0.0)]).tolist() == [4.0]


@pytest.mark.parametrize(("rows", "message"), [
    ([(5, 0, 1.0), (4, 0, 1.0)], "changes[1] is at 4 ps, before 5 ps; times start at 0"),
    ([(-1, 0, 1.0)], "changes[0] is at -1 ps"),
    ([(5, 2, 1.0)], "changes[0] names link 2; there are 2 links, so 0 to 1 is allowed"),
    ([(5, 0, -1.0)], "changes[0] gives link 0 -1.0 bytes/s; a finite number, 0 or more"),
    ([(5, 0, math.nan)], "changes[0] gives link 0 nan bytes/s"),
    ([(0.5, 0, 1.0)], "changes[0] is (0.5, 0, 1.0); a row (time in ps, link, bytes/s) of two"),
    ([(5, 0)], "changes[0] is (5, 0); a row"),
])
def test_a_wrong_row_is_named(rows: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        share_flows([1.0, 1.0], [0, 1], [0], [1.0], changes=rows)


@kernel
def now_on(flows, now_ps, slot, route, dead):  # type: ignore[no-untyped-def]
    """Re-route a slot, or cut a link; when the next flow ends."""
    if slot >= 0:
        flow_reroute(flows, slot, route)
    if dead >= 0:
        set_width(flows, dead, 0.0)
    return flow_next_ps(flows, now_ps)


@kernel
def begin(flows, route, nbytes):  # type: ignore[no-untyped-def]
    return flow_open(flows, 0, route, nbytes, 1.0, 0)


@kernel
def left(flows, now_ps, slot):  # type: ignore[no-untyped-def]
    return flow_left(flows, now_ps, slot)


def test_a_flow_over_a_dead_link_goes_on_by_another_route() -> None:
    flows = new_flows([10.0, 5.0], [0, 1, 2], [0, 1])
    one, other = begin(flows, 0, 100.0), begin(flows, 1, 50.0)
    assert now_on(flows, 0, -1, -1, 0) == 10 * 10**12  # the other's end; the first has not moved
    assert now_on(flows, 2 * 10**12, one, 1, -1) == 18 * 10**12  # 40 bytes left at 2.5 bytes/s
    assert left(flows, 2 * 10**12, other) == 40.0
    assert left(flows, 4 * 10**12, one) == 95.0
    assert now_on(flows, 4 * 10**12, -1, -1, 1) == FOREVER_PS
