"""Priority classes: against a simulation second by second, SimPy, and rules of their own."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine.driver import drive
from rackwright.engine.priority import priority_arrive, priority_done, priority_room
from rackwright.engine.priority_state import grown_priority_servers, new_priority_servers
from rackwright.engine.serve import new_serve, serve_advance, serve_grow
from rackwright.engine.status import FOREVER_PS
from rackwright.errors import InputError

Jobs = list[tuple[int, int, int]]  # gap, service, class
JOBS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(0, 2)), max_size=30)


def finish_ps(arrival: list[int], service: list[int], rank: list[int], slots: int = 2,
              **how: Any) -> list[int]:
    state = new_serve(np.array(arrival) * 1e-12, np.array(service) * 1e-12, slots=slots,
                      priority=np.array(rank, np.int64), **how)
    assert state.batch.service_ps.tolist() == service
    state = drive(serve_advance, state, grow=serve_grow)
    assert [int(count) for count in (state.waiting.tally.present[0],
                                     state.waiting.tally.busy[0])] == [0, 0]
    assert len(set(state.waiting.jobs.free)) == state.waiting.free_count[0]
    return list(state.batch.finish_ps.tolist())


def columns(jobs: Jobs) -> tuple[list[int], list[int], list[int]]:
    arrival = np.cumsum([job[0] for job in jobs], dtype=np.int64).tolist()
    return arrival, [job[1] for job in jobs], [job[2] for job in jobs]


def preemptive_by_steps(arrival: list[int], service: list[int], rank: list[int], servers: int
                        ) -> list[int]:
    """In every picosecond the best jobs present are served, and nothing else."""
    left, finish, now = list(service), [0] * len(service), 0
    while any(left):
        there = [job for job in range(len(left)) if arrival[job] <= now and left[job]]
        for job in sorted(there, key=lambda job: (rank[job], job))[:servers]:
            left[job] -= 1
            finish[job] = now + 1
        now += 1
    return finish


def patient_by_steps(arrival: list[int], service: list[int], rank: list[int], servers: int
                     ) -> list[int]:
    """In every picosecond: services end and the best start, then jobs arrive; none is disturbed."""
    serving: dict[int, int] = {}
    waiting: list[int] = []
    finish, now, come = [0] * len(service), 0, 0
    while come < len(service) or serving:
        for job in sorted(serving, key=lambda job: (serving[job], job)):
            if serving[job] == now:
                finish[job] = now
                del serving[job]
        waiting.sort(key=lambda job: (rank[job], job))
        while come <= len(service):
            while waiting and len(serving) < servers:
                job = waiting.pop(0)
                serving[job] = now + service[job]
            if come == len(service) or arrival[come] > now:
                break
            waiting.append(come)  # finds an idle server, or waits with the others
            waiting.sort(key=lambda job: (rank[job], job))
            come += 1
        now += 1
    return finish


@settings(deadline=None, max_examples=200)
@given(jobs=JOBS, servers=st.integers(1, 3))
def test_preemptive_service_always_goes_to_the_best(jobs: Jobs, servers: int) -> None:
    assert finish_ps(*columns(jobs), servers=servers, discipline="preemptive") \
        == preemptive_by_steps(*columns(jobs), servers)


@settings(deadline=None, max_examples=200)
@given(jobs=JOBS, servers=st.integers(1, 3))
def test_a_service_once_begun_is_not_disturbed(jobs: Jobs, servers: int) -> None:
    assert finish_ps(*columns(jobs), servers=servers, discipline="priority") \
        == patient_by_steps(*columns(jobs), servers)


@settings(deadline=None, max_examples=100)
@given(jobs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.just(1)), max_size=30),
       servers=st.integers(1, 3))
def test_one_class_is_first_come_first_served(jobs: Jobs, servers: int) -> None:
    ends = [finish_ps(*columns(jobs), servers=servers, discipline=how)
            for how in ("fifo", "priority", "preemptive")]
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize(("discipline", "servers"), [
    ("priority", 1), ("priority", 3), ("preemptive", 1), ("preemptive", 2)])
def test_ends_are_simpys_to_the_picosecond(discipline: str, servers: int) -> None:
    rng = np.random.Generator(np.random.PCG64(6))
    count = 1_000
    arrival = np.cumsum(rng.integers(1, 10**6, count)).tolist()
    service = rng.integers(1, 11 * 10**5 * servers, count).tolist()
    rank = rng.integers(0, 3, count).tolist()
    env: Any = simpy.Environment()  # counts whole picoseconds
    patient = discipline == "priority"
    server = (simpy.PriorityResource if patient else simpy.PreemptiveResource)(env, servers)
    ends = [0] * count

    def customer(job: int) -> Generator[Any, Any, None]:
        yield env.timeout(arrival[job])
        left = service[job]
        # the number breaks ties as ours does: a job that comes back goes before later ones
        order = rank[job] * count + job
        while left:
            preempt = not patient and left == service[job]
            with (server.request(order) if patient
                  else server.request(order, preempt=preempt)) as unit:
                yield unit
                began = env.now
                try:
                    yield env.timeout(left)
                    left = 0
                except simpy.Interrupt:
                    left -= env.now - began
        ends[job] = env.now

    for job in range(count):
        env.process(customer(job))
    env.run()
    assert finish_ps(arrival, service, rank, servers=servers, discipline=discipline) == ends


def test_stations_do_not_see_each_other() -> None:
    servers = new_priority_servers([1, 2], classes=2, preempts=[0, 1], slots=8)
    calls = [(0, 1, 5), (1, 1, 7), (1, 1, 9), (0, 0, 2), (1, 0, 3)]  # station, class, service
    given = [priority_arrive(servers, station, 0, rank, need, tag)
             for tag, (station, rank, need) in enumerate(calls)]
    assert [end for _, end in given] == [5, 7, 9, FOREVER_PS, 3]
    job, ticket, end = priority_done(servers, 3, given[4][0])  # the pre-empted one goes on
    assert (servers.jobs.tag[job], end) == (4, 12)
    assert priority_done(servers, 5, given[0][0])[2] == 7      # the better class had to wait
    assert priority_done(servers, 9, given[2][0]) == (-1, -1, FOREVER_PS)  # stale
    assert servers.jobs.tag[priority_done(servers, 12, ticket)[0]] == 2


def test_a_ticket_is_good_for_one_service() -> None:
    servers = new_priority_servers(1, classes=2, preempts=1, slots=2)
    old, _ = priority_arrive(servers, 0, 0, 1, 10, 7)
    new, _ = priority_arrive(servers, 0, 4, 0, 6, 8)
    assert priority_done(servers, 10, old) == (-1, -1, FOREVER_PS)
    job, again, end = priority_done(servers, 10, new)
    assert (servers.jobs.tag[job], end) == (8, 16)
    assert again != old and again & 0xFFFFFFFF == old & 0xFFFFFFFF  # the slot is the same
    assert priority_done(servers, 16, old)[0] == -1
    assert servers.jobs.tag[priority_done(servers, 16, again)[0]] == 7
    assert priority_done(servers, 16, again)[0] == -1
    reused, _ = priority_arrive(servers, 0, 16, 1, 0, 9)  # in the same slot
    assert priority_done(servers, 16, again)[0] == -1
    assert servers.jobs.tag[priority_done(servers, 16, reused)[0]] == 9


def test_a_service_that_ends_in_this_tick_is_not_interrupted() -> None:
    servers = new_priority_servers(1, classes=2, preempts=1, slots=2)
    ending, end = priority_arrive(servers, 0, 0, 1, 5, 0)
    assert priority_arrive(servers, 0, end, 0, 3, 1) == (-1, FOREVER_PS)
    assert priority_done(servers, end, ending)[2] == 8


def test_room_shrinks_and_grows() -> None:
    servers = new_priority_servers(1, classes=1, slots=2)
    tickets = [priority_arrive(servers, 0, 0, 0, 4, tag) for tag in range(2)]
    assert priority_room(servers) == 0
    servers = grown_priority_servers(servers)
    assert priority_room(servers) == 16
    priority_arrive(servers, 0, 1, 0, 4, 2)
    tags, ticket, now = [], tickets[0][0], 4
    while ticket >= 0:
        job, ticket, end = priority_done(servers, now, ticket)
        tags.append(int(servers.jobs.tag[job]))
        now = end
    assert tags == [0, 1, 2] and priority_room(servers) == 18


def test_what_is_no_class_is_refused() -> None:
    with pytest.raises(InputError, match="priority stations have 0 classes"):
        new_priority_servers(1, classes=0)
    with pytest.raises(InputError, match="station 0 has -1 pre-emption flags"):
        new_priority_servers(1, classes=1, preempts=-1)
