"""How the coefficients of a part are fitted to measurements, and how good they are.

Each operation has columns of a CSV, coefficients with start values, and the method that predicts
it. The fit minimises the relative error (logarithm of predicted over measured) with a loss that
outliers do not pull. Errors are stated for rows that the fit did not see: whole groups of rows
(all sizes of one weight shape, say) are left out in turn.

Leaves out: measuring, choosing the form of the models. What is fitted to what is in `fits`.
"""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Floats
from rackwright.devices.part import Part

__all__ = [
    "Operation",
    "Rows",
    "errors",
    "fit",
    "left_out",
    "read_rows",
    "with_coefficients",
]

P = TypeVar("P", bound=Part)
Rows = Mapping[str, npt.NDArray[Any]]
OUTLIER = 0.05  # relative error beyond which a row pulls less than its square
DIGITS = 4      # significant digits of a coefficient


@dataclass(frozen=True)
class Operation:
    """One fit.

    `table`: the part's field whose coefficients are fitted, from the values of `start`. `files`:
    the measurements, of which rows with `keep` are used. `predict(part, rows)`: seconds.
    `groups`: columns; rows that agree in all of them are left out together.
    """

    table: str
    start: Mapping[str, float]
    files: tuple[str, ...]
    predict: Callable[[Any, Rows], Any]
    groups: tuple[str, ...]
    keep: Callable[[Mapping[str, str]], bool] = lambda row: True


def read_rows(folder: Path, operation: Operation) -> dict[str, npt.NDArray[Any]]:
    """Columns of an operation's files, one file below the other; numbers where all are.

    A column that a file lacks reads as NaN, or as "" for text.
    """
    rows: list[dict[str, str]] = []
    for name in operation.files:
        with (folder / name).open(newline="", encoding="utf-8") as file:
            rows += [row for row in csv.DictReader(file) if operation.keep(row)]
    names = dict.fromkeys(key for row in rows for key in row)
    return {name: _column([row.get(name, "") for row in rows]) for name in names}


def fit(part: P, operation: Operation, rows: Rows) -> dict[str, float]:
    """Coefficients of `operation` fitted to `rows`, rounded to DIGITS significant digits.

    A column "weight" says how many times a row counts.
    """
    from scipy.optimize import least_squares

    names, start = list(operation.start), np.array(list(operation.start.values()))
    weights = rows["weight"].astype(int) if "weight" in rows else 1

    def residual(scaled: Floats) -> Floats:
        trial = with_coefficients(part, operation, dict(zip(names, np.abs(scaled) * start,
                                                           strict=True)))
        return np.repeat(np.log(errors(trial, operation, rows) + 1), weights)

    found = least_squares(residual, np.ones(len(start)), loss="soft_l1", f_scale=OUTLIER,
                          diff_step=np.full(len(start), 1e-3))
    values = np.abs(found.x) * start
    return {name: float(f"{value:.{DIGITS}g}") for name, value in zip(names, values, strict=True)}


def with_coefficients(part: P, operation: Operation, values: Mapping[str, float]) -> P:
    """`part` with other coefficients for one operation."""
    table = dataclasses.replace(getattr(part, operation.table), **values)
    return dataclasses.replace(part, **{operation.table: table})


def errors(part: P, operation: Operation, rows: Rows) -> Floats:
    """Predicted over measured time, less 1, for each row."""
    predicted = np.asarray(operation.predict(part, rows), np.float64)
    return predicted / (rows["time_us"] * 1e-6) - 1


def left_out(part: P, operation: Operation, rows: Rows) -> Floats:
    """`errors` of every row by a fit that saw no row of its group."""
    found = np.zeros(len(rows["time_us"]))
    keys = np.array([" ".join(str(rows[name][i]) for name in operation.groups)
                     for i in range(len(found))])
    for key in np.unique(keys):
        held = keys == key
        seen = {name: column[~held] for name, column in rows.items()}
        trial = with_coefficients(part, operation, fit(part, operation, seen))
        found[held] = errors(trial, operation, {n: c[held] for n, c in rows.items()})
    return found


def _column(texts: list[str]) -> npt.NDArray[Any]:
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        return np.array(texts)
