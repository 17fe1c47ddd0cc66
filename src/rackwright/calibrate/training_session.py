"""Measuring training steps and eager chains into a folder: `training.csv`, `eager.csv`.

Points that the folder has are not measured again; each is written as soon as it is measured; what
fails goes to `skipped.txt` with the reason and the others go on.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rackwright.calibrate.crew import FAILURES, crew, describe
from rackwright.calibrate.eager_plan import (
    EAGER_HEAD,
    ChainPoint,
    chain_plan,
    chain_text,
    read_eager,
)
from rackwright.calibrate.machine import torch_with_gpu, write_description
from rackwright.calibrate.training_plan import (
    HEAD,
    TrainingPoint,
    global_plan,
    point_text,
    read_training,
    row_text,
    training_plan,
)
from rackwright.errors import InputError, Interrupted, RackwrightError

__all__ = ["PLANS", "AnyPoint", "Done", "SECONDS", "host", "left", "main", "plan", "run"]

AnyPoint = TrainingPoint | ChainPoint
Measure = Callable[[Any], Mapping[str, float]]
PLANS = ("all", "chains", "global", "steps")
SECONDS = 2.2  # a point takes, about: warming up, seven blocks and probes
Done = tuple[int, int, int]  # measured, skipped, left


def plan(gpus: int, which: str = "all") -> list[AnyPoint]:
    """Chains, then steps, or one of the two, or the steps of a global batch only."""
    chains, steps = chain_plan(gpus), training_plan(gpus)
    plans: dict[str, list[AnyPoint]] = {
        "all": [*chains, *steps], "chains": [*chains], "global": [*global_plan(gpus)],
        "steps": [*steps]}
    return plans[which]


def left(points: Sequence[AnyPoint], folder: Path) -> list[AnyPoint]:
    """Those of `points` that `folder` has no row of. Raises InputError for a damaged file."""
    there: set[AnyPoint] = set()
    for name in ("training", "eager"):
        path = folder / f"{name}.csv"
        if path.exists() and len(path.read_text(encoding="utf-8").splitlines()) > 1:
            there |= {row.point for row in
                      (read_training if name == "training" else read_eager)(path)}
    return [point for point in points if point not in there]


def run(points: Sequence[AnyPoint], folder: Path, measure: Measure, budget: float | None,
        report: Callable[[float, float, str], None] | None = None) -> Done:
    """Measure what is left. Raises Interrupted at Ctrl-C; what is done is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    todo, begin = left(points, folder), time.monotonic()
    measured = skipped = 0
    try:
        for point in todo:
            if budget is not None and time.monotonic() - begin > budget:
                break
            good = _one(point, folder, measure)
            measured, skipped = measured + good, skipped + (not good)
            if report:
                report(measured + skipped, len(todo), _text(point))
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted after {measured} points, which are kept in {folder}; "
                          "the same command goes on") from None
    return measured, skipped, len(todo) - measured - skipped


def _one(point: AnyPoint, folder: Path, measure: Measure) -> bool:
    try:
        values = dict(measure(point))
    except FAILURES as problem:
        reason = (str(problem).strip().splitlines() or ["no message"])[0]
        with (folder / "skipped.txt").open("a", encoding="utf-8") as file:
            file.write(f"{_text(point)}: {reason}\n")
        return False
    name, head, line = ("eager", EAGER_HEAD, chain_text(point, values)) \
        if isinstance(point, ChainPoint) else ("training", HEAD, row_text(point, values))
    path = folder / f"{name}.csv"
    new = not path.exists() or not path.stat().st_size
    with path.open("a", encoding="utf-8") as file:
        file.write((",".join(head) + "\n" if new else "") + line + "\n")
    return True


def _text(point: AnyPoint) -> str:
    if isinstance(point, TrainingPoint):
        return point_text(point)
    return f"{point.chain} {point.dtype} {point.gpus} GPU, {point.blocks} blocks"


@contextmanager
def host(torch: Any, traces: Path | None = None) -> Iterator[Measure]:
    """What measures a point on this machine."""
    from rackwright.calibrate.measure_training import TrainingBench, Worker

    count = int(torch.cuda.device_count())
    with crew(torch, Worker(traces)) if count > 1 else \
            nullcontext(TrainingBench(torch, 0, {}, traces)) as measure:
        yield measure


def main() -> int:
    """`python3 -m rackwright.calibrate.measure_training`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="rackwright.calibrate.measure_training")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, help="seconds after which to stop")
    parser.add_argument("--plan", choices=PLANS, default="all")
    parser.add_argument("--only", default="", help="points whose text holds one of these words, "
                        "with commas between")
    parser.add_argument("--traces", type=Path, help="folder of profiler traces")
    given = parser.parse_args()
    words = [word for word in given.only.split(",") if word]
    try:
        torch = torch_with_gpu()
        count = int(torch.cuda.device_count())
        if given.traces:
            given.traces.mkdir(parents=True, exist_ok=True)
        points = [point for point in plan(count, given.plan)
                  if not words or any(word in _text(point) for word in words)]
        if not points:
            raise InputError(f"no point of the plan {given.plan!r} holds {given.only!r}")
        write_description(torch, given.out, describe(torch) if count > 1 else None)
        begin = time.monotonic()
        with host(torch, given.traces) as measure:
            done = run(points, given.out, measure, given.budget, lambda now, total, text: print(
                f"{time.monotonic() - begin:.0f} s {now}/{total} {text}", file=sys.stderr,
                flush=True))
        print("measured {}, skipped {}, left {}".format(*done), file=sys.stderr)
    except RackwrightError as problem:
        print(f"rackwright: error: {problem}", file=sys.stderr)
        return problem.exit_code
    return 0
