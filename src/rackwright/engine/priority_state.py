"""The arrays of stations with priority classes; what changes them is in `priority`.

A job lives in a slot from its arrival until it leaves. Units: int64 picoseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.servers import station_numbers, station_offsets
from rackwright.engine.slots import free_slots, grown_pool
from rackwright.engine.tally import Tally, new_tally
from rackwright.errors import InputError

__all__ = [
    "PriorityJobs", "PriorityServers", "grown_priority_servers", "new_priority_servers",
]

I64 = npt.NDArray[np.int64]


class PriorityJobs(NamedTuple):
    """One entry a slot; what a job was stays there until the slot is used again."""

    station: I64
    priority: I64       # its class
    number: I64         # counts the arrivals
    tag: I64            # the caller's
    arrived_ps: I64
    service_ps: I64
    left_ps: I64        # service left when it last had no server
    end_ps: I64         # end of its service, while it has a server
    starts: I64         # services begun in this slot
    place: I64          # where it stands in `serving`, or -1
    next_job: I64       # the next one that waits in its class, or -1
    free: I64           # stack of the slots not in use


class PriorityServers(NamedTuple):
    """Stations, their servers and their waiting rooms."""

    jobs: PriorityJobs
    tally: Tally
    offsets: I64        # (stations + 1,)
    serving: I64        # (servers,): jobs in service, the first `tally.busy` of each station
    preempts: I64       # (stations,): 1 where it does
    first: I64          # (stations, classes): first job that waits, or -1
    last: I64           # (stations, classes)
    free_count: I64     # (1,)


def new_priority_servers(counts: npt.ArrayLike, *, classes: int, preempts: npt.ArrayLike = 0,
                         slots: int = 256) -> PriorityServers:
    """Idle stations with ``counts[s]`` servers each and `classes` classes.

    `preempts`: 1 or 0, for all stations or one for each. `slots` jobs can be present before the
    arrays have to grow. Raises `InputError` for counts or classes that are not whole numbers >= 1.
    """
    offsets = station_offsets(counts)
    stations = len(offsets) - 1
    if not isinstance(classes, int) or classes < 1:
        raise InputError(f"priority stations have {classes!r} classes; a whole number, 1 or more, "
                         "is needed")
    first, last = np.full((2, stations, classes), -1, np.int64)
    return PriorityServers(
        _new_jobs(0, slots), new_tally(stations), offsets, np.full(int(offsets[-1]), -1, np.int64),
        np.minimum(station_numbers(preempts, stations, "pre-emption flags", 0), 1),
        first, last, np.full(1, slots, np.int64))


def grown_priority_servers(servers: PriorityServers) -> PriorityServers:
    """The same stations with at least twice the slots."""
    old = len(servers.jobs.free)
    more = _new_jobs(old, max(old, 16))
    return servers._replace(jobs=grown_pool(servers.jobs, more, servers.free_count))


def _new_jobs(first: int, count: int) -> PriorityJobs:
    """Slots numbered from `first`, all free."""
    station, priority, number, tag, arrived_ps, service_ps, left_ps, end_ps, starts = np.zeros(
        (9, count), np.int64)
    place, next_job = np.full((2, count), -1, np.int64)
    return PriorityJobs(station, priority, number, tag, arrived_ps, service_ps, left_ps, end_ps,
                        starts, place, next_job, free_slots(first, count))
