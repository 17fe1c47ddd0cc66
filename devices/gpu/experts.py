"""Experts of a mixture: one at a time, or all of a layer in grouped kernels.

`expert_seconds` models one expert as eager code runs it: gate and up in one product, SiLU and
multiply on the two halves of its output (strided, so slower than on whole rows), the down product.

`grouped_seconds` models one kernel for the products of all active experts: tiles of 128 x 128,
rows of each expert padded to them, no split of k. The first tile of a column of weights waits for
memory: an SM has only so many bytes under way (`cold_per_clock`), so a faster HBM helps little;
further tiles of the column find the weights in L2.

`moe_seconds` models a fused layer: two grouped products, one SiLU-multiply kernel between, and a
fixed time for routing, alignment and reduction.

Leaves out: shared experts, quantised weights, expert-parallel exchange (the topology's), the gate;
kernels other than that of `torch._grouped_mm`.

Sources: what lies between an expert's products is fitted to `measured/h100-sxm/expert.csv.gz` less
the same products in `gemm.csv.gz`, the grouped products of `moe` to `grouped.csv.gz` (rows of set
"fit"); the `overhead_time` of a layer: see the part file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.gemm import DTYPE_BYTES, gemm_seconds, type_factor
from rackwright.devices.gpu.tiles import in_l2, soft_maximum, waves
from rackwright.devices.part import Fit

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["ExpertFit", "MoeFit", "between_seconds", "expert_seconds", "grouped_seconds",
           "moe_seconds"]

TILE = 128    # rows and columns of a tile of grouped products
STEP_K = 64   # k is walked in steps of this many


@dataclass(frozen=True, kw_only=True)
class ExpertFit(Fit):
    """What lies between the products of one expert. `gap_time`: two kernels for few tokens;
    `l2_per_clock`: bytes a clock and SM of strided rows in L2; `memory_share`: of HBM."""

    gap_time: float
    l2_per_clock: float
    memory_share: float


@dataclass(frozen=True, kw_only=True)
class MoeFit(Fit):
    """Coefficients of `grouped_seconds`, named as those of `GemmFit`, and of `moe_seconds`.

    `math_share`: at the power limit. `cold_per_clock`: bytes of weights that an SM gets from
    memory a clock. `overhead_time`: seconds a layer spends on routing, alignment and reduction.
    """

    floor_time: float
    math_share: float
    memory_share: float
    cold_per_clock: float
    prologue_clocks: float
    wave_loss: float
    overhead_time: float


def expert_seconds(gpu: Gpu, dtype: str, tokens: Floats, hidden: Floats, ffn: Floats) -> Floats:
    """Seconds of one expert, unfused; 0 without tokens."""
    products = gemm_seconds(gpu, dtype, np.stack([tokens, tokens]), np.stack([2 * ffn, hidden]),
                            np.stack([hidden, ffn]))
    time = products[0] + products[1] + between_seconds(gpu, dtype, tokens, ffn)
    return np.where(tokens * hidden * ffn > 0, time, 0.0)


def between_seconds(gpu: Gpu, dtype: str, tokens: Floats, ffn: Floats) -> Floats:
    """Seconds of the two kernels between the products of an unfused expert."""
    # SiLU reads and writes a half, the multiply reads two and writes one
    return gpu.expert.gap_time + _strided_time(gpu, 5 * DTYPE_BYTES[dtype] * tokens * ffn)


def moe_seconds(gpu: Gpu, dtype: str, tokens: Floats, hidden: Floats, ffn: Floats) -> Floats:
    """Seconds of one layer's experts, fused; the last axis of `tokens` counts experts."""
    rows = tokens.sum(axis=-1)
    products = grouped_seconds(gpu, dtype, tokens, 2 * ffn, hidden) \
        + grouped_seconds(gpu, dtype, tokens, hidden, ffn)
    # one kernel that reads two halves and writes one
    between = gpu.expert.gap_time / 2 + _strided_time(gpu, 3 * DTYPE_BYTES[dtype] * rows * ffn)
    time = products + between + gpu.moe.overhead_time
    return np.where(rows * hidden * ffn > 0, time, 0.0)


def grouped_seconds(gpu: Gpu, dtype: str, rows: Floats, n: Floats, k: Floats) -> Floats:
    """One kernel for several products of the same n and k; the last axis of `rows` counts them."""
    fit = gpu.moe
    total, active = rows.sum(axis=-1), np.count_nonzero(rows, axis=-1)
    columns = np.ceil(n / TILE)
    tiles = np.maximum(np.ceil(rows / TILE).sum(axis=-1) * columns, 1.0)
    first = active * columns / tiles
    cold, warm = _tile_times(gpu, dtype, k)
    one = first * cold + (1 - first) * warm + fit.prologue_clocks / gpu.clock_hz
    body = soft_maximum(waves(tiles / gpu.sms, fit.wave_loss) * one,
                        _memory_time(gpu, dtype, total, active, n, k))
    return np.where(total * n * k > 0, fit.floor_time + body, 0.0)


def _tile_times(gpu: Gpu, dtype: str, k: Floats) -> tuple[Floats, Floats]:
    """Seconds along k of a column's first tile, and of one whose weights are in L2."""
    depth = np.ceil(k / STEP_K) * STEP_K
    math = gpu.peak_flops(dtype) * gpu.moe.math_share * type_factor(gpu, dtype, "math")
    warm = depth * (2 * TILE * TILE * gpu.sms / math)
    cold = depth * (DTYPE_BYTES[dtype] * TILE / (gpu.moe.cold_per_clock * gpu.clock_hz))
    return soft_maximum(warm, cold), warm


def _memory_time(gpu: Gpu, dtype: str, total: Floats, active: Floats, n: Floats, k: Floats
                 ) -> Floats:
    """Weights of the active experts once, every row in and out once."""
    nbytes = DTYPE_BYTES[dtype] * (active * n * k + total * (n + k))
    return nbytes / (gpu.memory_bandwidth * gpu.moe.memory_share)


def _strided_time(gpu: Gpu, nbytes: Floats) -> Floats:
    """Seconds to touch `nbytes` in rows that lie apart, of which 3/5 are different memory."""
    fit = gpu.expert
    held = in_l2(0.6 * nbytes, gpu.gemm.l2_reach * gpu.l2_nbytes)
    l2 = fit.l2_per_clock * gpu.clock_hz * gpu.sms
    return nbytes * (held / l2 + (1 - held) / (gpu.memory_bandwidth * fit.memory_share))
