"""What event-driven queueing stations count: jobs, and integrals over time of their numbers.

One entry a station. `present` counts the jobs there, waiting or in service, `busy` the servers
at work; their integrals are in job- and server-picoseconds, float64: exact to 2**53 (2.5 hours
of one server), then rounded at each addition, always in the same order. Mean number present,
utilisation, mean queue and, by Little's law, mean sojourn follow from two readings.

Left out: distributions (`histogram`) and how numbers change over time (`counters`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["Tally", "new_tally", "tally_at", "tally_move"]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class Tally(NamedTuple):
    """Shape (stations,) each. Jobs that have left: ``arrived - present``."""

    present: I64
    busy: I64
    most: I64           # the largest `present` so far
    arrived: I64
    since_ps: I64       # up to when the integrals go
    present_area: F64   # integral of `present`, job-picoseconds
    busy_area: F64      # integral of `busy`, server-picoseconds


def new_tally(stations: int) -> Tally:
    """Nothing there and nothing counted."""
    present, busy, most, arrived, since_ps = (np.zeros(stations, np.int64) for _ in range(5))
    return Tally(present, busy, most, arrived, since_ps, np.zeros(stations), np.zeros(stations))


@kernel
def tally_move(tally, station, now_ps, present, busy):  # type: ignore[no-untyped-def]
    """Change the numbers of a station by `present` and `busy` at `now_ps`, which never falls."""
    span = float(now_ps - tally.since_ps[station])
    if span > 0.0:  # in float64: 1e6 jobs times 10 s leave int64
        tally.since_ps[station] = now_ps
        tally.present_area[station] += span * tally.present[station]
        tally.busy_area[station] += span * tally.busy[station]
    tally.present[station] += present
    tally.busy[station] += busy
    if present > 0:
        tally.arrived[station] += present
        tally.most[station] = max(tally.most[station], tally.present[station])


def tally_at(tally: Tally, now_ps: int) -> Tally:
    """A copy whose integrals go up to `now_ps`, which is not before any event."""
    span = (now_ps - tally.since_ps).astype(np.float64)
    return Tally(tally.present.copy(), tally.busy.copy(), tally.most.copy(), tally.arrived.copy(),
                 np.full_like(tally.since_ps, now_ps),
                 tally.present_area + span * tally.present,
                 tally.busy_area + span * tally.busy)
