"""Cost methods of a GPU: shapes per CPU second in large arrays, and microseconds of one call.

usage: python bench/bench_costs.py [RUNS]

Medians of RUNS (5) runs. The last column is the time over that of a plain roofline of products in
NumPy on the same shapes, which takes turns with each method.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from rackwright.devices import catalog
from rackwright.devices.gpu.part import Gpu

SHAPES = 400_000
CALLS = 200
BAR_RATE, BAR_CALL = 1e6, 300.0  # shapes a second, microseconds a call

Sizes = tuple[Any, ...]


def sizes(count: int | None) -> dict[str, Sizes]:
    """Arguments by method: `count` random shapes, or one."""
    draws = np.random.default_rng(1)

    def many(low: int, high: int, step: int = 1) -> Any:
        found = step * draws.integers(low, high, count)
        return found if count else int(found)
    experts = draws.integers(0, 200, (count, 8)) if count else [3, 5, 0, 80, 1, 0, 7, 9]
    return {
        "gemm_time": (many(1, 16384), many(1, 512, 64), many(1, 256, 64)),
        "expert_time": (many(1, 4096), many(8, 128, 64), many(8, 256, 64)),
        "moe_time": (experts, many(8, 128, 64), many(8, 256, 64)),
        "attention_time": (many(1, 64), 32, 8, 128, 1, many(1, 8192)),
        "conv_time": (many(1, 64), many(8, 64, 8), many(8, 64, 8), 28, 28, 3),
        "copy_time": (many(1, 2 ** 20, 1024),),
        "norm_time": (many(1, 16384), many(16, 128, 64)),
    }


def roofline(gpu: Gpu, m: Any, n: Any, k: Any) -> Any:
    """What every method is compared with."""
    return 3e-6 + np.maximum(2.0 * m * n * k / (0.7 * gpu.peak_flops()),
                             2.0 * (m * k + k * n + m * n) / (0.88 * gpu.memory_bandwidth))


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """CPU seconds of one `work`."""
    start = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - start) / times


def main(runs: int) -> None:
    gpu = catalog.gpu("h100-sxm")
    large, single = sizes(SHAPES), sizes(None)
    print(f"{'method':18}{'shapes/s':>14}{'bar':>12}{'one call':>12}{'bar':>10}{'/ roofline':>12}")
    for name, arguments in large.items():
        method = getattr(gpu, name)
        plain, ours, call = [], [], []
        method(*single[name])  # imports
        for _ in range(runs):
            plain.append(seconds(lambda: roofline(gpu, *large["gemm_time"])))
            ours.append(seconds(lambda: method(*arguments)))  # noqa: B023
            call.append(seconds(lambda: method(*single[name]), CALLS))  # noqa: B023
        rate, each = SHAPES / median(ours), median(call) * 1e6
        print(f"{name:18}{rate:>14,.0f}{BAR_RATE:>12,.0f}{each:>9,.0f} us{BAR_CALL:>7,.0f} us"
              f"{median(ours) / median(plain):>12.1f}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
