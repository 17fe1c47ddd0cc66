"""Cumulative counters copied at fixed times, so that any window can be measured afterwards.

The copies are taken at equal steps over the span of the arrivals; a window starts and ends at
one of them. Work in progress counts when it ends, so a busy share is off by at most one step of
a device in a window.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["ACTIVE", "ARRIVED", "FINISHED", "SNAPSHOTS", "TOKENS", "Snapshots", "new_snapshots",
           "take_snapshots"]

SNAPSHOTS = 128  # windows of 1/128 of the span: the paper's 60 s of 80 s fall on them exactly
ARRIVED, FINISHED, ACTIVE, TOKENS = 0, 1, 2, 3

Ints = npt.NDArray[np.int64]


class Snapshots(NamedTuple):
    time_ps: Ints       # (SNAPSHOTS + 1,)
    taken: Ints         # (1,)
    counts: Ints        # (SNAPSHOTS + 1, 4): ARRIVED, FINISHED, ACTIVE, TOKENS
    device_busy: Ints   # (SNAPSHOTS + 1, devices), ps
    link_busy: Ints     # (SNAPSHOTS + 1, links), ps


def new_snapshots(first_ps: int, last_ps: int, devices: int, links: int) -> Snapshots:
    steps = np.arange(SNAPSHOTS + 1, dtype=np.int64)
    # the last one falls just after the last arrival
    time_ps = first_ps + (last_ps - first_ps) // SNAPSHOTS * steps
    time_ps[-1] = last_ps + 1
    rows = SNAPSHOTS + 1
    return Snapshots(time_ps, np.zeros(1, np.int64), np.zeros((rows, 4), np.int64),
                     np.zeros((rows, devices), np.int64), np.zeros((rows, links), np.int64))


@kernel
def take_snapshots(snapshots, now_ps, admission, device_busy, link_busy):  # type: ignore[no-untyped-def]
    """Copy the counters for every snapshot time up to `now_ps`, before what happens then."""
    at = snapshots.taken[0]
    while at < snapshots.time_ps.shape[0] and snapshots.time_ps[at] <= now_ps:
        snapshots.counts[at, ARRIVED] = admission.arrived[0]
        snapshots.counts[at, FINISHED] = admission.finished[0]
        snapshots.counts[at, ACTIVE] = admission.active[0]
        snapshots.counts[at, TOKENS] = admission.tokens[0]
        for device in range(device_busy.shape[0]):
            snapshots.device_busy[at, device] = device_busy[device]
        for link in range(link_busy.shape[0]):
            snapshots.link_busy[at, link] = link_busy[link]
        at += 1
    snapshots.taken[0] = at
