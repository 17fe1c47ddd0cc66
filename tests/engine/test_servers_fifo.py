"""First come, first served in closed form: against a list, SimPy and the textbook's sums."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.devices import build_table1, table1_ps
from rackwright.engine import kernel
from rackwright.engine.servers import new_servers, server_arrive, servers_busy
from rackwright.errors import InputError

TIMES = st.integers(0, 6) | st.integers(0, 10**15)


@kernel
def serve_all(servers, station, arrival_ps, service_ps, start_ps, end_ps):  # type: ignore[no-untyped-def]
    for job in range(arrival_ps.shape[0]):
        start, end = server_arrive(servers, station[job], arrival_ps[job], service_ps[job])
        start_ps[job] = start
        end_ps[job] = end


@kernel
def serve_table(servers, table, arrival_ps, tokens, end_ps):  # type: ignore[no-untyped-def]
    for job in range(arrival_ps.shape[0]):
        _, end_ps[job] = server_arrive(servers, 0, arrival_ps[job], table1_ps(table, tokens[job]))


def served(counts: Any, station: list[int], arrival_ps: list[int], service_ps: list[int]
           ) -> tuple[Any, list[int], list[int]]:
    servers = new_servers(counts)
    start_ps, end_ps = np.zeros((2, len(station)), np.int64)
    serve_all(servers, np.array(station, np.int64), np.array(arrival_ps, np.int64),
              np.array(service_ps, np.int64), start_ps, end_ps)
    return servers, start_ps.tolist(), end_ps.tolist()


def oracle(counts: list[int], station: list[int], arrival: list[int], service: list[int]
           ) -> tuple[list[int], list[int]]:
    """Every job takes the server that is free first: a plain list for each station."""
    free = [[0] * count for count in counts]
    starts, ends = [], []
    for here, at, need in zip(station, arrival, service, strict=True):
        first = min(range(counts[here]), key=free[here].__getitem__)
        starts.append(max(at, free[here][first]))
        ends.append(starts[-1] + need)
        free[here][first] = ends[-1]
    return starts, ends


JOBS = st.lists(st.tuples(st.integers(0, 2), TIMES, TIMES), max_size=60)


@settings(deadline=None, max_examples=150)
@given(counts=st.lists(st.integers(1, 5), min_size=3, max_size=3), jobs=JOBS)
def test_starts_and_ends_are_those_of_a_plain_list(counts: list[int],
                                                   jobs: list[tuple[int, int, int]]) -> None:
    station, gaps, service = ([job[at] for job in jobs] for at in range(3))
    arrival = np.cumsum(np.array(gaps, np.int64)).tolist()
    servers, starts, ends = served(counts, station, arrival, service)
    assert (starts, ends) == oracle(counts, station, arrival, service)
    last = max([*ends, *arrival, 0])
    for here in range(3):
        mine = [job for job in range(len(jobs)) if station[job] == here]
        assert servers.jobs[here] == len(mine)
        assert servers.waited_area[here] == sum(starts[job] - arrival[job] for job in mine)
        assert servers_busy(servers, last)[here] == sum(service[job] for job in mine)


@settings(deadline=None, max_examples=100)
@given(count=st.integers(1, 4), jobs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)),
                                              min_size=1, max_size=40), later=st.integers(0, 60))
def test_work_done_by_any_moment_is_the_work_of_that_moment(
        count: int, jobs: list[tuple[int, int]], later: int) -> None:
    arrival = np.cumsum([gap for gap, _ in jobs]).tolist()
    servers, starts, ends = served(count, [0] * len(jobs), arrival, [need for _, need in jobs])
    now = arrival[-1] + later
    done = sum(max(0, min(end, now) - start) for start, end in zip(starts, ends, strict=True))
    assert servers_busy(servers, now)[0] == done


@settings(deadline=None, max_examples=100)
@given(count=st.integers(1, 4), jobs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 9)),
                                              min_size=1, max_size=40))
def test_no_server_rests_while_a_job_waits(count: int, jobs: list[tuple[int, int]]) -> None:
    """At the start of a job that has waited, all servers were busy up to that moment."""
    arrival = np.cumsum([gap for gap, _ in jobs]).tolist()
    _, starts, ends = served(count, [0] * len(jobs), arrival, [need for _, need in jobs])
    for job, start in enumerate(starts):
        if start > arrival[job]:
            others = [at for at in range(job) if starts[at] < start <= ends[at]]
            assert len(others) >= count


@pytest.mark.parametrize("count", [1, 3, 8])
def test_ends_are_simpys_to_the_picosecond(count: int) -> None:
    rng = np.random.Generator(np.random.PCG64(5))
    arrival = np.cumsum(rng.integers(0, 1000, 2_000)).tolist()
    service = rng.integers(0, 1100 * count, 2_000).tolist()
    env: Any = simpy.Environment()  # counts whole picoseconds
    server, ends = simpy.Resource(env, count), [0] * 2_000

    def customer(job: int) -> Generator[Any, Any, None]:
        yield env.timeout(arrival[job])
        with server.request() as unit:
            yield unit
            yield env.timeout(service[job])
        ends[job] = env.now

    for job in range(2_000):
        env.process(customer(job))
    env.run()
    assert served(count, [0] * 2_000, arrival, service)[2] == ends


def test_service_times_come_from_a_cost_table() -> None:
    table, _ = build_table1(lambda n: n * 1e-9, 16, 100)
    ends = np.zeros(3, np.int64)
    serve_table(new_servers(1), table, np.array([0, 500, 9_000]), np.array([2, 3, 1]), ends)
    assert ends.tolist() == [2_000, 5_000, 10_000]


@pytest.mark.parametrize(("counts", "words"), [
    ([2, 0], "station 1 has 0 servers; 1 or more are needed"),
    ([[1]], "servers of 1 stations given as"),
    ([], "servers of 1 stations given as"),
    (1.5, "a whole number, or one for each station, is needed")])
def test_a_station_needs_servers(counts: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        new_servers(counts)
