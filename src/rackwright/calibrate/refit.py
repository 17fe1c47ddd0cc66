"""New coefficients for a GPU from its measurements, and what they change on rows held back.

Fits what `rackwright.devices.gpu.fits` fits, in its order, to the rows of set "fit" alone:
products in bf16, copies and norms, attention, one expert. The catalog is not touched. Leaves
out: new forms of models, the bands of a part (those come from the errors of held rows).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from rackwright.calibrate.predict import predictions
from rackwright.calibrate.rows import Row
from rackwright.calibrate.tables import Point
from rackwright.devices.fitting import Operation, Rows, fit, with_coefficients
from rackwright.devices.gpu.fits import GPU_OPERATIONS
from rackwright.devices.gpu.part import Gpu
from rackwright.errors import InputError

__all__ = ["refit"]


def refit(part: Gpu, rows: Mapping[str, Sequence[Row]]
          ) -> tuple[Gpu, dict[str, dict[str, float]]]:
    """`part` with coefficients fitted to the rows of set "fit", and these by calibration table.

    Tables that `rows` lacks keep what they have. Raises `InputError` when none is there.
    """
    found: dict[str, dict[str, float]] = {}
    for name, operation in GPU_OPERATIONS.items():
        chosen = {table: [row for row in rows.get(table, ())
                          if row.point.set == "fit" and keep(row.point)]
                  for table, keep in _USED[name].items()}
        if all(chosen.values()):
            found[name] = _fit(part, operation, chosen)
            part = with_coefficients(part, operation, found[name])
    if not found:
        raise InputError("no rows of set 'fit' in gemm, attention, expert, or memory and pieces: "
                         "nothing to fit")
    return part, found


def _fit(part: Gpu, operation: Operation, chosen: Mapping[str, Sequence[Row]]
         ) -> dict[str, float]:
    points = {table: [row.point for row in rows] for table, rows in chosen.items()}
    times = [row.measured["time_us"] for rows in chosen.values() for row in rows]

    def predict(gpu: Gpu, _: Rows) -> Any:
        return np.concatenate([predictions(gpu, members) for members in points.values()])
    ours = Operation(operation.table, operation.start, (), predict, ())
    return fit(part, ours, {"time_us": np.array(times)})


def _bf16(point: Point) -> bool:
    return point["dtype"] == "bf16"


def _warm_copy(point: Point) -> bool:
    return point["op"] != "fill" and point["residence"] == "warm"


def _modelled(point: Point) -> bool:
    return point["op"] in ("add", "layer_norm", "silu_mul")


def _one_kernel(point: Point) -> bool:
    """Extends are another kernel of PyTorch than prefills and decodes."""
    return point["phase"] != "extend"


def _any(point: Point) -> bool:
    return True


_USED: Mapping[str, Mapping[str, Callable[[Point], bool]]] = {
    "gemm": {"gemm": _bf16},
    "pieces": {"memory": _warm_copy, "pieces": _modelled},
    "attention": {"attention": _one_kernel}, "expert": {"expert": _any}}
