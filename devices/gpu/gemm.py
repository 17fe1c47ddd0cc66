"""Matrix products on a GPU: tiles, waves, split k, memory, the power limit.

The product is cut into tiles (and k into splits) as `tiles` says; the weights come from memory,
since in a model whose layers follow each other L2 does not hold them; the other operand and the
result stay in L2 where the product's whole working set fits. A launch floor is added.

The power limit: busy matrix units draw more than the board may, and the clock falls (1,350 instead
of 1,980 MHz on a measured H100). The loss is `clock_loss` seconds per second of ideal math while
the board never pauses, and less for products that are short against the pauses between them:
`pause_time` over their own time. Two measurements of ours differ in that by 7 % for products of
1,000 rows and more; the catalog's `pause_time` lies between them (see docs/design/0006).
`dataclasses.replace` it by 0 for a board that works without a break.

Types other than bf16 have coefficients of their own where they were measured (`TypesFit`); fp32 is
plain CUDA cores.

Leaves out: which kernel the library really picks (about one shape in ten runs 20-40 % slower than
its best tile would: the band's p90), layouts, epilogues, alignment, structured sparsity.

Sources: coefficients fitted to `measured/h100-sxm/gemm.csv.gz` (rows of set "fit") and
`h100_x1/gemm.csv`; see `fits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.tiles import THIN_TILES, TILES, Rates, fastest, in_l2
from rackwright.devices.part import Fit

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["DTYPE_BYTES", "Fp32Fit", "GemmFit", "TypesFit", "gemm_seconds", "type_factor"]

DTYPE_BYTES = {"bf16": 2, "fp16": 2, "fp32": 4, "fp8": 1, "int8": 1, "tf32": 4}
OUT_BYTES = {"fp8": 2, "int8": 4}  # of the result; as the operands where not named
SPLITS = (1, 4, 16)
UNSPLIT = ("int8",)   # 19 us for 128 columns of k = 8192, whatever the rows: one walk along k
L2_PER_CLOCK = 27.0   # bytes a clock and SM from L2: `pieces` of h100-sxm
CHUNK = 2048          # products at a time: what they need stays in the processor's cache
TINY = 1e-30          # s, so that nothing divides by zero


@dataclass(frozen=True, kw_only=True)
class GemmFit(Fit):
    """Coefficients of `gemm_seconds`; those of clocks and bytes per clock carry over to parts
    with other clocks.

    `math_share`, `memory_share`: of the peaks. `load_per_clock`: bytes that one SM loads a clock.
    `prologue_clocks`: start and end of a 128 x 256 tile. `split_time`: adding up the splits.
    `wave_loss`: lost share of the SMs that a last wave leaves empty. `l2_reach`: working set, as
    a share of L2, of which half stays there. `clock_loss`: seconds lost per second of ideal math
    at the power limit; `pause_time`: how long the board rests between products.
    """

    floor_time: float
    math_share: float
    memory_share: float
    load_per_clock: float
    prologue_clocks: float
    split_time: float
    wave_loss: float
    l2_reach: float
    clock_loss: float
    pause_time: float


@dataclass(frozen=True, kw_only=True)
class TypesFit(Fit):
    """Other data types, as factors on `GemmFit`: `<type>_math` on `math_share`, `<type>_load` on
    `load_per_clock`, `<type>_prologue` on `prologue_clocks`, `<type>_floor` on `floor_time`."""

    fp16_math: float
    fp8_math: float
    fp8_load: float
    int8_floor: float
    int8_math: float
    int8_load: float
    int8_prologue: float
    tf32_math: float
    tf32_load: float


@dataclass(frozen=True, kw_only=True)
class Fp32Fit(Fit):
    """Products of 32-bit floats on CUDA cores: `math_factor` on `math_share` of `GemmFit`."""

    math_factor: float


def gemm_seconds(gpu: Gpu, dtype: str, m: Floats, n: Floats, k: Floats) -> Floats:
    """Seconds of y[m,n] = x[m,k] @ w[k,n], arrays of one shape; 0 for empty ones."""
    rates = _rates(gpu, dtype)
    shape, (m, n, k) = m.shape, (np.ravel(size) for size in (m, n, k))
    found = np.empty(m.shape)
    for start in range(0, len(found), CHUNK):
        part = slice(start, start + CHUNK)
        found[part] = _seconds(gpu, dtype, rates, m[part], n[part], k[part])
    return found.reshape(shape)


def type_factor(gpu: Gpu, dtype: str, what: str) -> float:
    """A data type's factor on "floor", "math", "load" or "prologue"; 1 where it has none."""
    if dtype == "fp32":
        return gpu.gemm_fp32.math_factor if what == "math" else 1.0
    return float(getattr(gpu.gemm_types, f"{dtype}_{what}", 1.0))


def _seconds(gpu: Gpu, dtype: str, rates: Rates, m: Floats, n: Floats, k: Floats) -> Floats:
    fit = gpu.gemm
    outputs = m * n
    ideal = outputs * k * (2 / gpu.peak_flops(dtype))
    time = fastest(rates, m, n, k, _memory_time(gpu, dtype, rates, m, n, k, outputs))
    time += TINY
    time += (fit.clock_loss * ideal) * (time / (time + fit.pause_time))
    time += fit.floor_time * type_factor(gpu, dtype, "floor")
    return np.where(ideal > 0, time, 0.0)


def _memory_time(gpu: Gpu, dtype: str, rates: Rates, m: Floats, n: Floats, k: Floats,
                 outputs: Floats) -> Floats:
    """Seconds of the traffic: weights over HBM, the rest where it lies."""
    weights = n * k * rates.width
    rest = m * k * rates.width + outputs * OUT_BYTES.get(dtype, rates.width)
    held = in_l2(weights + rest, gpu.gemm.l2_reach * gpu.l2_nbytes)
    l2 = max(L2_PER_CLOCK * gpu.clock_hz * gpu.sms, rates.memory)
    return (weights + rest) / rates.memory - rest * held * (1 / rates.memory - 1 / l2)


def _rates(gpu: Gpu, dtype: str) -> Rates:
    fit = gpu.gemm
    return Rates(
        sms=gpu.sms, width=DTYPE_BYTES[dtype],
        math=gpu.peak_flops(dtype) * fit.math_share * type_factor(gpu, dtype, "math"),
        load=fit.load_per_clock * gpu.clock_hz * type_factor(gpu, dtype, "load"),
        prologue=fit.prologue_clocks / gpu.clock_hz * type_factor(gpu, dtype, "prologue"),
        split_time=fit.split_time, wave_loss=fit.wave_loss,
        memory=gpu.memory_bandwidth * fit.memory_share,
        splits=(1,) if dtype in UNSPLIT else SPLITS,
        tiles=THIN_TILES if dtype == "fp32" else TILES)
