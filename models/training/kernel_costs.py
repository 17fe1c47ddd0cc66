"""A layer at batches on a GPU, and what kernels cost that the device models have no method for.

Constants were fitted to single kernels of profiled steps of ours
(`devices/measured/h100-sxm-training/profiles`), each with its points beside it. They are shares of
a part's own bandwidth and clocks, so other parts scale. Units: seconds, bytes, elements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.elementwise import kernel_seconds
from rackwright.devices.gpu.part import Gpu
from rackwright.errors import UnknownName
from rackwright.models.training.layers import Layer

__all__ = ["MASTER", "Work", "bias_sum", "product", "update_kernels"]

MASTER = 4  # bytes of weights, gradients and the optimizer's state
# A counter or a workspace is cleared before a convolution of windows: a node of a graph, s
# (devices/measured/h100-sxm/launch).
CLEAR_TIME = 1.2e-6
# Share of HBM of casting gradients to float32. Fitted: ResNet-50 bf16 profile, batch 16, its
# 2.4 M gradients of 3 x 3 convolutions, 14.2 MB in 7.1 us.
UNCAST_SHARE = 0.60
# Elements a clock and SM of putting a bias on a convolution. Fitted: VGG-16 tf32 profile, batch
# 16, 51.4 M elements in 171.6 us.
BIAS_PER_CLOCK = 1.15
# A bias's gradient: floor (s), share of HBM, seconds for each partial sum that the last block adds
# up. Fitted: the same profile, 13 convolutions and 3 linear layers. Rows and channels of a block,
# and blocks an SM, are grids seen there.
BIAS_SUM_TIME, BIAS_SUM_SHARE, BIAS_PARTIAL_TIME = 4.5e-6, 0.87, 5.8e-10
SUM_ROWS, SUM_WIDTH, SUM_BLOCKS = 64, 128, 16
# A max pool: seconds an output and a pixel of its window; backward, an input pixel of windows that
# do not overlap; on 132 SMs at 1.98 GHz. Fitted: 2 x 2 of the same profile, 3 x 3 of ResNet-50's.
POOL_OUT_TIME, POOL_TAP_TIME, UNPOOL_TIME = 10.4e-12, 1.0e-12, 5.9e-12
POOL_SMS_HZ = 132 * 1.98e9
# SGD: share of HBM over large tensors, and seconds a tensor. Fitted: VGG-16 tf32 profile;
# ResNet-50 bf16 profile, 161 tensors in 352 us. Tensors and weights of a launch are as seen there.
UPDATE_SHARE, UPDATE_TENSOR_TIME = 0.86, 0.4e-6
CHUNK_TENSORS, CHUNK_WEIGHTS = {"sgd": 55, "adam": 26}, 320 * 65536
UPDATE_PASSES = {"sgd": (8, 3), "adam": (7, 1)}  # over float32 arrays, and kernels (devices.gpu)
# Products with a width that is no multiple of 8 elements run on old kernels, at a share of peak.
# Fitted: the logits of GPT-2's bf16 profile, batch 4.
UNALIGNED, UNALIGNED_SHARE = 8, 0.115
# Elements a clock and SM: gradients of q, k and v put side by side; heads turned back. Share of HBM
# of the gradients of a layer norm's weights: 31.6 us for 25.2 MB. Fitted: the same profile.
JOIN_PER_CLOCK, TURN_PER_CLOCK, SCALE_SUM_SHARE = 0.9, 0.4, 0.24
ATTENTION_BACKWARD = 2.5  # times the forward's flops: five products for two (Dao, 2307.08691)


@dataclass(frozen=True)
class Work:
    """A layer at batches on a GPU; `width`: bytes of an activation."""

    gpu: Gpu
    dtype: str
    batch: Floats
    layer: Layer
    first: bool

    @property
    def width(self) -> int:
        return 2 if self.dtype == "bf16" else 4

    @property
    def half(self) -> bool:
        return self.dtype == "bf16"

    def touch(self, nbytes: Any) -> Floats:
        """An element-wise kernel over `nbytes` in all."""
        return kernel_seconds(self.gpu, np.asarray(nbytes, np.float64) + 0 * self.batch)

    def uncast(self, elements: Any) -> Floats:
        """Gradients of bf16 to float32, by a kernel that does not use wide loads."""
        gpu = self.gpu
        found: Floats = gpu.pieces.floor_time + (2 + MASTER) * elements / (
            gpu.memory_bandwidth * UNCAST_SHARE) + 0 * self.batch
        return found

    def out(self) -> Floats:
        return self.batch * self.layer.elements_out

    def slow(self, elements: Any, per_clock: float) -> Floats:
        """A kernel bound by its elements, not by memory."""
        gpu = self.gpu
        found: Floats = gpu.pieces.floor_time + elements / (per_clock * gpu.clock_hz * gpu.sms)
        return found


def bias_sum(work: Work) -> Floats:
    """Blocks add up rows; the last one adds up their partial sums, which does not grow for ever."""
    layer, gpu = work.layer, work.gpu
    channels = layer.shape_out[0] if len(layer.shape_out) == 3 else layer.shape_out[-1]
    rows = work.out() / channels
    blocks = np.minimum(np.ceil(rows / SUM_ROWS), SUM_BLOCKS * gpu.sms)
    partial = np.where(blocks > 1, BIAS_PARTIAL_TIME * blocks * min(channels, SUM_WIDTH), 0.0)
    found: Floats = BIAS_SUM_TIME + partial \
        + work.width * work.out() / (gpu.memory_bandwidth * BIAS_SUM_SHARE)
    return found


def product(work: Work, rows: Any, columns: Any, inner: Any) -> Floats:
    """A matrix product; in bf16 slow where the class or word count is odd."""
    time: Floats = work.gpu.gemm_time(rows + 0 * work.batch, columns, inner, work.dtype)
    if work.half and work.layer.shape_out[-1] % UNALIGNED:
        flops = 2.0 * rows * columns * inner
        time = np.maximum(time, flops / (UNALIGNED_SHARE * work.gpu.peak_flops("bf16")))
    return time


def update_kernels(tensors: list[int], gpu: Gpu, kind: str = "sgd") -> list[float]:
    """Seconds of the kernels of a step of the optimizer over tensors of so many weights."""
    if kind not in UPDATE_PASSES:
        raise UnknownName("optimizer", kind, UPDATE_PASSES)
    passes, kernels = UPDATE_PASSES[kind]
    launches = kernels * max(-(-len(tensors) // CHUNK_TENSORS[kind]),
                             -(-sum(tensors) // CHUNK_WEIGHTS), 1)
    whole = passes * MASTER * sum(tensors) / (gpu.memory_bandwidth * UPDATE_SHARE) \
        + UPDATE_TENSOR_TIME * len(tensors)
    return [gpu.pieces.floor_time + whole / launches] * launches
