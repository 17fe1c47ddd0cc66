"""The error of a part's cost methods on measurements, by operation and set.

The relative error of a point is predicted / measured - 1. Rows of set "held" were chosen before
measuring and are in no fit; the sets of older fits are other files altogether.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rackwright.calibrate.predict import BANDS, operation, predictions
from rackwright.calibrate.rows import Row
from rackwright.calibrate.tables import SETS
from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.part import Gpu

__all__ = ["ErrorRow", "error_table", "row_errors"]


@dataclass(frozen=True)
class ErrorRow:
    """Errors of one operation in one set, as shares of the measured value.

    `median` and `p90` are of absolute errors, `worst` and `bias` signed: the largest error, and
    the median one. `stated` is the band that the part gives: (class, median, p90), or None. An
    operation that no method covers has None for its errors.
    """

    operation: str
    set: str
    rows: int
    median: float | None
    p90: float | None
    worst: float | None
    bias: float | None
    stated: tuple[str, float, float] | None

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
        band = getattr(part, BANDS[table]).band if table in BANDS else None
        for name in sorted(set(names.tolist())):
            found += [_error_row(name, one, errors[(names == name) & (sets == one)], band)
                      for one in SETS if ((names == name) & (sets == one)).any()]
    return found


def row_errors(part: Gpu, rows: Sequence[Row]) -> Floats:
    """Predicted over measured, less 1, of rows of one table; NaN where no method predicts."""
    measured = np.array([row.measured["watts"] if "watts" in row.measured
                         else row.measured["time_us"] * 1e-6 for row in rows])
    errors: Floats = predictions(part, [row.point for row in rows]) / measured - 1
    return errors


def _error_row(name: str, one: str, errors: Floats, band: tuple[str, float, float] | None
               ) -> ErrorRow:
    if np.isnan(errors).any():
        return ErrorRow(name, one, len(errors), None, None, None, None, band)
    size = np.abs(errors)
    return ErrorRow(name, one, len(errors), float(np.median(size)),
                    float(np.percentile(size, 90)), float(errors[size.argmax()]),
                    float(np.median(errors)), band)
