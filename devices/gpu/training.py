"""Kernels of training beside products and convolutions: batch norm, pooling, optimizer steps.

All are bound by memory or by the latency of a walk. Batch norm of channels-last activations is a
reduction over the pixels (statistics; backward: two sums), one kernel of a few values before it
where it has two stages, another after it (forward), and an element-wise pass, each a launch. A
thread of a reduction walks the rows that are left when the pixels are cut over blocks; that takes
a floor, a time for each row, and the bytes at a share of HBM. Pools are bytes at a share of their
own. An optimizer passes over its arrays in float32: SGD with momentum 8 times in three kernels a
group of tensors, Adam, fused, 7 times in one.

Leaves out: synchronised statistics, evaluation (fuses with what is before), other layouts,
gradient scaling and clipping. Units: seconds, elements, bytes.

Sources: constants marked fitted are from batches 4, 16 and 64 of the kernels of a ResNet-50
training step, `measured/h100-sxm/resnet50_kernels.csv.gz`; batches 8 and 32 were left out. Grids
are those seen there (PyTorch 2.11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.elementwise import kernel_seconds
from rackwright.errors import UnknownName

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["OPTIMIZERS", "batch_norm_seconds", "batch_norm_times", "optimizer_seconds",
           "pool_seconds"]

ROWS_A_BLOCK, THREAD_ROWS, MOST_BLOCKS, FEW_BLOCKS = 16, 16, 128, 8  # of a reduction (grids seen)
SUM_TIME = {False: 4.24e-6, True: 4.15e-6}  # s; floor of forward, backward reductions (fitted)
ROW_CLOCKS = {False: 414.0, True: 239.0}    # clocks a row that a thread walks (fitted)
SUM_SHARE = {False: 0.304, True: 0.652}     # of HBM (fitted)
CLEAR_TIME = 1.4e-6      # s; clearing a reduction's counters (measured: 0.9 and a gap)
RUNNING_TIME = 2.1e-6    # s; running averages (measured: 1.6 and a gap)
APPLY_TIME = 2.0e-6      # s; what the pass takes beyond an element-wise kernel (fitted)
APPLY_FACTOR = 1.15      # times the time of an element-wise kernel of as many bytes (fitted)
POOL_SHARE = {False: 0.274, True: 0.141}    # of HBM; input, output and 64-bit indices (fitted)
OPTIMIZERS = {"adam": (7, 1), "sgd": (8, 9)}
"""Passes over arrays of float32, and kernels (seen for SGD: three groups of tensors by three)."""
OPTIMIZER_SHARE = 0.716   # of HBM (fitted: SGD on the 25.6 M weights of a ResNet-50)
MASTER_BYTES = 4


def batch_norm_seconds(gpu: Gpu, pixels: Floats, channels: Floats, width: int, backward: bool
                       ) -> Floats:
    """Seconds of a batch norm over `pixels` (images x height x width) of `channels`."""
    whole: Floats = np.sum(batch_norm_times(gpu, pixels, channels, width, backward), axis=0)
    return whole


def batch_norm_times(gpu: Gpu, pixels: Floats, channels: Floats, width: int, backward: bool
                     ) -> tuple[Floats, ...]:
    """Seconds of its kernels: clearing, reduction, running averages, pass. 0 where there is none.
    """
    nbytes = width * pixels * channels * (2 if backward else 1)
    some = nbytes > 0
    sums = SUM_TIME[backward] + _walk(pixels) * ROW_CLOCKS[backward] / gpu.clock_hz \
        + nbytes / (gpu.memory_bandwidth * SUM_SHARE[backward])
    passes = kernel_seconds(gpu, nbytes + width * pixels * channels) * APPLY_FACTOR + APPLY_TIME
    stages = np.where(_blocks(pixels) > 1, CLEAR_TIME, 0.0)
    return tuple(np.where(some, time, 0.0)
                 for time in (stages, sums, 0.0 if backward else RUNNING_TIME, passes))


def _walk(pixels: Floats) -> Floats:
    """Rows that a thread of a reduction walks."""
    return pixels / (ROWS_A_BLOCK * _blocks(pixels))


def _blocks(pixels: Floats) -> Floats:
    """Blocks over which the pixels are cut; few are not worth a second stage."""
    blocks = np.minimum(np.ceil(pixels / (ROWS_A_BLOCK * THREAD_ROWS)), MOST_BLOCKS)
    return np.where(blocks < FEW_BLOCKS, 1.0, blocks)


def pool_seconds(gpu: Gpu, elements_in: Floats, elements_out: Floats, width: int, backward: bool
                 ) -> Floats:
    """Seconds of a max pool with stored indices, or of its gradient; 0 for an empty one."""
    nbytes = width * (elements_in + elements_out) + 8 * elements_out
    time = gpu.pieces.floor_time + nbytes / (gpu.memory_bandwidth * POOL_SHARE[backward])
    return np.where(nbytes > 0, time, 0.0)


def optimizer_seconds(gpu: Gpu, parameters: Floats, kind: str) -> Floats:
    """Seconds of a step over float32 weights; raises `UnknownName` for another optimizer."""
    if kind not in OPTIMIZERS:
        raise UnknownName("optimizer", kind, OPTIMIZERS)
    passes, kernels = OPTIMIZERS[kind]
    time = kernels * gpu.pieces.floor_time \
        + passes * MASTER_BYTES * parameters / (gpu.memory_bandwidth * OPTIMIZER_SHARE)
    return np.where(parameters > 0, time, 0.0)
