"""Events per CPU second against SimPy, the compiled M/M/1, and what recording costs.

usage: python bench/bench_events.py [RUNS]

Medians of RUNS (5) runs; what is compared takes turns, so that a busy machine slows both.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import mm1
import numpy as np
from engine.events import markov, measure, ping_pong, timeouts

from rackwright.engine import new_span_log

LOADS = ((timeouts, 500_000, 2.0), (ping_pong, 200_000, 1.2), (markov, 50_000, 2.0))
CUSTOMERS = 1_000_000
LOAD = 0.8


def processes(runs: int) -> float:
    """Print our ratios to SimPy; returns SimPy's customers per second."""
    for load, count, bar in LOADS:
        seconds: dict[bool, list[float]] = {True: [], False: []}
        answers = {}
        for _ in range(runs):
            for ours in (True, False):
                took, answers[ours] = measure(load, ours, count)
                seconds[ours].append(took)
        for one, other in zip(answers[True], answers[False], strict=True):
            assert abs(one / other - 1) < 1e-6, (one, other)
        rate, simpy_rate = (count / median(seconds[ours]) for ours in (True, False))
        print(f"{load.__name__:24}{rate:>14,.0f}/s{simpy_rate:>14,.0f}/s{rate / simpy_rate:9.2f}"
              f"{bar:8.1f}")
    return simpy_rate


def kernels(runs: int, simpy_rate: float) -> None:
    """Print the compiled M/M/1's ratio, draws included, and the cost of recording."""
    def seconds(spans: Callable[[], mm1.SpanLog | None]) -> float:
        start = time.process_time()
        mm1.kernel_sojourn(*drawn, spans())
        return time.process_time() - start

    ways: dict[str, Callable[[], mm1.SpanLog | None]] = {
        "no recording": lambda: None, "recording off": lambda: new_span_log(0),
        "recording on": lambda: new_span_log(CUSTOMERS)}
    drawn = mm1.draws(100, LOAD, np.random.default_rng(1))
    for way in ways.values():
        seconds(way)  # compiles
    drawing = []
    for _ in range(runs):
        start = time.process_time()
        drawn = mm1.draws(CUSTOMERS, LOAD, np.random.default_rng(1))
        drawing.append(time.process_time() - start)
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(5 * runs):
        for name, way in ways.items():
            took[name].append(seconds(way))
    plain = median(took["no recording"])
    rate = CUSTOMERS / (plain + median(drawing))
    print(f"{'markov, compiled':24}{rate:>14,.0f}/s{simpy_rate:>14,.0f}/s{rate / simpy_rate:9.1f}"
          f"{40:8.1f}")
    for name in ways:
        cost = median(took[name])
        print(f"{name:24}{cost / CUSTOMERS * 1e9:8.1f} ns a customer {cost / plain - 1:+8.1%}")


def main(runs: int = 5) -> None:
    print(f"{'load':24}{'rackwright':>16}{'simpy':>16}{'ratio':>9}{'bar':>8}")
    kernels(runs, processes(runs))


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
