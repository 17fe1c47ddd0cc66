"""First-come-first-served stations in closed form: one event a job, no waiting room.

A station has c identical servers. A job takes the server that is free first, at
``max(arrival, free)``, and its end is known at once (for c = 1 this is Lindley's recursion).
Jobs are offered in the order in which they arrive; service times are whole picoseconds from a
cost table or anywhere else. Nothing can be full, so nothing grows.

Left out: how many wait at a moment, hence bounds on that, and priorities (`priority` has both);
jobs that give up. Units: int64 picoseconds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import InputError

__all__ = [
    "Servers", "new_servers", "server_arrive", "servers_busy", "station_numbers", "station_offsets",
]

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class Servers(NamedTuple):
    """Station s has servers ``offsets[s]`` to ``offsets[s + 1] - 1``.

    ``free_ps[offsets[s]]`` is when a job that arrived now could start at the earliest.
    """

    offsets: I64        # (stations + 1,)
    free_ps: I64        # (servers,): when each is free; a heap for every station
    jobs: I64           # (stations,): jobs that have arrived
    busy_area: F64      # (stations,): their service, server-picoseconds; see `servers_busy`
    waited_area: F64    # (stations,): their waiting, job-picoseconds


def new_servers(counts: npt.ArrayLike) -> Servers:
    """Idle stations with ``counts[s]`` servers each; a number makes one station.

    Raises `InputError` for a count that is not a whole number >= 1.
    """
    offsets = station_offsets(counts)
    stations = len(offsets) - 1
    return Servers(offsets, np.zeros(int(offsets[-1]), np.int64), np.zeros(stations, np.int64),
                   np.zeros(stations), np.zeros(stations))


def station_offsets(counts: npt.ArrayLike) -> I64:
    """Where the servers of each station start, and where the last one's end.

    Raises `InputError` for no station, or a count that is not a whole number >= 1.
    """
    each = station_numbers(counts, max(np.size(counts), 1), "servers", 1)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(each)])


def station_numbers(given: npt.ArrayLike, stations: int, what: str, least: int) -> I64:
    """A whole number >= `least` of `what` for each station; one number counts for all.

    Raises `InputError` for anything else, naming the first station that has it.
    """
    each: npt.NDArray[Any] = np.asarray(given)
    if each.dtype.kind not in "iu" or each.shape not in ((), (stations,)):
        raise InputError(f"{what} of {stations} stations given as {given!r}; a whole number, or "
                         "one for each station, is needed")
    each = np.array(np.broadcast_to(each, stations), np.int64)
    if (each < least).any():
        bad = int(np.argmax(each < least))
        raise InputError(f"station {bad} has {each[bad]} {what}; {least} or more are needed")
    return each


@kernel
def server_arrive(servers, station, now_ps, service_ps):  # type: ignore[no-untyped-def]
    """Book a job of `service_ps` >= 0 that arrives at `now_ps`: (start_ps, end_ps).

    `now_ps` never falls from one call of a station to the next.
    """
    free_ps, base = servers.free_ps, servers.offsets[station]
    size = servers.offsets[station + 1] - base
    start_ps = max(now_ps, free_ps[base])
    end_ps = start_ps + service_ps
    hole = 0
    while True:
        child = 2 * hole + 1
        if child >= size:
            break
        if child + 1 < size and free_ps[base + child + 1] < free_ps[base + child]:
            child += 1
        if end_ps <= free_ps[base + child]:
            break
        free_ps[base + hole] = free_ps[base + child]
        hole = child
    free_ps[base + hole] = end_ps
    servers.jobs[station] += 1
    servers.busy_area[station] += service_ps
    servers.waited_area[station] += start_ps - now_ps
    return start_ps, end_ps


def servers_busy(servers: Servers, now_ps: int) -> F64:
    """Server-picoseconds of service done by `now_ps`, shape (stations,).

    Not what is booked for later: a server with jobs works without a gap until it is free. No job
    may have arrived after `now_ps`.
    """
    later = np.maximum(servers.free_ps - now_ps, 0).astype(np.float64)
    return servers.busy_area - np.add.reduceat(later, servers.offsets[:-1])
