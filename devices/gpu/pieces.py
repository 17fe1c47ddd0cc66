"""What kernels bound by memory have in common: a launch, then bytes from L2 or from HBM.

Models: a launch floor; a little more until every SM has work; then reads and writes that L2 serves
at a rate of its own each, the slower of which counts. What L2 does not hold comes from HBM, at a
share of its datasheet bandwidth and after its latency, never faster than through L2. A working set
that was touched just before ("warm") is found in L2 as far as it fits, with a soft step; memory
that was not ("cold") is not found there.

`copies`, `elementwise` and `norms` are made of it; their coefficients are here, in one table.
Leaves out: fusion, strides, alignment, memory that other kernels use at the same time.

Sources: coefficients fitted to rows of set "fit" of `measured/<part>/memory.csv.gz` and
`pieces.csv.gz` (see `fits`); their bands are errors on rows of set "held".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.part import Fit
from rackwright.errors import UnknownName

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["RESIDENCES", "PiecesFit", "found_in_l2", "from_both", "is_cold", "launch_seconds",
           "soft_maximum", "stream_seconds"]

RESIDENCES = ("cold", "warm")
EACH_SM = 1024  # B; with so many for each, all SMs have work (inferred: floors grow to there)


@dataclass(frozen=True, kw_only=True)
class PiecesFit(Fit):
    """Coefficients of copies, element-wise kernels, norms and softmax.

    Seconds: `floor_time` of a launch, `ramp_time` more with work for every SM, `memory_time` before
    HBM answers; `fill_floor_time` and `fill_memory_time` the same for a kernel that only writes;
    `special_time` before the first exp or erf is done. Shares of HBM's datasheet bandwidth:
    `memory_share`, `fill_share`. `l2_reach`: working set, as a share of L2, of which half comes
    from L2. Bytes a clock and SM through L2: `read_per_clock`, `write_per_clock`,
    `in_place_per_clock` (written where it was read). `aliased_per_clock`: of the copies that
    `copies` calls aliased; its bandwidth is the geometric mean of this and HBM's. Elements a clock
    and SM: `gelu_per_clock`, `silu_per_clock`.

    Rows: clocks that a row takes when alone, `*_start_clocks` and `*_clocks` for each element, of
    layer norms, RMS norms, softmax of a row in registers (`softmax_row_clocks`) and in shared
    memory (`softmax_block_clocks`); how many rows an SM has at once: `norm_rows`,
    `softmax_row_rows`, `softmax_block_rows`. `norm_reach`: row length from which norms read a row
    twice from HBM.
    """

    floor_time: float
    ramp_time: float
    memory_time: float
    fill_floor_time: float
    fill_memory_time: float
    special_time: float
    memory_share: float
    fill_share: float
    l2_reach: float
    read_per_clock: float
    write_per_clock: float
    in_place_per_clock: float
    aliased_per_clock: float
    gelu_per_clock: float
    silu_per_clock: float
    layer_norm_start_clocks: float
    layer_norm_clocks: float
    rms_norm_start_clocks: float
    rms_norm_clocks: float
    norm_rows: float
    norm_reach: float
    softmax_row_clocks: float
    softmax_row_rows: float
    softmax_block_clocks: float
    softmax_block_rows: float


def is_cold(residence: str) -> bool:
    """Whether memory was not touched just before; raises `UnknownName`."""
    if residence not in RESIDENCES:
        raise UnknownName("residence of memory", residence, RESIDENCES)
    return residence == "cold"


def found_in_l2(gpu: Gpu, footprint: Floats, reach: float) -> Floats:
    """The share of a working set of `footprint` bytes, just touched, that L2 still holds."""
    over = footprint / (reach * gpu.l2_nbytes)
    over = over * over
    over = over * over
    return 1 / (1 + over * over)  # a step of steepness 8


def soft_maximum(a: Floats, b: Floats) -> Floats:
    """The larger of two times that run side by side; up to an eighth more where they are equal."""
    high = np.maximum(a, b)
    ratio = np.minimum(a, b) / np.maximum(high, 1e-30)
    cube = ratio * ratio * ratio
    return high * np.cbrt(np.sqrt(1 + cube * cube))


def launch_seconds(gpu: Gpu, nbytes: Floats) -> Floats:
    """Seconds of the launch of a kernel that touches `nbytes`."""
    fit = gpu.pieces
    return fit.floor_time + fit.ramp_time * np.minimum(nbytes / (EACH_SM * gpu.sms), 1.0)


def stream_seconds(gpu: Gpu, reads: Floats, writes: Floats, footprint: Floats, cold: bool
                   ) -> Floats:
    """Seconds to read and write so many bytes, without the launch.

    `footprint`: bytes of the different addresses among them.
    """
    fit = gpu.pieces
    clocks = gpu.clock_hz * gpu.sms
    near = np.maximum(reads / (fit.read_per_clock * clocks),
                      writes / (fit.write_per_clock * clocks))
    return from_both(gpu, near, (reads + writes) / (gpu.memory_bandwidth * fit.memory_share),
                     fit.memory_time, footprint, cold)


def from_both(gpu: Gpu, near: Floats, far: Floats, late: float, footprint: Floats, cold: bool
              ) -> Floats:
    """`near` seconds when L2 holds all; `far`, or `near`, and `late` when it holds nothing."""
    far = np.maximum(near, far) + late
    if cold:
        return far
    return far + found_in_l2(gpu, footprint, gpu.pieces.l2_reach) * (near - far)
