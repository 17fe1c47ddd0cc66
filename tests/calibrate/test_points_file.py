"""Points of one's own: what is read is what is measured; what is wrong is said with its line."""

from __future__ import annotations

import pytest

from rackwright.calibrate.points_file import read_points
from rackwright.calibrate.tables import Point
from rackwright.errors import InputError


def written(tmp_path, text, name="gemm.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def test_points_without_a_set_are_held(tmp_path):
    path = written(tmp_path, "dtype,layout,m,n,k\nbf16,linear,1,2,3\nbf16,plain,1,2,3\n")
    assert read_points(path) == [Point("gemm", ("bf16", "linear", 1, 2, 3), "held"),
                                 Point("gemm", ("bf16", "plain", 1, 2, 3), "held")]


def test_points_may_name_their_set(tmp_path):
    path = written(tmp_path, "set,hidden,ffn,tokens\nfit,64,128,1\nheld,64,128,2\n", "expert.csv")
    assert [point.set for point in read_points(path)] == ["fit", "held"]


@pytest.mark.parametrize("text, line, says", [
    ("", 1, "first line must read dtype,layout,m,n,k"),
    ("m,n,k\n1,2,3\n", 1, "first line must read"),
    ("dtype,layout,m,n,k\n", None, "no points"),
    ("dtype,layout,m,n,k\nbf16,linear,1,2\n", 2, "4 cells; the head has 5"),
    ("dtype,layout,m,n,k\nbf17,linear,1,2,3\n", 2, "'bf17'; allowed: bf16"),
    ("dtype,layout,m,n,k\nbf16,linear,-1,2,3\n", 2, "whole number"),
    ("set,dtype,layout,m,n,k\nmine,bf16,linear,1,2,3\n", 2, "'mine'; allowed: fit, held"),
    ("set,dtype,layout,m,n,k\nfit,bf16,linear,1,2,3\nheld,bf16,linear,1,2,3\n", 3,
     "same point as line 2"),
])
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, line, says):
    with pytest.raises(InputError, match=says) as caught:
        read_points(written(tmp_path, text))
    assert caught.value.line == line


def test_the_command_measures_these_points_only(tmp_path, command):
    path = written(tmp_path, "dtype,layout,m,n,k\nbf16,linear,1,2,3\n")
    code, out, _ = command("calibrate", "gpu", "--points", path, "--out", tmp_path / "mine",
                           "--dry-run")
    assert code == 0 and "1 points are left" in out


def test_a_table_of_several_gpus_is_refused(tmp_path, command):
    path = written(tmp_path, "op,launch,gpus,bytes\nall_reduce,graph,2,1024\n", "collectives.csv")
    code, _, err = command("calibrate", "gpu", "--points", path, "--out", tmp_path / "mine",
                           "--dry-run")
    assert code == 3 and "several GPUs" in err


def test_points_and_tables_contradict(tmp_path, command):
    path = written(tmp_path, "dtype,layout,m,n,k\nbf16,linear,1,2,3\n")
    code, _, err = command("calibrate", "gpu", "--points", path, "--only", "gemm", "--out",
                           tmp_path / "mine")
    assert code == 2 and "--points" in err and "--only" in err
