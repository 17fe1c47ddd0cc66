"""How much kernels that run side by side on one GPU slow each other down.

Models two resources, math and memory bandwidth, of which a kernel that runs alone uses an even
share, and which concurrent kernels share as fluids: strict priority between streams of different
priority, max-min fair in progress within one (`rackwright.engine.fluid_fill`). Kernels that do
not fill any resource together run as fast as alone. What there is of a resource is what the part's
own operations attain of its peak, by the calibration of `gemm`, `pieces` and `attention`: the
rest nobody gets, alone or not.

Use it where kernels have many short blocks and bandwidth decides, inside models that share a GPU at
every event; where one of them fills the SMs (products, convolutions) or priorities matter, run
`rackwright.devices.gpu.cycle` instead, which knows blocks. A test holds the two together.

Leaves out: thread blocks, which hold SMs, registers and shared memory until they end, so that a
kernel that fills the SMs delays others' starts, of higher priority too; L2 evictions; clocks that
fall under joint load; launch queues. None of it is fitted to measurements of concurrent kernels:
an estimate from solo costs, better for kernels of many short blocks. A kernel known to keep all
SMs from others has a math demand of 1, whatever its flops.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.devices.gpu.part import Gpu
from rackwright.engine.sharing import resource_rates
from rackwright.errors import UsageError

__all__ = ["gpu_ceilings", "gpu_demand", "gpu_share"]

Floats = npt.NDArray[np.float64]
MATH, MEMORY = 0, 1  # columns of a demand


def gpu_ceilings(gpu: Gpu, dtype: str = "bf16") -> tuple[float, float]:
    """(flop/s, bytes/s) that the operations of `gpu` attain at best; raises `UnknownName`."""
    reached = max(gpu.gemm.memory_share, gpu.pieces.memory_share, gpu.attention.memory_share)
    return gpu.peak_flops(dtype) * gpu.gemm.math_share, gpu.memory_bandwidth * reached


def gpu_demand(gpu: Gpu, solo_time: npt.ArrayLike, flops: npt.ArrayLike, nbytes: npt.ArrayLike,
               dtype: str = "bf16") -> Floats:
    """The part of math and memory bandwidth that kernels use alone, shape (..., 2), 0 to 1.

    `solo_time`: seconds alone on `gpu`, as its cost methods give them; `flops` in matrix units of
    `dtype`; `nbytes` to and from memory, without what L2 serves. Scalars or arrays that
    broadcast. A kernel of no time uses nothing.

    Raises `UsageError` for negative or endless numbers, shapes that do not broadcast, and work
    that exceeds the peak of the part: such a time cannot be right.
    """
    try:
        time, work, moved = np.broadcast_arrays(*(np.asarray(one, np.float64)
                                                  for one in (solo_time, flops, nbytes)))
    except ValueError as problem:
        raise UsageError(f"solo_time, flops and nbytes do not go together: {problem}") from None
    for name, values in (("solo_time", time), ("flops", work), ("nbytes", moved)):
        good = np.isfinite(values) & (values >= 0)
        if not good.all():
            raise UsageError(f"{name} must be finite numbers >= 0, not {values[~good].flat[0]:g}")
    peaks = (("flops", work, gpu.peak_flops(dtype)), ("nbytes", moved, gpu.memory_bandwidth))
    for name, values, peak in peaks:
        over = values > peak * time
        if over.any():
            raise UsageError(
                f"a kernel of {values[over].flat[0]:g} {name} cannot take {time[over].flat[0]:g} s "
                f"on {gpu.name}, whose peak is {peak:g} a second; count what the kernel does "
                "itself, and only bytes that reach memory")
    best = np.array(gpu_ceilings(gpu, dtype)) * np.where(time > 0, time, 1.0)[..., None]
    share: Floats = np.minimum(np.stack([work, moved], axis=-1) / best, 1.0)
    return share


def gpu_share(demand: npt.ArrayLike, *, weight: npt.ArrayLike = 1.0, priority: npt.ArrayLike = 0
              ) -> Floats:
    """How many times longer kernels take side by side than alone, shape (kernels,), 1 or more.

    ``demand[kernel]`` is (math, memory), see `gpu_demand`. Of two streams, that of the lower
    `priority` number takes what it needs first; `weight` scales how fast a kernel's rate rises
    against others of its priority. `inf` for a kernel that is left nothing.

    Raises `InputError` for arrays that do not fit together or values out of range.

    >>> gpu_share([[0.1, 1.0], [0.1, 1.0]])     # two that live on memory bandwidth
    array([2., 2.])
    >>> gpu_share([[0.9, 0.2], [0.1, 0.8]])     # one on math, one on memory
    array([1., 1.])
    >>> gpu_share([[0.1, 1.0], [0.1, 0.5]], priority=[1, 0])
    array([2., 1.])
    """
    rates = resource_rates(demand, weight=weight, priority=priority)
    slowdown = np.full(len(rates), np.inf)
    np.divide(1.0, rates, out=slowdown, where=rates > 0)
    return slowdown
