"""How long it takes until something happens: imports, help, and a replay whose kernels are cached.

usage: python bench/bench_start.py [RUNS]

Medians of RUNS (5) fresh processes each, after one that does not count (it fills the file cache
and, for the replay, compiles the kernels): wall-clock time, and CPU time, which a busy machine
stretches less. The steps of the replay are CPU time of its main thread.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

# the first report of progress comes after the first slice of the kernel
REPLAY = """
import sys, time
steps = [("interpreter", time.thread_time())]
def step(name): steps.append((name, time.thread_time()))
import numpy; step("import numpy")
from rackwright import run
from rackwright.models import registry
model = registry.get("aep"); step("import model")
trace = run.load_trace(model, limit=10); step("trace")
fabric = run.load_fabric(model.sample_topology); step("topology")
import numba; step("import numba")
def progress(done, total, text):
    if steps[-1][0] != "wall":
        step("first slice")
        steps.append(("wall", time.perf_counter()))
run.replay("aep", fabric, trace, progress=progress)
print(*(f"{name}={at!r}" for name, at in steps), sep=";")
"""


def start(command: list[str]) -> tuple[float, float]:
    """Wall-clock and CPU seconds of a process."""
    before, spent = time.perf_counter(), children()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before, children() - spent


def children() -> float:
    """CPU seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def replay() -> dict[str, float]:
    """CPU seconds of each step of a replay's start, and the wall-clock time of all of them."""
    before = time.perf_counter()  # one clock for all processes
    done = subprocess.run([sys.executable, "-c", REPLAY], check=True, text=True,
                          stdout=subprocess.PIPE)
    marks = {name: float(at) for name, _, at in
             (item.partition("=") for item in done.stdout.strip().split(";"))}
    wall = marks.pop("wall") - before
    ends = list(marks.values())
    took = [end - begin for begin, end in zip([0.0, *ends], ends, strict=False)]
    return {**dict(zip(marks, took, strict=True)), "wall": wall}


def main(runs: int = 5) -> None:
    python, script = sys.executable, str(Path(sys.executable).parent / "rackwright")
    commands = {"python -c pass": [python, "-c", "pass"],
                "import numpy": [python, "-c", "import numpy"],
                "import rackwright": [python, "-c", "import rackwright"],
                "rackwright --help": [script, "--help"]}
    print(f"{'':26}{'wall':>10}{'CPU':>10}")
    for name, command in commands.items():
        walls, spent = zip(*[start(command) for _ in range(runs + 1)][1:], strict=True)
        line(name, median(walls), median(spent))
    print("bars: import 0.15 s beyond numpy, help 0.5 s, replay 1.5 s")
    starts = [replay() for _ in range(runs + 1)][1:]
    names = [name for name in starts[0] if name != "wall"]
    line("replay until first slice", median(one["wall"] for one in starts),
         median(sum(one[name] for name in names) for one in starts))
    for name in names:
        print(f"  {name:24}{'':10}{median(one[name] for one in starts):8.3f} s")


def line(name: str, wall: float, spent: float) -> None:
    print(f"{name:26}{wall:8.3f} s{spent:8.3f} s")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
