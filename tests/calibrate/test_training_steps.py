"""Measured training steps: the plan and its sets, strict files, measuring without a GPU."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rackwright.calibrate import measure_training
from rackwright.calibrate.packaged import measured_parts, training_folder
from rackwright.calibrate.training_plan import (
    HEAD,
    TrainingPoint,
    point_text,
    read_training,
    row_text,
    training_plan,
)
from rackwright.errors import InputError, UnknownName

VALUES = {"time_us": 100.0, "spread": 0.01, "samples": 7, "host_us": 20.0, "peak_mib": 512.0}


def test_only_small_steps_of_one_network_are_for_fitting():
    fit = [point for point in training_plan(8) if point.set == "fit"]
    assert [(point.network, point.gpus, point.batch) for point in fit] == [
        ("resnet50", 1, 1), ("resnet50", 1, 2), ("resnet50", 1, 4)]
    assert len(training_plan(2)) == len(set(training_plan(2))) == 107
    assert all(point.gpus == 1 for point in training_plan(1))


def test_rows_read_back(tmp_path):
    path = tmp_path / "training.csv"
    point = TrainingPoint("vgg16", "bf16", "graph", 2, 16)
    path.write_text(",".join(HEAD) + "\n" + row_text(point, VALUES) + "\n")
    row, = read_training(path)
    assert row.point == point and row.step_time == pytest.approx(1e-4)
    assert row.peak_nbytes == 512 << 20 and row.host_time == pytest.approx(2e-5)


@pytest.mark.parametrize(("old", "new", "says"), [
    ("held,", "fit,", "the plan has this point in 'held'"), ("vgg16", "vgg", "network is 'vgg'"),
    (",100,", ",0,", "time_us is '0'"), (",100,", ",,", "time_us is ''"),
    (",16,", ",-1,", "batch is '-1'"), ("graph", "fast", "mode is 'fast'")])
def test_faults_of_a_row(tmp_path, old, new, says):
    path = tmp_path / "training.csv"
    line = row_text(TrainingPoint("vgg16", "bf16", "graph", 2, 16), VALUES)
    path.write_text(",".join(HEAD) + "\n" + line.replace(old, new, 1) + "\n")
    with pytest.raises(InputError, match=f"training.csv:2: .*{says}"):
        read_training(path)


def test_faults_of_a_file(tmp_path):
    path = tmp_path / "training.csv"
    line = row_text(TrainingPoint("vgg16", "bf16", "graph", 2, 16), VALUES)
    path.write_text(",".join(HEAD) + f"\n{line}\n{line}\n")
    with pytest.raises(InputError, match=":3: the same point as line 2"):
        read_training(path)
    path.write_text("a,b\n")
    with pytest.raises(InputError, match=":1: its first line must read set,network"):
        read_training(path)
    path.write_text(",".join(HEAD) + "\n")
    with pytest.raises(InputError, match="no rows"):
        read_training(path)


def test_what_is_packaged():
    rows = read_training(training_folder("h100-sxm") / "training.csv.gz")
    assert len(rows) == 102 and {row.point.gpus for row in rows} == {1, 2}
    assert "h100-sxm-training" not in measured_parts()
    with pytest.raises(UnknownName, match="measured training steps"):
        training_folder("l40s")


def test_points_that_fail_are_told_and_the_others_kept(tmp_path, capsys):
    points = training_plan(1)[:3]

    def measure(point):
        if point.batch == 2:
            raise RuntimeError("out of memory\nand more")
        return VALUES
    measure_training._run(points, tmp_path, measure, None)
    assert [row.point.batch for row in read_training(tmp_path / "training.csv")] == [1, 4]
    assert (tmp_path / "skipped.txt").read_text() == f"{point_text(points[1])}: out of memory\n"


def test_a_budget_that_is_spent(tmp_path, monkeypatch):
    clock = iter(range(0, 1000, 10))
    monkeypatch.setattr(measure_training, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    measure_training._run(training_plan(1), tmp_path, lambda point: VALUES, 35.0)
    assert len(read_training(tmp_path / "training.csv")) == 2
