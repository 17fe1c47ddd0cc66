"""Helpers: a part whose predictions are a formula of the test's, rows made of it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from rackwright.calibrate import Point, Row
from rackwright.devices import catalog
from rackwright.fidelity import assess
from rackwright.fidelity.columns import Column, Machine


def formula(points):
    """Seconds of products, whatever the GPU: 2 us and 1 ns a row; none for convolutions."""
    if points and points[0].table == "conv":
        return np.full(len(points), np.nan)
    return np.array([2e-6 + 1e-9 * point.number("m" if point.table == "gemm" else "bytes")
                     for point in points])


@pytest.hookimpl(tryfirst=True)  # before workers are told of groups
def pytest_collection_modifyitems(items):
    """One worker for all that assess the packaged measurements, which takes ten seconds."""
    for item in items:
        if "packaged" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("packaged measurements"))


@pytest.fixture(scope="session")
def packaged():
    """All packaged measurements, assessed once."""
    return assess()


@pytest.fixture
def few_tables():
    """A column with some of its tables, for speed."""
    def cut(column, tables=("attention", "gemm", "pieces")):
        machines = tuple(dataclasses.replace(machine, rows={
            name: rows for name, rows in machine.rows.items() if name in tables})
            for machine in column.machines)
        return dataclasses.replace(column, machines=machines, basis_machines=machines)
    return cut


@pytest.fixture
def gpu():
    """An H100 whose stated bands of products, copies and pieces are 3 % and 10 %."""
    part = catalog.gpu("h100-sxm")
    fits = {name: dataclasses.replace(getattr(part, name), basis="calibrated", median=0.03,
                                      p90=0.10) for name in ("gemm", "gemm_types", "pieces")}
    return dataclasses.replace(part, **fits)


@pytest.fixture
def model(monkeypatch):
    """Predictions are those of `formula`."""
    monkeypatch.setattr("rackwright.fidelity.compare.predicted_values",
                        lambda gpu, points: formula(points))
    return formula


@pytest.fixture
def product():
    """A bf16 product of `m` rows that `formula` over-predicts by `error`."""
    def make(m, error=0.0, set="held", dtype="bf16"):
        point = Point("gemm", (dtype, "linear", m, 4096, 4096), set)
        return Row(point, {"time_us": formula([point])[0] * 1e6 / (1 + error)})
    return make


@pytest.fixture
def column(gpu):
    """A column of rows by table, measured on one machine; `again`: measured a second time."""
    def make(rows, again=None, name="h100-sxm", part=gpu, afterwards=None):
        machine = Machine("box", part.name, rows, "0" * 64, again or {}, afterwards or {})
        return Column(name, part, part.name, (machine,), part, (machine,))
    return make
