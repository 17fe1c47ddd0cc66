"""`OperationTrace`: reads and updates of a key-value store, in order of arrival.

One row an operation: seconds from the start, what it does, the first key that it touches, how many
keys (more than one for scans only), and bytes of the value (of each object read, for a read). Keys
are numbers 0 .. `keys` - 1, in key order for scans. What it leaves out: values, fields of a row,
conditions, errors, who sent it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError, UsageError
from rackwright.traces.checked_columns import column_of, statistics
from rackwright.units import MAX_TIME

__all__ = ["KEY_LIMIT", "MAX_OBJECTS", "MAX_VALUE", "OPERATIONS", "OperationTrace"]

OPERATIONS = ("read", "update", "insert", "modify", "scan")   # codes; modify: read, then write
READ, UPDATE, INSERT, MODIFY, SCAN = range(5)
KEY_LIMIT = 1 << 28      # our bounds
MAX_VALUE = 1 << 24
MAX_OBJECTS = 1 << 16

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OperationTrace:
    """Operations in order of arrival; read-only columns.

    `arrival_time`: float64 seconds, shape (n,), n >= 1, never going back; all 0 when the source has
    no times. `operation`: int64 codes of OPERATIONS. `key`: int64, 0 to KEY_LIMIT - 1. `nbytes`:
    bytes of the value, 0 to MAX_VALUE. `objects`: int64, 1 but for scans. `name`, `source`: one
    line each. Columns are copied, and checked: raises TraceError naming the first wrong row.
    """

    arrival_time: npt.NDArray[np.float64]
    operation: Ints
    key: Ints
    nbytes: Ints
    objects: Ints
    name: str = "operations"
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrival_time",
                           column_of("arrival_time", self.arrival_time, np.float64))
        for column in ("operation", "key", "nbytes", "objects"):
            object.__setattr__(self, column, column_of(column, getattr(self, column), np.int64))
        _check(self)
        for text in (self.name, self.source):
            if not text.isprintable() or text != text.strip():
                raise TraceError(f"name or source of a trace: {text!r} is not one line of text "
                                 "without blanks at its ends")
        if not self.name:
            raise TraceError("the name of a trace is empty; give one")

    def __len__(self) -> int:
        return len(self.arrival_time)

    def __repr__(self) -> str:
        return (f"<OperationTrace {self.name!r}: {len(self)} operations on {self.keys} keys, "
                f"{self.span_time:.6g} s>")

    def first(self, count: int) -> OperationTrace:
        """The first `count` operations (all of them when there are fewer). Raises UsageError."""
        if count < 1:
            raise UsageError(f"the first {count} operations: at least 1 is needed")
        return OperationTrace(self.arrival_time[:count], self.operation[:count], self.key[:count],
                              self.nbytes[:count], self.objects[:count], self.name, self.source)

    @property
    def span_time(self) -> float:
        """Seconds from the first arrival to the last."""
        return float(self.arrival_time[-1] - self.arrival_time[0])

    @property
    def rate_per_s(self) -> float | None:
        """Mean arrivals/s: gaps over span; None when all arrive at once."""
        return (len(self) - 1) / self.span_time if self.span_time > 0 else None

    @cached_property
    def keys(self) -> int:
        """One more than the largest key touched."""
        return int((self.key + self.objects).max())

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the columns; name and source do not count."""
        digest = hashlib.sha256(f"operations 1 {len(self)}\n".encode())
        digest.update(self.arrival_time.astype("<f8").tobytes())
        for column in (self.operation, self.key, self.nbytes, self.objects):
            digest.update(column.astype("<i8").tobytes())
        return digest.hexdigest()

    def summary(self) -> dict[str, Any]:
        """Counts, span, rate and statistics as plain numbers (JSON-ready, SI units)."""
        rate = {} if self.rate_per_s is None else {"rate_per_s": self.rate_per_s}
        counts = np.bincount(self.operation, minlength=len(OPERATIONS)).tolist()
        _, times = np.unique(self.key, return_counts=True)
        return {"name": self.name, "source": self.source, "content_hash": self.content_hash,
                "operations": len(self), "span_time": self.span_time, **rate,
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
    times, objects = trace.arrival_time, trace.objects
    _first_bad((times >= 0) & (times <= MAX_TIME), "arrival_time", times,
               f"0 to {MAX_TIME:.0f} s")
    _first_bad(np.concatenate([[True], times[1:] >= times[:-1]]), "arrival_time", times,
               "no earlier than the row above; sort the rows by arrival")
    for name, low, high in (("operation", 0, len(OPERATIONS) - 1), ("key", 0, KEY_LIMIT - 1),
                            ("nbytes", 0, MAX_VALUE), ("objects", 1, MAX_OBJECTS)):
        values = getattr(trace, name)
        _first_bad((values >= low) & (values <= high), name, values, f"{low} to {high}")
    _first_bad((objects == 1) | (trace.operation == SCAN), "objects", objects,
               "1; only a scan touches more")
    _first_bad(trace.key + objects <= KEY_LIMIT, "objects", objects,
               f"a scan that ends below key {KEY_LIMIT}")


def _first_bad(good: npt.NDArray[np.bool_], name: str, values: npt.NDArray[Any],
               expected: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise TraceError(f"row {row}: {name} {values[row]}; expected {expected}")
