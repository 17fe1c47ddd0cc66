"""A study of 200 AEP replays on two cores: left alone, and stopped twice; the same bytes?

usage: python bench/bench_interrupted.py [REQUESTS]

Policies, rates of NVLink and seeds over the first REQUESTS (12) requests of the packaged trace, by
``rackwright study run --jobs 2``. One run is left alone. The other gets Ctrl-C once 60 results are
kept, is resumed, is killed (SIGKILL) once 130 are, and is resumed to its end. Their table, JSON and
report must be equal, and no result that was kept may be made again. Then the same points in this
process, replays timed one by one: what is left is the runner's, disk included, and the bar is 20 ms
a point (on a busy machine look at the CPU).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rackwright import study
from rackwright.study import work

POINTS = 200
STUDY = """
name = "AEP by policy, NVLink and seed"
metrics = ["throughput_tokens_per_s", "itl_mean_s"]

[base]
system = "aep"
limit = {requests}

[[axis]]
path = "options.policy"
values = ["defrag", "mtfs", "flfs", "group"]

[[axis]]
path = "link.nvlink.rate"
range = {{ start = 0.1, stop = 1.0, steps = 10 }}

[[axis]]
path = "seed"
values = [0, 1, 2, 3, 4]
"""
FILES = ("results.csv", "study.json", "report.html")
STOPS = ((60, signal.SIGINT, 130), (130, signal.SIGKILL, -9))


def main(requests: int = 12) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "aep.toml"
        file.write_text(STUDY.format(requests=requests))
        study.run(file, folder / "first", shard=study.Shard(1, POINTS))  # compiles
        alone, took = folder / "alone", time.perf_counter()
        finished(file, alone)
        took = time.perf_counter() - took
        print(f"left alone            {took:6.1f} s, {POINTS} points, two processes")
        stopped = folder / "stopped"
        again = interrupted(file, stopped)
        same = [(alone / one).read_bytes() == (stopped / one).read_bytes() for one in FILES]
        print(f"{', '.join(FILES)}: {'equal' if all(same) else 'DIFFERENT'}; "
              f"{again} results made twice")
        overhead(file, folder / "here")
    return int(not all(same) or again > 0)


def command(file: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "rackwright", "study", "run", str(file), "--jobs", "2", "--quiet",
            "--resume", "--out", str(out)]


def finished(file: Path, out: Path) -> None:
    subprocess.run(command(file, out), check=True, capture_output=True)


def kept(out: Path) -> dict[Path, int]:
    """The results that are there, and when each was written."""
    return {path: path.stat().st_mtime_ns for path in (out / "store").glob("??/*.json")}


def interrupted(file: Path, out: Path) -> int:
    """How many results were written more than once."""
    seen: dict[Path, int] = {}
    for least, how, code in STOPS:
        process = subprocess.Popen(command(file, out), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, preexec_fn=default_interrupts)
        while len(kept(out)) < least and process.poll() is None:
            time.sleep(0.02)
        os.kill(process.pid, how)
        process.communicate()
        found = kept(out)
        print(f"{how.name:8} at {least:3} kept   exit code {process.returncode}, {len(found)} kept")
        assert process.returncode == code, process.returncode
        seen |= {path: written for path, written in found.items() if path not in seen}
    finished(file, out)
    last = kept(out)
    return sum(last[path] != written for path, written in seen.items())


def default_interrupts() -> None:
    """A shell that starts benchmarks in the background has children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def overhead(file: Path, out: Path) -> None:
    replaying = computing = 0.0
    inner = work.run.replay

    def timed(*args: Any, **options: Any) -> Any:
        nonlocal replaying, computing
        begun, spent = time.perf_counter(), time.process_time()
        try:
            return inner(*args, **options)
        finally:
            replaying += time.perf_counter() - begun
            computing += time.process_time() - spent

    work.run.replay = timed  # type: ignore[assignment]
    begun, spent = time.perf_counter(), time.process_time()
    study.run(file, out)
    took, used = time.perf_counter() - begun, time.process_time() - spent
    print(f"one process           {took:6.1f} s wall, of it {replaying:.1f} s in replays; "
          f"{used:.1f} s CPU, of it {computing:.1f} s")
    print(f"the runner            {1e3 * (took - replaying) / POINTS:6.1f} ms a point, "
          f"{1e3 * (used - computing) / POINTS:.1f} ms of CPU; bar: 20 ms")


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in sys.argv[1:])))
