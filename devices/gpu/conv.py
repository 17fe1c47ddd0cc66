"""Convolutions on a GPU as implicit matrix products: forward, gradients of input and weights.

A convolution is one product whose rows, columns and inner size follow from the direction
(`conv_product`). It is cut into tiles that run in waves over the SMs, as in `gemm`, with
coefficients of its own: a window of more than one pixel, or a stride, is gathered by other kernels
than a plain product (1 x 1, stride 1), which start later, reach less of the peak and do not split
the inner size, but for the gradient of the weights. Inputs of fewer than NARROW channels are padded
to 8 by a copy and run on slow kernels. Activations that fit L2 come from there, since the layer
before has just written them; weights come from memory. The gradient of the input of a strided 1 x 1
convolution writes its zeros after the product.

Leaves out: grouped, dilated and transposed convolutions; layouts other than channels last; bias;
algorithms other than implicit products (Winograd, FFT); which kernel the library really picks,
which decides more here than for products: neighbouring layers differ by 20 % and more.

Sources: coefficients fitted to the rows of set "fit" of `measured/h100-sxm/conv.csv.gz`; tile
shapes are those in the names of the kernels that ran there.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.part import Fit
from rackwright.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["DIRECTIONS", "ConvFit", "ConvShape", "check_conv", "conv_product", "conv_seconds",
           "conv_tiles"]

DIRECTIONS = ("forward", "backward_input", "backward_weight")
TILES = ((64, 64), (64, 128), (128, 64), (128, 128), (256, 64), (64, 256), (128, 256), (256, 128))
SPLITS = (1, 2, 4, 8, 16, 32, 64)
STEP_K = 64             # the inner size is walked in steps of this many
FULL_TILE = 128 * 256   # elements of the tile that the prologues are for
CORNER = 6              # exponent of the soft maximum: that of `gemm`
STEP = 4                # steepness of the step between L2 and HBM: that of `elementwise`
NARROW, PADDED = 16, 8  # input channels below which they are padded, and to a multiple of what
SPLIT_PIXELS = 16384    # output pixels from which gradients of windows' weights are split (fitted:
                        # layers of 12,544 run unsplit, those of 50,176 do not; none lies between)
PARTIAL_BYTES = 8       # a partial sum is written and read once, in float32


@dataclass(frozen=True, kw_only=True)
class ConvFit(Fit):
    """Coefficients of `conv_seconds`.

    `floor_time`: a plain product's launch; `window_time`, `strided_time`: what a window or stride,
    and the input's gradient under a stride, add; `split_time`: adding up splits. `math_share`,
    `prologue_clocks`: of plain products; `window_...`: of windows; `narrow_share`: of inputs with
    few channels. `load_per_clock`: bytes that an SM loads a clock; `step_clocks`: least time of a
    step of STEP_K. `memory_share`: of HBM; `l2_per_clock`: bytes a clock and SM from L2;
    `l2_reach`: activations, as a share of L2, of which half stay there.
    """

    floor_time: float
    window_time: float
    strided_time: float
    split_time: float
    math_share: float
    window_share: float
    narrow_share: float
    prologue_clocks: float
    window_prologue_clocks: float
    load_per_clock: float
    step_clocks: float
    memory_share: float
    l2_per_clock: float
    l2_reach: float


class ConvShape(NamedTuple):
    """Arrays of one shape; `pixels_...`: all images' of the input and the output."""

    batch: Floats
    inputs: Floats
    outputs: Floats
    pixels_in: Floats
    pixels_out: Floats
    kernel: Floats
    stride: Floats

    @property
    def plain(self) -> Floats:
        """1 where the convolution is an ordinary product of pixels and channels."""
        return np.where((self.kernel == 1) & (self.stride == 1), 1.0, 0.0)


def check_conv(direction: str, batch: Floats, inputs: Floats, outputs: Floats, height: Floats,
               width: Floats, kernel: Floats, stride: Floats, padding: Floats) -> ConvShape:
    """The shape, or `UsageError` for one that has no output; `UnknownName` for a direction."""
    if direction not in DIRECTIONS:
        raise UnknownName("direction of a convolution", direction, DIRECTIONS)
    for name, values in (("kernel", kernel), ("stride", stride)):
        if (values < 1).any():
            raise UsageError(f"{name} must be 1 or more, not {values.min():g}")
    sides = [np.floor((side + 2 * padding - kernel) / stride) + 1 for side in (height, width)]
    for name, side, out in (("height", height, sides[0]), ("width", width, sides[1])):
        if (out < 1).any():
            at = np.unravel_index(int(out.argmin()), out.shape)
            raise UsageError(f"a kernel of {kernel[at]:g} does not fit a {name} of {side[at]:g} "
                             f"padded by {padding[at]:g}: there is no output")
    return ConvShape(batch, inputs, outputs, batch * height * width, batch * sides[0] * sides[1],
                     kernel, stride)


def conv_product(shape: ConvShape, direction: str) -> tuple[Floats, Floats, Floats]:
    """(rows, columns, inner size) of the product; channels of the input padded.

    Of a strided window's taps, an input pixel sees kernel**2 / stride**2 on average; under a
    stride beyond the kernel most see none, and only the others are rows.
    """
    taps, inputs = shape.kernel ** 2, np.ceil(shape.inputs / PADDED) * PADDED
    if direction == "forward":
        return shape.pixels_out, shape.outputs, inputs * taps
    if direction == "backward_weight":
        return shape.outputs, inputs * taps, shape.pixels_out
    seen = np.maximum(taps / shape.stride ** 2, 1.0)
    rows = np.where(shape.kernel < shape.stride, shape.pixels_out, shape.pixels_in)
    return rows, inputs, shape.outputs * seen


def conv_seconds(gpu: Gpu, peak: float, width: int, shape: ConvShape, direction: str) -> Floats:
    """Seconds of one convolution with `width` bytes an element; 0 for an empty one."""
    return conv_tiles(gpu, peak, width, shape, direction)[0]


def conv_tiles(gpu: Gpu, peak: float, width: int, shape: ConvShape, direction: str
               ) -> tuple[Floats, Floats, Floats]:
    """(seconds, tiles, bytes from HBM) with the best tile shape and split."""
    fit = gpu.conv
    nbytes, memory = _memory(gpu, width, shape, direction)
    best = np.full(nbytes.shape, np.inf)
    tiles = np.zeros(nbytes.shape)
    for tile, split in itertools.product(TILES, SPLITS):
        count, time = _body(gpu, peak, width, shape, direction, memory, tile, split)
        tiles = np.where(time < best, count, tiles)
        best = np.minimum(best, time)
    extra = np.where(shape.plain == 1, 0.0, fit.window_time)
    if direction == "backward_input":
        extra = extra + np.where(shape.stride > 1, fit.strided_time, 0.0)
    some = shape.pixels_out * shape.inputs * shape.outputs > 0
    return np.where(some, fit.floor_time + extra + best, 0.0), np.where(some, tiles, 0.0), nbytes


def _memory(gpu: Gpu, width: int, shape: ConvShape, direction: str) -> tuple[Floats, Floats]:
    """Bytes from HBM, and the seconds of all traffic, without partial sums."""
    fit = gpu.conv
    read = shape.pixels_in if direction == "backward_input" else np.where(
        shape.kernel < shape.stride, shape.pixels_out, shape.pixels_in)
    active = width * (read * shape.inputs + shape.pixels_out * shape.outputs)
    hits = 1 / (1 + (active / (fit.l2_reach * gpu.l2_nbytes)) ** STEP)
    padded = 2.0 * width * PADDED * shape.pixels_in * _narrow(shape, direction)
    cold = active * (1 - hits) + width * shape.inputs * shape.outputs * shape.kernel ** 2 + padded
    return cold, cold / (gpu.memory_bandwidth * fit.memory_share) + active * hits / _l2(gpu)


def _l2(gpu: Gpu) -> float:
    return gpu.conv.l2_per_clock * gpu.clock_hz * gpu.sms


def _narrow(shape: ConvShape, direction: str) -> Floats:
    few = (shape.inputs < NARROW) & (direction != "backward_input")
    return np.where(few, 1.0, 0.0)


def _body(gpu: Gpu, peak: float, width: int, shape: ConvShape, direction: str, memory: Floats,
          tile: tuple[int, int], split: int) -> tuple[Floats, Floats]:
    """(tiles, seconds) between launch and end; endless seconds where a split is not for it."""
    fit, plain = gpu.conv, shape.plain == 1
    rows, columns, inner = conv_product(shape, direction)
    tiles = np.ceil(rows / tile[0]) * np.ceil(columns / tile[1]) * split
    share = np.where(plain, fit.math_share, np.where(_narrow(shape, direction) == 1,
                                                     fit.narrow_share, fit.window_share))
    math = 2 * tile[0] * tile[1] * STEP_K * gpu.sms / (peak * share)
    edge = np.minimum(rows, tile[0]) + np.minimum(columns, tile[1])
    load = np.maximum(width * edge * STEP_K / fit.load_per_clock, fit.step_clocks) / gpu.clock_hz
    prologue = np.where(plain, fit.prologue_clocks, fit.window_prologue_clocks) / gpu.clock_hz
    walk = np.ceil(inner / split / STEP_K) * np.maximum(math, load) \
        + prologue * (tile[0] * tile[1] / FULL_TILE)
    compute = np.ceil(tiles / gpu.sms) * walk
    traffic = memory + (PARTIAL_BYTES * split * rows * columns / _l2(gpu) if split > 1 else 0.0)
    time = _together(shape, direction, compute, traffic) + (fit.split_time if split > 1 else 0.0)
    may = plain | ((direction == "backward_weight") & (shape.pixels_out >= SPLIT_PIXELS))
    return tiles, np.where(may | (split == 1), time, np.inf)


def _together(shape: ConvShape, direction: str, compute: Floats, traffic: Floats) -> Floats:
    """Products hide traffic, with a soft corner; zeros between strided pixels come after them."""
    high, low = np.maximum(compute, traffic), np.minimum(compute, traffic)
    beside = high * (1 + (low / np.maximum(high, 1e-30)) ** CORNER) ** (1 / CORNER)
    after = (direction == "backward_input") & (shape.kernel < shape.stride)
    return np.where(after, compute + traffic, beside)
