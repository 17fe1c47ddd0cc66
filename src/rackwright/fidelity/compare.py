"""Predictions beside measurements: errors by operation, set, size, and beside a plain roofline.

One `Series` holds an operation's points of one column and set; `Operation` is what is said of
it. The errors are relative: predicted / measured - 1.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rackwright.calibrate.predict import operation
from rackwright.calibrate.report import (
    ErrorRow,
    error_row,
    measured_values,
    predicted_values,
    stated_band,
)
from rackwright.calibrate.rows import Row
from rackwright.calibrate.tables import SETS, TABLES, Point
from rackwright.devices.arguments import Floats
from rackwright.fidelity.columns import Column, Machine
from rackwright.fidelity.roofline import Roofline, fit_roofline
from rackwright.fidelity.work import ideal_times

__all__ = ["BYTES_EDGES", "TIME_EDGES", "Bucket", "Operation", "Series", "Worst", "compared",
           "operations_of", "rooflines_of", "series"]

TIME_EDGES = (0.0, 10 * 1e-6, 100 * 1e-6, 1000 * 1e-6, math.inf)  # s, of microseconds as rows are
BYTES_EDGES = (0.0, 2.0 ** 16, 2.0 ** 20, 2.0 ** 24, math.inf)


@dataclass(frozen=True, eq=False)
class Series:
    """Points of one operation, column and set; arrays have one entry a point.

    `machines` names where each was measured. `predicted` and `roofline` are NaN where there is
    none. Seconds, or watts where the table is about power.
    """

    column: str
    table: str
    operation: str
    set: str
    points: tuple[Point, ...]
    machines: tuple[str, ...]
    measured: Floats
    predicted: Floats
    roofline: Floats
    fitted: Roofline | None

    @property
    def errors(self) -> Floats:
        """Predicted over measured, less 1."""
        found: Floats = self.predicted / self.measured - 1
        return found


@dataclass(frozen=True)
class Bucket:
    """Errors of points whose size is from `low` up to, not including, `high`.

    `by`: "bytes", or "measured_time" in seconds for operations without a column `bytes`.
    """

    by: str
    low: float
    high: float
    points: int
    median: float | None
    p90: float | None


@dataclass(frozen=True)
class Worst:
    """The point with the largest error, with its shape as the table's columns name it."""

    machine: str
    shape: str
    measured: float
    predicted: float
    error: float


@dataclass(frozen=True)
class Operation:
    """Errors of one operation in one column and set.

    `roofline`: errors of the plain roofline on the same points, or None. `again`: how far a second
    measurement is off the first, on points of both sets, or None. `afterwards`: the model's errors
    on points measured once it was finished, or None. `verdict`: "better" when
    the model's median and p90 are both at most the roofline's, "worse" when both are above,
    "mixed" in between, "" where there is nothing to compare. Buckets are those with points.
    """

    column: str
    table: str
    errors: ErrorRow
    roofline: ErrorRow | None
    fitted: Roofline | None
    again: ErrorRow | None
    afterwards: ErrorRow | None
    verdict: str
    worst_point: Worst | None
    buckets: tuple[Bucket, ...]


def operations_of(column: Column) -> set[str]:
    """Names of the operations that were measured for a column."""
    return {name for _, name, _, _ in _groups(column.machines)}


def rooflines_of(column: Column, wanted: Container[str]) -> dict[str, Roofline]:
    """Operation, of the `wanted` ones, -> roofline fitted to its rows of set "fit".

    Only where there are enough rows, and their work is known.
    """
    fitted = {}
    for table, name, one, members in _groups(column.basis_machines):
        if name in wanted and one == "fit" and TABLES[table].values[0].endswith("_us"):
            rows = [row for _, row in members]
            ideal = ideal_times(column.basis, [row.point for row in rows])
            if found := fit_roofline(ideal, measured_values(rows)):
                fitted[name] = found
    return fitted


def series(column: Column, rooflines: Mapping[str, Roofline], sets: Container[str] = SETS
           ) -> list[Series]:
    """Points of a column in `sets`, operation by operation in the order of the tables."""
    return [_series(column, table, name, one, members, rooflines.get(name))
            for table, name, one, members in _groups(column.machines) if one in sets]


def compared(column: Column, of: Series) -> Operation:
    """What there is to say of a series of `column`."""
    errors = error_row(of.operation, of.set, of.errors, stated_band(
        column.gpu, of.table, of.operation))
    rough = error_row(of.operation, of.set, of.roofline / of.measured - 1)
    roofline = rough if rough.predicted else None
    return Operation(of.column, of.table, errors, roofline, of.fitted,
                     _again(column.machines, of.table, of.operation),
                     _afterwards(column, of.table, of.operation), _verdict(errors, roofline),
                     _worst(of), tuple(_buckets(of)))


Member = tuple[str, Row]
"""(machine, row)"""


def _groups(machines: Sequence[Machine]) -> Iterator[tuple[str, str, str, list[Member]]]:
    """(table, operation, set, rows): tables in their order, then by name, fit before held."""
    for table in TABLES:
        rows = [(machine.name, row) for machine in machines
                for row in machine.rows.get(table, ())]
        groups: dict[tuple[str, int], list[Member]] = {}
        for name, row in rows:
            key = operation(row.point), SETS.index(row.point.set)
            groups.setdefault(key, []).append((name, row))
        for name, place in sorted(groups):
            yield table, name, SETS[place], groups[name, place]


def _series(column: Column, table: str, name: str, one: str, members: Sequence[Member],
            fitted: Roofline | None) -> Series:
    rows = [row for _, row in members]
    points = [row.point for row in rows]
    roofline = (fitted.times(ideal_times(column.gpu, points)) if fitted
                else np.full(len(rows), np.nan))
    predicted = predicted_values(column.gpu, points)
    return Series(column.name, table, name, one, tuple(points),
                  tuple(machine for machine, _ in members), measured_values(rows),
                  np.where(np.isfinite(predicted), predicted, np.nan), roofline, fitted)


def _again(machines: Sequence[Machine], table: str, name: str) -> ErrorRow | None:
    apart: list[float] = []
    for machine in machines:
        seconds = [row for row in machine.again.get(table, ()) if operation(row.point) == name]
        firsts = {row.point.values: row for row in machine.rows.get(table, ())}
        pairs = [(firsts[row.point.values], row) for row in seconds
                 if row.point.values in firsts]
        first, second = (measured_values([pair[place] for pair in pairs]) for place in (0, 1))
        apart += (second / first - 1).tolist()
    return error_row(name, "", np.array(apart)) if apart else None


def _afterwards(column: Column, table: str, name: str) -> ErrorRow | None:
    rows = [row for machine in column.machines for row in machine.afterwards.get(table, ())
            if operation(row.point) == name]
    if not rows:
        return None
    predicted = predicted_values(column.gpu, [row.point for row in rows])
    return error_row(name, "", predicted / measured_values(rows) - 1)


def _verdict(model: ErrorRow, roofline: ErrorRow | None) -> str:
    if roofline is None or model.median is None or model.p90 is None:
        return ""
    assert roofline.median is not None and roofline.p90 is not None
    lost = (model.median > roofline.median) + (model.p90 > roofline.p90)
    return ("better", "mixed", "worse")[lost]


def _worst(of: Series) -> Worst | None:
    if np.isnan(of.errors).all():
        return None
    place = int(np.nanargmax(np.abs(of.errors)))
    shape = str(of.points[place]).partition(" ")[2]
    return Worst(of.machines[place], shape, float(of.measured[place]),
                 float(of.predicted[place]), float(of.errors[place]))


def _buckets(of: Series) -> Iterator[Bucket]:
    keys = TABLES[of.table].keys
    by_bytes = "bytes" in keys
    sizes = np.array([point.number("bytes") for point in of.points]) if by_bytes else of.measured
    edges = BYTES_EDGES if by_bytes else TIME_EDGES
    for low, high in zip(edges, edges[1:], strict=False):
        inside = (sizes >= low) & (sizes < high)
        if inside.any():
            row = error_row(of.operation, of.set, of.errors[inside])
            yield Bucket("bytes" if by_bytes else "measured_time", low, high, row.rows,
                         row.median, row.p90)
