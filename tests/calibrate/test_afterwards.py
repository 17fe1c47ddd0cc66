"""Shapes measured after the fits: the errors that the measurements' README states."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.calibrate import packaged
from rackwright.calibrate.predict import operation, predictions
from rackwright.calibrate.rows import read_folder
from rackwright.devices import catalog

STATED = {  # folder and start of the operation's name: median and p90 of the README, per cent
    ("afterwards", "gemm"): (5.4, 14.4), ("afterwards", "attention prefill"): (1.9, 5.5),
    ("afterwards", "attention decode"): (3.9, 16.1), ("afterwards", "expert"): (1.5, 5.2),
    ("afterwards", "memory"): (1.9, 24.9), ("afterwards-bursts", "gemm"): (6.3, 16.4),
    ("afterwards-bursts", "attention prefill"): (3.6, 8.6),
    ("afterwards-bursts", "attention decode"): (5.3, 15.2),
    ("afterwards-bursts", "expert"): (3.9, 7.7), ("afterwards-bursts", "memory"): (3.7, 16.3)}


@pytest.mark.parametrize("folder, name", STATED, ids=" ".join)
def test_errors_are_those_stated(folder, name):
    gpu = catalog.gpu("h100-sxm")
    rows = [row for table in read_folder(packaged.measured_folder("h100-sxm") / folder).values()
            for row in table if operation(row.point).startswith(name)]
    errors = [abs(predictions(gpu, [row.point])[0] * 1e6 / row.measured["time_us"] - 1)
              for row in rows]
    median, p90 = 100 * np.percentile(errors, [50, 90])
    assert median == pytest.approx(STATED[folder, name][0], abs=0.06)
    assert p90 == pytest.approx(STATED[folder, name][1], abs=0.06)
