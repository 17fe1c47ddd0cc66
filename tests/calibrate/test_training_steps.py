"""Measured training steps: the plan and its sets, strict files, measuring without a GPU."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from rackwright.calibrate import training_session
from rackwright.calibrate.eager_plan import chain_plan, read_eager
from rackwright.calibrate.packaged import measured_parts, training_folder
from rackwright.calibrate.training_plan import (
    HEAD,
    TrainingPoint,
    global_plan,
    point_text,
    read_training,
    row_text,
    training_plan,
)
from rackwright.errors import InputError, Interrupted, UnknownName

VALUES = {"time_us": 100.0, "spread": 0.01, "samples": 7, "host_us": 20.0, "peak_mib": 512.0,
          "probe_us": 2000.0}


def test_only_small_steps_of_one_network_are_for_fitting():
    fit = [point for point in training_plan(8) if point.set == "fit"]
    assert [(point.network, point.gpus, point.batch) for point in fit] == [
        ("resnet50", 1, 1), ("resnet50", 1, 2), ("resnet50", 1, 4)]
    assert len(training_plan(2)) == len(set(training_plan(2))) == 109
    assert all(point.gpus == 1 for point in training_plan(1))


def test_rows_read_back(tmp_path):
    path = tmp_path / "training.csv"
    point = TrainingPoint("vgg16", "bf16", "graph", 2, 16)
    path.write_text(",".join(HEAD) + "\n" + row_text(point, VALUES) + "\n")
    row, = read_training(path)
    assert row.point == point and row.step_time == pytest.approx(1e-4)
    assert row.peak_nbytes == 512 << 20 and row.host_time == pytest.approx(2e-5)
    assert row.probe_time == pytest.approx(2e-3)


def test_files_of_before_probes_are_read(tmp_path):
    path = tmp_path / "training.csv"
    cells = row_text(TrainingPoint("vgg16", "bf16", "graph", 2, 16), VALUES).split(",")
    path.write_text(",".join(HEAD[:-1]) + "\n" + ",".join(cells[:-1]) + "\n")
    row, = read_training(path)
    assert row.probe_time is None
    path.write_text(",".join(HEAD[:-1]) + "\n" + ",".join(cells) + "\n")
    with pytest.raises(InputError, match=":2: 12 cells; expected 11"):
        read_training(path)


def test_a_global_batch_is_shared_out():
    points = global_plan(4)
    assert len(points) == len(set(points)) == 36
    assert {point.gpus * point.batch for point in points} == {32, 64, 128}
    assert {point.batch for point in points if point.gpus == 4} == {8, 16, 32}


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


def _measure(point):
    if getattr(point, "batch", 1) == 2:
        raise RuntimeError("out of memory\nand more")
    return VALUES | {"forward_us": 1.0, "backward_us": 2.0}


def test_points_that_fail_are_told_and_the_others_kept(tmp_path):
    points = training_plan(1)[:3]
    assert training_session.run(points, tmp_path, _measure, None) == (2, 1, 0)
    assert [row.point.batch for row in read_training(tmp_path / "training.csv")] == [1, 4]
    assert (tmp_path / "skipped.txt").read_text() == f"{point_text(points[1])}: out of memory\n"


def test_a_budget_that_is_spent_and_the_rest_later(tmp_path, monkeypatch):
    clock = iter(range(0, 10000, 10))
    monkeypatch.setattr(training_session, "time",
                        SimpleNamespace(monotonic=lambda: next(clock)))
    points = [*chain_plan(2)[:2], *training_plan(1)]
    assert training_session.run(points, tmp_path, _measure, 35.0)[:2] == (3, 0)
    assert len(training_session.left(points, tmp_path)) == len(points) - 3
    done = []
    training_session.run(points, tmp_path, _measure, None, lambda *told: done.append(told))
    assert len(done) == len(points) - 3
    assert len(read_eager(tmp_path / "eager.csv")) == 2
    failing = sum(point.batch == 2 for point in training_plan(1))
    assert len(read_training(tmp_path / "training.csv")) == len(points) - 2 - failing


def test_ctrl_c_keeps_what_is_done(tmp_path):
    def measure(point):
        if point.batch == 4:
            raise KeyboardInterrupt
        return VALUES
    with pytest.raises(Interrupted, match="interrupted after 1 points, which are kept"):
        training_session.run([*training_plan(1)[:1], *training_plan(1)[2:]], tmp_path, measure,
                             None)
    assert len(read_training(tmp_path / "training.csv")) == 1
