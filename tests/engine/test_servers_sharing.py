"""Processor sharing: against exact fractions and SimPy, its limits, weights and orders."""

from __future__ import annotations

import math
from collections.abc import Generator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import FOREVER_PS
from rackwright.engine.driver import drive
from rackwright.engine.processor_sharing import ps_arrive, ps_complete, ps_next_ps, ps_room
from rackwright.engine.ps_state import NO_LIMIT, grown_ps_servers, new_ps_servers
from rackwright.engine.serve import ServeState, new_serve, serve_advance, serve_grow
from rackwright.engine.virtual_time import divided, real_ps
from rackwright.errors import InputError

BIG = 2**62
SLACK = Fraction(1, 2**20)
JOBS = st.lists(st.tuples(st.integers(0, 9) | st.integers(0, 10**13),
                          st.integers(0, 9) | st.integers(0, 10**13),
                          st.integers(1, 4) | st.integers(1, 10**6)), max_size=25)


def run(arrival: list[int], service: list[int], weight: list[int], most: int = NO_LIMIT
        ) -> ServeState:
    state = new_serve(np.array(arrival) * 1e-12, np.array(service) * 1e-12, slots=1,
                      weight=np.array(weight, np.int64), discipline="sharing", most=most)
    assert state.batch.arrival_ps.tolist() == arrival
    state = drive(serve_advance, state, grow=serve_grow)
    assert len(set(state.sharing.jobs.free)) == state.sharing.free_count[0]
    return state


def exact(arrival: list[int], service: list[int], weight: list[int], most: int = NO_LIMIT
          ) -> list[int]:
    """Fractions: from event to event everybody gets a share; jobs leave at whole picoseconds,
    and are through when less than `SLACK` is left."""
    finish = [-1] * len(arrival)
    left: dict[int, Fraction] = {}
    waiting: list[int] = []
    now, come = 0, 0

    def time_left(job: int) -> Fraction:
        return left[job] * sum(weight[one] for one in left) / weight[job] - SLACK

    while come < len(arrival) or left:
        ends = [now + max(math.ceil(time_left(job)), 0) for job in left]
        then = min([*ends, *arrival[come:come + 1]])
        total = sum(weight[job] for job in left)
        for job in left:
            left[job] -= Fraction((then - now) * weight[job], total)
        now = then
        while left:
            job = min(left, key=lambda job: (left[job] / weight[job], job))
            if time_left(job) > 0:
                break
            finish[job] = now
            del left[job]
            if waiting:
                left[waiting[0]] = Fraction(service[waiting[0]])
                del waiting[0]
        while come < len(arrival) and arrival[come] == now:
            if len(left) < most:
                left[come] = Fraction(service[come])
            else:
                waiting.append(come)
            come += 1
    return finish


def columns(jobs: list[tuple[int, int, int]]) -> tuple[list[int], list[int], list[int]]:
    arrival = np.cumsum([job[0] for job in jobs], dtype=np.int64).tolist()
    return arrival, [job[1] for job in jobs], [job[2] for job in jobs]


@settings(deadline=None, max_examples=200)
@given(jobs=JOBS, most=st.integers(1, 4) | st.just(NO_LIMIT))
def test_ends_are_exact_to_the_picosecond(jobs: list[tuple[int, int, int]], most: int) -> None:
    state = run(*columns(jobs), most)
    assert state.batch.finish_ps.tolist() == exact(*columns(jobs), most)


@settings(deadline=None, max_examples=300)
@given(time_ps=st.integers(0, BIG), weight=st.integers(1, 2**31 - 1), up=st.integers(0, 1))
def test_virtual_time_is_rounded_to_2_to_the_minus_62(time_ps: int, weight: int, up: int) -> None:
    whole, part = divided(time_ps, weight, up)
    quotient = Fraction(time_ps, weight) * BIG
    assert whole * BIG + part == (math.ceil(quotient) if up else math.floor(quotient))
    assert 0 <= part < BIG


@settings(deadline=None, max_examples=300)
@given(whole=st.integers(0, BIG), part=st.integers(0, BIG - 1), weight=st.integers(1, 2**31 - 1))
def test_real_time_is_rounded_up(whole: int, part: int, weight: int) -> None:
    real = Fraction(whole * BIG + part, BIG) * weight
    found = real_ps(whole, part, weight)
    assert real - SLACK <= found < real + 1 or found >= 9.2e18 - 2**32


def test_ends_are_those_of_a_brute_force_in_simpy() -> None:
    """A SimPy process that shares out anew at every change, in float64."""
    rng = np.random.Generator(np.random.PCG64(7))
    count = 400
    arrival = np.cumsum(rng.integers(1, 10**6, count)).tolist()
    service = rng.integers(1, 9 * 10**5, count).tolist()
    env: Any = simpy.Environment()
    doors: Any = simpy.Store(env)
    ends = [0.0] * count

    def source() -> Generator[Any, Any, None]:
        for job in range(count):
            yield env.timeout(arrival[job] - env.now)
            doors.put(job)

    def server() -> Generator[Any, Any, None]:
        left: dict[int, float] = {}
        knock = doors.get()
        while min(ends) == 0:
            began, jobs = env.now, len(left)
            first = env.timeout(max(min(left.values()), 0) * jobs) if left else env.event()
            yield knock | first
            for job in left:
                left[job] -= (env.now - began) / jobs
            if knock.triggered:
                left[knock.value] = service[knock.value]
                knock = doors.get()
            for job in [job for job in left if left[job] < 1e-6]:
                ends[job] = env.now
                del left[job]

    env.process(source())
    env.run(env.process(server()))
    state = run(arrival, service, [1] * count)
    # each end is rounded up, and what that takes is lost to those who stay: a step or so a job
    assert state.batch.finish_ps.tolist() == pytest.approx(ends, abs=20)


def test_jobs_of_one_finish_leave_by_number_whatever_their_slots() -> None:
    servers = new_ps_servers(1, slots=4)
    ps_arrive(servers, 0, 0, 1, 1, 0)
    ps_arrive(servers, 0, 0, 10, 1, 1)
    assert ps_next_ps(servers) == 2
    assert servers.jobs.tag[ps_complete(servers, 2)] == 0
    for tag in (2, 3):  # in the first one's slot and a fresh one
        ps_arrive(servers, 0, 2, 9, 1, tag)
    assert ps_next_ps(servers) == 2 + 27
    tags = [int(servers.jobs.tag[ps_complete(servers, 29)]) for _ in range(3)]
    assert tags == [1, 2, 3] and ps_complete(servers, 29) == -1


def test_stations_share_on_their_own_and_a_tick_goes_by_station() -> None:
    servers = new_ps_servers(3, most=[NO_LIMIT, 1, 2], slots=8)
    for tag, station in enumerate((2, 1, 0, 2, 1, 0)):
        ps_arrive(servers, station, 0, 10, 1, tag)
    seen = []
    while (now := ps_next_ps(servers)) < FOREVER_PS:
        job = ps_complete(servers, now)
        seen.append((int(now), int(servers.jobs.station[job]), int(servers.jobs.tag[job])))
    assert seen == [(10, 1, 1), (20, 0, 2), (20, 0, 5), (20, 1, 4), (20, 2, 0), (20, 2, 3)]
    assert servers.tally.busy_area.tolist() == [20, 20, 20]
    assert servers.tally.present_area.tolist() == [40, 30, 40]


def test_weights_split_the_server() -> None:
    """3 : 1 until the heavy one is through, then all of it."""
    state = run([0, 0], [300, 300], [3, 1])
    assert state.batch.finish_ps.tolist() == [400, 600]


def test_an_arrival_slows_those_who_are_there() -> None:
    state = run([0, 60], [100, 10], [1, 1])
    assert state.batch.finish_ps.tolist() == [110, 80]


def test_scaling_all_weights_changes_nothing() -> None:
    rng = np.random.Generator(np.random.PCG64(8))
    arrival, service = np.cumsum(rng.integers(0, 50, 200)).tolist(), [60] * 200
    weight = rng.integers(1, 5, 200)
    one, many = (run(arrival, service, (weight * by).tolist()) for by in (1, 1_000))
    assert one.batch.finish_ps.tolist() == many.batch.finish_ps.tolist()


def test_a_limit_of_one_is_first_come_first_served() -> None:
    rng = np.random.Generator(np.random.PCG64(9))
    arrival, service = (rng.integers(0, 100, 300) for _ in range(2))
    arrival.sort()
    shared = run(arrival.tolist(), service.tolist(), [1] * 300, 1).batch.finish_ps
    fifo = drive(serve_advance, new_serve(arrival * 1e-12, service * 1e-12)).batch.finish_ps
    assert shared.tolist() == fifo.tolist()


def test_a_long_busy_period_of_many_jobs_adds_up_no_error() -> None:
    """Jobs of total weight about 1,000 for 20,000 events: late by no more than rounding up."""
    count = 10_000
    weight = [1 + at % 7 for at in range(count)]
    service = [9_973 * one for one in weight]  # by weights: first come, first to leave
    arrival = [0] * 250 + [at * 39_901 for at in range(count - 250)]
    state = run(arrival, service, weight)
    busy = state.sharing.tally.busy_area[0]
    assert sum(service) <= busy <= sum(service) + count
    assert state.batch.finish_ps[:250].tolist() == sorted(state.batch.finish_ps[:250].tolist())
    assert state.sharing.virtual_ps[0] == state.sharing.virtual_part[0] == 0  # the next starts anew


def test_room_shrinks_and_grows() -> None:
    servers = new_ps_servers(1, slots=1)
    ps_arrive(servers, 0, 0, 5, 1, 0)
    assert ps_room(servers) == 0
    servers = grown_ps_servers(servers)
    assert ps_room(servers) == 16
    ps_arrive(servers, 0, 0, 5, 1, 1)
    assert ps_next_ps(servers) == 10
    assert [int(servers.jobs.tag[ps_complete(servers, 10)]) for _ in range(2)] == [0, 1]
    assert ps_next_ps(servers) == FOREVER_PS and ps_room(servers) == 17


def test_what_ends_after_the_clock_never_ends() -> None:
    servers = new_ps_servers(1, slots=4)
    for tag in range(3):
        ps_arrive(servers, 0, 0, 4 * 10**18, 1, tag)
    assert ps_next_ps(servers) == FOREVER_PS


@pytest.mark.parametrize(("how", "words"), [
    ({"most": 0}, "station 0 has 0 jobs in service at most; 1 or more are needed"),
    ({"stations": 0}, "there are 0 processor-sharing stations")])
def test_impossible_stations_are_refused(how: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        new_ps_servers(**{"stations": 1, **how})
