"""Products cut into tiles that run in waves over the SMs, and data that may wait in L2.

What the product models share. A tile walks the inner size in steps; a step lasts as long as its
math or as the loads of one SM, whichever is longer, and every tile has a prologue that grows with
its area. Tiles run in waves; the SMs that a last wave leaves empty are lost in part only, since
kernels even work out and a board at its power limit spends the spared power on its clock. Memory
traffic runs beside the tiles; the longer of the two counts, with a soft corner.

Three tile shapes and three splits are tried and the fastest is taken: 48 combinations in place of
these nine changed the median error by 0.2 %. A tile is loaded whole, also where it is not full.

Leaves out: which kernel a library really picks.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rackwright.devices.arguments import Floats

__all__ = ["THIN_TILES", "TILES", "Rates", "fastest", "in_l2", "soft_maximum", "waves"]

TILES = ((64, 64), (128, 128), (128, 256))  # rows, columns
THIN_TILES = ((8, 128), (32, 128), (64, 64), (128, 128))
"""Where padding rows costs math that matters: CUDA cores (shapes assumed, none was measured)."""
STEP_K = 64             # k is walked in steps of this many
FULL_TILE = 128 * 256   # elements of the tile that `Rates.prologue` is for
PARTIAL_BYTES = 8       # a partial sum is written and read once, in float32
STEEPNESS = 4           # of the step between L2 and HBM: that of `elementwise`


class Rates(NamedTuple):
    """What one GPU's kernels of one data type do; times in seconds.

    `math`: flop/s of all `sms`; `load`: bytes/s into one SM; `prologue`: start and end of a
    FULL_TILE; `split_time`: adding up splits; `wave_loss`: lost share of what a last wave leaves
    empty; `memory`: bytes/s; `width`: bytes an element; `splits`: of k; `tiles`: rows and columns.
    """

    sms: int
    math: float
    load: float
    prologue: float
    split_time: float
    wave_loss: float
    memory: float
    width: int
    splits: tuple[int, ...]
    tiles: tuple[tuple[int, int], ...] = TILES


def fastest(rates: Rates, m: Floats, n: Floats, k: Floats, memory: Floats) -> Floats:
    """Seconds of products (one-dimensional arrays) with the best tile and split.

    `memory`: seconds of their traffic, that of partial sums left out.
    """
    rows, columns = np.array(rates.tiles, np.float64).T[:, :, None, None]
    tiles = np.ceil(m / rows)
    tiles *= np.ceil(n / columns)
    splits = np.array(rates.splits, np.float64)[:, None]
    extra = np.where(splits > 1, rates.split_time, 0.0)
    depth = np.ceil(k / (STEP_K * splits)) * STEP_K
    time = depth * _step_time(rates, rows, columns)
    time += rows * columns * (rates.prologue / FULL_TILE)
    time *= waves(tiles * (splits / rates.sms), rates.wave_loss)
    time += extra
    partial = np.where(splits > 1, splits * (PARTIAL_BYTES / rates.memory), 0.0) * (m * n)
    traffic = _sixth_power(memory + extra + partial)
    total = _sixth_power(time)
    total += traffic
    best: Floats = total.min(axis=(0, 1)) ** (1 / 6)
    return best


def waves(share: Floats, wave_loss: float) -> Floats:
    """Waves that tiles make, which are given as a multiple of the SMs."""
    full = np.ceil(share)
    full -= share
    full *= wave_loss
    full += share
    return np.maximum(full, 1.0)


def soft_maximum(a: Floats, b: Floats) -> Floats:
    """The longer of two times, more where they are near each other.

    The exponent, 6, was the best of 4, 6, 8 and a hard corner on shapes left out of a fit.
    """
    both: Floats = (_sixth_power(a) + _sixth_power(b)) ** (1 / 6)
    return both


def in_l2(nbytes: Floats, reach: float) -> Floats:
    """Share of a working set of `nbytes` that L2 still holds; half of it at `reach` bytes."""
    ratio = nbytes / reach
    ratio *= ratio
    ratio *= ratio  # STEEPNESS = 4
    ratio += 1
    held: Floats = 1 / ratio
    return held


def _step_time(rates: Rates, rows: Floats, columns: Floats) -> Floats:
    """Seconds that one element of k takes in each tile."""
    math = 2 * rows * columns * (rates.sms / rates.math)
    return np.maximum(math, rates.width * (rows + columns) / rates.load)


def _sixth_power(time: Floats) -> Floats:
    square = time * time
    cube_of_square = square * square
    cube_of_square *= square
    return cube_of_square
