"""``rackwright calibrate pcie|nvlink|collectives``, and check and fit of a library."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from rackwright.calibrate import measured_folder
from rackwright.calibrate.plan import plan_of


@pytest.mark.parametrize("name", ["pcie", "nvlink", "collectives"])
def test_a_dry_run_measures_nothing(command, tmp_path, name):
    code, out, err = command("calibrate", name, "--out", tmp_path / "new", "--dry-run")
    assert (code, err) == (0, "") and not (tmp_path / "new").exists()
    assert f"{len(plan_of(name))} points are left" in out


def test_a_table_of_another_command(command, tmp_path):
    code, _, err = command("calibrate", "nvlink", "--out", tmp_path, "--only", "gemm")
    assert code == 2 and "unknown operation to measure 'gemm'" in err and "Known: p2p" in err
    code, _, err = command("calibrate", "gpu", "--out", tmp_path, "--only", "p2p")
    assert code == 2 and "unknown operation to measure 'p2p'" in err


def test_without_torch(command, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, _, err = command("calibrate", "collectives", "--out", tmp_path / "new")
    assert code == 4 and "needs PyTorch" in err and not (tmp_path / "new").exists()


def test_with_one_gpu(command, tmp_path, monkeypatch):
    cuda = SimpleNamespace(is_available=lambda: True, device_count=lambda: 1)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, __version__="9.9"))
    code, _, err = command("calibrate", "nvlink", "--out", tmp_path / "new")
    assert code == 4 and "needs two or more; PyTorch finds 1" in err


def test_check_of_a_library(command):
    code, out, _ = command("calibrate", "check", "nccl-h100", "--json")
    found = json.loads(out)
    assert code == 0 and {"all_reduce", "ring"} <= {row["operation"] for row in found}


def test_check_of_ones_own_rows(command):
    path = measured_folder("h100-sxm-x4") / "collectives.csv.gz"
    code, out, _ = command("calibrate", "check", "nccl-h100", "--data", path)
    assert code == 0 and "reduce_scatter" in out and "incast" not in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_a_library_without_measurements(command):
    code, _, err = command("calibrate", "check", "nccl-a100")
    assert code == 2 and "unknown library with packaged measurements 'nccl-a100'" in err


def test_a_fit_writes_a_part_file(command, tmp_path):
    path = tmp_path / "nccl-mine.toml"
    data = measured_folder("h100-sxm-x4")
    code, out, _ = command("calibrate", "fit", "nccl-h100", "--data", data, "--write", path)
    assert code == 0 and f"{path} is written" in out and 'name = "nccl-mine"' in path.read_text()
    code, _, err = command("calibrate", "fit", "nccl-h100", "--data", data, "--write", path)
    assert code == 2 and "is there" in err


def test_a_fit_prints_a_part_file(command):
    data = measured_folder("h100-sxm-x4") / "collectives.csv.gz"
    code, out, _ = command("calibrate", "fit", "nccl-h100", "--data", data)
    assert code == 0 and "[calibration.all_reduce_simple]" in out
