"""What traces in memory share: columns as read-only copies, checked, hashed and summed up.

`Arrivals` is the base of traces with a row an arrival. Left out: files (`table`, `lines`), and what
only one kind of trace asks of its columns. Units: seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError, UsageError
from rackwright.units import MAX_TIME

__all__ = ["Arrivals", "Named", "check_arrivals", "check_count", "check_lines", "check_name",
           "check_range", "check_seconds", "column_of", "first_bad", "hash_of", "head_of",
           "set_columns", "statistics"]


@dataclass(frozen=True, eq=False)
class Arrivals:
    """A trace with one row an arrival. `arrival_time`: float64 seconds, never going back.

    `ROWS`: what rows are called; `COLUMNS`: fields with a value a row, texts as tuples (whoever has
    other fields says itself what `first` is).
    """

    ROWS: ClassVar[str]
    COLUMNS: ClassVar[tuple[str, ...]]

    arrival_time: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.arrival_time)

    @property
    def span_time(self) -> float:
        """Seconds from the first arrival to the last."""
        return float(self.arrival_time[-1] - self.arrival_time[0])

    @property
    def rate_per_s(self) -> float | None:
        """Mean arrivals/s: gaps over span; None when all arrive at once."""
        return (len(self) - 1) / self.span_time if self.span_time > 0 else None

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of all columns; name and source do not count."""
        return hash_of(f"{self.ROWS} 1 {len(self)}", *self._hashed())

    def first(self, count: int) -> Self:
        """The first `count` rows (all of them when there are fewer). Raises UsageError."""
        check_count(count, self.ROWS)
        return replace(self, **{name: getattr(self, name)[:count] for name in self.COLUMNS})

    def _hashed(self) -> tuple[npt.NDArray[Any] | str, ...]:
        """What the hash is of."""
        columns = (getattr(self, name) for name in self.COLUMNS)
        return tuple("\n".join(column) if isinstance(column, tuple) else column
                     for column in columns)

    def _pace(self) -> dict[str, float]:
        """Span and rate, for a summary."""
        rate = {} if self.rate_per_s is None else {"rate_per_s": self.rate_per_s}
        return {"span_time": self.span_time, **rate}


class Named(Protocol):
    """What a summary begins with."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def content_hash(self) -> str: ...


def head_of(trace: Named) -> dict[str, Any]:
    """The first entries of a summary."""
    return {"name": trace.name, "source": trace.source, "content_hash": trace.content_hash}


def hash_of(head: str, *columns: npt.NDArray[Any] | str) -> str:
    """SHA-256 (hex) of a line `head`, then of int64 and float64 columns (little-endian) and texts.
    """
    digest = hashlib.sha256(f"{head}\n".encode())
    for column in columns:
        if isinstance(column, str):
            digest.update(column.encode())
        else:
            digest.update(column.astype("<f8" if column.dtype.kind == "f" else "<i8").tobytes())
    return digest.hexdigest()


def set_columns(trace: object, dtype: type[Any], *names: str) -> None:
    """Put checked copies (`column_of`) into these fields of a frozen trace."""
    for name in names:
        object.__setattr__(trace, name, column_of(name, getattr(trace, name), dtype))


def column_of(name: str, values: object, dtype: type[Any]) -> npt.NDArray[Any]:
    """A read-only copy of `values` in `dtype`; -0.0 becomes 0.0."""
    given = np.asarray(values)
    if given.ndim != 1 or not np.can_cast(given.dtype, dtype, "safe"):
        raise TraceError(f"column {name}: {given.dtype} of shape {given.shape}; expected one "
                         f"dimension of {np.dtype(dtype)}")
    column: npt.NDArray[Any] = given.astype(dtype) + dtype(0)
    column.setflags(write=False)
    return column


def check_name(name: str, source: str) -> None:
    """Raises TraceError unless both are one line, and `name` is not empty."""
    check_lines("name or source of a trace", name, source)
    if not name:
        raise TraceError("the name of a trace is empty; give one")


def check_lines(what: str, *texts: str) -> None:
    """Raises TraceError for a text that is not one line; `what` says whose texts they are."""
    for text in texts:
        if not text.isprintable() or text != text.strip():
            raise TraceError(f"{what}: {text!r} is not one line of text without blanks at its "
                             "ends")


def check_count(count: int, rows: str) -> None:
    """Raises UsageError unless the first `count` rows of a trace are at least one."""
    if count < 1:
        raise UsageError(f"the first {count} {rows}: at least 1 is needed")


def check_arrivals(times: npt.NDArray[np.float64]) -> None:
    """Raises TraceError naming the first arrival that no clock reaches, or that goes back."""
    check_seconds("arrival_time", times)
    first_bad(np.concatenate([[True], times[1:] >= times[:-1]]), "arrival_time", times,
              "no earlier than the row above; sort the rows by arrival")


def check_seconds(name: str, times: npt.NDArray[np.float64]) -> None:
    """Raises TraceError naming the first time that is not from 0 to MAX_TIME (nan is not)."""
    first_bad((times >= 0) & (times <= MAX_TIME), name, times, f"0 to {MAX_TIME:.0f} s")


def check_range(name: str, values: npt.NDArray[np.int64], low: int, high: int,
                row: str = "row") -> None:
    """Raises TraceError naming the first value that is not from `low` to `high`."""
    first_bad((values >= low) & (values <= high), name, values, f"{low} to {high}", row)


def first_bad(good: npt.NDArray[np.bool_], name: str, values: npt.NDArray[Any] | Sequence[Any],
              expected: str, row: str = "row") -> None:
    """Raises TraceError naming the first row (from 0) that is not `good`, its value and what is
    `expected`; `row` is what a row is called."""
    if not good.all():
        at = int(np.argmin(good))
        value = repr(values[at]) if isinstance(values[at], str) else values[at]
        raise TraceError(f"{row} {at}: {name} {value}; expected {expected}")


def statistics(values: npt.NDArray[np.int64]) -> dict[str, float]:
    """Mean, extremes, percentiles and total as plain numbers."""
    p50, p90, p99 = (float(x) for x in np.percentile(values, [50, 90, 99]))
    return {"mean": int(values.sum()) / len(values), "min": int(values.min()), "p50": p50,
            "p90": p90, "p99": p99, "max": int(values.max()), "total": int(values.sum())}
