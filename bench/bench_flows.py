"""Sharing links among flows: CPU time and memory, beside SimGrid's.

usage: python bench/bench_flows.py [RUNS]

Every line is the median of RUNS (3) runs in fresh processes; compiling is left out. SimGrid runs
the same flows in the same session where its headers and a C++ compiler are installed
(``apt install libsimgrid-dev g++``) and a program that replays a workload file is found: the C++
source named by SIMGRID_BENCH, else ../shared/bench/simgrid_flows.cpp. If not, and for the load
that takes it minutes, its recorded times are used, which is said.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "engine"))

import flows as loads  # noqa: E402  # bench/engine/flows.py

# no TCP window, no cross traffic: pure max-min, as in the recorded runs
OPTIONS = ["--cfg=network/model:CM02", "--cfg=network/TCP-gamma:0",
           "--cfg=network/crosstraffic:0", "--log=root.thres:critical"]


def main(runs: int = 3) -> None:
    measured: dict[str, dict[str, float]] = {}
    for case in loads.CASES:
        results = [_run([sys.executable, str(HERE / "engine" / "flows.py"), case])
                   for _ in range(runs if loads.CASES[case].quick else 1)]
        measured[case] = {key: statistics.median(one[key] for one in results)
                          for key in results[0]}
    peers = dict(_peers(runs))
    print(f"{datetime.date.today().isoformat()}, {_machine()}")
    for case, ours in measured.items():
        print(_line(case, ours, peers))


def _run(command: list[str]) -> dict[str, float]:
    """What a process prints as JSON on its last line."""
    done = subprocess.run(command, text=True, capture_output=True, check=False, timeout=600)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _peers(runs: int) -> Iterator[tuple[str, tuple[float, float, str]]]:
    """SimGrid's CPU time and makespan for each case that it has, and where they are from."""
    with tempfile.TemporaryDirectory() as folder:
        program = _simgrid(Path(folder))
        for case, load in loads.CASES.items():
            if load.recorded is None:
                continue
            if program is None or not load.quick:
                yield case, (load.recorded[1], load.recorded[0], "recorded")
                continue
            file = Path(folder) / "load.txt"
            file.write_text(loads.as_text(load.build()))
            found = [_run([str(program), str(file), *OPTIONS]) for _ in range(runs)]
            yield case, (statistics.median(one["run_cpu_s"] for one in found),
                         found[0]["makespan"], "this run")


def _simgrid(folder: Path) -> Path | None:
    """The peer's program, built outside the tree; None when it cannot be."""
    source = os.environ.get("SIMGRID_BENCH") or str(
        HERE.parents[1] / "shared" / "bench" / "simgrid_flows.cpp")
    compiler = shutil.which("g++")
    if compiler is None or not Path(source).exists():
        return None
    program = folder / "simgrid_flows"
    built = subprocess.run([compiler, "-O2", "-o", str(program), source, "-lsimgrid"],
                           capture_output=True, check=False)
    return program if built.returncode == 0 else None


def _line(case: str, ours: dict[str, float], peers: dict[str, Any]) -> str:
    text = (f"{case:<28} {ours['cpu_s']:8.4f} s CPU  {ours['rss_mb']:6.1f} MB above idle  "
            f"makespan {ours['makespan']:.12g} s")
    if case in peers:
        seconds, makespan, source = peers[case]
        text += (f" ({ours['makespan'] / makespan - 1:+.0e})  SimGrid {seconds:.3f} s ({source}): "
                 f"{seconds / ours['cpu_s']:.1f} x")
    if ours["lag_time"]:
        text += f"  lag {ours['lag_time']:.3g} s"
    return text


def _machine() -> str:
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        models = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines()
                  if line.startswith("model name")]
        name = models[0] if models else name
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
