"""Jobs that share resources over time: by hand, against exact fractions, inside kernels."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import FOREVER_PS, kernel
from rackwright.engine.driver import drive
from rackwright.engine.fluid_state import Fluids, grown_fluids, new_fluids
from rackwright.engine.fluids import (
    fluid_close,
    fluid_left_ps,
    fluid_next_ps,
    fluid_open,
    fluid_room,
    fluid_set_capacity,
    fluid_take,
    fluid_use,
)
from rackwright.engine.serve import serve_jobs
from rackwright.engine.sharing import new_sharing, share_resources, sharing_advance, sharing_grow
from rackwright.errors import InputError, Stalled

OPEN, NEXT, TAKE, CLOSE, LEFT, SET, ROOM = range(7)


@kernel
def play(fluids, what, now_ps, item, value, priority):  # type: ignore[no-untyped-def]
    """One operation; returns what it gives as a float. Jobs use `value` of resource 0."""
    if what == OPEN:
        job = fluid_open(fluids, item, now_ps, 100, 1.0, priority, 0)
        fluid_use(fluids, job, 0, value)
        return float(job)
    if what == NEXT:
        return float(fluid_next_ps(fluids, now_ps))
    if what == TAKE:
        return float(fluid_take(fluids, now_ps))
    if what == CLOSE:
        return fluid_close(fluids, now_ps, item)
    if what == LEFT:
        return fluid_left_ps(fluids, now_ps, item)
    if what == SET:
        fluid_set_capacity(fluids, item, 0, value)
        return 0.0
    return float(fluid_room(fluids))


class Player:
    """`play` with the state and the clock kept."""

    def __init__(self, fluids: Fluids) -> None:
        self.fluids, self.now = fluids, 0

    def __call__(self, what: int, item: int = 0, value: float = 1.0, priority: int = 0) -> float:
        return float(play(self.fluids, what, self.now, item, value, priority))


@pytest.fixture
def two_devices() -> Player:
    return Player(new_fluids([[1.0], [1.0]], slots=4))


def test_an_overlap_slows_both_while_it_lasts() -> None:
    assert share_resources([0, 1], [2, 3], [[1.0], [1.0]]).tolist() == [3, 5]
    assert share_resources([0, 1], [2, 3], [[0.5], [0.5]]).tolist() == [2, 4]
    assert share_resources(0.0, [4, 2], [[1.0, 0.5], [0.0, 1.0]]).tolist() == [5, 3]


def test_a_better_class_is_not_slowed_and_the_other_waits() -> None:
    ends = share_resources([0, 1], [3, 2], [[1.0], [1.0]], priority=[1, 0])
    assert ends.tolist() == [5, 3]
    ends = share_resources([0, 1], [3, 2], [[1.0], [0.5]], priority=[1, 0])
    assert ends.tolist() == [4, 3]


def test_devices_do_not_see_each_other() -> None:
    ends = share_resources(0.0, 1.0, [[1.0]] * 3, station=[0, 1, 1], capacity=[[1.0], [4.0]])
    assert ends.tolist() == [1, 1, 1]
    assert share_resources(0.0, 1.0, [[1.0]] * 3, station=[0, 1, 1]).tolist() == [1, 2, 2]


def test_jobs_that_fill_one_resource_are_processor_sharing() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    arrival, service = np.cumsum(rng.exponential(1e-6, 300)), rng.exponential(0.8e-6, 300)
    shared = share_resources(arrival, service, np.ones((300, 1)))
    exact = serve_jobs(arrival, service, discipline="sharing")
    assert abs(shared - exact).max() < 1e-10  # each end rounded up: some steps of 1e-12


@settings(deadline=None, max_examples=100)
@given(jobs=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40), st.integers(0, 8),
                               st.integers(0, 8), st.integers(0, 1)), min_size=1, max_size=12))
def test_ends_are_those_of_exact_fractions(jobs: list[tuple[int, ...]]) -> None:
    table = np.array(jobs)
    state = new_sharing(table[:, 0] * 1e-12, table[:, 1] * 1e-12, table[:, 2:4] / 8, slots=1,
                        priority=table[:, 4])
    state = drive(sharing_advance, state, grow=sharing_grow)
    ends = np.array(exact_ends(jobs))
    # float64 may round a whole end up by a step, and who shares with it then ends later too
    assert (state.batch.finish_ps >= ends).all() and (state.batch.finish_ps - ends <= 4).all()
    assert state.fluids.free_count[0] == len(set(state.fluids.jobs.free))


def exact_ends(jobs: list[tuple[int, ...]]) -> list[int]:
    """By fractions from event to event; (arrival, service, demands in eighths, class)."""
    finish = [0] * len(jobs)
    left: dict[int, Fraction] = {}
    now, waiting = 0, sorted(range(len(jobs)), key=lambda job: (jobs[job][0], job))
    while waiting or left:
        rates = exact_rates({job: jobs[job] for job in left})
        ends = [now + math.ceil(left[job] / rates[job]) for job in left if rates[job]]
        then = min([*ends, *(jobs[job][0] for job in waiting[:1])])
        for job in list(left):
            left[job] -= (then - now) * rates[job]
            if left[job] <= 0:
                finish[job] = then
                del left[job]
        now = then
        while waiting and jobs[waiting[0]][0] == now:
            job = waiting.pop(0)
            finish[job] = now
            if jobs[job][1]:
                left[job] = Fraction(jobs[job][1])
    return finish


def exact_rates(live: dict[int, tuple[int, ...]]) -> dict[int, Fraction]:
    rates: dict[int, Fraction] = {}
    for rank in (0, 1):
        rising = {job for job in live if live[job][4] == rank}
        while rising:
            level, full = Fraction(1), -1
            for resource in (2, 3):
                load = sum(live[job][resource] for job in rising)
                used = sum(live[job][resource] * rate for job, rate in rates.items())
                if load and Fraction(8 - used) / load < level:
                    level, full = Fraction(8 - used) / load, resource
            settled = {job for job in rising if full < 0 or live[job][full]}
            rates |= dict.fromkeys(settled, level)
            rising -= settled
    return rates


def test_work_is_done_once_and_no_faster_than_alone() -> None:
    """The progress of all jobs, integrated in debug mode, is their work."""
    rng = np.random.Generator(np.random.PCG64(5))
    count = 60
    state = new_sharing(np.cumsum(rng.exponential(1e-6, count)), rng.exponential(3e-6, count),
                        rng.random((count, 2)), priority=rng.integers(0, 2, count), slots=64)
    done, rates, before = np.zeros(count), np.zeros(count), [0]

    def check(now: Any) -> None:
        at = int(now.control.now_ps[0])
        done[:] += rates * (at - before[0])
        before[0] = at
        jobs, rates[:] = now.fluids.jobs, 0
        job = now.fluids.first[0]
        while job >= 0:
            rates[jobs.tag[job]] = jobs.rate[job]
            job = jobs.after[job]
        assert (rates @ now.demand <= 1 + 1e-9).all()

    state = drive(sharing_advance, state, grow=sharing_grow, check=check)
    work = state.batch.service_ps
    assert (done >= work * (1 - 1e-9)).all() and (done <= work + 1 + 1e-3).all()
    assert (state.batch.finish_ps - state.batch.arrival_ps >= work).all()


def test_a_closed_job_leaves_its_share_to_the_others(two_devices: Player) -> None:
    play_one = two_devices
    job, other = int(play_one(OPEN)), int(play_one(OPEN))
    assert play_one(NEXT) == 200
    play_one.now = 50
    assert play_one(LEFT, job) == play_one(CLOSE, other) == 75
    assert play_one(NEXT) == 125


def test_capacity_may_change_and_vanish_and_come_back(two_devices: Player) -> None:
    play_one = two_devices
    job = int(play_one(OPEN))
    assert play_one(NEXT) == 100
    play_one.now = 20
    play_one(SET, 0, 0.5)
    assert play_one(NEXT) == 180
    play_one(SET, 0, 0.0)
    assert play_one(NEXT) == float(FOREVER_PS)
    play_one.now = 500
    assert play_one(LEFT, job) == 80 and play_one(SET, 0, 2.0) == 0
    assert play_one(NEXT) == 580


def test_ends_of_a_tick_come_by_station_then_by_start(two_devices: Player) -> None:
    play_one = two_devices
    for station, use in ((1, 0.5), (0, 1.0), (1, 0.5)):
        play_one(OPEN, station, use)
    assert play_one(NEXT) == 100
    play_one.now = 100
    assert [play_one(TAKE) for _ in range(4)] == [1, 0, 2, -1]
    assert play_one(NEXT) == float(FOREVER_PS)
    tally = play_one.fluids.tally
    assert (tally.busy_area.tolist(), tally.present_area.tolist()) == ([100, 100], [100, 200])


def test_who_is_not_touched_keeps_its_end_exactly(two_devices: Player) -> None:
    """A job that runs at full speed is not rounded again when others come and go."""
    play_one = two_devices
    play_one(OPEN, 0, 0.25)
    assert play_one(NEXT) == 100
    for at in range(1, 97, 7):
        play_one.now = at
        other = int(play_one(OPEN, 0, 0.1))
        assert play_one(NEXT) == 100
        play_one.now = at + 3
        play_one(CLOSE, other)
    assert play_one.fluids.jobs.touched_ps[0] == 0


def test_room_shrinks_and_grows(two_devices: Player) -> None:
    play_one = two_devices
    for left in (3, 2, 1, 0):
        assert play_one(OPEN, 1) >= 0 and play_one(ROOM) == left
    play_one.fluids = grown_fluids(play_one.fluids)
    assert play_one(ROOM) == 16
    play_one(OPEN, 1)
    assert play_one(NEXT) == 500


def test_a_stall_says_what_is_missing() -> None:
    with pytest.raises(Stalled, match="at 1 s of virtual time: job 1 waits at station 0 for "
                                      "resource 1, of which it has none"):
        share_resources(0.0, 1.0, [[0.5, 0.0], [0.5, 0.5]], capacity=[1.0, 0.0])
    with pytest.raises(Stalled, match="job 0 waits .*; job 4 waits .* none; and 3 more jobs"):
        share_resources(0.0, 1.0, [[1.0]] * 8, capacity=0.0)


@pytest.mark.parametrize(("how", "words"), [
    ({"start_time": [0.0, 1.0, 2.0]}, r"start_time has shape \(3,\); there are 2 jobs"),
    ({"solo_time": -1.0}, r"solo_time\[0\] is -1.0; 0 or more seconds is needed"),
    ({"station": [0, 2], "capacity": [[1.0], [1.0]]}, "jobs use 1 resources of stations 0 to 2"),
    ({"station": -1}, r"station\[0\] is -1; 0 to 999999 is allowed")])
def test_impossible_jobs_are_refused(how: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        share_resources(**{"start_time": 0.0, "solo_time": 1.0, "demand": [[1.0], [1.0]], **how})
