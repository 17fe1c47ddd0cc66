"""Matrix products on a GPU: tiles, waves, split k, memory, clocks.

Models a library that has tiles of several shapes and picks the fastest: the product is cut into
tiles (and k into splits), tiles run in waves over the SMs, a wave lasts as long as its math or as
the loads of one SM, whichever is longer, plus a prologue that grows with the tile. Memory traffic
(every operand once, partial sums of splits twice) runs beside it; the longer of the two counts,
with a soft corner. A launch floor is added. Sustained math lowers the clock: a loss proportional
to the ideal math time that builds up over `clock_time`.

The weights are taken to be in memory, not in L2, as in a model whose layers follow each other.
The same code serves grouped products (experts) with a count of rows for each group.

Leaves out: which kernel the library really picks (about one shape in ten runs 20-40 % slower than
its best tile would: the band's p90), re-reading of operands that do not fit L2, layouts, epilogues,
alignment, structured sparsity.

Sources: coefficients fitted to `h100_x1/gemm.csv` (see `fitting`); tile shapes are those usual in
libraries; SPLIT_TIME is `h100_x1/launch.csv`, one more graph node.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.part import Fit

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["GemmFit", "gemm_seconds", "grouped_seconds"]

TILES = ((64, 64), (64, 128), (128, 128), (64, 256), (128, 256), (256, 128))  # rows, columns
SPLITS = (1, 2, 4, 8, 16)
STEP_K = 64           # k is walked in steps of this many
FULL_TILE = 128 * 256  # elements of the tile that `prologue_clocks` is for
CORNER = 6            # exponent of the soft maximum (fitted: the best of 4, 6, 8 and a hard one
                      # on left-out shapes of h100_x1/gemm.csv)
SPLIT_TIME = 1.21e-6  # s; the kernel that adds up the splits (measured: launch.csv, graph_node)
PARTIAL_BYTES = 8     # a partial sum is written and read once, in float32


@dataclass(frozen=True, kw_only=True)
class GemmFit(Fit):
    """Coefficients of `gemm_seconds`; those of clocks and bytes per clock carry over to parts
    with other clocks.

    `math_share`, `memory_share`: of the peaks. `load_per_clock`: bytes that one SM loads a clock.
    `prologue_clocks`: start and end of a 128 x 256 tile. `clock_loss`: seconds lost per second
    of ideal math once `clock_time` is long past.
    """

    floor_time: float
    math_share: float
    memory_share: float
    load_per_clock: float
    prologue_clocks: float
    clock_loss: float
    clock_time: float


def gemm_seconds(gpu: Gpu, peak: float, width: int, m: Floats, n: Floats, k: Floats) -> Floats:
    """Seconds of y[m,n] = x[m,k] @ w[k,n] with `width` bytes an element; 0 for empty ones."""
    return grouped_seconds(gpu, peak, width, m[..., None], n, k)


def grouped_seconds(gpu: Gpu, peak: float, width: int, rows: Floats, n: Floats, k: Floats,
                    splits: tuple[int, ...] = SPLITS) -> Floats:
    """One kernel for several products of the same n and k; the last axis of `rows` counts them."""
    fit = gpu.gemm
    total = rows.sum(axis=-1)
    flops = 2 * total * n * k
    nbytes = width * (total * (k + n) + np.count_nonzero(rows, axis=-1) * k * n)
    best = np.full(flops.shape, np.inf)
    for tile, split in itertools.product(TILES, splits):
        best = np.minimum(best, _body(gpu, peak, width, rows, n, k, nbytes, tile, split))
    lost = fit.clock_loss * (flops / peak) * -np.expm1(-best / fit.clock_time)
    return np.where(flops > 0, fit.floor_time + best + lost, 0.0)


def _body(gpu: Gpu, peak: float, width: int, rows: Floats, n: Floats, k: Floats, nbytes: Floats,
          tile: tuple[int, int], split: int) -> Floats:
    """Seconds between launch and end with one tile shape and split, at the full clock."""
    fit = gpu.gemm
    height, breadth = tile
    depth = np.ceil(k / split / STEP_K) * STEP_K
    tiles = np.ceil(rows / height).sum(axis=-1) * np.ceil(n / breadth) * split
    math = 2 * height * breadth * depth * gpu.sms / (peak * fit.math_share)
    edge = np.minimum(rows.max(axis=-1), height) + np.minimum(n, breadth)
    load = width * edge * depth / (fit.load_per_clock * gpu.clock_hz)
    prologue = fit.prologue_clocks / gpu.clock_hz * (height * breadth / FULL_TILE)
    compute = np.ceil(tiles / gpu.sms) * (np.maximum(math, load) + prologue)
    partial = PARTIAL_BYTES * split * rows.sum(axis=-1) * n if split > 1 else 0.0
    memory = (nbytes + partial) / (gpu.memory_bandwidth * fit.memory_share)
    return _soft_maximum(compute, memory) + (SPLIT_TIME if split > 1 else 0.0)


def _soft_maximum(a: Floats, b: Floats) -> Floats:
    high, low = np.maximum(a, b), np.minimum(a, b)
    return high * (1 + (low / np.maximum(high, 1e-30)) ** CORNER) ** (1 / CORNER)
