"""The arrays of processor-sharing stations; what changes them is in `processor_sharing`.

A job lives in a slot from its arrival until it leaves. Units: int64 picoseconds; virtual time is
told in `virtual_time`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.servers import station_numbers
from rackwright.engine.slots import free_slots, grown_pool
from rackwright.engine.status import FOREVER_PS
from rackwright.engine.tally import Tally, new_tally
from rackwright.errors import InputError

__all__ = ["NO_LIMIT", "PsJobs", "PsServers", "grown_ps_servers", "new_ps_servers"]

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
NO_LIMIT = 1 << 62


class PsJobs(NamedTuple):
    """One entry a slot; what a job was stays there until the slot is used again."""

    station: I64
    number: I64         # counts the arrivals
    tag: I64            # the caller's
    weight: I64
    arrived_ps: I64
    service_ps: I64
    finish_ps: I64      # virtual time at which its service is complete
    finish_part: I64
    left: I64           # heap of those in service by (finish, number): children, or -1
    right: I64          # also the next one that waits
    free: I64           # stack of the slots not in use


class PsServers(NamedTuple):
    """Shape (stations,) each, but for `jobs` and `free_count`."""

    jobs: PsJobs
    tally: Tally        # `busy`: 1 while it serves
    most: I64           # jobs that it serves at once, others wait
    serving: I64        # jobs in service
    weight: I64         # their total weight
    root: I64           # of their heap, or -1
    first: I64          # first job that waits, or -1
    last: I64
    virtual_ps: I64     # virtual time at `touched_ps`
    virtual_part: I64
    touched_ps: I64
    end_ps: I64         # next end, FOREVER_PS if none
    number: I64         # the station itself; orders those that end in one tick
    ends: I32           # heap of all stations by (end_ps, number), see `end_heap`
    ends_at: I32
    free_count: I64     # (1,)


def new_ps_servers(stations: int, *, most: npt.ArrayLike = NO_LIMIT,
                   slots: int = 256) -> PsServers:
    """Idle stations, each of which serves at most `most` jobs at once (for all, or one for each).

    `slots` jobs can be present before the arrays have to grow. Raises `InputError` for numbers
    that are not whole and >= 1.
    """
    if not isinstance(stations, int) or stations < 1:
        raise InputError(f"there are {stations!r} processor-sharing stations; a whole number, 1 or "
                         "more, is needed")
    serving, weight, virtual_ps, virtual_part, touched_ps = np.zeros((5, stations), np.int64)
    root, first, last = np.full((3, stations), -1, np.int64)
    own = np.arange(stations)
    return PsServers(
        _new_jobs(0, slots), new_tally(stations),
        station_numbers(most, stations, "jobs in service at most", 1),
        serving, weight, root, first, last, virtual_ps, virtual_part, touched_ps,
        np.full(stations, FOREVER_PS, np.int64), own.astype(np.int64), own.astype(np.int32),
        own.astype(np.int32), np.full(1, slots, np.int64))


def grown_ps_servers(servers: PsServers) -> PsServers:
    """The same stations with at least twice the slots."""
    old = len(servers.jobs.free)
    more = _new_jobs(old, max(old, 16))
    return servers._replace(jobs=grown_pool(servers.jobs, more, servers.free_count))


def _new_jobs(first: int, count: int) -> PsJobs:
    """Slots numbered from `first`, all free."""
    station, number, tag, weight, arrived_ps, service_ps, finish_ps, finish_part = np.zeros(
        (8, count), np.int64)
    left, right = np.full((2, count), -1, np.int64)
    return PsJobs(station, number, tag, weight, arrived_ps, service_ps, finish_ps, finish_part,
                  left, right, free_slots(first, count))
