"""Kernels of the cost models as thread blocks: products, convolutions, passes over memory.

Each takes alone what the part's cost method says, to the stated bound of the tests. Tiles of
products are those that take the shortest waves; those of convolutions are the cost model's.
Blocks, threads and registers of passes are those of PyTorch's kernels
(`measured/h100-sxm/resnet50_kernels.csv.gz`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rackwright.devices.arguments import sizes
from rackwright.devices.gpu.conv import check_conv, conv_tiles
from rackwright.devices.gpu.cycle.work import GpuKernel, streaming_kernel, tiled_kernel
from rackwright.devices.gpu.elementwise import kernel_seconds
from rackwright.devices.gpu.part import DTYPE_BYTES, Gpu
from rackwright.devices.gpu.training import batch_norm_times

__all__ = ["batch_norm_kernels", "bytes_kernel", "conv_kernel", "copy_kernel", "gemm_kernel",
           "norm_kernel", "optimizer_kernels", "pass_kernel", "small_kernel"]

GEMM_TILES = ((64, 48), (64, 96), (128, 128), (256, 128))  # rows, columns: seen in kernels' names
EDGE = 35                # products that an SM does while it loads one element of a tile's edges:
                         # 2 bytes at 90 a clock, against 0.84 of the H100's peak
PASS_BYTES = 6144        # of a block: 128 threads by 8 elements in 2 inputs and an output
PASS_ROOM = 1 / 16       # 128 threads of 32 registers
SUM_ROOM, APPLY_ROOM = 1 / 3, 1 / 4  # 512 threads of 40 and of 32 registers
SUM_PIXELS, MOST_ROWS, FEW_ROWS = 256, 128, 8  # pixels of a block; blocks of a column
WARP = 32                # channels of a column
SMALL_TIME = 1.7e-6      # s; a kernel of a few values (measured: 0.9 to 1.4 and a gap)
OPTIMIZER_BYTES, OPTIMIZER_LAUNCHES = 65536 * 4 * 2.5, 9  # of a block; see `training`


def gemm_kernel(gpu: Gpu, m: int, n: int, k: int, dtype: str = "bf16") -> GpuKernel:
    """A matrix product."""
    width, time = DTYPE_BYTES[dtype], float(Gpu.gemm_time(gpu, m, n, k, dtype))
    cost = [(math.ceil(_tiles(m, n, tile) / gpu.sms) * (tile[0] * tile[1] + EDGE * sum(tile)), tile)
            for tile in GEMM_TILES]
    active = width * (m * k + m * n)
    nbytes = width * n * k + (active if active > gpu.l2_nbytes else 0)
    memory = nbytes / (gpu.memory_bandwidth * gpu.gemm.memory_share)
    return tiled_kernel(gpu.sms, time, memory, _tiles(m, n, min(cost)[1]))


def _tiles(m: int, n: int, tile: tuple[int, int]) -> int:
    return math.ceil(m / tile[0]) * math.ceil(n / tile[1])


def conv_kernel(gpu: Gpu, shape: Sequence[int], dtype: str = "bf16", direction: str = "forward"
                ) -> GpuKernel:
    """A convolution or one of its gradients; `shape` is batch, channels in and out, height, width,
    kernel, stride, padding."""
    names = ("batch", "channels_in", "channels_out", "height", "width", "kernel", "stride",
             "padding")
    sides = check_conv(direction, *sizes(**dict(zip(names, shape, strict=True))))
    time, tiles, nbytes = conv_tiles(gpu, gpu.peak_flops(dtype), DTYPE_BYTES[dtype], sides,
                                     direction)
    memory = float(nbytes) / (gpu.memory_bandwidth * gpu.conv.memory_share)
    return tiled_kernel(gpu.sms, float(time), memory, int(tiles))


def pass_kernel(gpu: Gpu, time: float, nbytes: float, *, room: float = PASS_ROOM,
                blocks: int = 0, ranked: bool = True) -> GpuKernel:
    """A pass over `nbytes` that takes `time` alone and lives on memory but for its launch."""
    memory = max(time - gpu.pieces.floor_time, 0.0)
    count = blocks or max(math.ceil(nbytes / PASS_BYTES), 1)
    return streaming_kernel(gpu.sms, time, memory, count, room=room, ranked=ranked)


def bytes_kernel(gpu: Gpu, nbytes: float) -> GpuKernel:
    """An element-wise kernel that touches `nbytes` of different memory in all."""
    return pass_kernel(gpu, float(kernel_seconds(gpu, np.asarray(float(nbytes)))), nbytes)


def copy_kernel(gpu: Gpu, nbytes: int, cache: str = "warm") -> GpuKernel:
    """A copy within the GPU; no stream's priority applies to it."""
    return pass_kernel(gpu, float(Gpu.copy_time(gpu, nbytes, cache)), 2 * nbytes, ranked=False)


def norm_kernel(gpu: Gpu, tokens: int, dim: int, dtype: str = "bf16", kind: str = "layer",
                cache: str = "warm") -> GpuKernel:
    """Layer or RMS norm: a block a row."""
    time = float(Gpu.norm_time(gpu, tokens, dim, dtype, kind, cache))
    nbytes = 2 * DTYPE_BYTES[dtype] * tokens * dim
    memory = nbytes / (gpu.memory_bandwidth * gpu.pieces.memory_share)
    held = nbytes <= gpu.l2_nbytes
    return streaming_kernel(gpu.sms, time, 0.0 if held else memory, tokens, room=PASS_ROOM)


def small_kernel(gpu: Gpu, time: float = SMALL_TIME) -> GpuKernel:
    """A kernel of a few values: one block."""
    return streaming_kernel(gpu.sms, time, 0.0, 1)


def batch_norm_kernels(gpu: Gpu, pixels: int, channels: int, backward: bool = False,
                       dtype: str = "bf16") -> list[GpuKernel]:
    """The kernels of a batch norm in training, or of its gradient."""
    times = [float(one) for one in batch_norm_times(
        gpu, np.asarray(float(pixels)), np.asarray(float(channels)), DTYPE_BYTES[dtype], backward)]
    rows = min(math.ceil(pixels / SUM_PIXELS), MOST_ROWS)
    columns = math.ceil(channels / WARP)
    nbytes = DTYPE_BYTES[dtype] * pixels * channels * (2 if backward else 1)
    memory = nbytes / (gpu.memory_bandwidth * gpu.pieces.memory_share)
    sums = streaming_kernel(gpu.sms, times[1], memory if nbytes > gpu.l2_nbytes else 0.0,
                            columns * (1 if rows < FEW_ROWS else rows), room=SUM_ROOM)
    clear, running = ([small_kernel(gpu, time)] if time else [] for time in (times[0], times[2]))
    return [*clear, sums, *running, pass_kernel(gpu, times[3], nbytes, room=APPLY_ROOM,
                                                blocks=columns * rows)]


def optimizer_kernels(gpu: Gpu, parameters: int, kind: str = "sgd") -> list[GpuKernel]:
    """A step of the optimizer: launches of equal size."""
    time = float(Gpu.optimizer_time(gpu, parameters, kind)) / OPTIMIZER_LAUNCHES
    nbytes = 8 * 4 * parameters / OPTIMIZER_LAUNCHES
    return [pass_kernel(gpu, time, nbytes, room=APPLY_ROOM,
                        blocks=max(round(nbytes / OPTIMIZER_BYTES), 1))] * OPTIMIZER_LAUNCHES
