"""Kernels that reduce rows: layer norm, RMS norm, softmax.

One block of threads takes a row, so that a row's length, not the number of rows, decides the time
of few rows: a start and some clocks an element. Many rows pass through the SMs, several at once on
each. Beside that runs the memory: a row read and written, and read again where norms meet long
rows, whose second pass no longer finds them near (inferred: where it does, HBM's bandwidth would
be exceeded).

Softmax has two kernels in PyTorch: rows of up to ROW_LENGTH elements and ROW_NBYTES stay in the
registers of a warp, which is slow for one row; longer ones have a block and shared memory, one at
a time on an SM.

Leaves out: rows that no block holds, reductions over other axes, fusion with what comes before.

Sources: coefficients as in `pieces`; the limits of the two softmaxes are PyTorch's (SoftMax.cu,
read in version 2.10), and the measured times jump there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.pieces import found_in_l2
from rackwright.errors import UnknownName

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["NORMS", "norm_seconds", "softmax_seconds"]

NORMS = ("layer", "rms")
ROW_LENGTH, ROW_NBYTES = 2048, 8192


def norm_seconds(gpu: Gpu, kind: str, tokens: Floats, dim: Floats, width: int, cold: bool
                 ) -> Floats:
    """Seconds of a norm over each of `tokens` rows; raises `UnknownName`."""
    if kind not in NORMS:
        raise UnknownName("norm", kind, NORMS)
    fit = gpu.pieces
    row = fit.layer_norm_start_clocks + fit.layer_norm_clocks * dim if kind == "layer" else \
        fit.rms_norm_start_clocks + fit.rms_norm_clocks * dim
    length = dim / fit.norm_reach
    length = length * length
    again = length * length / (1 + length * length)
    return _rows_seconds(gpu, tokens, row, fit.norm_rows, width * tokens * dim, again, cold)


def softmax_seconds(gpu: Gpu, tokens: Floats, dim: Floats, width: int, cold: bool) -> Floats:
    """Seconds of a softmax over each of `tokens` rows."""
    fit = gpu.pieces
    short = dim <= min(ROW_LENGTH, ROW_NBYTES // width)
    row = dim * np.where(short, fit.softmax_row_clocks, fit.softmax_block_clocks)
    at_once = np.where(short, fit.softmax_row_rows, fit.softmax_block_rows)
    return _rows_seconds(gpu, tokens, row, at_once, width * tokens * dim, 0.0, cold)


def _rows_seconds(gpu: Gpu, tokens: Floats, row: Floats, at_once: Floats | float, nbytes: Floats,
                  again: Floats | float, cold: bool) -> Floats:
    """`row`: clocks of a row; `nbytes` of all rows; `again`: how often HBM serves them once more.

    Three times of which the longest hides most of the others: of a row, of all rows on the SMs, of
    the memory (exponents 2 and 4, fitted: the best of 1.5 to 6 on rows of set "fit").
    """
    fit = gpu.pieces
    work = tokens * row / at_once / gpu.sms
    near = 2 * nbytes / (fit.read_per_clock * gpu.sms)  # clocks, as the others
    far = (2 + again) * nbytes * gpu.clock_hz / (gpu.memory_bandwidth * fit.memory_share)
    held = 0.0 if cold else found_in_l2(gpu, 2 * nbytes, fit.l2_reach)
    memory = far + held * (near - far)
    work, memory = work * work, memory * memory
    body = np.sqrt(row * row + np.sqrt(work * work + memory * memory))
    launch = fit.floor_time + (fit.memory_time if cold else 0.0)
    return np.where(nbytes > 0, launch + body / gpu.clock_hz, 0.0)
