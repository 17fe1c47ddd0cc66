"""Products: the stored coefficients are what the fit gives, the bands what held rows say.

Relative errors on rows of set "held", which no fit saw, in per cent (median / p90); "derived" are
the coefficients of the H100 on the H200's datasheet:

| calibration | rows | H100       | H200       | H200, derived |
| ----------- | ---- | ---------- | ---------- | ------------- |
| gemm        |  375 | 3.7 / 10.6 | 3.3 / 7.9  | 4.0 / 11.1    |
| gemm_types  |  105 | 4.0 / 13.2 | 4.1 / 13.5 | 5.2 / 14.8    |
| expert      |   20 | 4.0 / 13.6 | 4.2 / 11.2 | 5.1 / 10.7    |
| moe         |   30 | 2.9 / 9.3  | derived    | 2.8 / 13.0    |
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.calibrate import measured_folder, read_table
from rackwright.calibrate.earlier import earlier_rows
from rackwright.calibrate.predict import predictions
from rackwright.calibrate.refit import refit
from rackwright.calibrate.rows import Row
from rackwright.devices import catalog
from rackwright.errors import InputError

OURS = ("gemm", "gemm_types", "expert", "moe")
TABLE = {"gemm": "gemm", "gemm_types": "gemm", "expert": "expert", "moe": "grouped"}
PARTS = {"h100-sxm": OURS, "h200-sxm": ("gemm", "gemm_types", "expert")}  # its moe is derived
DERIVED = {"gemm": 0.041, "gemm_types": 0.053, "expert": 0.052, "moe": 0.029}


@pytest.fixture(scope="module")
def tables():
    return {part: {table: read_table(measured_folder(part) / f"{table}.csv.gz")
                   for table in ("gemm", "expert", "grouped")} for part in PARTS}


@pytest.fixture(scope="module")
def earlier(tables):
    return earlier_rows(measured_folder("h100-sxm"), tables["h100-sxm"])


def held(rows, name):
    """The rows of set "held" that a calibration answers for."""
    return [row for row in rows[TABLE[name]] if row.point.set == "held" and (
        TABLE[name] != "gemm" or (row.point["dtype"] == "bf16") == (name == "gemm"))]


def errors(part, rows):
    measured = np.array([row.measured["time_us"] for row in rows]) * 1e-6
    return np.abs(predictions(part, [row.point for row in rows]) / measured - 1)


@pytest.fixture(scope="module")
def fitted(tables, earlier):
    """By part, what a fit gives: of the H100 on both measurements."""
    return {part: refit(catalog.gpu(part), tables[part], earlier if part == "h100-sxm" else None,
                        only=names)[1] for part, names in PARTS.items()}


@pytest.mark.parametrize("part, name", [(part, name) for part, names in PARTS.items()
                                        for name in names])
def test_the_fit_can_be_repeated(part, name, fitted):
    stored = getattr(catalog.gpu(part), name)
    assert stored.basis == "calibrated"
    for key, value in fitted[part][name].items():
        assert getattr(stored, key) == pytest.approx(value, rel=0.02), key


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("part", PARTS)
def test_the_bands_are_the_errors_on_held_rows(part, name, tables):
    gpu = catalog.gpu(part)
    found = errors(gpu, held(tables[part], name))
    _, median, p90 = gpu.band(name)
    assert median == pytest.approx(np.median(found), abs=0.001)
    assert p90 == pytest.approx(np.percentile(found, 90), abs=0.001)
    assert median <= 0.042


@pytest.mark.parametrize("name", OURS)
def test_a_part_never_measured(name, tables):
    """Coefficients of the H100 on the H200's datasheet."""
    h100, h200 = catalog.gpu("h100-sxm"), catalog.gpu("h200-sxm")
    moved = dataclasses.replace(h200, **{one: getattr(h100, one) for one in OURS})
    found = errors(moved, held(tables["h200-sxm"], name))
    assert np.median(found) <= DERIVED[name] < 0.08


def test_the_earlier_measurement(earlier):
    """Its board paused between points: one set of coefficients answers for both."""
    assert len(earlier["gemm"]) == 210 and len(earlier["expert"]) == 12
    gpu = catalog.gpu("h100-sxm")
    products, experts = errors(gpu, earlier["gemm"]), errors(gpu, earlier["expert"])
    assert np.median(products) < 0.04 and np.percentile(products, 90) < 0.095
    assert np.median(experts) < 0.02 and np.percentile(experts, 90) < 0.055
    aside = [row for row in earlier["gemm"] if row.point.set == "held"]
    assert len(aside) == 84 and np.median(errors(gpu, aside)) < 0.051


def test_earlier_rows_of_held_shapes_are_held(tables, earlier):
    shut = {(row.point["n"], row.point["k"]) for row in tables["h100-sxm"]["gemm"]
            if row.point.set == "held"}
    for row in earlier["gemm"]:
        assert (row.point.set == "held") == ((row.point["n"], row.point["k"]) in shut)


def test_a_plain_roofline_is_worse(tables):
    """Three parameters, fitted to the same rows with the same loss."""
    from scipy.optimize import least_squares

    gpu = catalog.gpu("h100-sxm")
    rows = [row for row in tables["h100-sxm"]["gemm"] if row.point["dtype"] == "bf16"]

    def columns(one):
        chosen = [row for row in rows if row.point.set == one]
        return (*np.array([row.point.numbers() for row in chosen], float).T,
                np.array([row.measured["time_us"] for row in chosen]) * 1e-6)

    def roofline(x, m, n, k):
        return x[0] * 1e-6 + np.maximum(2 * m * n * k / (x[1] * gpu.peak_bf16),
                                        2 * (m * k + k * n + m * n) / (x[2] * gpu.memory_bandwidth))
    *shape, time = columns("fit")
    best = least_squares(lambda x: np.log(roofline(x, *shape) / time), [3.0, 0.7, 0.9],
                         loss="soft_l1", f_scale=0.05).x
    *shape, time = columns("held")
    theirs, ours = np.abs(roofline(best, *shape) / time - 1), errors(gpu, held(
        tables["h100-sxm"], "gemm"))
    assert np.median(ours) < 0.6 * np.median(theirs)
    assert np.percentile(ours, 90) < 0.5 * np.percentile(theirs, 90)


def test_a_fit_recovers_its_own_model(tables):
    """Times made by known coefficients give them back."""
    gpu = catalog.gpu("h200-sxm")
    known = dataclasses.replace(gpu, moe=dataclasses.replace(gpu.moe, cold_per_clock=11.0,
                                                             floor_time=1.3e-5))
    rows = tables["h200-sxm"]["grouped"]
    made = predictions(known, [row.point for row in rows]) * 1e6
    again = [Row(row.point, {"time_us": time}) for row, time in zip(rows, made, strict=True)]
    _, found = refit(gpu, {"grouped": again})
    assert found["moe"]["cold_per_clock"] == pytest.approx(11.0, rel=0.02)
    assert found["moe"]["floor_time"] == pytest.approx(1.3e-5, rel=0.02)


def test_held_rows_do_not_move_a_fit(tables):
    rows = tables["h100-sxm"]["grouped"]
    wrong = [Row(row.point, {"time_us": 7.0}) if row.point.set == "held" else row for row in rows]
    gpu = catalog.gpu("h100-sxm")
    assert refit(gpu, {"grouped": wrong})[1] == refit(gpu, {"grouped": rows})[1]


def test_nothing_to_fit_is_refused():
    with pytest.raises(InputError, match="nothing to fit: no rows of set 'fit' in gemm, expert"):
        refit(catalog.gpu("h100-sxm"), {})
