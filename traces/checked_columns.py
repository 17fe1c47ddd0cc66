"""Columns of a trace in memory: taken as read-only copies, and summed up."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError

__all__ = ["column_of", "statistics"]


def column_of(name: str, values: object, dtype: type[Any]) -> npt.NDArray[Any]:
    """A read-only copy of `values` in `dtype`; -0.0 becomes 0.0."""
    given = np.asarray(values)
    if given.ndim != 1 or not np.can_cast(given.dtype, dtype, "safe"):
        raise TraceError(f"column {name}: {given.dtype} of shape {given.shape}; expected one "
                         f"dimension of {np.dtype(dtype)}")
    column: npt.NDArray[Any] = given.astype(dtype) + dtype(0)
    column.setflags(write=False)
    return column


def statistics(values: npt.NDArray[np.int64]) -> dict[str, float]:
    """Mean, extremes, percentiles and total as plain numbers."""
    p50, p90, p99 = (float(x) for x in np.percentile(values, [50, 90, 99]))
    return {"mean": int(values.sum()) / len(values), "min": int(values.min()), "p50": p50,
            "p90": p90, "p99": p99, "max": int(values.max()), "total": int(values.sum())}
