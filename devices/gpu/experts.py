"""Experts of a mixture: one at a time, or all of a layer in grouped kernels.

`expert_seconds` models one expert as eager code runs it: gate and up in one product, SiLU and
multiply on the two halves of its output (strided, so slower than on whole rows), the down product.
`moe_seconds` models a fused layer: two grouped products over the ACTIVE experts (weights once,
rows padded to tiles), one SiLU-multiply kernel between, and a fixed time for routing, alignment
and reduction.

Leaves out: shared experts, quantised weights, expert-parallel exchange (the topology's), the gate.

Sources: `expert` coefficients fitted to `h100_x1/moe_expert.csv` on top of the product model;
`moe` overhead: see the part file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.elementwise import kernel_seconds
from rackwright.devices.gpu.gemm import gemm_seconds, grouped_seconds
from rackwright.devices.part import Fit

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["ExpertFit", "MoeFit", "expert_seconds", "moe_seconds"]


@dataclass(frozen=True, kw_only=True)
class ExpertFit(Fit):
    """`strided_factor`: strided element-wise kernels over contiguous ones. `gap_time`: seconds
    an expert takes beyond its kernels."""

    strided_factor: float
    gap_time: float


@dataclass(frozen=True, kw_only=True)
class MoeFit(Fit):
    """`overhead_time`: seconds a layer spends on routing, alignment and reduction."""

    overhead_time: float


def expert_seconds(gpu: Gpu, peak: float, width: int, tokens: Floats, hidden: Floats,
                   ffn: Floats) -> Floats:
    """Seconds of one expert, unfused; 0 without tokens."""
    fit = gpu.expert
    products = gemm_seconds(gpu, peak, width, tokens, 2 * ffn, hidden) \
        + gemm_seconds(gpu, peak, width, tokens, hidden, ffn)
    # SiLU reads and writes a half, the multiply reads two and writes one
    between = kernel_seconds(gpu, 5 * width * tokens * ffn, kernels=2)
    time = products + fit.strided_factor * between + fit.gap_time
    return np.where(tokens * hidden * ffn > 0, time, 0.0)


def moe_seconds(gpu: Gpu, peak: float, width: int, tokens: Floats, hidden: Floats,
                ffn: Floats) -> Floats:
    """Seconds of one layer's experts, fused; the last axis of `tokens` counts experts."""
    one_split = (1,)
    products = grouped_seconds(gpu, peak, width, tokens, 2 * ffn, hidden, one_split) \
        + grouped_seconds(gpu, peak, width, tokens, hidden, ffn, one_split)
    rows = tokens.sum(axis=-1)
    between = kernel_seconds(gpu, 3 * width * rows * ffn)
    time = products + between + gpu.moe.overhead_time
    return np.where(rows * hidden * ffn > 0, time, 0.0)
