"""New coefficients for a GPU from its measurements, and what they change on rows held back.

`FITTED` says which calibration of a part is fitted to which rows, from which start values, in that
order; only rows of set "fit" are used. Rows of an earlier measurement (`earlier`) are repeated so
that together they weigh about what the others do. Of an expert, only what lies between its products
is fitted, beside the MEASURED times of these: so the product model's errors stay out of it. The
catalog is not touched.

Leaves out: new forms of models, the bands of a part (those come from the errors of held rows).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rackwright.calibrate.predict import predictions
from rackwright.calibrate.rows import Row
from rackwright.calibrate.tables import Point
from rackwright.devices.fitting import Operation, Rows, fit, with_coefficients
from rackwright.devices.gpu.experts import between_seconds
from rackwright.devices.gpu.fits import GPU_OPERATIONS
from rackwright.devices.gpu.part import Gpu
from rackwright.errors import InputError

__all__ = ["FITTED", "Fitted", "chosen_rows", "refit"]


@dataclass(frozen=True)
class Fitted:
    """One calibration: its coefficients with start values; tables whose rows it is fitted to and
    its band is counted on, with what a row must be; tables that a fit needs beside them."""

    start: Mapping[str, float]
    rows: Mapping[str, Callable[[Point], bool]]
    beside: Mapping[str, Callable[[Point], bool]] = field(default_factory=dict)


def refit(part: Gpu, rows: Mapping[str, Sequence[Row]],
          earlier: Mapping[str, Sequence[Row]] | None = None,
          only: Sequence[str] = ()) -> tuple[Gpu, dict[str, dict[str, float]]]:
    """`part` with coefficients fitted to the rows of set "fit", and these by calibration table.

    Calibrations whose tables `rows` lacks keep what they have, and so do those not in `only`, when
    it names any. Raises `InputError` when nothing is left to fit.
    """
    found: dict[str, dict[str, float]] = {}
    for name, what in FITTED.items():
        chosen, beside = chosen_rows(what.rows, rows), chosen_rows(what.beside, rows)
        if all(chosen.values()) and (not only or name in only):
            data = _expert_data(chosen, beside) if name == "expert" else \
                _data(chosen, chosen_rows(what.rows, earlier or {}))
            if data is not None:
                operation = Operation(name, what.start, (), data.predict, ())
                found[name] = fit(part, operation, data.columns)
                part = with_coefficients(part, operation, found[name])
    if not found:
        tables = dict.fromkeys(table for what in FITTED.values() for table in what.rows)
        raise InputError(f"nothing to fit: no rows of set 'fit' in {', '.join(tables)}")
    return part, found


def chosen_rows(keep: Mapping[str, Callable[[Point], bool]], rows: Mapping[str, Sequence[Row]],
                one: str = "fit") -> dict[str, list[Row]]:
    """Rows of set `one`, by table, that `keep` asks for."""
    return {table: [row for row in rows.get(table, ()) if row.point.set == one and good(row.point)]
            for table, good in keep.items()}


@dataclass(frozen=True)
class _Data:
    """Measured times (and weights) as columns, and what predicts them."""

    columns: Rows
    predict: Callable[[Gpu, Rows], Any]


def _data(chosen: Mapping[str, Sequence[Row]], again: Mapping[str, Sequence[Row]]) -> _Data:
    groups = [members for source in (chosen, again) for members in source.values() if members]
    points = [[row.point for row in members] for members in groups]
    times = [row.measured["time_us"] for members in groups for row in members]
    new, old = (sum(map(len, source.values())) for source in (chosen, again))
    weights = np.ones(len(times))
    weights[new:] = max(round(new / old), 1) if old else 1

    def predict(gpu: Gpu, _: Rows) -> Any:
        return np.concatenate([predictions(gpu, members) for members in points])
    return _Data({"time_us": np.array(times), "weight": weights}, predict)


def _expert_data(chosen: Mapping[str, Sequence[Row]], beside: Mapping[str, Sequence[Row]]
                 ) -> _Data | None:
    """Experts whose two products were measured as well; None when there is none."""
    products = {row.point.numbers(): row.measured["time_us"] for row in beside["gemm"]
                if row.point["layout"] == "linear"}
    found = []
    for row in chosen["expert"]:
        hidden, ffn, tokens = row.point.numbers()
        pair = [products.get(shape) for shape in ((tokens, 2 * ffn, hidden),
                                                  (tokens, hidden, ffn))]
        if None not in pair:
            found.append((tokens, ffn, row.measured["time_us"], sum(filter(None, pair))))
    if not found:
        return None
    tokens_of, ffn_of, times, known = np.array(found, np.float64).T

    def predict(gpu: Gpu, _: Rows) -> Any:
        return known * 1e-6 + between_seconds(gpu, "bf16", tokens_of, ffn_of)
    return _Data({"time_us": times}, predict)


def _bf16(point: Point) -> bool:
    return point["dtype"] == "bf16"


def _other_type(point: Point) -> bool:
    return point["dtype"] != "bf16"


def _any(point: Point) -> bool:
    return True


FITTED: Mapping[str, Fitted] = {
    "gemm": Fitted({
        "floor_time": 2.8e-6, "math_share": 0.85, "memory_share": 0.87, "load_per_clock": 76.0,
        "prologue_clocks": 4000.0, "split_time": 2.6e-6, "wave_loss": 0.2, "l2_reach": 0.8,
        "clock_loss": 0.25, "pause_time": 1.7e-4}, {"gemm": _bf16}),
    "gemm_types": Fitted({
        "fp16_math": 0.92, "fp8_math": 0.96, "fp8_load": 0.9, "int8_floor": 0.8,
        "int8_math": 0.6, "int8_load": 0.43, "int8_prologue": 3.5, "tf32_math": 0.94,
        "tf32_load": 0.56},
        {"gemm": _other_type}),
    "expert": Fitted({"gap_time": 4e-6, "l2_per_clock": 16.0, "memory_share": 0.5},
                     {"expert": _any}, {"gemm": _bf16}),
    "moe": Fitted({
        "floor_time": 1.1e-5, "math_share": 0.75, "memory_share": 0.93, "cold_per_clock": 13.0,
        "prologue_clocks": 2750.0, "wave_loss": 0.55}, {"grouped": _any}),
    "conv": Fitted({
        "floor_time": 2.1e-6, "window_time": 1.7e-6, "strided_time": 3.2e-6, "split_time": 4.1e-6,
        "math_share": 0.92, "window_share": 0.71, "narrow_share": 0.166, "prologue_clocks": 4300.0,
        "window_prologue_clocks": 7100.0, "load_per_clock": 73.7, "step_clocks": 190.0,
        "memory_share": 0.81, "l2_per_clock": 50.0, "l2_reach": 0.77}, {"conv": _any}),
    "pieces": Fitted(GPU_OPERATIONS["pieces"].start, {"memory": _any, "pieces": _any}),
    "attention": Fitted(GPU_OPERATIONS["attention"].start, {"attention": _any}),
}
"""In the order of fitting: what is used by others comes before them."""
