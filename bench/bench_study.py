"""What the runner of studies costs a point, with a system that takes no time.

usage: python bench/bench_study.py [POINTS]

A study of POINTS (1000) points of a system that returns a constant, each point another seed: all in
one process with results kept on the disk, the same without a disk, taken from the store, written as
table and report, and by two processes. Milliseconds a point, wall clock and CPU of this process.
The bar is 20 ms a point, disk included.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from rackwright import study
from rackwright.models import registry
from rackwright.models.options import Options, option
from rackwright.models.outcome import Bottleneck, Outcome
from rackwright.models.registry import Model
from rackwright.study.study import Study

TRACE = SimpleNamespace(content_hash="7" * 64, name="nothing")


class NoOptions(Options):
    size: int = option(1, "nothing", unit="1")


def replay(fabric: Any, trace: Any, options: NoOptions, seed: int, progress: Any) -> Outcome:
    metrics = {f"metric{number}_s": 0.1 * number + seed for number in range(20)}
    return Outcome(metrics, Bottleneck("none", "device", 0.5, False, "nothing"), {}, {}, {})


MODEL = Model("nothing", "takes no time", NoOptions, replay, lambda path, limit=None: TRACE, {},
              ("metric0_s",), "star:hosts=2", "requests_short")
# spawned processes import this module as well
registry._SYSTEMS["nothing"] = "bench_study"
sys.modules["bench_study"] = sys.modules[__name__]


def made(points: int) -> Study:
    return Study.model_validate_json(
        '{"name": "bench", "base": {"system": "nothing"}, "axis": [{"path": "seed", "range": '
        f'{{"start": 0, "stop": {points - 1}, "steps": {points}, "whole": true}}}}]}}')


def main(points: int = 1000) -> None:
    asked = made(points)
    study.run(made(2))  # imports
    print(f"{points} points{'':18}{'wall':>10}{'CPU':>10}   a point")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        line("one process, kept", points, lambda: study.run(asked, out / "one"))
        line("one process, not kept", points, lambda: study.run(asked))
        line("from the store", points, lambda: study.run(asked, out / "one", resume=True))
        found = study.run(asked, out / "one", resume=True)
        line("table and report", points, lambda: study.save(found, out))
        line("two processes, kept", points, lambda: study.run(asked, out / "two", jobs=2))
    print("bar: 20 ms a point, kept")


def line(name: str, points: int, call: Callable[[], object]) -> None:
    begun, spent = time.perf_counter(), time.process_time()
    call()
    took, used = time.perf_counter() - begun, time.process_time() - spent
    print(f"{name:28}{1e3 * took / points:7.2f} ms{1e3 * used / points:7.2f} ms")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
