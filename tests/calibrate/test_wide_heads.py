"""Heads of 96 and 256 elements, batches of short suffixes: the errors that the README states."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.calibrate import packaged
from rackwright.calibrate.predict import predictions
from rackwright.calibrate.rows import read_table
from rackwright.devices import catalog

STATED = {  # phase and head_dim: median and p90, per cent; nothing was fitted on the H200
    "h100-sxm": {
        ("prefill", 256): (4.9, 11.2), ("extend", 256): (6.3, 11.1), ("decode", 256): (6.1, 18.3),
        ("prefill", 96): (1.9, 6.9), ("extend", 96): (9.6, 14.1), ("decode", 96): (9.2, 10.7),
        ("extend", 128): (8.7, 15.5)},
    "h200-sxm": {
        ("prefill", 256): (3.4, 12.2), ("extend", 256): (6.6, 15.1), ("decode", 256): (12.0, 22.3),
        ("prefill", 96): (2.4, 5.8), ("extend", 96): (10.4, 16.1), ("decode", 96): (11.2, 15.8),
        ("extend", 128): (8.4, 16.4)}}


@pytest.mark.parametrize("part", STATED)
def test_errors_are_those_stated(part):
    gpu = catalog.gpu(part)
    rows = read_table(packaged.measured_folder(part) / "wide-heads" / "attention.csv.gz")
    if part == "h100-sxm":
        rows = [row for row in rows if row.point.set == "held"]
    for (phase, head_dim), stated in STATED[part].items():
        here = [row for row in rows if (row.point["phase"], row.point["head_dim"]) ==
                (phase, head_dim)]
        times = np.array([row.measured["time_us"] for row in here])
        found = abs(predictions(gpu, [row.point for row in here]) * 1e6 / times - 1)
        assert 100 * np.percentile(found, [50, 90]) == pytest.approx(stated, abs=0.06), phase
