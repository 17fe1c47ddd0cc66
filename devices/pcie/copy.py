"""Copies between host memory and a GPU, started on a stream: what is fitted, and the forms.

Models, for pinned memory: the shortest copy, a set-up before the bytes, the rate of long ones; both
directions at once at a rate of their own, which falls when the two buffers leave the host's cache.
For pageable memory: the CPU copies through a pinned buffer, at its own rate, lower when the
source has left its cache (a copy to the host shows no such step).

Leaves out: several GPUs at once (`sharing`), host memory of another socket, registering memory,
both directions with pageable memory. The rate of the link itself is that of `part`.
Sources: fitted to measurements (`fits`); each part's file says to which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.part import Fit
from rackwright.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rackwright.devices.pcie.part import Pcie

__all__ = ["DIRECTIONS", "HOST_MEMORIES", "PcieFit", "copy_seconds"]

DIRECTIONS = ("both", "d2h", "h2d")
HOST_MEMORIES = ("pageable", "pinned")


@dataclass(frozen=True, kw_only=True)
class PcieFit(Fit):
    """Shares without a unit, times in seconds, sizes in bytes, rates in bytes/s.

    `link_share`: payload over what encoding and headers leave. `*_floor_time` is the shortest
    copy, `*_setup_time` precedes the bytes of a long one; `both_*` are of a pair, one copy each
    way, and `both_share` of the one-way rate, `both_far_share` when the pair has left the cache,
    which `both_reach_nbytes` (each) fill. `pageable_*_time` starts a staged copy, whose bytes the
    CPU moves at `pageable_*_bandwidth`, or at `pageable_far_bandwidth` from outside its cache,
    which `pageable_reach_nbytes` fill.
    """

    link_share: float
    h2d_floor_time: float
    h2d_setup_time: float
    d2h_floor_time: float
    d2h_setup_time: float
    both_floor_time: float
    both_setup_time: float
    both_share: float
    both_far_share: float
    both_reach_nbytes: float
    pageable_h2d_time: float
    pageable_d2h_time: float
    pageable_h2d_bandwidth: float
    pageable_d2h_bandwidth: float
    pageable_far_bandwidth: float
    pageable_reach_nbytes: float


def copy_seconds(pcie: Pcie, n: Floats, direction: str, host_memory: str) -> Floats:
    """Seconds of copies of `n` bytes; of a pair of them for "both". Raises for unknown names."""
    check_copy(direction, host_memory)
    if host_memory == "pageable":
        return _pageable(pcie, n, direction)
    fit = pcie.copy
    if direction == "both":
        return np.maximum(fit.both_floor_time, fit.both_setup_time + n / both_bandwidth(pcie, n))
    floor, setup = start_times(fit, direction)
    return np.maximum(floor, setup + n / pcie.bandwidth)


def check_copy(direction: str, host_memory: str) -> None:
    """Raises `UnknownName` or `UsageError` for a copy that is not modelled."""
    if direction not in DIRECTIONS:
        raise UnknownName("direction", direction, DIRECTIONS)
    if host_memory not in HOST_MEMORIES:
        raise UnknownName("host memory", host_memory, HOST_MEMORIES)
    if (direction, host_memory) == ("both", "pageable"):
        raise UsageError("copies both ways at once are modelled for pinned memory only; take "
                         "host_memory='pinned', or one direction at a time")


def start_times(fit: PcieFit, direction: str) -> tuple[float, float]:
    """(floor, set-up) of a pinned copy one way."""
    if direction == "h2d":
        return fit.h2d_floor_time, fit.h2d_setup_time
    return fit.d2h_floor_time, fit.d2h_setup_time


def resident(n: Floats, reach: float) -> Floats:
    """Share of `n` bytes that the host's cache still serves when they are copied again.

    All of what fits; of more, the square of what would fit: a cache that replaces what was used
    longest ago loses more than the excess (inferred from the measured step; the form is ours).
    """
    return np.minimum(1.0, (reach / np.maximum(n, 1.0)) ** 2)


def both_bandwidth(pcie: Pcie, n: Floats) -> Floats:
    """Bytes/s of each of two copies at once, one each way."""
    fit = pcie.copy
    near = resident(n, fit.both_reach_nbytes)
    return pcie.bandwidth / (near / fit.both_share + (1 - near) / fit.both_far_share)


def _pageable(pcie: Pcie, n: Floats, direction: str) -> Floats:
    """The CPU's copy and the link's overlap: the slower one counts."""
    fit = pcie.copy
    if direction == "d2h":
        return fit.pageable_d2h_time + n / min(fit.pageable_d2h_bandwidth, pcie.bandwidth)
    near = resident(n, fit.pageable_reach_nbytes)
    moved = n * (near / fit.pageable_h2d_bandwidth + (1 - near) / fit.pageable_far_bandwidth)
    return fit.pageable_h2d_time + np.maximum(moved, n / pcie.bandwidth)
