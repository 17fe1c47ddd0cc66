"""Measurements of whole hosts: complete, within what the links can carry, and repeatable."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rackwright.calibrate import measured_folder, plan, read_folder
from rackwright.calibrate.crew import possible
from rackwright.calibrate.measure_collectives import moves
from rackwright.calibrate.tables import tables_of

HOSTS = (("h100-sxm-x4", 4), ("h100-sxm-x8", 8), ("h200-sxm-x8", 8))
TABLES = (*tables_of("collectives"), *tables_of("nvlink"), *tables_of("pcie"))
NVLINK, PCIE = 450e9, 64e9  # bytes/s of a GPU, one direction: 18 x 25 GB/s; 16 x 32 Gb/s
SHARES = {"all_reduce": lambda n: 2 * (n - 1) / n, "all_gather": lambda n: (n - 1) / n,
          "reduce_scatter": lambda n: (n - 1) / n, "all_to_all": lambda n: (n - 1) / n,
          "broadcast": lambda n: 1, "reduce": lambda n: 1}


@pytest.mark.parametrize(("host", "gpus"), HOSTS)
def test_every_point_of_the_plan_is_there_in_its_set(host, gpus):
    there = {row.point for rows in read_folder(measured_folder(host)).values() for row in rows}
    assert there == set(possible(plan(TABLES), gpus))


@pytest.mark.parametrize(("host", "gpus"), HOSTS)
def test_the_machine_is_named(host, gpus):
    machine = json.loads((measured_folder(host) / "machine.json").read_text())
    assert machine["gpus"] == gpus and machine["nccl"] and host.startswith(machine["part"])
    assert machine["nccl_environment"]["NCCL_NVLS_ENABLE"] == "0"


@pytest.mark.parametrize(("host", "gpus"), HOSTS)
def test_nothing_beats_the_links(host, gpus):
    """Bytes are counted as nccl-tests does, and times are of one operation."""
    rows = read_folder(measured_folder(host))
    for row in rows["collectives"]:
        share = SHARES[str(row.point["op"])](row.point.number("gpus"))
        busy = share * row.point.number("bytes") / (row.measured["time_us"] * 1e-6)
        assert busy < NVLINK, row.point
        if row.point.number("bytes") == 2 ** 30:
            assert busy > 0.5 * NVLINK, row.point
    for row in rows["p2p"]:
        pairs = moves(str(row.point["pattern"]), row.point.number("gpus"))
        most = max(sum(gpu == receiver for _, receiver in pairs) for gpu in range(gpus))
        assert most * row.point.number("bytes") / (row.measured["time_us"] * 1e-6) < NVLINK
    for row in rows["pcie_multi"]:
        assert row.point.number("bytes") / (row.measured["time_us"] * 1e-6) < PCIE


def apart(one, two):
    """Relative differences of the times of points that both have, launched in graphs."""
    first = {row.point.values: row.measured["time_us"] for row in one}
    return np.abs([row.measured["time_us"] / first[row.point.values] - 1 for row in two
                   if row.point["launch"] == "graph" and row.point.values in first])


def test_a_second_measurement_agrees():
    """Another run on the machine, NCCL writing a log, every third point."""
    folder = measured_folder("h100-sxm-x8")
    difference = apart(read_folder(folder)["collectives"],
                       read_folder(folder / "repeat")["collectives"])
    assert len(difference) > 150
    assert np.median(difference) < 0.01 and np.percentile(difference, 90) < 0.03


@pytest.mark.parametrize("other", ["h100-sxm-x4", "h200-sxm-x8"])
def test_another_machine_agrees(other):
    difference = apart(read_folder(measured_folder("h100-sxm-x8"))["collectives"],
                       read_folder(measured_folder(other))["collectives"])
    assert np.median(difference) < 0.02 and np.percentile(difference, 90) < 0.06
