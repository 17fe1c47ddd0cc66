"""Measure a GPU where only Python, NumPy and PyTorch are installed.

``PYTHONPATH=src python3 -m rackwright.calibrate --out DIR`` is ``rackwright calibrate gpu`` without
the packages that the rest needs.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from pathlib import Path

from rackwright.calibrate import crew
from rackwright.calibrate.machine import bench, torch_with_gpu, write_description
from rackwright.calibrate.plan import plan
from rackwright.calibrate.points_file import read_points
from rackwright.calibrate.rows import table_of
from rackwright.calibrate.session import Report, run
from rackwright.calibrate.tables import TABLES, tables_of
from rackwright.errors import RackwrightError, UsageError

EVERY = 20.0  # seconds between lines of progress


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="rackwright.calibrate")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default=",".join(tables_of("gpu")),
                        help="tables, with commas between: those of one GPU, or those of several")
    parser.add_argument("--points", type=Path, help="a table's file of points: these only")
    parser.add_argument("--budget", type=float, help="seconds after which to stop")
    parser.add_argument("--every", type=int, default=1, help="measure each so-manieth point only")
    given = parser.parse_args()
    try:
        names = [name for name in given.only.split(",") if name]
        if given.points:
            names = [table_of(given.points).name]
        points = read_points(given.points) if given.points else plan(names)
        points = points[::given.every]
        several = {TABLES[name].command != "gpu" for name in names}
        if len(several) != 1:
            raise UsageError("--only must name tables of one GPU, or tables of several")
        torch = torch_with_gpu()
        if True in several:
            points = crew.possible(points, crew.usable(torch))
            write_description(torch, given.out, crew.describe(torch))
        else:
            write_description(torch, given.out)
        with crew.crew(torch) if True in several else nullcontext(bench(torch)) as measure:
            done = run(points, given.out, measure, given.budget, _lines())
    except RackwrightError as problem:
        print(f"rackwright: error: {problem}", file=sys.stderr)
        return problem.exit_code
    print(done)
    return 0


def _lines() -> Report:
    last = time.monotonic()

    def report(done: float, total: float, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            print(f"{done:.0f} of {total:.0f}: {text}", file=sys.stderr, flush=True)
    return report


if __name__ == "__main__":
    sys.exit(main())
