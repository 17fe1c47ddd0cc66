"""`OperationTrace`: reads and updates of a key-value store, in order of arrival.

One row an operation: seconds from the start, what it does, the first key that it touches, how many
neighbouring keys (one for a read), and bytes of the value of each. Keys are numbers below `keys`,
in key order for scans. An update of several keys happens as one. Left out: updates of keys that are
no neighbours, values, fields of a row, conditions, errors, who sent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.checked_columns import (
    Arrivals,
    check_arrivals,
    check_name,
    check_range,
    first_bad,
    head_of,
    set_columns,
    statistics,
)

__all__ = ["KEY_LIMIT", "MAX_OBJECTS", "MAX_VALUE", "OPERATIONS", "OperationTrace"]

OPERATIONS = ("read", "update", "insert", "modify", "scan")   # codes; modify: read, then write
READ, UPDATE, INSERT, MODIFY, SCAN = range(5)
KEY_LIMIT = 1 << 28      # our bounds
MAX_VALUE = 1 << 24
MAX_OBJECTS = 1 << 16

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OperationTrace(Arrivals):
    """Operations in order of arrival; read-only columns.

    `arrival_time`: float64 seconds, shape (n,), n >= 1, never going back; all 0 when the source has
    no times. `operation`: int64 codes of OPERATIONS. `key`: int64, 0 to KEY_LIMIT - 1. `nbytes`:
    bytes of each value, 0 to MAX_VALUE. `objects`: int64, keys touched, 1 for a read. `name`,
    `source`: one line each. Columns are copied, and checked: raises TraceError naming the first
    wrong row.
    """

    ROWS = "operations"
    COLUMNS = ("arrival_time", "operation", "key", "nbytes", "objects")

    arrival_time: npt.NDArray[np.float64]
    operation: Ints
    key: Ints
    nbytes: Ints
    objects: Ints
    name: str = "operations"
    source: str = ""

    def __post_init__(self) -> None:
        set_columns(self, np.float64, "arrival_time")
        set_columns(self, np.int64, "operation", "key", "nbytes", "objects")
        _check(self)
        check_name(self.name, self.source)

    def __repr__(self) -> str:
        return (f"<OperationTrace {self.name!r}: {len(self)} operations on {self.keys} keys, "
                f"{self.span_time:.6g} s>")

    @cached_property
    def keys(self) -> int:
        """One more than the largest key touched."""
        return int((self.key + self.objects).max())

    def summary(self) -> dict[str, Any]:
        """Counts, span, rate and statistics as plain numbers (JSON-ready, SI units)."""
        counts = np.bincount(self.operation, minlength=len(OPERATIONS)).tolist()
        _, times = np.unique(self.key, return_counts=True)
        return {**head_of(self), "operations": len(self), **self._pace(),
                **{f"{name}_share": count / len(self)
                   for name, count in zip(OPERATIONS, counts, strict=True)},
                "keys_touched": len(times), "hottest_share": float(times.max() / len(self)),
                "nbytes": statistics(self.nbytes), "objects": statistics(self.objects)}


def _check(trace: OperationTrace) -> None:
    rows = len(trace.arrival_time)
    if rows == 0:
        raise TraceError("a trace without operations; at least 1 is expected")
    for name in ("operation", "key", "nbytes", "objects"):
        if len(getattr(trace, name)) != rows:
            raise TraceError(f"column {name} has {len(getattr(trace, name))} rows, arrival_time "
                             f"has {rows}")
    check_arrivals(trace.arrival_time)
    for name, low, high in (("operation", 0, len(OPERATIONS) - 1), ("key", 0, KEY_LIMIT - 1),
                            ("nbytes", 0, MAX_VALUE), ("objects", 1, MAX_OBJECTS)):
        check_range(name, getattr(trace, name), low, high)
    objects = trace.objects
    first_bad((objects == 1) | (trace.operation != READ), "objects", objects,
              "1; a read of more is a scan")
    first_bad(trace.key + objects <= KEY_LIMIT, "objects", objects,
              f"an operation that ends below key {KEY_LIMIT}")
