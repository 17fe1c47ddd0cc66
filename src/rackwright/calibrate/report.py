"""The error of a part's cost methods on measurements, by operation and set.

The relative error of a point is predicted / measured - 1. Rows of set "held" were chosen before
measuring and are in no fit; the sets of older fits are other files altogether. `error_row` is the
one place where errors are counted: `rackwright calibrate check` and `rackwright fidelity` both use
it.

Leaves out: why a model is wrong, and what a second measurement would say (see
`devices/measured/README.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rackwright.calibrate import predict
from rackwright.calibrate.predict import BANDS, operation
from rackwright.calibrate.rows import Row
from rackwright.calibrate.tables import SETS, TABLES, Point
from rackwright.devices import catalog
from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.part import Gpu
from rackwright.devices.part import Band, Fit
from rackwright.errors import InputError

__all__ = ["ErrorRow", "error_row", "error_table", "measured_values", "predicted_values",
           "row_errors", "stated_band"]


@dataclass(frozen=True)
class ErrorRow:
    """Errors of one operation in one set, as shares of the measured value.

    `median`, `mean` and `p90` are of absolute errors, `worst` and `bias` signed: the largest
    error, and the median one. They count the `predicted` rows of `rows`, and are None when no
    method covers the operation. `stated` is the band that the part gives, (class, median, p90),
    or None; `inside` the share of predicted rows whose error is at most the band's p90.
    """

    operation: str
    set: str
    rows: int
    predicted: int
    median: float | None
    mean: float | None
    p90: float | None
    worst: float | None
    bias: float | None
    stated: Band | None
    inside: float | None

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def error_table(part: Gpu, rows: Mapping[str, Sequence[Row]]) -> list[ErrorRow]:
    """Errors of `part` on `rows` (by table, as `read_folder` gives them), operation by operation.

    In the order of the tables, then of the operations' names, fit before held.
    """
    found = []
    for table, members in rows.items():
        errors = row_errors(part, members)
        names = np.array([operation(row.point) for row in members])
        sets = np.array([row.point.set for row in members])
        for name in sorted(set(names.tolist())):
            band = stated_band(part, table, name)
            found += [error_row(name, one, errors[(names == name) & (sets == one)], band)
                      for one in SETS if ((names == name) & (sets == one)).any()]
    return found


def row_errors(part: Gpu, rows: Sequence[Row]) -> Floats:
    """Predicted over measured, less 1, of rows of one table; NaN where no method predicts."""
    predicted = predicted_values(part, [row.point for row in rows])
    errors: Floats = predicted / measured_values(rows) - 1
    return errors


def predicted_values(part: Gpu, points: Sequence[Point]) -> Floats:
    """`predict.predictions`; NaN also for a table that nothing predicts yet."""
    if points and points[0].table not in predict._PREDICT:
        return np.full(len(points), np.nan)
    return predict.predictions(part, points)


def measured_values(rows: Sequence[Row]) -> Floats:
    """What the predictions are held against: seconds, or watts. Raises `InputError` for a 0."""
    values = np.array([_value(row) for row in rows])
    for row, value in zip(rows, values, strict=True):
        if value == 0:
            raise InputError(f"{row.point}: 0 was measured, so an error has no relative size; "
                             "take the point out")
    return values


def stated_band(part: Gpu, table: str, name: str) -> Band | None:
    """(class, median, p90) that `part` states for operation `name` of `table`, or None."""
    if table == "pcie":
        return catalog.pcie(part.pcie).band() if part.pcie else None
    other_type = table == "gemm" and not name.startswith("gemm bf16")
    fit = getattr(part, "gemm_types" if other_type else BANDS.get(table, table), None)
    return fit.band if isinstance(fit, Fit) else None


def error_row(name: str, one: str, errors: Floats, band: Band | None = None) -> ErrorRow:
    """Statistics of the `errors` of operation `name` in set `one`; not finite: not predicted."""
    seen = errors[np.isfinite(errors)]
    if not len(seen):
        return ErrorRow(name, one, len(errors), 0, None, None, None, None, None, band, None)
    size = np.abs(seen)
    return ErrorRow(name, one, len(errors), len(seen), float(np.median(size)), float(size.mean()),
                    float(np.percentile(size, 90)), float(seen[size.argmax()]),
                    float(np.median(seen)), band,
                    None if band is None else float((size <= band[2]).mean()))


def _value(row: Row) -> float:
    """The first measured column, in seconds when the column is in microseconds."""
    name = TABLES[row.point.table].values[0]
    return row.measured[name] * (1e-6 if name.endswith("_us") else 1.0)
