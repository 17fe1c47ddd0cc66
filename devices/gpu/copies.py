"""Copies within a GPU's memory, kernels that work in place, fills.

A copy reads one buffer and writes another; a kernel in place reads and writes the same bytes; a
fill only writes, which spares it the wait for a load and the turning round of HBM's bus.

Copies of a multiple of ALIASED bytes run a fifth to a third slower than others: 512 MiB, 1, 2 and
4 GiB do, 256, 384 and 768 MiB do not, and neither do kernels in place. Modelled is what would
explain it (inferred, not measured): buffers of such a size, one behind the other, lie a multiple
of 512 MiB apart, so that each read and its write meet in the same banks of the same HBM channel.
How fast these answer follows neither the clocks alone nor the memory's bandwidth (an H200 gains
14 % over an H100 where the two gain nothing and 43 %): their geometric mean is taken. A copy
between buffers elsewhere does not suffer; give it a size a little off.

Leaves out: copies with strides, between GPUs, of less than a kernel.

Sources: see `pieces`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.pieces import from_both, launch_seconds, stream_seconds

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["copy_seconds", "fill_seconds", "in_place_seconds"]

ALIASED = 512 * 2 ** 20  # B; memory.csv: the smallest power of two that is slow


def copy_seconds(gpu: Gpu, nbytes: Floats, cold: bool) -> Floats:
    """Seconds of a copy of `nbytes` within the GPU's memory; 0 for none."""
    stream = stream_seconds(gpu, nbytes, nbytes, 2 * nbytes, cold)
    clocks = gpu.pieces.aliased_per_clock * gpu.clock_hz * gpu.sms
    aliased = 2 * nbytes / math.sqrt(clocks * gpu.memory_bandwidth)
    stream = np.where(nbytes % ALIASED == 0, np.maximum(stream, aliased), stream)
    return np.where(nbytes > 0, launch_seconds(gpu, nbytes) + stream, 0.0)


def in_place_seconds(gpu: Gpu, nbytes: Floats, cold: bool) -> Floats:
    """Seconds of a kernel that reads and writes the same `nbytes`."""
    fit = gpu.pieces
    near = 2 * nbytes / (fit.in_place_per_clock * gpu.clock_hz * gpu.sms)
    far = 2 * nbytes / (gpu.memory_bandwidth * fit.memory_share)
    time = launch_seconds(gpu, nbytes) + from_both(gpu, near, far, fit.memory_time, nbytes,
                                                    cold)
    return np.where(nbytes > 0, time, 0.0)


def fill_seconds(gpu: Gpu, nbytes: Floats, cold: bool) -> Floats:
    """Seconds of a kernel that writes `nbytes`, zeros say."""
    fit = gpu.pieces
    near = nbytes / (fit.write_per_clock * gpu.clock_hz * gpu.sms)
    far = nbytes / (gpu.memory_bandwidth * fit.fill_share)
    stream = from_both(gpu, near, far, fit.fill_memory_time, nbytes, cold)
    launch = launch_seconds(gpu, nbytes) + fit.fill_floor_time - fit.floor_time
    return np.where(nbytes > 0, launch + stream, 0.0)
