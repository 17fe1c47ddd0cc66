"""`rackwright calibrate training` and `check NAME-training`."""

from __future__ import annotations

import gzip
import json
import sys

import pytest
from click.testing import CliRunner

from rackwright.calibrate.packaged import training_folder
from rackwright.cli.calibrate import calibrate
from rackwright.errors import InputError, MissingTool, UnknownName


def _run(*arguments):
    return CliRunner().invoke(calibrate, [str(one) for one in arguments],
                              catch_exceptions=False).stdout


def test_a_dry_run_says_what_would_be_measured(tmp_path):
    rows = json.loads(_run("training", "--out", tmp_path / "x", "--dry-run", "--json"))
    assert {row["gpus"] for row in rows} == {1, 2, 4, 8}
    assert all(row["points"] == row["left"] > 0 for row in rows)
    text = _run("training", "--out", tmp_path / "x", "--dry-run", "--only", "global")
    assert "48 points are left" in text and "operations" not in text and "gpt2" not in text
    assert not (tmp_path / "x").exists()


def test_what_is_measured_is_not_left(tmp_path):
    for name in ("training", "eager"):
        data = (training_folder("h100-sxm") / "second" / f"{name}.csv.gz").read_bytes()
        (tmp_path / f"{name}.csv").write_bytes(gzip.decompress(data))
    rows = json.loads(_run("training", "--out", tmp_path, "--dry-run", "--json"))
    left = {(row["steps of"], row["gpus"]): row["left"] for row in rows}
    assert left["operations", 1] == left["operations", 2] == left["gpt2", 2] == 0
    assert left["resnet50", 4] > 0


def test_measuring_needs_pytorch(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingTool, match="needs PyTorch with CUDA"):
        _run("training", "--out", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_check_of_your_own_host():
    path = training_folder("h100-sxm") / "second" / "repeat" / "training.csv.gz"
    found = json.loads(_run("check", "h100-sxm-training", "--data", path, "--json"))
    host, = found["hosts"]
    assert sum(one["rows"] for one in host["errors"]) == 24
    assert {one["set"] for one in host["errors"]} == {"held"}
    assert {one["limit"] for one in host["held"]} == {"all", "gpu", "host"}
    whole = {(one["gpus"], one["mode"]): one for one in found["shared_batch"]}
    assert whole[1, "all"]["rows"] == whole[2, "all"]["rows"] == 12
    text = _run("check", "h100-sxm-training", "--data", path)
    assert 'Host "training.csv.gz": operations take 1.27 times as long as alone' in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_parts_that_were_not_measured(tmp_path):
    with pytest.raises(UnknownName, match="measured training steps 'l40s'"):
        _run("check", "l40s-training")
    with pytest.raises(InputError, match="cannot be read"):
        _run("check", "h100-sxm-training", "--data", tmp_path / "no.csv")
