"""How wrong `conv_time` is on layers that no fit saw, beside a roofline fitted to the same rows.

The library's choice of kernels does not allow the 4 % that was hoped for: layers of the same size
differ by 20 % and more (a weight gradient over 12,544 pixels runs unsplit and takes twice as long
as one over 50,176 does per pixel).
"""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.calibrate import measured_folder, read_table
from rackwright.calibrate.predict import predictions
from rackwright.calibrate.refit import FITTED, refit
from rackwright.devices import catalog

STATED = {"h100-sxm": (0.076, 0.195), "h200-sxm": (0.054, 0.195)}


def rows_of(part, one=None):
    return [row for row in read_table(measured_folder(part) / "conv.csv.gz")
            if one in (None, row.point.set)]


def errors(gpu, rows):
    points, found = [row.point for row in rows], np.empty(len(rows))
    for direction in ("forward", "backward_input", "backward_weight"):
        here = [i for i, point in enumerate(points) if point["direction"] == direction]
        found[here] = predictions(gpu, [points[i] for i in here])
    return found / np.array([row.measured["time_us"] * 1e-6 for row in rows]) - 1


@pytest.mark.parametrize("part", STATED)
def test_layers_left_out_are_within_the_stated_band(part):
    gpu, (median, p90) = catalog.gpu(part), STATED[part]
    size = np.abs(errors(gpu, rows_of(part, "held")))
    assert np.median(size) < median and np.percentile(size, 90) < p90
    assert gpu.conv.median == pytest.approx(np.median(size), abs=0.002)
    assert gpu.conv.p90 == pytest.approx(np.percentile(size, 90), abs=0.005)


def test_the_other_part_by_this_ones_fit():
    """By datasheet alone: the H200 with the coefficients of the H100."""
    import dataclasses

    gpu = dataclasses.replace(catalog.gpu("h200-sxm"), conv=catalog.gpu("h100-sxm").conv)
    size = np.abs(errors(gpu, rows_of("h200-sxm", "held")))
    assert np.median(size) < 0.055 and np.percentile(size, 90) < 0.20


@pytest.mark.parametrize("part", STATED)
def test_a_roofline_is_twice_as_far_off(part):
    """Floor, share of math, share of memory: fitted to the same rows, by the same loss."""
    from scipy.optimize import least_squares

    gpu, rows = catalog.gpu(part), rows_of(part)
    batch, inputs, outputs, size, kernel, stride = np.array(
        [row.point.numbers() for row in rows], np.float64).T
    pixels = batch * np.ceil(size / stride) ** 2
    flops = 2 * pixels * inputs * outputs * kernel ** 2
    nbytes = 2 * (batch * size ** 2 * inputs + pixels * outputs + inputs * outputs * kernel ** 2)
    times = np.array([row.measured["time_us"] * 1e-6 for row in rows])
    held = np.array([row.point.set == "held" for row in rows])

    def misses(x):
        floor, math, memory = np.abs(x) * (4e-6, 1, 1)
        time = floor + np.maximum(flops / (gpu.peak_flops() * math),
                                  nbytes / (gpu.memory_bandwidth * memory))
        return np.log(time / times)
    best = least_squares(lambda x: misses(x)[~held], [1.0, 0.6, 0.9], loss="soft_l1", f_scale=0.05)
    roofline = np.median(np.abs(np.expm1(misses(best.x)[held])))
    assert roofline > 2 * np.median(np.abs(errors(gpu, rows_of(part, "held"))))


@pytest.mark.slow
@pytest.mark.parametrize("part", STATED)
def test_the_fit_can_be_repeated(part):
    """Other starts end in other coefficients of about the same error."""
    gpu, rows = catalog.gpu(part), rows_of(part)
    again, found = refit(gpu, {"conv": rows})
    assert list(found) == ["conv"] and set(found["conv"]) == set(FITTED["conv"].start)
    fit_rows = rows_of(part, "fit")
    ours, theirs = (np.median(np.abs(errors(one, fit_rows))) for one in (gpu, again))
    assert abs(ours - theirs) < 0.006


