"""Topologies: CPU time to build a graph, to compile it, and to find routes between random pairs.

usage: python bench/bench_topologies.py [RUNS]

Every line is the median of RUNS (3) runs. Routes are of a new Fabric, so that nothing is kept from
the run before; networkx, NumPy and the catalog are imported before the clock starts.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from rackwright import topologies

CASES: dict[str, tuple[Callable[[], Any], int]] = {
    "fat-tree, k = 14": (lambda: topologies.fat_tree(14), 1000),
    "torus 10x10x10": (lambda: topologies.torus("10x10x10"), 1000),
    "fat-tree, k = 32": (lambda: topologies.fat_tree(32), 1000),
    "torus 20x20x25": (lambda: topologies.torus("20x20x25"), 200),
    "rails of 320 DGX H100": (
        lambda: topologies.dgx("h100-sxm", hosts=320, fabric="rails"), 1000),
}


class Times(NamedTuple):
    """CPU seconds, and how many nodes."""

    nodes: int
    build: float
    compile: float
    routes: float


def main(runs: int = 3) -> None:
    topologies.compile(topologies.dgx())  # what is imported at the first use
    print(f"{'':<22} {'nodes':>6} {'build':>9} {'compile':>9} {'routes':>16} {'a route':>11}")
    for case, (build, pairs) in CASES.items():
        found = [_times(build, pairs) for _ in range(runs)]
        nodes, made, compiled, routed = map(statistics.median, zip(*found, strict=True))
        print(f"{case:<22} {nodes:6.0f} {made:7.2f} s {compiled:7.2f} s "
              f"{routed:6.2f} s of {pairs:<4} {routed / pairs * 1e3:8.2f} ms")


def _times(build: Callable[[], Any], pairs: int) -> Times:
    start = time.process_time()
    graph = build()
    built = time.process_time()
    fabric = topologies.compile(graph)
    compiled = time.process_time()
    ends = sorted(fabric.gpus() or fabric.endpoints["nic"])
    drawn = np.random.default_rng(0).integers(0, len(ends), (pairs, 2))
    wanted = [(ends[one], ends[other]) for one, other in drawn.tolist()]
    drew = time.process_time()
    fabric.routes(wanted)
    return Times(len(fabric.nodes), built - start, compiled - built, time.process_time() - drew)


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
