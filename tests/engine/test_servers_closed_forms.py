"""Queues against the formulas of queueing theory, means by batches.

A run of 200,000 jobs is cut into 40 batches of 5,000, each many relaxation times long, so that
batch means are nearly independent and nearly normal. The mean must lie within 4.5 standard errors
of the formula: draws are seeded, so nothing flakes, and another numpy with other draws would fail
about once in 100,000 tests. The test has teeth only while the error is small: it must be below
the stated share of the formula (2 to 4 %, while a wrong discipline moves the means by 10 % and
more).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rackwright.engine.driver import drive
from rackwright.engine.serve import new_serve, serve_advance, serve_grow, serve_jobs

JOBS, BATCHES = 200_000, 40
Floats = npt.NDArray[np.float64]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(11))


def arrivals(rng: np.random.Generator, rate: float) -> Floats:
    return np.cumsum(rng.exponential(1 / rate, JOBS)) * 1e-6


def assert_mean(values: Floats, formula: float, teeth: float = 0.03) -> None:
    batches = values[:len(values) // BATCHES * BATCHES].reshape(BATCHES, -1).mean(axis=1)
    error = batches.std(ddof=1) / math.sqrt(BATCHES)
    assert error < teeth * formula
    assert abs(batches.mean() - formula) < 4.5 * error


def sojourns(arrival: Floats, service: Floats, **how: Any) -> Floats:
    """In units of the mean service, a microsecond."""
    return np.asarray((serve_jobs(arrival, service * 1e-6, **how) - arrival) * 1e6)


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_markov_queue(rng: np.random.Generator, load: float) -> None:
    """M/M/1: the mean sojourn is 1 / (1 - load)."""
    arrival = arrivals(rng, load)
    assert_mean(sojourns(arrival, rng.exponential(1.0, JOBS)), 1 / (1 - load))


@pytest.mark.parametrize("load", [0.3, 0.7])
def test_fixed_service(rng: np.random.Generator, load: float) -> None:
    """M/D/1 (Pollaczek and Khinchine): the mean waiting is load / (2 (1 - load))."""
    assert_mean(sojourns(arrivals(rng, load), np.ones(JOBS)) - 1, load / (2 * (1 - load)))


@pytest.mark.parametrize(("servers", "load"), [(2, 0.7), (8, 0.8)])
def test_several_servers(rng: np.random.Generator, servers: int, load: float) -> None:
    """M/M/c (Erlang C): the mean waiting is C / (c (1 - load))."""
    offered = servers * load
    terms = [offered**k / math.factorial(k) for k in range(servers)]
    last = offered**servers / math.factorial(servers) / (1 - load)
    service = rng.exponential(1.0, JOBS)
    waiting = sojourns(arrivals(rng, offered), service, servers=servers) - service
    assert_mean(waiting, last / (sum(terms) + last) / (servers * (1 - load)), 0.04)
    delayed = (waiting > 1e-6).astype(np.float64)  # by more than a picosecond: it had to wait
    assert_mean(delayed, last / (sum(terms) + last), 0.04)


def services(rng: np.random.Generator, kind: str) -> Floats:
    """Of mean 1, with squared coefficients of variation 0, 1, and about 9."""
    if kind == "fixed":
        return np.ones(JOBS)
    if kind == "exponential":
        return rng.exponential(1.0, JOBS)
    return np.where(rng.random(JOBS) < 0.1, 8.2, 0.2) * rng.exponential(1.0, JOBS)


@pytest.mark.parametrize("kind", ["fixed", "exponential", "wild"])
def test_processor_sharing_sees_only_the_mean_service(rng: np.random.Generator, kind: str) -> None:
    """M/G/1-PS: the mean sojourn is 1 / (1 - load) for any distribution; FIFO's is not."""
    load = 0.6
    arrival, service = arrivals(rng, load), services(rng, kind)
    assert_mean(sojourns(arrival, service, discipline="sharing"), 1 / (1 - load), 0.04)


def test_processor_sharing_slows_every_job_alike(rng: np.random.Generator) -> None:
    """M/G/1-PS: given its service x, a job stays x / (1 - load) on average."""
    load, service = 0.5, services(rng, "wild")
    stays = sojourns(arrivals(rng, load), service, discipline="sharing")
    for low, high in ((0.1, 0.3), (1.0, 4.0), (4.0, 20.0)):
        here = (low < service) & (service < high)
        assert_mean(stays[here], service[here].mean() / (1 - load), 0.04)


@pytest.mark.parametrize("discipline", ["priority", "preemptive"])
def test_two_classes(rng: np.random.Generator, discipline: str) -> None:
    """M/M/1 of two classes (Cobham): waiting R / ((1 - s0) (1 - s0 - s1)) and so on, or its like
    where the better class does not see the other (R from the classes up to one's own)."""
    loads = (0.3, 0.4)
    arrival = arrivals(rng, sum(loads))
    rank = (rng.random(JOBS) > loads[0] / sum(loads)).astype(np.int64)
    service = rng.exponential(1.0, JOBS)
    stays = sojourns(arrival, service, discipline=discipline, priority=rank)
    if discipline == "priority":
        residual = sum(loads)  # load times E[S^2] / 2 E[S] = 1
        means = [1 + residual / (1 - loads[0]),
                 1 + residual / ((1 - loads[0]) * (1 - sum(loads)))]
    else:
        means = [1 / (1 - loads[0]),
                 1 / (1 - loads[0]) + sum(loads) / ((1 - loads[0]) * (1 - sum(loads)))]
    for one in (0, 1):
        assert_mean(stays[rank == one], means[one], 0.04)


def test_the_order_of_service_leaves_the_work_as_it_is(rng: np.random.Generator) -> None:
    """Work conservation: at one server all disciplines end a busy period at the same moment."""
    arrival, service = arrivals(rng, 0.9)[:5_000], rng.exponential(1e-6, 5_000)
    rank = rng.integers(0, 3, 5_000)
    last = [serve_jobs(arrival, service, discipline=how, priority=rank).max()
            for how in ("fifo", "priority", "preemptive", "sharing")]
    assert max(last) - min(last) <= 1e-11  # sharing rounds up at most a step an event or so


@pytest.mark.parametrize("discipline", ["priority", "preemptive", "sharing"])
def test_integrals_keep_littles_law(rng: np.random.Generator, discipline: str) -> None:
    """The integral of the number present is the sum of the sojourns, exactly."""
    arrival, service = arrivals(rng, 0.8)[:2_000], rng.exponential(1e-6, 2_000)
    state = new_serve(arrival, service, discipline=discipline, priority=rng.integers(0, 2, 2_000))
    state = drive(serve_advance, state, grow=serve_grow)
    tally = (state.sharing if discipline == "sharing" else state.waiting).tally
    batch = state.batch
    assert tally.present_area[0] == (batch.finish_ps - batch.arrival_ps).sum()
    assert tally.arrived[0] == 2_000 and tally.present[0] == tally.busy[0] == 0
    worked = batch.service_ps.sum()
    assert worked <= tally.busy_area[0] <= worked + 2_000 * (discipline == "sharing")
