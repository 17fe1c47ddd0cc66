"""`JobTrace`: trainings that arrive at a cluster, in the foreground and in the background.

One row a job, in order of arrival: seconds from the start, the model's name, foreground (its
iterations should be fast) or background (takes what is left), samples of an iteration, samples to
train. A background job's iteration runs on one GPU. What it leaves out: deadlines, owners,
failures, and the profiles behind the names.
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

__all__ = ["MAX_BATCH", "MAX_SAMPLES", "JobTrace"]

MAX_BATCH = 1 << 20      # samples of an iteration; our bound
MAX_SAMPLES = 1 << 52    # samples of a job; exact in float64

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JobTrace:
    """Jobs in order of arrival; read-only columns of n >= 1 rows.

    `arrival_time`: float64 seconds, never going back. `model`: names without blanks or commas.
    `foreground`: int64, 1 or 0. `global_batch`, `samples`: int64, 1 or more. `name`, `source`: one
    line each, not in the hash. Columns are copied, and checked: raises TraceError naming the first
    wrong row (from 0).
    """

    arrival_time: npt.NDArray[np.float64]
    model: tuple[str, ...]
    foreground: Ints
    global_batch: Ints
    samples: Ints
    name: str = "jobs"
    source: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "arrival_time",
                           column_of("arrival_time", self.arrival_time, np.float64))
        for column in ("foreground", "global_batch", "samples"):
            object.__setattr__(self, column, column_of(column, getattr(self, column), np.int64))
        object.__setattr__(self, "model", tuple(self.model))
        _check_rows(self)
        for text in (self.name, self.source):
            if not text.isprintable() or text != text.strip():
                raise TraceError(f"name or source of a trace: {text!r} is not one line of text "
                                 "without blanks at its ends")
        if not self.name:
            raise TraceError("the name of a trace is empty; give one")

    def __len__(self) -> int:
        return len(self.arrival_time)

    def __repr__(self) -> str:
        fast = int(self.foreground.sum())
        return (f"<JobTrace {self.name!r}: {fast} foreground and {len(self) - fast} background "
                f"jobs, {self.span_time:.6g} s>")

    def first(self, count: int) -> JobTrace:
        """The first `count` jobs (all of them when there are fewer). Raises UsageError."""
        if count < 1:
            raise UsageError(f"the first {count} jobs: at least 1 is needed")
        return JobTrace(self.arrival_time[:count], self.model[:count], self.foreground[:count],
                        self.global_batch[:count], self.samples[:count], self.name, self.source)

    @property
    def span_time(self) -> float:
        """Seconds from the first arrival to the last."""
        return float(self.arrival_time[-1] - self.arrival_time[0])

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the columns; name and source do not count."""
        digest = hashlib.sha256(f"jobs 1 {len(self)}\n".encode())
        digest.update(self.arrival_time.astype("<f8").tobytes())
        digest.update("\n".join(self.model).encode())
        for column in (self.foreground, self.global_batch, self.samples):
            digest.update(column.astype("<i8").tobytes())
        return digest.hexdigest()

    def summary(self) -> dict[str, Any]:
        """Counts and statistics as plain numbers (JSON-ready, SI units)."""
        return {"name": self.name, "source": self.source, "content_hash": self.content_hash,
                "jobs": len(self), "foreground": int(self.foreground.sum()),
                "models": sorted(set(self.model)), "span_time": self.span_time,
                "global_batch": statistics(self.global_batch), "samples": statistics(self.samples)}


def _check_rows(trace: JobTrace) -> None:
    count = len(trace.arrival_time)
    if count == 0:
        raise TraceError("no jobs; at least 1 is expected")
    for name in ("model", "foreground", "global_batch", "samples"):
        if len(getattr(trace, name)) != count:
            raise TraceError(f"{len(getattr(trace, name))} values of {name} for {count} jobs; "
                             "expected one each")
    times = trace.arrival_time
    _first_bad((times >= 0) & (times <= MAX_TIME), "arrival_time", times,
               f"seconds from 0 to {MAX_TIME:.0f}")
    _first_bad(np.diff(times, prepend=times[0]) >= 0, "arrival_time", times,
               "times that never go back")
    names = np.array([bool(name) and name.isprintable() and "," not in name
                      and not any(one.isspace() for one in name) for name in trace.model])
    _first_bad(names, "model", trace.model, "a name without blanks or commas")
    _first_bad((trace.foreground == 0) | (trace.foreground == 1), "foreground", trace.foreground,
               "0 or 1")
    for name, most in (("global_batch", MAX_BATCH), ("samples", MAX_SAMPLES)):
        column = getattr(trace, name)
        _first_bad((column >= 1) & (column <= most), name, column, f"1 to {most}")


def _first_bad(good: npt.NDArray[np.bool_], name: str, values: Any, expected: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise TraceError(f"row {row}: {name} {values[row]!r}; expected {expected}")
