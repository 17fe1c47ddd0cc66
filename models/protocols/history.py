"""Histories: what clients asked of a key-value store, when, and what they were told.

One row an operation, whoever asked. `end` is `NEVER` when nobody was told: it may have happened, at
any time from its start on, or not at all. Times are whole numbers of any unit.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError

__all__ = ["ADD", "NEVER", "READ", "WRITE", "History", "new_history"]

READ, WRITE, ADD = 0, 1, 2      # WRITE sets, ADD adds and tells the sum
NEVER = (1 << 62)

Ints = npt.NDArray[np.int64]


class History(NamedTuple):
    """One entry an operation."""

    kind: Ints
    key: Ints
    argument: Ints     # of WRITE and ADD
    result: Ints       # value after it (READ: the value); unused when `end` is NEVER
    start: Ints
    end: Ints


def new_history(rows: list[tuple[int, int, int, int, int, int]]) -> History:
    """A history from rows (kind, key, argument, result, start, end). Raises UsageError."""
    table = np.array(rows, np.int64).reshape(len(rows), 6)
    for row, (kind, _, _, _, start, end) in enumerate(table.tolist()):
        if kind not in (READ, WRITE, ADD) or not 0 <= start <= end <= NEVER:
            raise UsageError(f"operation {row} of a history is of kind {kind} from {start} to "
                             f"{end}; kinds are 0 to 2, and an end is no earlier than its start")
    return History(*(table[:, column].copy() for column in range(6)))
