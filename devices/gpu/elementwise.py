"""Element-wise kernels: sums, activations, the gate of a feed-forward network.

Each is a launch and a stream of bytes (`pieces`); an activation also computes one exp or erf an
element, beside the stream, which keeps it from the memory's bandwidth on fast memory. Eager PyTorch
runs `add`, `relu`, `gelu` as one kernel each, silu(a) * b as two.

Leaves out: fusion, strides, broadcasting, small last dimensions, other activations.

Sources: see `pieces`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.pieces import launch_seconds, soft_maximum, stream_seconds
from rackwright.errors import UnknownName

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["ACTIVATIONS", "activation_seconds", "add_seconds", "kernel_seconds",
           "silu_mul_seconds"]

ACTIVATIONS = ("gelu", "relu", "silu")


def kernel_seconds(gpu: Gpu, nbytes: Floats, kernels: int = 1) -> Floats:
    """Seconds of `kernels` that touch `nbytes` of different memory in all; 0 for no bytes.

    Two thirds are read, a third is written, just as a kernel of two inputs does; they are warm.
    """
    each = nbytes / kernels
    time = kernels * (launch_seconds(gpu, each / 3)
                      + stream_seconds(gpu, each * 2 / 3, each / 3, each, cold=False))
    return np.where(nbytes > 0, time, 0.0)


def add_seconds(gpu: Gpu, nbytes: Floats, footprint: Floats, cold: bool) -> Floats:
    """Seconds of a kernel of two inputs and an output of `nbytes` each."""
    time = launch_seconds(gpu, nbytes) + stream_seconds(gpu, 2 * nbytes, nbytes, footprint, cold)
    return np.where(nbytes > 0, time, 0.0)


def activation_seconds(gpu: Gpu, kind: str, nbytes: Floats, width: int, footprint: Floats,
                       cold: bool) -> Floats:
    """Seconds of an activation of `nbytes`, `width` an element; raises `UnknownName`."""
    if kind not in ACTIVATIONS:
        raise UnknownName("activation", kind, ACTIVATIONS)
    fit = gpu.pieces
    time = stream_seconds(gpu, nbytes, nbytes, footprint, cold)
    if kind != "relu":
        rate = fit.gelu_per_clock if kind == "gelu" else fit.silu_per_clock
        math = nbytes / (width * rate * gpu.clock_hz * gpu.sms)
        time = fit.special_time + soft_maximum(time, math)
    return np.where(nbytes > 0, launch_seconds(gpu, nbytes) + time, 0.0)


def silu_mul_seconds(gpu: Gpu, nbytes: Floats, width: int, cold: bool) -> Floats:
    """Seconds of silu(a) * b, `nbytes` each: silu into a third buffer, the product to a fourth."""
    return activation_seconds(gpu, "silu", nbytes, width, 3 * nbytes, cold) \
        + add_seconds(gpu, nbytes, 4 * nbytes, cold=False)
