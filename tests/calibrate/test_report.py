"""Errors by operation and set, on rows made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.calibrate import Point, Row, error_table, plan
from rackwright.calibrate.predict import operation, predictions
from rackwright.calibrate.refit import refit
from rackwright.calibrate.report import row_errors
from rackwright.devices import catalog
from rackwright.errors import InputError

GPU = catalog.gpu("h100-sxm")


def off_by(gemm_row, error, m, set="fit"):
    """A product that the model over-predicts by `error`."""
    return gemm_row(m, 4096, 4096, GPU.gemm_time(m, 4096, 4096) * 1e6 / (1 + error), set)


def test_the_arithmetic(gemm_row):
    rows = [off_by(gemm_row, error, m + 1)
            for m, error in enumerate((0.1, -0.2, 0.05, 0.0, -0.4))]
    found, = error_table(GPU, {"gemm": rows})
    assert (found.operation, found.set, found.rows) == ("gemm bf16", "fit", 5)
    assert found.median == pytest.approx(0.1)
    assert found.p90 == pytest.approx(0.2 + 0.6 * 0.2)
    assert found.worst == pytest.approx(-0.4) and found.bias == pytest.approx(0.0, abs=1e-12)
    assert found.stated == GPU.band("gemm")


def test_sets_and_operations_are_told_apart(gemm_row):
    rows = [off_by(gemm_row, 0.1, 1), off_by(gemm_row, 0.3, 2, "held"),
            gemm_row(64, 4096, 4096, 10.0, "held", "fp8")]
    found = error_table(GPU, {"gemm": rows})
    assert [(row.operation, row.set, row.rows) for row in found] == [
        ("gemm bf16", "fit", 1), ("gemm bf16", "held", 1), ("gemm fp8", "held", 1)]
    assert [row.worst for row in found[:2]] == [pytest.approx(0.1), pytest.approx(0.3)]


def test_what_no_method_covers_has_no_error():
    row = Row(Point("gemm", ("fp8", "linear", 16, 16, 16)), {"time_us": 1.0})
    found, = error_table(catalog.gpu("v100-sxm"), {"gemm": [row]})
    assert (found.median, found.p90, found.worst, found.bias) == (None,) * 4 and found.rows == 1


def test_power_is_compared_in_watts():
    row = Row(Point("power", ("idle",)), {"watts": GPU.idle_watts * 2})
    assert error_table(GPU, {"power": [row]})[0].worst == pytest.approx(-0.5)


@pytest.mark.parametrize("table", ["attention", "expert", "gemm", "memory", "pcie", "pieces"])
def test_a_part_predicts_its_own_method(table):
    """Rows in any order, mixed operations: each gets the method's own value."""
    points = plan([table])[::17][::-1]
    together = predictions(GPU, points)
    alone = np.concatenate([predictions(GPU, [point]) for point in points])
    np.testing.assert_array_equal(together, alone)


def test_methods_get_their_arguments_in_order():
    point = Point("attention", ("decode", "no", "cold", 4, 32, 8, 128, 1, 2048))
    assert predictions(GPU, [point])[0] == GPU.attention_time(4, 32, 8, 128, 1, 2048)
    point = Point("expert", (4096, 14336, 7))
    assert predictions(GPU, [point])[0] == GPU.expert_time(7, 4096, 14336)
    point = Point("conv", ("forward", 2, 3, 64, 224, 7, 2))
    assert predictions(GPU, [point])[0] == GPU.conv_time(2, 3, 64, 224, 224, 7, 2)


@pytest.mark.parametrize("direction", ["backward_input", "backward_weight"])
def test_a_gradient_is_predicted_in_its_direction(direction):
    point = Point("conv", (direction, 8, 64, 128, 56, 3, 2))
    assert predictions(GPU, [point])[0] == GPU.conv_time(8, 64, 128, 56, 56, 3, 2,
                                                         direction=direction)


def test_each_point_of_the_plan_has_an_operation():
    assert all(operation(point) for point in plan())


def test_a_refit_recovers_the_model_that_made_the_times():
    points = [point for point in plan(["gemm"]) if point["dtype"] == "bf16"][::3]
    rows = [Row(point, {"time_us": time * 1e6})
            for point, time in zip(points, predictions(GPU, points), strict=True)]
    part, found = refit(GPU, {"gemm": rows})
    assert list(found) == ["gemm"]
    assert np.abs(row_errors(part, rows)).max() < 0.02
    assert found["gemm"]["math_share"] == pytest.approx(GPU.gemm.math_share, rel=0.02)


def test_a_refit_never_sees_held_rows(gemm_row):
    points = [point for point in plan(["gemm"]) if point["dtype"] == "bf16"][::5]
    rows = [Row(point, {"time_us": time * (1e6 if point.set == "fit" else 9e6)})
            for point, time in zip(points, predictions(GPU, points), strict=True)]
    seen = [row for row in rows if row.point.set == "fit"]
    assert len(seen) < len(rows) and refit(GPU, {"gemm": rows}) == refit(GPU, {"gemm": seen})


def test_nothing_to_fit(gemm_row):
    with pytest.raises(InputError, match="nothing to fit"):
        refit(GPU, {"gemm": [gemm_row(1, 2, 3, 4.0, "held")]})
