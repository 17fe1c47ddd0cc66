"""`JobTrace`: trainings that arrive at a cluster, in the foreground and in the background.

One row a job, in order of arrival: seconds from the start, the model's name, foreground (its
iterations should be fast) or background (takes what is left), samples of an iteration, samples to
train. A background job's iteration runs on one GPU. What it leaves out: deadlines, owners,
failures, and the profiles behind the names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.checked_columns import (
    Arrivals,
    check_name,
    check_range,
    first_bad,
    head_of,
    set_columns,
    statistics,
)
from rackwright.units import MAX_TIME

__all__ = ["MAX_BATCH", "MAX_SAMPLES", "JobTrace"]

MAX_BATCH = 1 << 20      # samples of an iteration; our bound
MAX_SAMPLES = 1 << 52    # samples of a job; exact in float64

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class JobTrace(Arrivals):
    """Jobs in order of arrival; read-only columns of n >= 1 rows.

    `arrival_time`: float64 seconds, never going back. `model`: names without blanks or commas.
    `foreground`: int64, 1 or 0. `global_batch`, `samples`: int64, 1 or more. `name`, `source`: one
    line each, not in the hash. Columns are copied, and checked: raises TraceError naming the first
    wrong row (from 0).
    """

    ROWS = "jobs"
    COLUMNS = ("arrival_time", "model", "foreground", "global_batch", "samples")

    arrival_time: npt.NDArray[np.float64]
    model: tuple[str, ...]
    foreground: Ints
    global_batch: Ints
    samples: Ints
    name: str = "jobs"
    source: str = ""

    def __post_init__(self) -> None:
        set_columns(self, np.float64, "arrival_time")
        set_columns(self, np.int64, "foreground", "global_batch", "samples")
        object.__setattr__(self, "model", tuple(self.model))
        _check_rows(self)
        check_name(self.name, self.source)

    def __repr__(self) -> str:
        fast = int(self.foreground.sum())
        return (f"<JobTrace {self.name!r}: {fast} foreground and {len(self) - fast} background "
                f"jobs, {self.span_time:.6g} s>")

    def summary(self) -> dict[str, Any]:
        """Counts and statistics as plain numbers (JSON-ready, SI units)."""
        return {**head_of(self), "jobs": len(self), "foreground": int(self.foreground.sum()),
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
    first_bad((times >= 0) & (times <= MAX_TIME), "arrival_time", times,
              f"seconds from 0 to {MAX_TIME:.0f}")
    first_bad(np.diff(times, prepend=times[0]) >= 0, "arrival_time", times,
              "times that never go back")
    names = np.array([bool(name) and name.isprintable() and "," not in name
                      and not any(one.isspace() for one in name) for name in trace.model])
    first_bad(names, "model", trace.model, "a name without blanks or commas")
    first_bad((trace.foreground == 0) | (trace.foreground == 1), "foreground", trace.foreground,
              "0 or 1")
    for name, most in (("global_batch", MAX_BATCH), ("samples", MAX_SAMPLES)):
        check_range(name, getattr(trace, name), 1, most)
