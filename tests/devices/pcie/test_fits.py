"""The stored coefficients of gen5-x16 are what the fits give."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.fitting import errors, fit, with_coefficients
from rackwright.devices.pcie.fits import PCIE_COPY, PCIE_OPERATIONS

GEN5 = catalog.pcie("gen5-x16")


def columns(rows: list[dict[str, str]]) -> dict[str, np.ndarray]:
    numbers = ("bytes", "time_us")
    return {key: np.array([float(row[key]) if key in numbers else row[key] for row in rows])
            for key in ("direction", "host_memory", *numbers)}


@pytest.mark.parametrize("name", PCIE_OPERATIONS)
def test_the_fit_can_be_repeated(name, copies):
    operation = PCIE_OPERATIONS[name]
    rows = columns([row for row in copies("h100-sxm") if operation.keep(row)])
    start = with_coefficients(GEN5, operation, operation.start)
    free = "h2d_floor_time"  # below the set-up: anything fits equally well
    for key, value in fit(start, operation, rows).items():
        assert key == free or getattr(GEN5.copy, key) == pytest.approx(value, rel=0.02), key


def test_no_held_row_is_fitted_to(copies):
    for operation in PCIE_OPERATIONS.values():
        assert not any(operation.keep(row) for row in copies("h100-sxm", set="held"))


def test_the_band_is_the_error_on_held_rows(copies):
    rows = columns([row for row in copies("h100-sxm", set="held", host_memory="pinned")
                    if row["direction"] != "both"])
    found = np.abs(errors(GEN5, PCIE_COPY, rows))
    assert GEN5.copy.median == pytest.approx(np.median(found), abs=0.001)
    assert GEN5.copy.p90 == pytest.approx(np.quantile(found, 0.9), abs=0.001)


def test_a_fit_recovers_its_own_model(copies):
    rows = columns([row for row in copies("h100-sxm") if PCIE_COPY.keep(row)])
    rows["time_us"] = PCIE_COPY.predict(GEN5, rows) * 1e6
    for key, value in fit(GEN5, PCIE_COPY, rows).items():
        if not key.endswith("floor_time"):  # the set-up of both directions is longer
            assert value == pytest.approx(getattr(GEN5.copy, key), rel=2e-3), key
