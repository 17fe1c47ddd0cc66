"""Board power by what the board does, and energy.

Models the power that a board settles at when it does one thing without a pause: nothing (a context
is open), copies, decode attention, prefill attention, matrix products in bf16 or fp8. A part that
was measured states them. For another, math draws the board's limit, and what lives on memory draws
the idle power and `NBYTE_JOULES` a byte, up to the limit (inferred: copies and decodes of an H100
agree on it within 2 %).

Leaves out: how power rises and falls (averages over less than a second), idle boards without a
context, clocks and temperatures, the data: constant data draws less than random data (a copy of
data not noted took 391 W where random data takes 509 W).

Units: watts, joules. Sources: the part files, from `measured/<part>/power.csv.gz`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rackwright.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["LOADS", "load_watts", "power_watts"]

LOADS = {"copy": "copy_watts", "decode": "decode_watts", "gemm_bf16": "matrix_watts",
         "gemm_fp8": "matrix_fp8_watts", "idle": "idle_watts", "prefill": "prefill_watts"}
"""Kinds of work, as measured tables call them, and the part's field."""
MEMORY_LOADS = ("copy", "decode")
NBYTE_JOULES = 157e-12  # measured/h100-sxm: (618 - 129) W of decoding at 3.1 TB/s


def load_watts(gpu: Gpu, work: str) -> float:
    """Board power of one kind of work kept up; raises `UnknownName`."""
    if work not in LOADS:
        raise UnknownName("kind of work", work, LOADS)
    watts: float | None = getattr(gpu, LOADS[work])
    if watts is not None:
        return min(watts, gpu.tdp_watts)  # a part that inherits another's may have a lower limit
    if work not in MEMORY_LOADS:
        return gpu.tdp_watts
    rate = gpu.memory_bandwidth * gpu.attention.memory_share
    return min(gpu.idle_watts + NBYTE_JOULES * rate, gpu.tdp_watts)


def power_watts(gpu: Gpu, busy: float, work: str) -> float:
    """Board power with `work` for a share `busy` of the time, 0 to 1, and idle for the rest."""
    if not 0 <= busy <= 1:
        raise UsageError(f"busy must be a share from 0 to 1, not {busy!r}")
    return gpu.idle_watts + busy * (load_watts(gpu, work) - gpu.idle_watts)
