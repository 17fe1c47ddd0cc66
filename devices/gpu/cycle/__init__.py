"""Kernels of several streams on the SMs of one GPU, block by block: the cycle-approximate model.

A training of low priority behind one of high priority, each a list of kernels::

    gpu = catalog.gpu("h100-sxm", fidelity="cycle")
    alone = gpu.run([foreground]).end_time
    both = gpu.run([foreground, background], priorities=[0, 1], laps=3, loop=True)
    both.lap_time(0) / alone                # how much slower the first has become

`kernels` makes kernels from the part's cost models, `work` from any time alone. What the model
leaves out is in `place`, `share` and `run`; how wrong it is, in `devices/README.md`.
"""

from rackwright.devices.gpu.cycle.kernels import (
    batch_norm_kernels,
    bytes_kernel,
    conv_kernel,
    copy_kernel,
    gemm_kernel,
    norm_kernel,
    optimizer_kernels,
    pass_kernel,
    small_kernel,
)
from rackwright.devices.gpu.cycle.part import CycleGpu
from rackwright.devices.gpu.cycle.run import StreamRun, run_streams
from rackwright.devices.gpu.cycle.work import GpuKernel, streaming_kernel, tiled_kernel

__all__ = [
    "CycleGpu",
    "GpuKernel",
    "StreamRun",
    "batch_norm_kernels",
    "bytes_kernel",
    "conv_kernel",
    "copy_kernel",
    "gemm_kernel",
    "norm_kernel",
    "optimizer_kernels",
    "pass_kernel",
    "run_streams",
    "small_kernel",
    "streaming_kernel",
    "tiled_kernel",
]
