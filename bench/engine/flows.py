"""Exact max-min sharing of shuffles on fat-trees, against SimGrid's recorded times.

usage: python bench/engine/flows.py [RUNS]

SimGrid 3.32 (C++ S4U, CM02) took these CPU seconds on a shared 2-core box, and printed these
makespans; compilation is left out of ours (the first call).
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

from rackwright.engine import share_flows

# ports, flows: makespan (s), CPU time (s)
SIMGRID = {(8, 1_000): (0.00205465336, 0.39), (16, 1_000): (0.00079056784, 0.49),
           (8, 10_000): (0.0128793209, 149.3)}


def main(runs: int = 2) -> None:
    place = Path(__file__).parents[2] / "tests" / "engine" / "conftest.py"
    spec = importlib.util.spec_from_file_location("shuffles", place)
    assert spec is not None and spec.loader is not None
    shuffles = importlib.util.module_from_spec(spec)
    sys.modules["shuffles"] = shuffles
    spec.loader.exec_module(shuffles)
    share_flows([1.0], [0, 1], [0], 1.0)
    for (ports, flows), (makespan, seconds) in SIMGRID.items():
        load = shuffles.fat_tree_shuffle(ports, flows)
        best = float("inf")
        for _ in range(runs):
            start = time.process_time()
            finish = share_flows(*load.arguments)
            best = min(best, time.process_time() - start)
        print(f"k={ports:<3} {flows:>6} flows  {best:7.3f} s  {seconds / best:6.1f} x SimGrid  "
              f"makespan {finish.max():.12f} ({finish.max() / makespan - 1:+.1e})")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
