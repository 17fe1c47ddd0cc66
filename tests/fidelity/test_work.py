"""Ideal times against sums written out by hand for one shape of each table."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.calibrate import TABLES, Point, plan
from rackwright.calibrate.predict import operation
from rackwright.devices import catalog
from rackwright.fidelity.work import ideal_times

GPU = catalog.gpu("h100-sxm")
PEAK, HBM = 989.4e12, 3352e9


def pairs_met(queries, keys):
    """Query-key pairs of a causal attention whose last query meets the last key, one by one."""
    return sum(k <= q + keys - queries for q in range(queries) for k in range(keys))


@pytest.mark.parametrize(("table", "values", "flops", "nbytes"), [
    ("gemm", ("bf16", "linear", 3, 5, 7), 2 * 3 * 5 * 7, 2 * (3 * 7 + 7 * 5 + 3 * 5)),
    ("attention", ("extend", "yes", "warm", 2, 8, 4, 64, 16, 48), 4 * 2 * 8 * 64 * pairs_met(
        16, 48), 2 * 2 * 64 * (2 * 8 * 16 + 2 * 4 * 48)),
    ("attention", ("prefill", "no", "warm", 1, 4, 4, 64, 32, 32), 4 * 4 * 64 * 32 * 32,
     2 * 64 * (2 * 4 * 32 + 2 * 4 * 32)),
    ("expert", (64, 128, 3), 2 * 3 * 64 * 256 + 2 * 3 * 128 * 64,
     2 * (64 * 256 + 128 * 64                          # weights
          + 3 * (64 + 256) + 3 * 2 * 128 + 3 * 3 * 128 + 3 * (128 + 64))),
    ("grouped", ("even", 8, 16, 32, 4), 2 * 4 * 16 * 32, 2 * (4 * 16 * 32 + 4 * (16 + 32))),
    ("pieces", ("add", 6, 10), 0, 3 * 2 * 60),
    ("memory", ("copy", "warm", 1000), 0, 2000),
    ("memory", ("fill", "warm", 1000), 0, 1000),
    ("conv", ("forward", 2, 3, 8, 9, 3, 2), 2 * 2 * 25 * 3 * 8 * 9,
     2 * (2 * 81 * 3 + 2 * 25 * 8 + 3 * 8 * 9)),
])
def test_one_shape(table, values, flops, nbytes):
    math, data = ideal_times(GPU, [Point(table, values)])
    assert math[0] == pytest.approx(flops / PEAK)
    assert data[0] == pytest.approx(nbytes / HBM)


def test_links():
    """Wires at their raw rate: gen5 x16 is 16 x 32 Gb/s, NVLink 4 450 GB/s each way."""
    _, data = ideal_times(GPU, [Point("pcie", ("h2d", "pinned", 64_000))])
    assert data[0] == pytest.approx(64_000 / 64e9)
    _, data = ideal_times(GPU, [Point("collectives", ("all_reduce", "graph", 4, 1000))])
    assert data[0] == pytest.approx(2 * 0.75 * 1000 / 450e9)


def test_an_unknown_type_or_table_has_no_roofline():
    v100 = catalog.gpu("v100-sxm")
    assert np.isnan(ideal_times(v100, [Point("gemm", ("fp8", "linear", 1, 2, 3))])).all()
    assert np.isnan(ideal_times(GPU, [Point("power", ("idle",))])).all()


@pytest.mark.parametrize("table", [name for name, table in TABLES.items()
                                   if table.values[0] == "time_us"
                                   and name not in ("launch", "streams")])
def test_every_timed_table_has_a_roofline(table):
    """A new table wants its work in `fidelity.work`; launches and shared GPUs have none."""
    points = plan([table])
    for kind in sorted({operation(point) for point in points}):
        members = [point for point in points if operation(point) == kind]
        assert not np.isnan(ideal_times(GPU, members)).any(), kind
