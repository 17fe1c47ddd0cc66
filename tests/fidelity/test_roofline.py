"""The roofline's fit against an exhaustive search, and against rooflines that made the times."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rackwright.calibrate import Point, plan
from rackwright.devices import catalog
from rackwright.devices.fitting import OUTLIER
from rackwright.fidelity.roofline import LEAST_ROWS, Roofline, fit_roofline
from rackwright.fidelity.work import ideal_times

GPU = catalog.gpu("h100-sxm")


def products(every=7):
    points = [point for point in plan(["gemm"]) if point["dtype"] == "bf16"
              and point["layout"] == "linear"][::every]
    return ideal_times(GPU, points)


def loss(measured, ideal, floor_time, math_share, data_share):
    """The definition, written again: soft L1 of the logarithm, OUTLIER its scale."""
    predicted = floor_time + np.maximum(ideal[0] / math_share, ideal[1] / data_share)
    z = (np.log(predicted / measured) / OUTLIER) ** 2
    return float((2 * (np.sqrt(1 + z) - 1)).sum() * OUTLIER ** 2 / 2)


@pytest.mark.parametrize(("floor_time", "math_share", "data_share"), [
    (3e-6, 0.7, 0.9), (1e-7, 0.99, 0.2), (2e-5, 0.3, 1.4)])
def test_a_roofline_is_recovered(floor_time, math_share, data_share):
    made = Roofline(floor_time, math_share, data_share, 0)
    ideal = products()
    found = fit_roofline(ideal, made.times(ideal))
    assert found.floor_time == pytest.approx(floor_time, rel=1e-4)
    assert found.math_share == pytest.approx(math_share, rel=1e-4)
    assert found.data_share == pytest.approx(data_share, rel=1e-4)
    assert found.rows == ideal.shape[1]


@pytest.mark.parametrize("seed", range(3))
def test_no_point_of_a_grid_is_better(seed):
    """Noise of 15 %, one time in ten half as long again: the fit beats 30^3 other rooflines."""
    rng = np.random.default_rng(seed)
    ideal = products(20)
    measured = Roofline(3e-6, 0.7, 0.9, 0).times(ideal) * np.exp(
        rng.normal(0, 0.15, ideal.shape[1])) * np.where(rng.random(ideal.shape[1]) < 0.1, 1.5, 1)
    found = fit_roofline(ideal, measured)
    reached = loss(measured, ideal, found.floor_time, found.math_share, found.data_share)
    grid = itertools.product(np.geomspace(1e-6, 1e-5, 30), np.geomspace(0.4, 1.2, 30),
                             np.geomspace(0.5, 1.5, 30))
    assert reached <= min(loss(measured, ideal, *point) for point in grid)


def test_a_share_that_nothing_depends_on_is_none():
    ideal = np.array([np.zeros(9), np.geomspace(1e-6, 1e-3, 9)])
    found = fit_roofline(ideal, 1e-6 + ideal[1] / 0.8)
    assert found.math_share is None and found.data_share == pytest.approx(0.8, rel=1e-4)
    only_math = ideal[::-1].copy()
    found = fit_roofline(only_math, 1e-6 + only_math[0] / 0.6)
    assert found.data_share is None and found.math_share == pytest.approx(0.6, rel=1e-4)


def test_too_few_rows_or_unknown_work():
    ideal = np.full((2, LEAST_ROWS - 1), 1e-6)
    assert fit_roofline(ideal, ideal[0]) is None
    ideal = np.full((2, 20), np.nan)
    assert fit_roofline(ideal, np.ones(20)) is None


def test_twice_the_same():
    ideal = products(30)
    measured = Roofline(3e-6, 0.7, 0.9, 0).times(ideal) * np.linspace(0.8, 1.2, ideal.shape[1])
    assert fit_roofline(ideal, measured) == fit_roofline(ideal, measured)


def test_work_scales_with_the_datasheet():
    """What H100 does at its peaks, H200 does with its own: same math, faster memory."""
    points = [Point("gemm", ("bf16", "linear", 64, 4096, 4096))]
    here, there = ideal_times(GPU, points), ideal_times(catalog.gpu("h200-sxm"), points)
    assert there[0] == here[0]
    assert there[1] / here[1] == pytest.approx(3352 / 4800)
