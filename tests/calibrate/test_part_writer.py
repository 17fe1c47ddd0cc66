"""A fit written as a part file: the catalog reads it back as it was fitted."""

from __future__ import annotations

import dataclasses
import datetime
import re

import numpy as np
import pytest

from rackwright.calibrate import measured_folder, read_table
from rackwright.calibrate.part_writer import part_text, write_part
from rackwright.calibrate.refit import refit
from rackwright.calibrate.report import row_errors
from rackwright.calibrate.rows import Row
from rackwright.cli import main
from rackwright.devices import catalog
from rackwright.devices.part import Fit
from rackwright.errors import InputError, UsageError

DAY = datetime.date(2026, 11, 22)
GPU = catalog.gpu("h200-sxm")


@pytest.fixture(scope="module")
def grouped():
    return {"grouped": read_table(measured_folder("h100-sxm") / "grouped.csv.gz")}


@pytest.fixture(scope="module")
def fitted(grouped):
    return refit(GPU, grouped)


def test_the_catalog_reads_it_back(fitted, grouped, tmp_path):
    new, found = fitted
    write_part(tmp_path / "ours.toml", GPU, new, found, grouped, "lab", DAY)
    back = catalog.load_part(tmp_path / "ours.toml")
    assert (back.name, back.kind) == ("ours", "gpu")
    for field in dataclasses.fields(GPU):
        value = getattr(back, field.name)
        if isinstance(value, Fit):
            same = {"basis", "fit_set", "date", "source", "median", "p90"}
            ours, theirs = (dataclasses.asdict(one) for one in (value, getattr(new, field.name)))
            assert {k: v for k, v in ours.items() if k not in same} == {
                k: v for k, v in theirs.items() if k not in same}, field.name
    assert back.memory_bandwidth == GPU.memory_bandwidth
    assert catalog.gpu("ours", folder=tmp_path).moe_time([5, 9], 4096, 14336) == new.moe_time(
        [5, 9], 4096, 14336)


def test_it_says_what_was_fitted_and_how_well(fitted, grouped, tmp_path):
    new, found = fitted
    write_part(tmp_path / "ours.toml", GPU, new, found, grouped, "lab", DAY)
    moe, gemm = (getattr(catalog.load_part(tmp_path / "ours.toml"), n) for n in ("moe", "gemm"))
    assert (moe.basis, moe.date) == ("calibrated", "2026-11-22")
    assert moe.fit_set == "lab: 70 rows of set fit in grouped"
    assert moe.source == "measured: lab; median and p90 of 30 rows of set held"
    errors = np.abs(row_errors(new, [row for row in grouped["grouped"]
                                     if row.point.set == "held"]))
    assert moe.median == pytest.approx(np.median(errors), abs=1e-4)
    assert moe.p90 == pytest.approx(np.percentile(errors, 90), abs=1e-4)
    assert (gemm.basis, gemm.source) == ("derived", "as h200-sxm")
    assert (gemm.median, gemm.p90) == (GPU.gemm.median, GPU.gemm.p90)


def test_an_assumption_stays_one(fitted, grouped):
    text = part_text("ours", GPU, *fitted, grouped, "lab", DAY)
    assert re.search(r'\[calibration\.gemm_fp32\]\nclass = "assumed"', text)


def test_without_held_rows_the_band_is_of_the_fit(grouped, tmp_path):
    rows = {"grouped": [row for row in grouped["grouped"] if row.point.set == "fit"]}
    new, found = refit(GPU, rows)
    text = part_text("ours", GPU, new, found, rows, "lab", DAY)
    assert "median and p90 of 70 rows of set fit" in text


def test_the_same_fit_writes_the_same_bytes(grouped):
    texts = {part_text("ours", GPU, *refit(GPU, grouped), grouped, "lab", DAY) for _ in range(2)}
    assert len(texts) == 1


@pytest.mark.parametrize("name, says", [
    ("ours.txt", "has another ending"), ("h100-sxm.toml", "has the name of a catalog part"),
    ("there.toml", "is there"), ("no/such.toml", "cannot be written")])
def test_a_bad_file_is_refused(name, says, fitted, grouped, tmp_path):
    (tmp_path / "there.toml").write_text("")
    with pytest.raises((UsageError, InputError), match=says):
        write_part(tmp_path / name, GPU, *fitted, grouped, "lab", DAY)
    assert (tmp_path / "there.toml").read_text() == ""


def test_on_the_command_line(grouped, tmp_path, capsys):
    from rackwright.calibrate.rows import append

    for row in grouped["grouped"]:
        append(tmp_path, Row(row.point, {"spread": 0.0, "samples": 9.0, **row.measured}))
    target = tmp_path / "mine.toml"
    with pytest.raises(SystemExit) as stop:
        main(["calibrate", "fit", "h200-sxm", "--data", str(tmp_path), "--write", str(target)])
    assert stop.value.code == 0 and "[calibration.moe]" in capsys.readouterr().out
    part = catalog.load_part(target)
    assert part.moe.basis == "calibrated" and str(tmp_path) in part.moe.source
    assert part.gemm.basis == "derived"
