"""Histories: what clients asked of a key-value store, when, and what they were told.

One row an operation, whoever asked, on one key or several neighbours at once. `end` is `NEVER` when
nobody was told: it may have happened, at any time from its start on, or not at all. Times are whole
numbers of any unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["ADD", "NEVER", "READ", "WRITE", "History", "join", "new_history"]

READ, WRITE, ADD = 0, 1, 2      # WRITE sets, ADD adds and tells the sum
NEVER = (1 << 62)
M31 = (1 << 31) - 1

Ints = npt.NDArray[np.int64]


class History(NamedTuple):
    """One entry an operation."""

    kind: Ints
    key: Ints          # the first one
    argument: Ints     # of WRITE and ADD, for each key
    result: Ints       # value after it (READ: the value), several `join`ed; unused at end NEVER
    start: Ints
    end: Ints
    objects: Ints      # keys that it touches, from `key` on


@kernel
def join(told, value):  # type: ignore[no-untyped-def]
    """What an operation on several keys tells: the value of the first, joined by each further."""
    return ((told & M31) * 65599 + value) & M31


def new_history(rows: Sequence[tuple[int, ...]]) -> History:
    """A history from rows (kind, key, argument, result, start, end[, objects]). Raises UsageError.

    A row without `objects` touches one key.
    """
    full = [(*row, 1)[:7] for row in rows]
    table = np.array(full, np.int64).reshape(len(rows), 7)
    for row, (kind, _, _, _, start, end, objects) in enumerate(table.tolist()):
        if kind not in (READ, WRITE, ADD) or not 0 <= start <= end <= NEVER or objects < 1:
            raise UsageError(f"operation {row} of a history is of kind {kind} from {start} to "
                             f"{end} on {objects} keys; kinds are 0 to 2, an end is no earlier "
                             "than its start, and there is a key")
    return History(*(table[:, column].copy() for column in range(7)))
