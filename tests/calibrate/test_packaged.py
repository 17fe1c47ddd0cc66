"""The packaged measurements can be read, are those of the plan, and look like what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rackwright.calibrate import measured_folder, measured_parts, plan, read_folder
from rackwright.calibrate.tables import tables_of
from rackwright.errors import UnknownName

PARTS = ("h100-sxm", "h200-sxm")
HOSTS = ("h100-sxm-x4", "h100-sxm-x8", "h200-sxm-x8")  # see test_collectives_packaged
GPUS = (("h100-sxm", "NVIDIA H100 80GB HBM3"), ("h200-sxm", "NVIDIA H200"))
BANDWIDTHS = (("h100-sxm", 3.352e12), ("h200-sxm", 4.8e12))  # datasheets


def test_the_parts():
    assert measured_parts() == tuple(sorted(PARTS + HOSTS))


def test_an_unknown_part():
    with pytest.raises(UnknownName, match="Known: h100-sxm, h100-sxm-x4, h100-sxm-x8, h2"):
        measured_folder("h100")


@pytest.mark.parametrize("part", PARTS)
def test_every_point_of_the_plan_is_there_in_its_set(part):
    there = {row.point for rows in read_folder(measured_folder(part)).values() for row in rows}
    assert there == set(plan(tables_of("gpu")))


@pytest.mark.parametrize("part", PARTS)
def test_no_file_carries_a_date(part):
    for path in measured_folder(part).glob("*.csv.gz"):
        assert path.read_bytes()[4:8] == bytes(4), path


@pytest.mark.parametrize(("part", "gpu"), GPUS)
def test_the_machine_is_named(part, gpu):
    machine = json.loads((measured_folder(part) / "machine.json").read_text())
    assert machine["gpu"] == gpu and machine["torch"] and machine["driver"] and machine["cuda"]


def rate(rows, table, values, amount):
    row, = (row for row in rows[table] if row.point.values == values)
    return amount / (row.measured["time_us"] * 1e-6)


@pytest.mark.parametrize(("part", "bandwidth"), BANDWIDTHS)
def test_nothing_beats_the_datasheet(part, bandwidth):
    """Units and columns are what they are taken for: 60 to 100 % of the peaks, not more."""
    rows = read_folder(measured_folder(part))
    scaled = rate(rows, "memory", ("scale_inplace", "warm", 2 ** 30), 2 * 2 ** 30)
    assert 0.6 < scaled / bandwidth < 1
    product = rate(rows, "gemm", ("bf16", "linear", 8192, 8192, 8192), 2 * 8192 ** 3)
    assert 0.6 < product / 989.4e12 < 1


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(("table", "median", "p90"), [
    ("attention", 0.01, 0.07), ("expert", 0.02, 0.05), ("gemm", 0.02, 0.10),
    ("memory", 0.01, 0.02), ("pieces", 0.01, 0.02)])
def test_a_second_measurement_agrees(part, table, median, p90):
    """Every fifth point again: the noise below which an error means nothing."""
    folder = measured_folder(part)
    first = {row.point: row.measured["time_us"] for row in read_folder(folder)[table]}
    apart = np.abs([row.measured["time_us"] / first[row.point] - 1
                    for row in read_folder(folder / "repeat")[table]])
    assert np.median(apart) < median and np.percentile(apart, 90) < p90
