"""`QueryTrace`: jobs as stages of operators, checked, hashed, with statistics.

A *query* (or any other job: a training run, a batch of file transfers) arrives once and is a run
of rows, one an operator, in the order of their execution; *stages* are numbered from 0 and begin
behind a barrier. `CLASSES` says what an operator asks for: processor work, bytes between the
nodes that compute (``shuffle``), bytes from and to storage (``io``), accelerators (``accel``), a
ring over the accelerators' hosts (``net``). Rows, bytes and work are those of the whole cluster.

Units: seconds; bytes; core-seconds on one core of the reference server (``accel``: seconds of one
reference accelerator). Leaves out: the plan's shape (operators are a list), skew, answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.checked_columns import (
    check_range,
    check_seconds,
    first_bad,
    hash_of,
    head_of,
    set_columns,
    statistics,
)

__all__ = ["CLASSES", "MAX_AMOUNT", "MAX_STAGE", "Operator", "QueryTrace", "plain_name"]

CLASSES = ("scan", "filter", "partition", "shuffle", "join", "aggregate", "sort", "io", "accel",
           "net")
MAX_AMOUNT = 2**53 - 1   # rows and bytes: exact as float64
MAX_STAGE = 9999

Ints = npt.NDArray[np.int64]
_COUNTS = ("rows_in", "rows_out", "bytes_in", "bytes_out")


class Operator(NamedTuple):
    """One row of a job that is being put together."""

    stage: int
    operator: str
    kind: str                # one of CLASSES
    rows_in: int
    rows_out: int
    bytes_in: int
    bytes_out: int
    core_seconds: float


@dataclass(frozen=True)
class QueryTrace:
    """One row an operator; queries are runs of rows with one number.

    `query`: whole numbers that never fall; `template`, `arrival_time`: the same within a query,
    arrivals never going back; `stage`: from 0, rising by 1 at most; `kind`: index into `CLASSES`.
    Raises TraceError.
    """

    query: Ints
    template: tuple[str, ...]
    arrival_time: npt.NDArray[np.float64]
    stage: Ints
    operator: tuple[str, ...]
    kind: Ints
    rows_in: Ints
    rows_out: Ints
    bytes_in: Ints
    bytes_out: Ints
    core_seconds: npt.NDArray[np.float64]
    name: str = "queries"
    source: str = ""

    def __post_init__(self) -> None:
        set_columns(self, np.int64, "query", "stage", "kind", *_COUNTS)
        set_columns(self, np.float64, "arrival_time", "core_seconds")
        for name in ("template", "operator"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _check_shapes(self)
        _check_rows(self)
        _check_queries(self)

    def __len__(self) -> int:
        """Operators."""
        return len(self.query)

    @cached_property
    def offsets(self) -> Ints:
        """Query i has the rows ``offsets[i]:offsets[i + 1]``."""
        starts = np.flatnonzero(np.diff(self.query)) + 1
        return np.concatenate([[0], starts, [len(self.query)]]).astype(np.int64)

    @property
    def queries(self) -> int:
        return len(self.offsets) - 1

    @property
    def span_time(self) -> float:
        """Seconds from the first arrival to the last."""
        return float(self.arrival_time[-1] - self.arrival_time[0])

    def first(self, count: int) -> QueryTrace:
        """The first `count` operators, and those that belong to the last one's query."""
        if count < 1:
            raise TraceError(f"the first {count} rows of a trace; at least 1 is expected")
        end = int(self.offsets[np.searchsorted(self.offsets, min(count, len(self)))])
        return replace(self, **{name: getattr(self, name)[:end] for name in (
            "query", "template", "arrival_time", "stage", "operator", "kind", *_COUNTS,
            "core_seconds")})

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the columns; name and source do not count."""
        numbers = ("query", "stage", "kind", *_COUNTS, "arrival_time", "core_seconds")
        return hash_of(f"queries 1 {len(self)}", *(getattr(self, name) for name in numbers),
                       "\n".join(self.template), "\n".join(self.operator))

    def summary(self) -> dict[str, Any]:
        """Counts and statistics as plain numbers (JSON-ready, SI units)."""
        shuffled = self.kind == CLASSES.index("shuffle")
        stored = self.kind == CLASSES.index("io")
        return {**head_of(self), "queries": self.queries, "operators": len(self),
                "span_time": self.span_time, "templates": len(set(self.template)),
                "operators_per_query": statistics(np.diff(self.offsets)),
                "core_seconds": float(self.core_seconds.sum()),
                "shuffle_bytes": int(self.bytes_out[shuffled].sum()),
                "io_bytes": int((self.bytes_in + self.bytes_out)[stored].sum()),
                "operators_by_class": {name: int((self.kind == number).sum())
                                       for number, name in enumerate(CLASSES)}}

    @staticmethod
    def of(jobs: Iterable[tuple[str, float, Iterable[Operator]]], name: str, source: str
           ) -> QueryTrace:
        """A trace of jobs (template, arrival in s, operators), in order of arrival."""
        rows = [(number, template, arrival, *row)
                for number, (template, arrival, operators) in enumerate(jobs)
                for row in operators]
        if not rows:
            raise TraceError("a trace without operators; at least 1 is expected")
        columns = list(zip(*rows, strict=True))
        for row, kind in enumerate(columns[5]):
            if kind not in CLASSES:
                raise TraceError(f"row {row}: class {kind!r}; expected one of "
                                 f"{', '.join(CLASSES)}")
        kinds = np.array([CLASSES.index(kind) for kind in columns[5]], np.int64)
        rows_in, rows_out, bytes_in, bytes_out = (np.array(column, np.int64)
                                                  for column in columns[6:10])
        return QueryTrace(
            np.array(columns[0], np.int64), columns[1], np.array(columns[2], np.float64),
            np.array(columns[3], np.int64), columns[4], kinds, rows_in, rows_out,
            bytes_in, bytes_out, np.array(columns[10], np.float64), name, source)


def _check_shapes(trace: QueryTrace) -> None:
    names = ("template", "arrival_time", "stage", "operator", "kind", *_COUNTS, "core_seconds")
    if len(trace.query) == 0:
        raise TraceError("a trace without operators; at least 1 is expected")
    for name in names:
        if len(getattr(trace, name)) != len(trace.query):
            raise TraceError(f"column {name} has {len(getattr(trace, name))} entries, query has "
                             f"{len(trace.query)}; every column needs one a row")


def _check_rows(trace: QueryTrace) -> None:
    check_range("query", trace.query, 0, 2**31 - 1)
    check_seconds("arrival_time", trace.arrival_time)
    check_range("stage", trace.stage, 0, MAX_STAGE)
    check_range("class", trace.kind, 0, len(CLASSES) - 1)
    for name in _COUNTS:
        check_range(name, getattr(trace, name), 0, MAX_AMOUNT)
    check_seconds("core_seconds", trace.core_seconds)


def _check_queries(trace: QueryTrace) -> None:
    """What holds between rows: order of queries, arrivals, stages, one template a query."""
    start = np.concatenate([[True], np.diff(trace.query) != 0])
    same = ~start
    first_bad(np.concatenate([[True], np.diff(trace.query) >= 0]), "query", trace.query,
              "no lower than in the row above; the rows of a query stand together")
    back = np.concatenate([[True], np.diff(trace.arrival_time) >= 0])
    first_bad(back, "arrival_time", trace.arrival_time,
              "no earlier than in the row above; sort the queries by arrival")
    moved = np.concatenate([[False], np.diff(trace.arrival_time) != 0])
    first_bad(~(same & moved), "arrival_time", trace.arrival_time,
              "the arrival of the row above, which is of the same query")
    steps = np.concatenate([[0], np.diff(trace.stage)])
    fine = np.where(start, trace.stage == 0, (steps == 0) | (steps == 1))
    first_bad(fine, "stage", trace.stage, "0 at the start of a query, then the stage of the row "
                                          "above or the next one")
    for row in np.flatnonzero(same).tolist():
        if trace.template[row] != trace.template[row - 1]:
            raise TraceError(f"row {row}: template {trace.template[row]!r}; expected "
                             f"{trace.template[row - 1]!r} as in the row above, which is of the "
                             "same query")
    for name in ("template", "operator"):
        for row, text in enumerate(getattr(trace, name)):
            if not plain_name(text):
                raise TraceError(f"row {row}: {name} {text!r}; expected 1 to 64 letters, digits "
                                 "or any of ._-")


def plain_name(text: object) -> bool:
    """1 to 64 letters, digits or any of ``._-``."""
    return (isinstance(text, str) and 1 <= len(text) <= 64 and text.isascii()
            and all(mark.isalnum() or mark in "._-" for mark in text))
