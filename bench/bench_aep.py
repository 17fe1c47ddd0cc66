"""Replays of AEP against a prototype's times: wall clock, memory, a sweep.

``python bench/bench_aep.py [RUNS]``: the medium workload for 80 s of arrivals, top-1 at 250 and
top-2 at 150 requests/s, on 4 + 4 GPUs; the barrier baseline; compiled loops are loaded before. The
prototype served the same load in 3.4 to 4.0 s (top-1), 7.7 s (top-2) and 1.3 s (barrier). Then 12
rates of a curve, to be multiplied by five, in one process.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from typing import Any

from rackwright import topologies, traces
from rackwright.models.aep import AepOptions, replay
from rackwright.topologies.fabric import Fabric

PROTOTYPE = {"top-1": 3.7, "top-2": 7.7, "barrier": 1.3}   # s
BARS = {"top-1": 5.0, "top-2": 10.0}                       # s
LOADS: dict[str, tuple[float, dict[str, Any]]] = {
    "top-1": (250.0, {}), "top-2": (150.0, {"top_k": 2}),
    "barrier": (250.0, {"policy": "ep_ideal"})}
CURVE = range(20, 260, 20)


def timed(fabric: Fabric, rate: float, seconds: float, settings: dict[str, Any]
          ) -> tuple[float, float, float]:
    """(wall seconds, CPU seconds, tokens)."""
    trace = traces.generate_requests(rate, duration_time=seconds, lengths=traces.MEDIUM, seed=1)
    options = AepOptions.checked({"timeline_spans": 0, **settings})
    wall, cpu = time.perf_counter(), time.process_time()
    tokens = replay(fabric, trace, options).metrics["tokens"]
    return time.perf_counter() - wall, time.process_time() - cpu, tokens


def main(runs: int) -> None:
    fabric = topologies.compile(topologies.preset("dgx-a100"))
    for rate, settings in LOADS.values():
        timed(fabric, rate, 2.0, settings)
    print(f"{'load':10}{'wall':>9}{'CPU':>9}{'bar':>8}{'prototype':>11}{'ratio':>8}{'ns/token-hop':>14}")
    for name, (rate, settings) in LOADS.items():
        found = [timed(fabric, rate, 80.0, settings) for _ in range(runs)]
        wall, cpu = (statistics.median(each[i] for each in found) for i in (0, 1))
        hops = found[0][2] * 64 * settings.get("top_k", 1)
        bar = f"{BARS[name]:.0f} s" if name in BARS else "-"
        print(f"{name:10}{wall:7.2f} s{cpu:7.2f} s{bar:>8}{PROTOTYPE[name]:9.1f} s"
              f"{cpu / PROTOTYPE[name]:8.2f}{cpu / hops * 1e9:14.1f}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory     {memory:7.0f} MB at most, interpreter and libraries included; bar 400 MB")
    curve = sum(timed(fabric, float(rate), 80.0, {})[1] for rate in CURVE)
    minutes = curve * 60 / len(CURVE) / 2 / 60
    print(f"curve      {curve:7.1f} s of CPU for {len(CURVE)} rates of 80 s; 60 points on two "
          f"cores: {minutes:.1f} min; bar 10 min")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
