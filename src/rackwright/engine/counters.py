"""What happens over time, in bounded memory: counts of events, and levels with their integrals.

A *counter* counts (bytes sent, tokens routed). A *gauge* is a level that holds until it changes
(queue length, servers at work, bytes in a buffer): its integral over time, time-weighted mean,
least and largest. Both keep, if wanted, a fixed number of windows (`windows`) that show how
things went. No tracks: recording is off, and a call costs one comparison.

Integrals are level x picoseconds in float64: exact for whole levels up to 2**53, rounded in the
order of events beyond. Left out: names of tracks, distributions (`histogram`), spans (`record`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.engine.windows import Windows, new_windows, reach, window_add, window_spread
from rackwright.units import ps_to_seconds

__all__ = [
    "Counters", "Gauges", "counter_add", "counter_rates", "gauge_add", "gauge_levels",
    "gauge_means", "gauge_set", "gauge_span", "gauges_at", "new_counters", "new_gauges",
]

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
FIRST_WIDTH_PS = 1_000_000  # 1 us: finer than any report shows, and soon folded


class Counters(NamedTuple):
    """One entry a track."""

    total: F64          # sum of what was added; whole numbers are exact to 2**53
    events: I64         # how often something was added
    windows: Windows    # what was added in each window


class Gauges(NamedTuple):
    """One entry a track."""

    level: F64          # now
    since_ps: I64       # up to when the integral goes
    area: F64           # integral of the level
    least: F64          # of the levels so far, the 0 of the start not included
    largest: F64
    windows: Windows    # the part of the integral in each window


def new_counters(tracks: int, *, windows: int = 0, width_ps: int = FIRST_WIDTH_PS) -> Counters:
    """Counters at 0. Raises `UsageError` as `new_windows` does."""
    record = new_windows(tracks, windows, width_ps)
    return Counters(np.zeros(tracks), np.zeros(tracks, np.int64), record)


def new_gauges(tracks: int, *, windows: int = 0, width_ps: int = FIRST_WIDTH_PS) -> Gauges:
    """Gauges at level 0 from time 0 on. Raises `UsageError` as `new_windows` does."""
    record = new_windows(tracks, windows, width_ps)
    return Gauges(np.zeros(tracks), np.zeros(tracks, np.int64), np.zeros(tracks),
                  np.full(tracks, np.inf), np.full(tracks, -np.inf), record)


@kernel
def counter_add(counters, track, now_ps, amount):  # type: ignore[no-untyped-def]
    """Count `amount` at `now_ps`."""
    if track < counters.total.shape[0]:
        counters.total[track] += amount
        counters.events[track] += 1
        window_add(counters.windows, track, now_ps, amount)


@kernel
def gauge_set(gauges, track, now_ps, level):  # type: ignore[no-untyped-def]
    """The level is `level` from `now_ps` on; `now_ps` never falls on a track."""
    if track < gauges.level.shape[0]:
        before, since_ps = gauges.level[track], gauges.since_ps[track]
        gauges.area[track] += before * (now_ps - since_ps)
        window_spread(gauges.windows, track, since_ps, now_ps, before)
        gauges.since_ps[track] = now_ps
        gauges.level[track] = level
        gauges.least[track] = min(gauges.least[track], level)
        gauges.largest[track] = max(gauges.largest[track], level)


@kernel
def gauge_add(gauges, track, now_ps, change):  # type: ignore[no-untyped-def]
    """The level changes by `change` at `now_ps`."""
    if track < gauges.level.shape[0]:
        gauge_set(gauges, track, now_ps, gauges.level[track] + change)


@kernel
def gauge_span(gauges, track, start_ps, end_ps, level):  # type: ignore[no-untyped-def]
    """Add `level` from `start_ps` to `end_ps`, both known now: a service booked in closed form.

    Spans may overlap and lie in the future. They enter the integral and the windows, not the
    level, nor the least and largest.
    """
    if track < gauges.level.shape[0]:
        gauges.area[track] += float(level) * (end_ps - start_ps)
        window_spread(gauges.windows, track, start_ps, end_ps, level)


def gauges_at(gauges: Gauges, now_ps: int) -> Gauges:
    """A copy whose integrals and windows go up to `now_ps`, not before any change of level."""
    level, since_ps, area, least, largest, record = gauges
    settled = Gauges(level.copy(), since_ps.copy(), area.copy(), least.copy(), largest.copy(),
                     Windows(record.amount.copy(), record.width_ps.copy()))
    for track in range(len(level)):
        settled.area[track] += level[track] * float(now_ps - since_ps[track])
        window_spread(settled.windows, track, int(since_ps[track]), now_ps, float(level[track]))
    settled.since_ps[:] = now_ps
    return settled


def gauge_means(gauges: Gauges, now_ps: int) -> F64:
    """The time-weighted mean level of each track from 0 to `now_ps`; NaN at time 0."""
    if now_ps == 0:
        return np.full(len(gauges.level), np.nan)
    return (gauges.area + gauges.level * (now_ps - gauges.since_ps)) / now_ps


def gauge_levels(gauges: Gauges, now_ps: int) -> tuple[F64, F64]:
    """(times, levels): window edges in seconds, and the mean level in each window.

    The last window ends at `now_ps`. Shapes (n + 1,) and (tracks, n), n <= windows; n = 0 where
    no window is kept.
    """
    edges_ps, amount = _until(gauges_at(gauges, now_ps).windows, now_ps)
    return ps_to_seconds(edges_ps), amount / np.diff(edges_ps)


def counter_rates(counters: Counters, now_ps: int) -> tuple[F64, F64]:
    """(times, rates): window edges in seconds, and what was added per second in each window.

    Shapes as those of `gauge_levels`.
    """
    edges_ps, amount = _until(counters.windows, now_ps)
    return ps_to_seconds(edges_ps), amount / np.diff(edges_ps) * 1e12


def _until(record: Windows, now_ps: int) -> tuple[I64, F64]:
    """Edges of the windows up to `now_ps`, and what is in them."""
    whole = Windows(record.amount.copy(), record.width_ps.copy())
    count = 0
    if whole.amount.shape[1] > 0 and now_ps > 0:
        reach(whole, now_ps - 1)
        count = int(-(-now_ps // whole.width_ps[0]))
    edges_ps = np.minimum(np.arange(count + 1, dtype=np.int64) * whole.width_ps[0], now_ps)
    return edges_ps, whole.amount[:, :count]
