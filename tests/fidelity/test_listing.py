"""The report as text: its layout at 80 columns, what it says and when."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from rackwright.calibrate import Point, Row
from rackwright.fidelity import assess_columns, text
from rackwright.fidelity.columns import transferred

GOLDEN = Path(__file__).parent / "listing_80.txt"
PEERS = "what other simulators publish"


@pytest.fixture
def made(model, product, column, gpu):
    """Products, copies and convolutions on a part, and on another with the first's coefficients."""
    rows = {"gemm": [product(2 ** i, (-1) ** i * i / 40, "held" if i % 3 else "fit")
                     for i in range(18)] + [product(5, 0.4, dtype="fp8")],
            "memory": [], "conv": [Row(Point("conv", ("forward", 1, 3, 64, 224, 7, 2), "held"),
                                       {"time_us": 5.0})]}
    rows["gemm"] += [product(10 ** i, 1.0, "held" if i % 2 else "fit", "fp16")  # half of it:
                     for i in range(9)]                                         # a roofline
    for power in range(10, 30, 3):
        point = Point("memory", ("copy", "warm", 2 ** power), "fit" if power % 2 else "held")
        rows["memory"].append(Row(point, {"time_us": model([point])[0] * 1e6 * 1.04}))
    again = {"gemm": [Row(row.point, {"time_us": row.measured["time_us"] * 1.01})
                      for row in rows["gemm"][:6]]}
    first = column(rows, again, afterwards={"gemm": [product(3, 0.07), product(77, -0.05)]})
    second = column(rows, name="h200-sxm", part=dataclasses.replace(gpu, name="h200-sxm"))
    return assess_columns([first, second, transferred(first, second)], fitted=True)


def test_the_layout_at_80_columns(made):
    """When a change of layout is meant, write the new text into the golden file."""
    assert text(made, 80).partition(PEERS)[0] == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [60, 72, 80, 100])
@pytest.mark.parametrize("everything", [False, True])
def test_no_line_is_wider_than_asked(made, width, everything):
    lines = text(made, width, everything=everything).splitlines()
    assert max(map(len, lines)) <= width and not any(line != line.rstrip() for line in lines)


def test_the_packaged_report_fits_80_columns(packaged):
    assert max(map(len, text(packaged, 80).splitlines())) <= 80


def test_all_adds_fitted_points_and_operations_without_a_model(made):
    short, long = text(made), text(made, everything=True)
    assert "conv forward" not in short and "gemm bf16 (fit)" not in short
    assert "conv forward" in long and "gemm bf16 (fit)" in long
    assert long.count("dtype=fp8") == 3 and len(long) > len(short)


def test_twice_the_same(made):
    assert text(made) == text(made)


def test_an_operation_that_loses_to_the_roofline_is_marked_and_named(made):
    shown = text(made)
    lost = [entry.errors.operation for entry in made.of("h100-sxm") if entry.verdict == "worse"]
    assert lost and all(f"worse in {name}" in shown or f", {name}" in shown for name in lost)
    line = next(line for line in shown.splitlines() if line.startswith(lost[0]))
    assert " !" in line


def test_nothing_held(model, product, column):
    shown = text(assess_columns([column({"gemm": [product(1, set="fit")]})]))
    assert shown.startswith("no point is held out of the fits")


def test_nothing_predicted(model, column):
    conv = Row(Point("conv", ("forward", 1, 3, 64, 224, 7, 2), "held"), {"time_us": 5.0})
    shown = text(assess_columns([column({"conv": [conv]})]))
    assert shown.startswith("no model predicts what was measured (conv forward)")
