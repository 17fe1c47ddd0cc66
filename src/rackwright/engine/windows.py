"""Amounts over time in a fixed number of windows, all as wide; memory never grows.

A *track* is one thing that is recorded (a link, a device). When something falls beyond the last
window, windows are folded in pairs and become twice as wide, for all tracks, until it fits: the
record always covers the whole run, at a resolution of its length over `windows` or better.

Amounts are float64; folding adds the same pairs in whatever order events come, but within a
window amounts are added in the order of events. Units: int64 picoseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["Windows", "new_windows", "window_add", "window_spread"]


class Windows(NamedTuple):
    """Window w of a track is from ``w * width_ps[0]`` to ``(w + 1) * width_ps[0]``."""

    amount: npt.NDArray[np.float64]     # (tracks, windows)
    width_ps: npt.NDArray[np.int64]     # (1,)


def new_windows(tracks: int, windows: int, width_ps: int) -> Windows:
    """Nothing yet, in windows of `width_ps` to begin with; no windows turn recording off.

    Raises `UsageError` for negative numbers, a single window, or a width outside 1 ps to 106 days.
    """
    if tracks < 0 or windows < 0 or windows == 1:
        raise UsageError(f"cannot record {tracks} tracks in {windows} windows; 0 windows turn "
                         "recording off, otherwise 2 or more are needed")
    if not 1 <= width_ps < 1 << 62:
        raise UsageError(f"a window of {width_ps} ps; 1 to 2**62 is allowed")
    return Windows(np.zeros((tracks, windows)), np.full(1, width_ps, np.int64))


@kernel
def window_add(record, track, at_ps, amount):  # type: ignore[no-untyped-def]
    """Add `amount` to the window in which `at_ps` >= 0 lies."""
    if record.amount.shape[1] > 0:
        reach(record, at_ps)
        record.amount[track, at_ps // record.width_ps[0]] += amount  # nonzero: 1 ps or more


@kernel
def window_spread(record, track, start_ps, end_ps, level):  # type: ignore[no-untyped-def]
    """Add `level` times the time that `start_ps` to `end_ps` shares with each window.

    `end_ps` may lie in the future. The amounts are then in picoseconds times the level.
    """
    if record.amount.shape[1] == 0 or end_ps <= start_ps or level == 0.0:
        return
    reach(record, end_ps - 1)
    width_ps = record.width_ps[0]
    at = start_ps // width_ps  # nonzero: 1 ps or more
    while start_ps < end_ps:
        at += 1
        part_ps = min(end_ps, at * width_ps) - start_ps
        record.amount[track, at - 1] += level * part_ps
        start_ps += part_ps


@kernel
def reach(record, at_ps):  # type: ignore[no-untyped-def]
    """Fold windows until one of them covers `at_ps`."""
    windows = record.amount.shape[1]
    while at_ps // record.width_ps[0] >= windows:  # nonzero: 1 ps or more
        record.width_ps[0] *= 2
        for track in range(record.amount.shape[0]):
            fold(record.amount[track])


@kernel
def fold(amount):  # type: ignore[no-untyped-def]
    """Add up the windows of one track in pairs."""
    windows = amount.shape[0]
    for at in range((windows + 1) // 2):
        pair = amount[2 * at]
        if 2 * at + 1 < windows:
            pair += amount[2 * at + 1]
        amount[at] = pair
    for at in range((windows + 1) // 2, windows):
        amount[at] = 0.0
