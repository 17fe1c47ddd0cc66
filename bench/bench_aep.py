"""Replays of AEP against a prototype's times: CPU time, memory, compiling, a sweep.

``python bench/bench_aep.py [RUNS]``: the medium workload for 80 s of arrivals, top-1 at 250 and
top-2 at 150 requests/s, on 4 + 4 GPUs; the barrier baseline; compiled loops are loaded before. The
prototype served the same load in 3.4 to 4.0 s (top-1), 7.7 s (top-2) and 1.3 s (barrier). Then a
curve of 60 rates, each until it is steady, by two processes, and the kernels compiled anew.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from rackwright import topologies, traces
from rackwright.models.aep import AepOptions, replay
from rackwright.models.aep.sweep import Workload, rate_curve
from rackwright.topologies.fabric import Fabric

PROTOTYPE = {"top-1": 3.7, "top-2": 7.7, "barrier": 1.3}   # s
BARS = {"top-1": 5.0, "top-2": 10.0}                       # s
LOADS: dict[str, tuple[float, dict[str, Any]]] = {
    "top-1": (250.0, {}), "top-2": (150.0, {"top_k": 2}),
    "barrier": (250.0, {"policy": "ep_ideal"})}
CURVE = [4.0 * step for step in range(1, 61)]   # requests/s
COMPILE = """
import os
from rackwright import topologies, traces
from rackwright.models.aep import AepOptions, replay
fabric = topologies.compile(topologies.preset("dgx-a100"))
trace = traces.generate_requests(1.0, count=1, lengths=traces.SHORT, seed=1)
for policy in ("defrag", "ep_ideal"):
    start = os.times().user
    replay(fabric, trace, AepOptions.checked({"policy": policy}))
    print(f"compiling  {policy:9}{os.times().user - start:6.1f} s of CPU")
"""


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
    sweep(fabric)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", COMPILE], check=True,
                       env={**os.environ, "RACKWRIGHT_CACHE": folder}, stderr=subprocess.DEVNULL)


def sweep(fabric: Fabric) -> None:
    """A curve of throughput against latency, by two processes."""
    workers = get_context("spawn")
    wall = time.perf_counter()
    with ProcessPoolExecutor(2, mp_context=workers) as executor:
        points = rate_curve(fabric, CURVE, AepOptions(timeline_spans=0), Workload(),
                            executor=executor)
    wall = time.perf_counter() - wall
    requests = sum(point.rate * point.seconds for point in points)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"sweep      {wall / 60:7.1f} min for {len(points)} rates up to {CURVE[-1]:.0f} "
          f"requests/s, {requests / 1e3:.0f}k requests, two processes, "
          f"{(cpu.ru_utime + cpu.ru_stime) / 60:.1f} min of CPU; bar 10 min")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
