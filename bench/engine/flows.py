"""The loads of `bench_flows`, one a process.

usage: python bench/engine/flows.py CASE        prints one line of JSON

A load is a shuffle on a fat-tree (random pairs of hosts, 100 Gbit/s, 1 to 2 MB each), a ring step
or an all-to-all of 1 MiB a pair over 1,024 ranks on one switch. Memory is the peak above an idle
replay: kernels loaded, inputs not yet made.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rackwright.engine.share import share_report

WIDTH = 12.5e9  # bytes/s: 100 Gbit/s
RANKS = 1024


class Load(NamedTuple):
    build: Callable[[], tuple[Any, ...]]
    recorded: tuple[float, float] | None  # SimGrid 3.32's makespan and CPU time, s
    quick: bool = True                    # worth more than one run
    reaction: float = 0.0
    steps: int = 1                        # the load is one of so many equal steps


def shuffle(ports: int, flows: int) -> Callable[[], tuple[Any, ...]]:
    def build() -> tuple[Any, ...]:
        place = Path(__file__).parents[2] / "tests" / "engine" / "conftest.py"
        spec = importlib.util.spec_from_file_location("shuffles", place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["shuffles"] = module
        spec.loader.exec_module(module)
        arguments: tuple[Any, ...] = module.fat_tree_shuffle(ports, flows).arguments
        return arguments

    return build


def ring_step() -> tuple[Any, ...]:
    """Every rank sends 1 / RANKS of 1 MiB to the next one."""
    rank = np.arange(RANKS, dtype=np.int32)
    links = np.stack([rank, RANKS + (rank + 1) % RANKS], axis=1).reshape(-1)
    return np.full(2 * RANKS, WIDTH), np.arange(0, len(links) + 1, 2), links, (1 << 20) / RANKS


def all_to_all() -> tuple[Any, ...]:
    """Every rank sends 1 MiB to every other one."""
    links = np.empty((RANKS, RANKS - 1, 2), np.int32)
    links[:, :, 0] = np.arange(RANKS, dtype=np.int32)[:, None]
    sink = np.arange(RANKS - 1, dtype=np.int32)[None, :]
    links[:, :, 1] = sink + (sink >= links[:, :, 0]) + RANKS
    return np.full(2 * RANKS, WIDTH), np.arange(0, links.size + 1, 2), links.reshape(-1), 1 << 20


CASES = {
    "fat-tree k=8, 1k flows": Load(shuffle(8, 1_000), (0.00205465336, 0.39)),
    "fat-tree k=16, 1k flows": Load(shuffle(16, 1_000), (0.00079056784, 0.49)),
    "fat-tree k=8, 10k flows": Load(shuffle(8, 10_000), (0.0128793209, 149.3), quick=False),
    "ring all-reduce, 1024 ranks": Load(ring_step, None, steps=2 * (RANKS - 1)),
    "all-to-all, 1024 ranks": Load(all_to_all, None),
    "k=16, 100k, reaction 100 us": Load(shuffle(16, 100_000), None, quick=False, reaction=1e-4),
}


def as_text(arguments: tuple[Any, ...]) -> str:
    """Links, then one line a flow: start, bytes, number of links, links."""
    width, offsets, links, nbytes, start = arguments
    lines = [f"{len(width)} {len(nbytes)}", " ".join(repr(float(one)) for one in width)]
    for flow in range(len(nbytes)):
        path = links[offsets[flow]:offsets[flow + 1]].tolist()
        lines.append(f"{float(start[flow])!r} {float(nbytes[flow])!r} {len(path)} "
                     f"{' '.join(map(str, path))}")
    return "\n".join(lines) + "\n"


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(load: Load) -> dict[str, float]:
    share_report([1.0], [0, 1], [0], 1.0)  # loads the kernels
    share_report(np.ones(64), np.arange(65), np.arange(64), 1.0)
    idle = peak_mb()
    arguments = load.build()
    start = time.process_time()
    report = share_report(*arguments, reaction=load.reaction)
    seconds = time.process_time() - start
    return {"cpu_s": seconds, "rss_mb": peak_mb() - idle, "lag_time": report.lag_time,
            "makespan": float(report.finish_time.max()) * load.steps}


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] not in CASES or not sys.argv[1:]:
        raise SystemExit(f"usage: flows.py CASE, one of {', '.join(map(repr, CASES))}")
    print(json.dumps(measure(CASES[sys.argv[1]])))
