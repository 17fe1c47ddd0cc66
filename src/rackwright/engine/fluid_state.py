"""The arrays of devices whose jobs share resources as fluids; `fluids` changes them.

A *station* is one device, say a GPU, with a few resources (math, memory bandwidth). A *job* lives
in a slot from its start until it has ended. Units: int64 picoseconds; work in picoseconds that
the job would take alone, float64; capacities and demands in any unit of the caller's, the same
for both.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.slots import free_slots, grown_pool
from rackwright.engine.status import FOREVER_PS
from rackwright.engine.tally import Tally, new_tally
from rackwright.errors import InputError

__all__ = ["FluidJobs", "Fluids", "grown_fluids", "new_fluids"]

I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
F64 = npt.NDArray[np.float64]


class FluidJobs(NamedTuple):
    """One entry a slot; what a job was stays there until the slot is used again."""

    station: I64
    tag: I64            # the caller's
    priority: I64       # its class, 0 first
    weight: F64
    demand: F64         # (slots, resources): what it uses at rate 1
    left: F64           # work left at `touched_ps`
    rate: F64           # progress since then, 1: as fast as alone
    wanted: F64         # scratch: the rate that the last fill gave
    touched_ps: I64
    started_ps: I64
    service_ps: I64     # its work
    end_ps: I64         # FOREVER_PS while it stands still
    settled: I64        # scratch of the fill: 0 not looked at, 1 rising, 2 has its rate
    before: I64         # list of the jobs of a station in the order of their starts, or -1
    after: I64
    free: I64           # stack of the slots not in use


class Fluids(NamedTuple):
    """Shape (stations,) each unless said otherwise."""

    jobs: FluidJobs
    tally: Tally        # `busy`: 1 while there is a job
    capacity: F64       # (stations, resources)
    first: I64          # first job, or -1
    last: I64
    stale: I64          # the first `stale_count` entries are stations whose rates are out of date
    is_stale: I64       # 1 if it is among them
    stale_count: I64    # (1,)
    end_ps: I64         # next end at the station, FOREVER_PS if none
    number: I64         # the station itself; orders those that end in one tick
    ends: I32           # heap of all stations by (end_ps, number), see `end_heap`
    ends_at: I32
    room: F64           # (resources,) scratch of the fill: what is left
    load: F64           # (resources,) scratch: what the rising jobs use at level 1
    free_count: I64     # (1,)


def new_fluids(capacity: npt.ArrayLike, *, slots: int = 256) -> Fluids:
    """Idle stations of ``capacity[station, resource]``; `slots` jobs can run before arrays grow.

    Raises `InputError` for a shape without stations or resources, and for a capacity that is not
    a finite number >= 0.
    """
    room = np.array(capacity, np.float64)
    if room.ndim != 2 or 0 in room.shape:
        raise InputError(f"capacity has shape {room.shape}; (stations, resources) is needed")
    good = np.isfinite(room) & (room >= 0)
    if not good.all():
        station, resource = (int(at) for at in np.argwhere(~good)[0])
        raise InputError(f"resource {resource} of station {station} has capacity "
                         f"{room[station, resource]}; a finite number >= 0 is needed")
    stations, resources = room.shape
    stale, is_stale = np.zeros((2, stations), np.int64)
    first, last = np.full((2, stations), -1, np.int64)
    own = np.arange(stations)
    return Fluids(
        _new_jobs(0, slots, resources), new_tally(stations), room, first, last, stale, is_stale,
        np.zeros(1, np.int64), np.full(stations, FOREVER_PS, np.int64), own.astype(np.int64),
        own.astype(np.int32), own.astype(np.int32), np.zeros(resources), np.zeros(resources),
        np.full(1, slots, np.int64))


def grown_fluids(fluids: Fluids) -> Fluids:
    """The same stations with at least twice the slots."""
    old = len(fluids.jobs.free)
    more = _new_jobs(old, max(old, 16), fluids.capacity.shape[1])
    return fluids._replace(jobs=grown_pool(fluids.jobs, more, fluids.free_count))


def _new_jobs(first: int, count: int, resources: int) -> FluidJobs:
    """Slots numbered from `first`, all free."""
    station, tag, priority, touched_ps, started_ps, service_ps, settled = np.zeros(
        (7, count), np.int64)
    weight, left, rate, wanted = np.zeros((4, count))
    before, after = np.full((2, count), -1, np.int64)
    return FluidJobs(station, tag, priority, weight, np.zeros((count, resources)), left, rate,
                     wanted, touched_ps, started_ps, service_ps,
                     np.full(count, FOREVER_PS, np.int64), settled, before, after,
                     free_slots(first, count))
