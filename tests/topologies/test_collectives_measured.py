"""Against measurements: ours, rows held back, and NVIDIA's published tables, which no ring fit saw.

`in_switch` is fitted to four of the published times; they are left out below.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest

from rackwright import topologies
from rackwright.calibrate import measured_folder, read_folder
from rackwright.calibrate.predict_collectives import for_library, host_of, p2p
from rackwright.calibrate.tables import Point
from rackwright.devices import catalog
from rackwright.errors import UsageError

DATA = Path(os.environ.get("RACKWRIGHT_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
NAMES = {"alltoall": "all_to_all"}
WIDTHS = {"half": 2, "int8": 1}  # bytes of an element


@pytest.fixture(scope="module")
def fabrics():
    return {gpu: topologies.compile(topologies.dgx(gpu)) for gpu in ("h100-sxm", "a100-sxm-80")}


def published(name):
    """(operation, type, GPUs, bytes, seconds) of a table."""
    path = DATA / "measured" / "nccl" / name
    if not path.exists():
        pytest.skip(f"{path} is not there: PyPI aiconfigurator-core 0.12.0, Apache-2.0")
    with path.open(newline="") as file:
        return [(NAMES.get(row["op_name"], row["op_name"]), row["nccl_dtype"],
                 int(row["num_gpus"]), int(row["message_size"]) * WIDTHS[row["nccl_dtype"]],
                 float(row["latency"]) * 1e-3) for row in csv.DictReader(file)]


def errors(fabric, rows):
    """Relative errors; NVLS adds halves, not 8-bit integers."""
    return np.array([topologies.collective_time(
        op, nbytes, fabric, fabric.gpus()[:gpus], in_switch=kind == "half") / time - 1
        for op, kind, gpus, nbytes, time in rows])


@pytest.mark.parametrize(("op", "median", "p90"), [
    ("all_reduce", 0.06, 0.19), ("all_gather", 0.03, 0.08), ("reduce_scatter", 0.06, 0.12),
    ("all_to_all", 0.07, 0.36)])
def test_published_h100_from_64_kib(fabrics, op, median, p90):
    """4 and 8 GPUs; transfers of 128 KiB to 1 MiB took 14 us there, 8 to 13
    here: another version of NCCL turns to its slower protocol earlier."""
    rows = [row for row in published("h100_sxm_nccl_2.29.2.csv") if row[0] == op and row[2] > 2
            and row[3] >= 65536 and not (row[1] == "half" and row[2] == 8 and op == "all_reduce"
                                         and row[3] >= 2 ** 26)]
    assert len(rows) > 40
    size = np.abs(errors(fabrics["h100-sxm"], rows))
    assert np.median(size) < median and np.percentile(size, 90) < p90


def test_published_h100_as_a_whole(fabrics):
    """The geometric mean of the error, which peers state at 17 %."""
    rows = [row for row in published("h100_sxm_nccl_2.29.2.csv") if row[2] > 2
            and row[3] >= 65536]
    size = np.abs(np.log1p(errors(fabrics["h100-sxm"], rows)))
    assert np.expm1(np.mean(size)) < 0.09 and np.median(size) < 0.05


def test_published_a100(fabrics):
    """Derived: one factor on H100's times."""
    rows = [row for row in published("a100_sxm_nccl_2.27.3.csv") if row[2] > 2
            and row[3] >= 65536]
    size = np.abs(errors(fabrics["a100-sxm-80"], rows))
    assert np.median(size) < 0.12 and np.percentile(size, 90) < 0.22


def test_our_earlier_four_gpus(fabrics):
    """Launched one by one from PyTorch: at small sizes the host's launch shows, then the fabric."""
    path = DATA / "measured" / "h100_x4" / "collectives.csv"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    with path.open(newline="") as file:
        rows = [(row["op"], "int8", int(row["gpus"]), int(row["bytes"]),
                 float(row["time_us"]) * 1e-6) for row in csv.DictReader(file)]
    large = [row for row in rows if row[3] >= 2 ** 26]
    assert np.median(np.abs(errors(fabrics["h100-sxm"], large))) < 0.06
    small = [row for row in rows if row[3] <= 2 ** 16 and row[4] < 1e-4]
    launch = [time - (1 + error) * time for (*_, time), error in
              zip(small, errors(fabrics["h100-sxm"], small), strict=True)]
    assert 20e-6 < np.median(launch) < 40e-6


@pytest.mark.parametrize(("host", "gpu"), [("h100-sxm-x4", "h100-sxm"), ("h100-sxm-x8", "h100-sxm"),
                                           ("h200-sxm-x8", "h200-sxm")])
def test_many_transfers_of_64_mib_and_more(host, gpu):
    """Rings of 256 MiB, both ways at 1 GiB and all of the H200 were in no fit of both ways."""
    worst = {}
    for row in read_folder(measured_folder(host))["p2p"]:
        if row.point["pattern"] != "single" and row.point.number("bytes") >= 2 ** 26:
            columns = np.array([row.point.numbers()], np.float64).T
            error = p2p(catalog.gpu(gpu), row.point, columns)[0] / row.measured["time_us"] * 1e6 - 1
            key = row.point["pattern"], row.point.set
            worst[key] = max(worst.get(key, 0.0), abs(float(error)))
    assert max(worst.values()) < 0.1
    assert worst["ring", "held"] < 0.03 and worst["outcast", "held"] < 0.05


PATTERNS = {"incast2": [(1, 0), (2, 0)], "incast3": [(1, 0), (2, 0), (3, 0)],
            "outcast2": [(0, 1), (0, 2)], "ring4": [(0, 1), (1, 2), (2, 3), (3, 0)]}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_our_earlier_transfers_on_the_imported_host(pattern):
    """The machine as NCCL described it, its GPUs as `p2p.csv` has them; no fit saw that file."""
    folder = DATA / "measured" / "h100_x4"
    if not (folder / "p2p.csv").exists():
        pytest.skip(f"{folder} is not there")
    fabric = topologies.compile(topologies.load(folder / "nccl_topo.xml"))
    pairs = [(fabric.gpus()[one], fabric.gpus()[other]) for one, other in PATTERNS[pattern]]
    with (folder / "p2p.csv").open(newline="") as file:
        rows = [(int(row["bytes"]), float(row["time_us"]) * 1e-6) for row in csv.DictReader(file)
                if row["pattern"] == pattern and int(row["bytes"]) >= 2 ** 26]
    batch = catalog.collectives("nccl-h100").batch_time
    for nbytes, time in rows:
        found = batch + topologies.transfers_time(pairs, nbytes, fabric, world=4)
        assert found == pytest.approx(time, rel=0.06)


def test_collectives_of_the_imported_host():
    """Above 1 MiB, launched from Python, whose part shows in the smaller ones."""
    folder = DATA / "measured" / "h100_x4"
    if not (folder / "collectives.csv").exists():
        pytest.skip(f"{folder} is not there")
    fabric = topologies.compile(topologies.load(folder / "nccl_topo.xml"))
    with (folder / "collectives.csv").open(newline="") as file:
        rows = [(row["op"], "int8", int(row["gpus"]), int(row["bytes"]),
                 float(row["time_us"]) * 1e-6) for row in csv.DictReader(file)
                if int(row["bytes"]) > 2 ** 20]
    assert len(rows) == 75
    assert np.median(np.abs(errors(fabric, rows))) < 0.085


def test_rows_of_more_gpus_than_eight():
    """A host as large as the rows; where one is given, it must be."""
    point = Point("p2p", ("pairs", 16, 16, 2 ** 28))
    columns = np.array([point.numbers()] * 2, np.float64).T
    columns[0, 1] = columns[1, 1] = 8
    time = p2p(catalog.gpu("h100-sxm"), point, columns)
    assert time[0] == pytest.approx(time[1])
    with pytest.raises(UsageError, match="a row has 16 GPUs, the host .* 8"):
        for_library(catalog.collectives("nccl-h100"), host_of("h100-sxm"), [point])
