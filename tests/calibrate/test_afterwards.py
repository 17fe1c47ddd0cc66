"""Shapes measured after the fits: the errors that the measurements' README states."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.calibrate import packaged
from rackwright.calibrate.predict import operation, predictions
from rackwright.calibrate.rows import read_folder
from rackwright.devices import catalog

STATED = {  # part, folder and start of the operation's name: median and p90, per cent
    ("h100-sxm", "afterwards"): {
        "gemm": (5.4, 14.4), "attention prefill": (1.9, 5.5), "attention decode": (3.9, 16.1),
        "expert": (1.5, 5.2), "memory": (1.9, 24.9)},
    ("h100-sxm", "afterwards-bursts"): {
        "gemm": (6.3, 16.4), "attention prefill": (3.6, 8.6), "attention decode": (5.3, 15.2),
        "expert": (3.9, 7.7), "memory": (3.7, 16.3)},
    ("h200-sxm", "afterwards"): {
        "gemm": (4.4, 12.5), "attention prefill": (2.7, 6.3), "attention decode": (5.5, 15.1),
        "expert": (4.6, 9.9), "memory": (2.5, 38.2)},
    ("h200-sxm", "afterwards-bursts"): {
        "gemm": (6.9, 18.7), "attention prefill": (3.1, 11.4), "attention decode": (6.3, 16.3),
        "expert": (4.9, 12.0), "memory": (3.9, 29.3)}}


@pytest.mark.parametrize("part, folder", STATED, ids=" ".join)
def test_errors_are_those_stated(part, folder):
    gpu = catalog.gpu(part)
    rows = [row for table in read_folder(packaged.measured_folder(part) / folder).values()
            for row in table]
    for name, stated in STATED[part, folder].items():
        errors = [abs(predictions(gpu, [row.point])[0] * 1e6 / row.measured["time_us"] - 1)
                  for row in rows if operation(row.point).startswith(name)]
        assert 100 * np.percentile(errors, [50, 90]) == pytest.approx(stated, abs=0.06), name
