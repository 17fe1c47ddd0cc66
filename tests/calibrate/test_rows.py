"""Tables are read strictly: what is wrong is said with its line."""

from __future__ import annotations

import gzip

import pytest

from rackwright.calibrate import Row, read_folder, read_table
from rackwright.calibrate.rows import append, pack
from rackwright.errors import InputError

HEAD = "set,hidden,ffn,tokens,time_us,spread,samples\n"


def written(tmp_path, text, name="expert.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(("row", "message"), [
    ("fit,1,2,3,4.5,0", "expert.csv:3: 6 cells; the table has 7 columns"),
    ("all,1,2,3,4.5,0,1", "expert.csv:3: set is 'all'; allowed: fit, held"),
    ("fit,-1,2,3,4.5,0,1", "expert.csv:3: hidden is '-1'; it must be a whole number >= 0"),
    ("fit,1.5,2,3,4.5,0,1", "expert.csv:3: hidden is '1.5'; it must be a whole number >= 0"),
    ("fit,1,2,3,fast,0,1", "expert.csv:3: time_us is 'fast'; it must be a number"),
    ("fit,1,2,3,0,0,1", "expert.csv:3: time_us is '0'; it must be finite and above 0"),
    ("fit,1,2,3,nan,0,1", "expert.csv:3: time_us is 'nan'; it must be finite and above 0"),
    ("fit,1,2,3,4.5,inf,1", "expert.csv:3: spread is 'inf'; it must be finite and >= 0"),
    ("fit,9,9,9,4.5,0,1", "expert.csv:3: the same point as line 2; keep one of them"),
    ("", "expert.csv:3: 0 cells; the table has 7 columns"),
    ('fit,1,2,3,"4.5,0,1', "expert.csv:3: not CSV"),
])
def test_a_bad_row(tmp_path, row, message):
    path = written(tmp_path, f"{HEAD}fit,9,9,9,4.5,0,1\n{row}\n")
    with pytest.raises(InputError) as problem:
        read_table(path)
    assert message in str(problem.value)


def test_a_word_that_a_column_does_not_have(tmp_path):
    path = written(tmp_path, "set,kind,time_us,spread,samples\nfit,eager,1,0,1\n", "launch.csv")
    with pytest.raises(InputError, match="launch.csv:2: kind is 'eager'; allowed: eager_back"):
        read_table(path)


@pytest.mark.parametrize(("text", "message"), [
    ("", "empty; its first line must read set,hidden"),
    ("set,hidden\n", "expert.csv:1: its first line must read set,hidden,ffn"),
])
def test_a_bad_head(tmp_path, text, message):
    with pytest.raises(InputError) as problem:
        read_table(written(tmp_path, text))
    assert message in str(problem.value)


@pytest.mark.parametrize("name", ["gems.csv", "gemm.txt", "gemm"])
def test_a_name_that_is_no_table(tmp_path, name):
    with pytest.raises(InputError, match="no table of measurements has this name"):
        read_table(written(tmp_path, HEAD, name))


def test_damaged_gzip(tmp_path):
    path = tmp_path / "expert.csv.gz"
    path.write_bytes(gzip.compress(HEAD.encode())[:-9])
    with pytest.raises(InputError, match="cannot be read"):
        read_table(path)


def test_what_is_appended_is_read(tmp_path, gemm_row):
    rows = [gemm_row(1, 2, 3, 4.25), gemm_row(2, 2, 3, 5.5, "held", "fp8")]
    for row in rows:
        append(tmp_path, row)
    assert read_folder(tmp_path) == {"gemm": rows}


def test_packing_keeps_the_rows_and_gives_the_same_bytes(tmp_path, gemm_row):
    append(tmp_path, gemm_row(1, 2, 3, 4.25))
    packed = tmp_path / "packed"
    packed.mkdir()
    pack(tmp_path / "gemm.csv", packed / "gemm.csv.gz")
    first = (packed / "gemm.csv.gz").read_bytes()
    pack(tmp_path / "gemm.csv", packed / "gemm.csv.gz")
    assert (packed / "gemm.csv.gz").read_bytes() == first
    assert read_folder(packed) == read_folder(tmp_path)


def test_one_table_twice(tmp_path, gemm_row):
    append(tmp_path, gemm_row(1, 2, 3, 4.25))
    pack(tmp_path / "gemm.csv", tmp_path / "gemm.csv.gz")
    with pytest.raises(InputError, match="gemm is there as .csv and as .csv.gz"):
        read_folder(tmp_path)


def test_a_folder_without_tables(tmp_path):
    with pytest.raises(InputError, match="no table of measurements here"):
        read_folder(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_folder(tmp_path / "absent")


def test_a_row_holds_what_was_measured(tmp_path):
    row, = read_table(written(tmp_path, f"{HEAD}held,7,8,9,1.5,0.25,3\n"))
    assert isinstance(row, Row) and row.point["ffn"] == 8 and row.point.set == "held"
    assert row.measured == {"time_us": 1.5, "spread": 0.25, "samples": 3}
