"""What a sliced kernel and its driver agree on.

A kernel is ``advance(state, until_ps, max_events) -> status``. `state` is a NamedTuple whose
field ``control`` is a `Control`; everything the kernel needs to go on is in `state`, so that a
sliced run gives the bytes of an unsliced one. Times are int64 picoseconds (range 106 days).

The kernel handles the events at or before `until_ps`. It returns RUNNING after `max_events` of
them (at least one), or with ``now_ps == until_ps`` when the next event lies beyond.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["DONE", "FAULT", "FOREVER_PS", "GROW", "RUNNING", "STALLED", "Control", "new_control"]

RUNNING = 0  # the slice is used up (max_events or until_ps); call again
DONE = 1     # all work is finished
GROW = 2     # an array is full: control.code[0] says which; nothing was changed
STALLED = 3  # work is left but no event is pending
FAULT = 4    # a broken invariant: control.code says which, with indices

FOREVER_PS = (1 << 63) - 1


class Control(NamedTuple):
    """The part of a state that the driver reads. One-element arrays, since fields are fixed."""

    now_ps: npt.NDArray[np.int64]   # shape (1,)
    events: npt.NDArray[np.int64]   # shape (1,): events handled since the start
    code: npt.NDArray[np.int64]     # shape (4,): what to grow, or the fault and its indices


def new_control() -> Control:
    return Control(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(4, np.int64))
