"""Kernels bound by memory: copies, norms, activations.

Models: a launch floor, then bytes touched over a bandwidth that is L2's for a working set well
inside L2 and HBM's beyond, with a soft step between; device-to-device copies of LARGE_COPY bytes
and more take a slower path; a norm also walks its row serially.

A norm over float-reduced rows of `dim` is one kernel, `silu_mul` two (silu, multiply), `add` one,
each in eager PyTorch. Leaves out: fusion, strides, small last dimensions.

Sources: coefficients fitted to `h100_x1/memory.csv` and `h100_x1/pieces.csv` (see `fitting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.part import Fit

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["PiecesFit", "copy_seconds", "in_place_seconds", "kernel_seconds", "norm_seconds",
           "stream_seconds"]

LARGE_COPY = 512 * 2 ** 20  # B; memory.csv: 256 MiB run at 3.0 TB/s, 512 MiB and more at 2.44
STEP = 4                    # steepness of the step between L2 and HBM


@dataclass(frozen=True, kw_only=True)
class PiecesFit(Fit):
    """Coefficients of the functions below.

    `memory_share`: of HBM's datasheet bandwidth. `l2_per_clock`: bytes a clock and SM from L2.
    `l2_reach`: working set, as a share of L2, of which half comes from L2. `large_copy_share`:
    HBM's share of a large copy. `norm_row_time`: seconds a norm spends per element of a row,
    whatever the number of rows; `norm_share`: HBM's share of a norm.
    """

    floor_time: float
    memory_share: float
    l2_per_clock: float
    l2_reach: float
    large_copy_share: float
    norm_row_time: float
    norm_share: float


def stream_seconds(gpu: Gpu, nbytes: Floats, footprint: Floats, share: float) -> Floats:
    """Seconds to touch `nbytes` of a working set of `footprint` bytes, without a launch."""
    fit = gpu.pieces
    l2 = fit.l2_per_clock * gpu.clock_hz * gpu.sms
    hits = 1 / (1 + (footprint / (fit.l2_reach * gpu.l2_nbytes)) ** STEP)
    return nbytes * (hits / l2 + (1 - hits) / (gpu.memory_bandwidth * share))


def kernel_seconds(gpu: Gpu, nbytes: Floats, kernels: int = 1) -> Floats:
    """Seconds of `kernels` that touch `nbytes` of different memory in all; 0 for no bytes."""
    fit = gpu.pieces
    time = kernels * fit.floor_time + stream_seconds(gpu, nbytes, nbytes / kernels,
                                                     fit.memory_share)
    return np.where(nbytes > 0, time, 0.0)


def in_place_seconds(gpu: Gpu, nbytes: Floats) -> Floats:
    """Seconds of a kernel that reads and writes the same `nbytes`."""
    fit = gpu.pieces
    time = fit.floor_time + stream_seconds(gpu, 2 * nbytes, nbytes, fit.memory_share)
    return np.where(nbytes > 0, time, 0.0)


def copy_seconds(gpu: Gpu, nbytes: Floats) -> Floats:
    """Seconds of a copy of `nbytes` within the GPU's memory."""
    large = 2 * nbytes / (gpu.memory_bandwidth * gpu.pieces.large_copy_share)
    return np.where(nbytes >= LARGE_COPY, gpu.pieces.floor_time + large,
                    kernel_seconds(gpu, 2 * nbytes))


def norm_seconds(gpu: Gpu, tokens: Floats, dim: Floats, width: int) -> Floats:
    """Seconds of a norm over each of `tokens` rows."""
    fit = gpu.pieces
    nbytes = 2 * width * tokens * dim
    time = fit.floor_time + fit.norm_row_time * dim \
        + stream_seconds(gpu, nbytes, nbytes, fit.norm_share)
    return np.where(nbytes > 0, time, 0.0)
