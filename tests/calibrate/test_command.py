"""``rackwright calibrate`` where there is no GPU."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest

from rackwright.calibrate import plan
from rackwright.calibrate.plan import plan_of
from rackwright.calibrate.rows import append


def test_a_dry_run_measures_nothing(command, tmp_path):
    code, out, err = command("calibrate", "gpu", "--out", tmp_path / "new", "--dry-run")
    assert (code, err) == (0, "") and not (tmp_path / "new").exists()
    assert f"{len(plan_of('gpu'))} points are left" in out and "attention" in out


def test_a_dry_run_counts_what_is_left(command, tmp_path, bench):
    from rackwright.calibrate import run

    run(plan(["expert"])[:9], tmp_path, bench)
    code, out, _ = command("calibrate", "gpu", "--out", tmp_path, "--only", "expert,power",
                           "--dry-run", "--json")
    expert, power = json.loads(out)
    assert code == 0 and (expert["points"], expert["left"]) == (70, 61)
    assert (power["table"], power["left"]) == ("power", len(plan(["power"])))


def test_without_torch(command, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    code, out, err = command("calibrate", "gpu", "--out", tmp_path / "new")
    assert (code, out) == (4, "") and not (tmp_path / "new").exists()
    assert err == ("rackwright: error: measuring a GPU needs PyTorch with CUDA, which is not "
                   "installed: pip install torch\n")


def test_without_a_gpu(command, tmp_path, monkeypatch):
    cuda = SimpleNamespace(is_available=lambda: False)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda, __version__="9.9"))
    code, _, err = command("calibrate", "gpu", "--out", tmp_path)
    assert code == 4 and "torch 9.9 finds none" in err and err.count("\n") == 1


def test_an_unknown_table(command, tmp_path):
    code, _, err = command("calibrate", "gpu", "--out", tmp_path, "--only", "gem")
    assert code == 2 and "Did you mean 'gemm'?" in err


def test_check_of_ones_own_file(command, tmp_path, gemm_row):
    append(tmp_path, gemm_row(64, 4096, 4096, 1000.0))
    code, out, _ = command("calibrate", "check", "h100-sxm", "--data", tmp_path / "gemm.csv",
                           "--json")
    row, = json.loads(out)
    assert code == 0 and row["operation"] == "gemm bf16" and row["worst"] < -0.98


@pytest.mark.slow  # streams of thread blocks, for every packaged pair
@pytest.mark.parametrize("part", ["h100-sxm", "h200-sxm"])
def test_check_of_the_packaged_data(command, part):
    code, out, _ = command("calibrate", "check", part)
    assert code == 0 and "attention decode cold" in out
    assert all(len(line) <= 100 for line in out.splitlines())


def test_a_part_that_was_not_measured(command):
    code, _, err = command("calibrate", "check", "l40s")
    assert code == 2 and "part with packaged measurements 'l40s'" in err


def test_a_bad_file(command, tmp_path):
    path = tmp_path / "launch.csv"
    path.write_text("set,kind,time_us,spread,samples\nfit,graph_node,-1,0,1\n")
    code, _, err = command("calibrate", "check", "h100-sxm", "--data", path)
    assert code == 3 and "launch.csv:2: time_us is '-1'" in err


@pytest.mark.slow  # fits every table
def test_a_fit_says_what_it_changes(command):
    code, out, _ = command("calibrate", "fit", "h100-sxm", "--json")
    found = json.loads(out)
    assert code == 0 and set(found) == {"after", "before", "coefficients"}
    assert set(found["coefficients"]) == {"attention", "conv", "expert", "gemm", "gemm_types",
                                          "moe", "pieces"}
    assert [row["operation"] for row in found["after"]] == [
        row["operation"] for row in found["before"]]
