"""Queues against SimPy on one random stream, and against closed forms."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest
import simpy

from rackwright.engine import Simulation

Steps = Generator[Any, Any, Any]


def mean_sojourn(env: Any, server: Any, customers: int, gap: Callable[[], float],
                 service: Callable[[], float]) -> float:
    total = [0.0]

    def customer() -> Steps:
        start = env.now
        with server.request() as unit:
            yield unit
            yield env.timeout(service())
        total[0] += env.now - start

    def source() -> Steps:
        for _ in range(customers):
            yield env.timeout(gap())
            env.process(customer())

    env.process(source())
    env.run()
    return total[0] / customers


@pytest.mark.parametrize("servers", [1, 3])
def test_markov_queue_equals_simpy_on_the_same_stream(servers: int) -> None:
    results = []
    for ours in (True, False):
        draw = random.Random(1)
        env: Any = Simulation() if ours else simpy.Environment()
        server = env.resource(servers) if ours else simpy.Resource(env, servers)
        gap, service = partial(draw.expovariate, 0.8 * servers), partial(draw.expovariate, 1.0)
        results.append(mean_sojourn(env, server, 10_000, gap, service))
    assert results[0] == pytest.approx(results[1], rel=1e-6)


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_markov_queue_has_its_mean_sojourn(load: float) -> None:
    """M/M/1 with unit service: 1 / (1 - load)."""
    sim = Simulation(seed=2)
    gaps, services = sim.rng("gaps"), sim.rng("services")
    mean = mean_sojourn(sim, sim.resource(1), 20_000, lambda: gaps.exponential(1 / load),
                        lambda: services.exponential(1.0))
    assert mean == pytest.approx(1 / (1 - load), rel=0.07)


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_fixed_service_halves_the_waiting(load: float) -> None:
    """M/D/1 with unit service: 1 + load / (2 (1 - load))."""
    sim = Simulation(seed=3)
    gaps = sim.rng("gaps")
    mean = mean_sojourn(sim, sim.resource(1), 20_000, lambda: gaps.exponential(1 / load),
                        lambda: 1.0)
    assert mean == pytest.approx(1 + load / (2 * (1 - load)), rel=0.05)


def test_a_port_is_a_queue_with_fixed_service() -> None:
    """Messages of one size at random times through a port: M/D/1 again."""
    sim = Simulation(seed=4)
    gaps, port, load, total = sim.rng("gaps"), sim.port(1e9), 0.5, [0.0]

    def message() -> Steps:
        start = sim.now
        yield port.send(1_000)
        total[0] += sim.now - start

    def source() -> Steps:
        for _ in range(10_000):
            yield sim.timeout(gaps.exponential(1e-6 / load))
            sim.process(message())

    sim.process(source())
    sim.run()
    assert total[0] / 10_000 == pytest.approx(1e-6 * (1 + load / (2 * (1 - load))), rel=0.05)
    assert port.messages == 10_000 and port.busy_time == pytest.approx(10_000 * 1e-6)
