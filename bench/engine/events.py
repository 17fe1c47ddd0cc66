"""Generator processes in our engine and in SimPy: timeouts, ping-pong, M/M/1.

Each load takes an environment of either engine, a server of it, and how many events (customers
for M/M/1) there are to be. Both engines draw from the same random stream, so that the mean
sojourn must agree to 1e-6. `bench_events.py` runs them.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from typing import Any

import simpy

from rackwright.engine import Simulation

__all__ = ["markov", "measure", "ping_pong", "timeouts"]

PROCESSES = 1000
Steps = Generator[Any, Any, Any]


def timeouts(env: Any, server: Any, count: int) -> list[float]:
    def sleeper(period: float) -> Steps:
        for _ in range(count // PROCESSES):
            yield env.timeout(period)

    for at in range(PROCESSES):
        env.process(sleeper(1 + at / PROCESSES))
    return []


def ping_pong(env: Any, server: Any, count: int) -> list[float]:
    box = [env.event(), env.event()]

    def player(me: int) -> Steps:
        for _ in range(count // 2):
            yield box[me]
            box[me] = env.event()
            box[1 - me].succeed()

    env.process(player(0))
    env.process(player(1))
    box[0].succeed()
    return []


def markov(env: Any, server: Any, count: int) -> list[float]:
    draw, total = random.Random(1), [0.0]

    def customer() -> Steps:
        start = env.now
        with server.request() as unit:
            yield unit
            yield env.timeout(draw.expovariate(1.0))
        total[0] += (env.now - start) / count

    def source() -> Steps:
        for _ in range(count):
            yield env.timeout(draw.expovariate(0.8))
            env.process(customer())

    env.process(source())
    return total


def measure(load: Callable[..., list[float]], ours: bool, count: int) -> tuple[float, list[float]]:
    """CPU seconds of one run, and what the load computes."""
    env: Any = Simulation() if ours else simpy.Environment()
    answer = load(env, env.resource(1) if ours else simpy.Resource(env, 1), count)
    start = time.process_time()
    env.run()
    return time.process_time() - start, answer
