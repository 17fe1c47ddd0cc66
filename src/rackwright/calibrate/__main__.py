"""Measure a GPU where only Python, NumPy and PyTorch are installed.

``PYTHONPATH=src python3 -m rackwright.calibrate --out DIR`` is ``rackwright calibrate gpu`` without
the packages that the rest needs.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from rackwright.calibrate.machine import bench, torch_with_gpu, write_description
from rackwright.calibrate.plan import plan
from rackwright.calibrate.session import Report, run
from rackwright.errors import RackwrightError

EVERY = 20.0  # seconds between lines of progress


def main() -> int:
    """Measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="rackwright.calibrate")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="tables, with commas between")
    parser.add_argument("--budget", type=float, help="seconds after which to stop")
    parser.add_argument("--every", type=int, default=1, help="measure each so-manieth point only")
    given = parser.parse_args()
    try:
        points = plan([name for name in given.only.split(",") if name])[::given.every]
        torch = torch_with_gpu()
        write_description(torch, given.out)
        done = run(points, given.out, bench(torch), given.budget, _lines())
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
