"""Errors counted again by hand, from plain lists and the definitions alone."""

from __future__ import annotations

import math
import random

import pytest

from rackwright.calibrate import Point, Row
from rackwright.fidelity import assess_columns
from rackwright.fidelity.roofline import Roofline
from rackwright.fidelity.work import ideal_times


def middle(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def ninth_tenth(values):
    """Linear between the two points around 0.9 (n - 1)."""
    ordered = sorted(values)
    place = 0.9 * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def only(found, **chosen):
    entry, = found.of("h100-sxm", **chosen)
    return entry


@pytest.mark.parametrize("seed", range(5))
def test_statistics(model, product, column, seed):
    draw = random.Random(seed)
    errors = [draw.uniform(-0.5, 1.0) for _ in range(3 + 7 * seed)]
    rows = [product(m + 1, error) for m, error in enumerate(errors)]
    row = only(assess_columns([column({"gemm": rows})])).errors
    size = [abs(error) for error in errors]
    assert (row.rows, row.predicted) == (len(errors), len(errors))
    assert row.median == pytest.approx(middle(size))
    assert row.mean == pytest.approx(sum(size) / len(size))
    assert row.p90 == pytest.approx(ninth_tenth(size))
    assert row.bias == pytest.approx(middle(errors))
    assert row.worst == pytest.approx(max(errors, key=abs))
    assert row.inside == pytest.approx(sum(one <= 0.10 for one in size) / len(size))


def test_held_and_fitted_points_do_not_mix(model, product, column):
    rows = [product(1, 0.5, "fit"), product(2, 0.1), product(3, 0.1), product(4, 0.1)]
    found = assess_columns([column({"gemm": rows})], fitted=True)
    assert only(found).errors.worst == pytest.approx(0.1)
    assert only(found, one="fit").errors.worst == pytest.approx(0.5)
    unasked = assess_columns([column({"gemm": rows})])
    assert unasked.of("h100-sxm", one="fit") == [] and only(unasked).errors.worst == pytest.approx(
        0.1)


def test_the_worst_point_is_named(model, product, column):
    rows = [product(7, 0.2), product(9, -0.3), product(11, 0.1)]
    worst = only(assess_columns([column({"gemm": rows})])).worst_point
    assert worst.shape == "dtype=bf16 layout=linear m=9 n=4096 k=4096"
    assert worst.machine == "box" and worst.error == pytest.approx(-0.3)
    assert worst.predicted == pytest.approx(2.009e-6)
    assert worst.measured == pytest.approx(2.009e-6 / 0.7)


def test_buckets_of_time(model, product, column):
    """Each point in one bucket, at the edge in the upper one; the median is the bucket's own."""
    rows = [product(m, error) for m, error in (
        (1, 0.1), (2, 0.3), (3, 0.2),          # 2 us
        (90_000, 0.5), (95_000, 0.7),          # 61 and 57 us
        (2_000_000, -0.5))]                    # 4 ms
    edge = Point("gemm", ("bf16", "linear", 8000, 4096, 4096), "held")
    rows.append(Row(edge, {"time_us": 10.0}))
    buckets = only(assess_columns([column({"gemm": rows})])).buckets
    assert [(bucket.by, bucket.low, bucket.points) for bucket in buckets] == [
        ("measured_time", 0.0, 3), ("measured_time", 10 * 1e-6, 3),
        ("measured_time", 1000 * 1e-6, 1)]
    assert [bucket.median for bucket in buckets] == pytest.approx([0.2, 0.5, 0.5])


def test_buckets_of_bytes(model, column):
    points = [Point("memory", ("copy", "warm", nbytes), "held")
              for nbytes in (1024, 65535, 65536, 2 ** 20, 2 ** 24, 2 ** 30)]
    rows = [Row(point, {"time_us": model([point])[0] * 1e6}) for point in points]
    buckets = only(assess_columns([column({"memory": rows})])).buckets
    assert [(bucket.low, bucket.points) for bucket in buckets] == [
        (0.0, 2), (2.0 ** 16, 1), (2.0 ** 20, 1), (2.0 ** 24, 2)]


def test_buckets_together_are_all_points(model, product, column):
    draw = random.Random(3)
    rows = [product(m, draw.uniform(-0.5, 0.5)) for m in {
        int(10 ** draw.uniform(0, 7)) for _ in range(200)}]
    entry = only(assess_columns([column({"gemm": rows})]))
    assert sum(bucket.points for bucket in entry.buckets) == entry.errors.rows


def test_a_second_measurement(model, product, column):
    """Points of both sets count, those that were not there before do not."""
    rows = [product(1), product(2, set="fit"), product(3)]
    again = [Row(row.point, {"time_us": row.measured["time_us"] * factor})
             for row, factor in zip(rows[:2], (1.1, 0.7), strict=True)] + [product(4)]
    entry = only(assess_columns([column({"gemm": rows}, {"gemm": again})]))
    assert entry.again.rows == 2
    assert entry.again.median == pytest.approx(0.2)
    assert entry.again.worst == pytest.approx(-0.3)


def test_points_measured_afterwards(model, product, column):
    """Of the same operation, whatever their set; the held ones do not mix with them."""
    later = {"gemm": [product(7, 0.4), product(9, -0.2, "fit"), product(3, 9.0, dtype="fp8")]}
    entry = only(assess_columns([column({"gemm": [product(1, 0.1)]}, afterwards=later)]))
    assert entry.errors.worst == pytest.approx(0.1)
    assert (entry.afterwards.rows, entry.afterwards.median) == (2, pytest.approx(0.3))
    assert entry.afterwards.worst == pytest.approx(0.4)


def test_what_no_model_covers_is_counted_and_not_judged(model, product, column):
    conv = Row(Point("conv", ("forward", 1, 3, 64, 224, 7, 2), "held"), {"time_us": 5.0})
    found = assess_columns([column({"gemm": [product(1)], "conv": [conv]})])
    assert [entry.table for entry in found.of("h100-sxm")] == ["gemm"]
    other = found.of("h100-sxm", covered=False)[1]
    assert (other.errors.rows, other.errors.predicted, other.errors.median) == (1, 0, None)
    assert other.worst_point is None and other.verdict == ""


def test_a_part_of_the_points_without_a_prediction(model, product, column, monkeypatch):
    """Statistics are those of the others, and the count says so."""
    def holes(gpu, points):
        found = model(points)
        found[0] = math.nan
        return found
    monkeypatch.setattr("rackwright.fidelity.compare.predicted_values", holes)
    rows = [product(1, 9.0), product(2, 0.1), product(3, 0.3)]
    row = only(assess_columns([column({"gemm": rows})])).errors
    assert (row.rows, row.predicted) == (3, 2) and row.median == pytest.approx(0.2)


def test_a_roofline_sees_fitted_points_only(model, product, column, gpu):
    """Held points take twice as long as the roofline that the fitted ones lie on."""
    made = Roofline(3e-6, 0.7, 0.9, 0)
    points = [Point("gemm", ("bf16", "linear", m + (one == "held"), 4096, k), one)
              for one in ("fit", "held") for m in (1, 64, 512, 4096) for k in (1024, 4096, 16384)]
    rows = [Row(point, {"time_us": time * 1e6 * (2 if point.set == "held" else 1)})
            for point, time in zip(points, made.times(ideal_times(gpu, points)), strict=True)]
    entry = only(assess_columns([column({"gemm": rows})]))
    assert entry.fitted.rows == 12 and entry.fitted.math_share == pytest.approx(0.7, rel=1e-3)
    assert entry.roofline.median == pytest.approx(0.5, rel=1e-3)
    assert entry.roofline.bias == pytest.approx(-0.5, rel=1e-3)
