"""Stations for scripts: the same ends as in kernels, what they count, what they refuse."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest

from rackwright.engine import Simulation
from rackwright.engine.serve import serve_jobs
from rackwright.engine.stations import Station
from rackwright.errors import Stalled, UsageError

COUNT = 150


@pytest.mark.parametrize(("discipline", "servers"), [
    ("fifo", 1), ("fifo", 3), ("priority", 2), ("preemptive", 2), ("sharing", 1)])
def test_scripts_and_kernels_agree_to_the_picosecond(discipline: str, servers: int) -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    arrival = np.cumsum(rng.integers(1, 10**6, COUNT)) * 1e-12
    service = rng.integers(1, 10**6 * servers, COUNT) * 1e-12
    rank, weight = rng.integers(0, 3, COUNT), rng.integers(1, 4, COUNT)
    sim = Simulation()
    station = Station(sim, servers, discipline=discipline,
                      classes=3 if discipline[0] == "p" else 1)
    ends = np.zeros(COUNT)

    def customer(job: int) -> Generator[Any, Any, None]:
        yield sim.timeout(arrival[job])
        stayed = yield station.serve(
            service[job], priority=int(rank[job]) if discipline[0] == "p" else 0,
            weight=int(weight[job]))
        ends[job] = sim.now
        assert stayed == pytest.approx(sim.now - arrival[job], abs=1e-18)

    for job in range(COUNT):
        sim.process(customer(job))
    sim.run()
    assert ends.tolist() == serve_jobs(arrival, service, servers=servers, discipline=discipline,
                                       priority=rank, weight=weight).tolist()
    assert (station.present, station.served) == (0, COUNT)
    rounded_up = COUNT * 1e-12 if discipline == "sharing" else 1e-18
    assert 0 <= station.busy_time - service.sum() + 1e-18 <= rounded_up + 1e-18


def test_time_busy_is_what_was_done_so_far() -> None:
    sim = Simulation()
    stations = [Station(sim, discipline=how) for how in ("fifo", "priority", "sharing")]
    for station in stations:
        station.serve(2e-6)
        station.serve(4e-6)
    sim.run(until=3e-6)
    assert [station.busy_time for station in stations] == [3e-6] * 3
    assert [station.present for station in stations] == [1, 1, 2]
    sim.run()
    assert [station.busy_time for station in stations] == [6e-6] * 3
    assert sim.now == 6e-6


def test_a_limit_on_sharing_makes_jobs_wait() -> None:
    sim = Simulation()
    station = Station(sim, discipline="sharing", most=2)
    jobs = [station.serve(1e-6) for _ in range(3)]
    assert [sim.run(until=job) for job in jobs] == [2e-6, 2e-6, 3e-6]


def test_the_clock_does_not_run_on_for_a_pre_empted_service() -> None:
    sim = Simulation()
    station = Station(sim, discipline="preemptive", classes=2)
    low, high = station.serve(5e-6, priority=1), station.serve(1e-6, priority=0)
    assert sim.run(until=high) == 1e-6
    assert sim.run(until=low) == 6e-6
    sim.run()
    assert sim.now == 6e-6


def test_more_jobs_than_the_first_room_holds() -> None:
    sim = Simulation()
    for how in ("priority", "sharing"):
        station = Station(sim, discipline=how)
        jobs = [station.serve(1e-9) for _ in range(200)]
        began = sim.now
        sim.run(until=sim.all_of(jobs))
        assert sim.now == pytest.approx(began + 200e-9, abs=1e-15)


def test_who_waits_for_a_station_is_told() -> None:
    sim = Simulation()
    station = Station(sim, name="core")

    def client() -> Generator[Any, Any, None]:
        yield station.serve(1.0)

    sim.process(client(), "client")
    sim.run(until=0.5)
    assert sim.waiting() == ["process 'client' waits for service at station 'core' (1 jobs there)"]
    with pytest.raises(Stalled):
        sim.run(until=sim.event())
    assert repr(station) == "<station 'core', 0 jobs>"


@pytest.mark.parametrize(("how", "words"), [
    ({"discipline": "lifo"}, "unknown queueing discipline 'lifo'"),
    ({"servers": 0}, "station 'core': station 0 has 0 servers"),
    ({"servers": 2, "discipline": "sharing"}, "station 'core' has 2 servers; discipline 'sharing'"),
    ({"most": 3}, "station 'core' has a limit of 3 jobs in service; only discipline 'sharing'"),
    ({"most": 0, "discipline": "sharing"}, "station 'core': station 0 has 0 jobs in service"),
    ({"classes": 0, "discipline": "priority"}, "priority stations have 0 classes")])
def test_an_impossible_station_is_refused(how: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Station(Simulation(), name="core", **how)


@pytest.mark.parametrize(("how", "words"), [
    ({"service_time": -1.0}, "station 'core' cannot serve for -1.0 seconds; a finite number"),
    ({"service_time": float("nan")}, "cannot serve for nan seconds"),
    ({"service_time": "1us"}, "cannot serve for '1us' seconds"),
    ({"priority": 1}, r"station 'core' \(fifo\) got a job of class 1; a whole number from 0 to 0"),
    ({"weight": 0.5}, "got a job of weight 0.5; a whole number from 1 to 1048576 is allowed")])
def test_an_impossible_job_is_refused(how: dict[str, Any], words: str) -> None:
    station = Station(Simulation(), name="core")
    with pytest.raises(UsageError, match=words):
        station.serve(**{"service_time": 1.0, **how})
    assert station.present == 0
