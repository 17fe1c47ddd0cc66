"""Bandwidths that change over time: rows (time_ps, link, bandwidth), read by a cursor.

All rows of one tick cost one re-share. Zero bandwidth is legal: the flows on the link stall, and go
on with the bytes that they have left when bandwidth comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.flows import flow_set_bandwidth
from rackwright.engine.kernel import kernel
from rackwright.engine.status import FOREVER_PS
from rackwright.errors import InputError

__all__ = ["Changes", "Rows", "apply_changes", "new_changes", "next_change_ps"]

Rows = Sequence[tuple[int, int, float]]


class Changes(NamedTuple):
    """Rows sorted by time, at most one for a link at a time; the first `done` have happened."""

    time_ps: npt.NDArray[np.int64]
    link: npt.NDArray[np.int32]
    bandwidth: npt.NDArray[np.float64]  # bytes/s
    done: npt.NDArray[np.int64]         # shape (1,)


def new_changes(rows: Rows | None, links: int) -> Changes:
    """Rows (time_ps, link, bandwidth) for a fabric of `links` links; None is none.

    Of several rows for one link and time the last counts. Raises `InputError`, naming the row,
    for times that are negative or go back, links that do not exist, and bandwidths that are not
    finite numbers >= 0.
    """
    kept: dict[tuple[int, int], float] = {}
    before = 0
    for at, row in enumerate(rows if rows is not None else ()):
        time_ps, link, bandwidth = _checked(at, row, before, links)
        kept[time_ps, link] = bandwidth
        before = time_ps
    return Changes(np.array([time_ps for time_ps, _ in kept], np.int64),
                   np.array([link for _, link in kept], np.int32),
                   np.array(list(kept.values()), np.float64), np.zeros(1, np.int64))


def _checked(at: int, row: Any, before: int, links: int) -> tuple[int, int, float]:
    try:
        time_ps, link, bandwidth = row
        whole = int(time_ps), int(link), float(bandwidth)
        good = whole[0] == time_ps and whole[1] == link
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        raise InputError(f"changes[{at}] is {row!r}; a row (time in ps, link, bytes/s) of "
                         "two whole numbers and a number is needed")
    if not before <= whole[0] < FOREVER_PS:
        raise InputError(f"changes[{at}] is at {whole[0]} ps, before {before} ps; times start at 0 "
                         "and never go back")
    if not 0 <= whole[1] < links:
        raise InputError(f"changes[{at}] names link {whole[1]}; there are {links} links, so 0 to "
                         f"{links - 1} is allowed")
    if not 0 <= whole[2] < np.inf:
        raise InputError(f"changes[{at}] gives link {whole[1]} {whole[2]} bytes/s; a finite "
                         "number, 0 or more, is needed")
    return whole


@kernel
def next_change_ps(changes):  # type: ignore[no-untyped-def]
    """When the next row is due; FOREVER_PS if none is left."""
    if changes.done[0] == changes.time_ps.shape[0]:
        return FOREVER_PS
    return changes.time_ps[changes.done[0]]


@kernel
def apply_changes(changes, flows, now_ps):  # type: ignore[no-untyped-def]
    """Let all rows up to `now_ps` happen; returns how many did."""
    count = 0
    while changes.done[0] < changes.time_ps.shape[0] and next_change_ps(changes) <= now_ps:
        row = changes.done[0]
        flow_set_bandwidth(flows, changes.link[row], changes.bandwidth[row])
        changes.done[0] += 1
        count += 1
    return count
