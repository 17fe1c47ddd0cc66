"""Reading a user's CSV: any table, any order of columns, and a place for every fault."""

from __future__ import annotations

import csv
import gzip
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.calibrate import TABLES, Point, Row, plan
from rackwright.calibrate.rows import append, pack, read_folder
from rackwright.canonical import canonical_json
from rackwright.errors import InputError
from rackwright.fidelity import assess_own, text
from rackwright.fidelity.own import read_own

HEAD = "dtype,layout,m,n,k,time_us"


@pytest.fixture
def read(tmp_path):
    """Read text as a file."""
    def call(text, name="mine.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_own(path).rows
    return call


def fault(read, text, name="mine.csv"):
    """What the error says, without the folder."""
    with pytest.raises(InputError) as found:
        read(text, name)
    assert found.value.exit_code == 3
    return str(found.value).rpartition("/")[2]


def test_the_least_that_is_needed(read):
    row, = read(f"{HEAD}\nbf16,linear,1,2,3,4.5\n")["gemm"]
    assert row.point == Point("gemm", ("bf16", "linear", 1, 2, 3), "held")
    assert row.measured == {"time_us": 4.5}


def test_columns_in_any_order_with_sets_and_more_values(read):
    row, = read("samples,time_us,k,n,m,layout,dtype,set\n"
                "9,4.5,3,2,1,linear,bf16,fit\n")["gemm"]
    assert row.point == Point("gemm", ("bf16", "linear", 1, 2, 3), "fit")
    assert row.measured == {"time_us": 4.5, "samples": 9.0}


@pytest.mark.parametrize("text", [
    f"\ufeff{HEAD}\r\nbf16,linear,1,2,3,4.5\r\n", f"{HEAD}\n\nbf16, linear ,1,2,3,4.5\n\n\n",
    f'"{HEAD.replace(",", chr(34) + "," + chr(34))}"\n"bf16",linear,"1",2,3,4.5',
    f"{HEAD}\nbf16,linear,1,2,3,4.5\n,,,,,\n"])
def test_what_spreadsheets_write(read, text):
    assert len(read(text)["gemm"]) == 1


def test_what_calibrate_writes_reads_the_same(tmp_path, bench_rows):
    for row in bench_rows:
        append(tmp_path, row)
    (tmp_path / "skipped.csv").write_text("table,point,reason\n")
    expected = read_folder(tmp_path)
    assert read_own(tmp_path).rows == expected
    pack(tmp_path / "gemm.csv", tmp_path / "other.csv.gz")
    (tmp_path / "gemm.csv").unlink()
    assert read_own(tmp_path).rows == expected


@pytest.fixture(scope="module")
def bench_rows():
    """One row of every table."""
    first = {point.table: point for point in reversed(plan())}
    return [Row(first[name], dict.fromkeys(table.values, 2.0))
            for name, table in TABLES.items() if name in first]


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_told_by_its_columns(read, name, bench_rows):
    rows = [row for row in bench_rows if row.point.table == name]
    values = [*rows[0].point.values, 2.0]
    head = [*TABLES[name].keys, TABLES[name].values[0]]
    text = ",".join(head) + "\n" + ",".join(map(str, values)) + "\n"
    assert list(read(text, f"{name}.csv")) == [name]


@pytest.mark.parametrize(("text", "says"), [
    ("", "mine.csv: empty"),
    (f"{HEAD}\n", "mine.csv: no rows"),
    ("a,b\n1,2\n", "mine.csv:1: the columns are those of no table"),
    ("dtype,m,n,k,time_us\n", "the nearest, gemm, has set, dtype, layout, m, n, k, time_us, "
     "spread, samples, and this lacks layout. Needed: dtype, layout, m, n, k, time_us"),
    (f"{HEAD},gpu\n", "and this has 'gpu' besides"),
    (f"{HEAD},m\n", "mine.csv:1: column 'm' is there twice"),
    (f"{HEAD}\nbf16,linear,1,2,3\n", "mine.csv:2: 5 cells, but the first line names 6 columns"),
    (f"{HEAD}\nbf16,linear,1,2,3,4\nbf17,linear,1,2,3,4\n",
     "mine.csv:3: column dtype: 'bf17'; allowed: bf16, fp16, fp8, int8, tf32"),
    (f"{HEAD}\nbf16,linear,1.0,2,3,4\n", "mine.csv:2: column m: '1.0'; allowed: whole numbers"),
    (f"{HEAD}\nbf16,linear,-1,2,3,4\n", "mine.csv:2: column m: '-1'"),
    (f"{HEAD}\nbf16,linear,0,2,3,4\n", "mine.csv:2: column m: '0'; allowed: whole numbers from 1"),
    (f"{HEAD}\nbf16,linear,99999999999999999,2,3,4\n", "numbers from 1 to 9007199254740991"),
    ("skew,experts,n,k,rows,time_us\neven,65537,1,1,1,1\n", "mine.csv:2: column experts: '65537'"),
    (f"{HEAD}\nbf16,linear,1,2,3,\n", "mine.csv:2: column time_us: ''; allowed: numbers above 0"),
    (f"{HEAD}\nbf16,linear,1,2,3,0\n", "mine.csv:2: column time_us: '0'"),
    (f"{HEAD}\nbf16,linear,1,2,3,-4\n", "mine.csv:2: column time_us: '-4'"),
    (f"{HEAD},spread\nbf16,linear,1,2,3,4,-0.1\n", "column spread: '-0.1'; allowed: numbers >= 0"),
    (f"{HEAD}\nbf16,linear,1,2,3,nan\n", "mine.csv:2: column time_us: 'nan'"),
    (f"{HEAD}\nbf16,linear,1,2,3,1_0\n", "mine.csv:2: column time_us: '1_0'"),
    (f'{HEAD}\nbf16,linear,1,2,3,"4,5"\n', "mine.csv:2: column time_us: '4,5'; allowed: numbers "
     "above 0, with a point for decimals"),
    (f"{HEAD}\n\n\nbf16,linear,1,2,3,inf\n", "mine.csv:4: column time_us: 'inf'"),
    (f"set,{HEAD}\ntest,bf16,linear,1,2,3,4\n", "mine.csv:2: column set: 'test'; allowed: fit, "
     "held"),
    (f"{HEAD}\nbf16,linear,1,2,3,4\nbf16,linear,1,2,3,5\n",
     "mine.csv:3: the same point as line 2 (gemm dtype=bf16"),
    (f'{HEAD}\n"bf16,linear\n', "mine.csv:2: not CSV"),
    (f"{HEAD}\nbf16,linear,1,2,3,4\n\xff".encode("latin-1"), "mine.csv:3: byte 0xff is not UTF-8"),
])
def test_faults(read, text, says):
    assert says in fault(read, text)


def test_two_tables_with_the_same_columns_want_a_name(read, monkeypatch):
    twin = dict(TABLES) | {"twin": type(TABLES["expert"])("twin", TABLES["expert"].keys)}
    monkeypatch.setattr("rackwright.fidelity.own.TABLES", twin)
    text = "hidden,ffn,tokens,time_us\n1,2,3,4\n"
    assert "call the file expert.csv or twin.csv" in fault(read, text)
    assert list(read(text, "expert.csv")) == ["expert"]


def test_files_that_cannot_be_read(read, tmp_path):
    assert "cannot be unpacked" in fault(read, b"not gzip", "gemm.csv.gz")
    cut = gzip.compress(f"{HEAD}\nbf16,linear,1,2,3,4\n".encode())[:-9]
    assert "cannot be unpacked" in fault(read, cut, "gemm.csv.gz")
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_own(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="no .csv or .csv.gz here"):
        read_own(tmp_path / "empty" if (tmp_path / "empty").mkdir() else tmp_path / "empty")


def test_one_table_in_two_files(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(f"{HEAD}\nbf16,linear,1,2,3,4\n")
    with pytest.raises(InputError, match=r"b\.csv: holds gemm, as .*a\.csv does"):
        read_own(tmp_path)


def test_the_digest_is_of_names_and_bytes(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\nbf16,linear,1,2,3,4\n")
    first = read_own(path).digest
    assert read_own(path).digest == read_own(tmp_path).digest == first
    path.write_text(f"{HEAD}\nbf16,linear,1,2,3,5\n")
    assert read_own(path).digest != first


GOOD = st.tuples(st.sampled_from(TABLES["gemm"].keys["dtype"]),
                 st.sampled_from(TABLES["gemm"].keys["layout"]),
                 *[st.integers(1, 2 ** 52)] * 3,
                 st.floats(1e-6, 1e9, allow_nan=False))


@given(rows=st.lists(GOOD, min_size=1, max_size=20, unique_by=lambda row: row[:5]),
       order=st.permutations(HEAD.split(",")))
def test_what_is_written_is_read(tmp_path_factory, rows, order):
    path = tmp_path_factory.getbasetemp() / "round.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, order)
        writer.writeheader()
        writer.writerows(dict(zip(HEAD.split(","), row, strict=True)) for row in rows)
    found = read_own(path).rows["gemm"]
    assert [(*row.point.values, row.measured["time_us"]) for row in found] == rows


@given(place=st.integers(0, 5), cell=st.text(max_size=9), line=st.integers(0, 4))
def test_a_bad_cell_has_a_place(tmp_path_factory, place, cell, line):
    """Any text in any cell: read as what it says, or refused with its line and its column."""
    rows = [["bf16", "linear", str(m), "2", "3", "4.5"] for m in range(1, 6)]
    rows[line][place] = cell
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([HEAD.split(","), *rows])
    path = tmp_path_factory.getbasetemp() / "bad.csv"
    path.write_text(text.getvalue(), encoding="utf-8", errors="replace", newline="")
    try:
        found = read_own(path).rows["gemm"]
    except InputError as problem:
        assert problem.line is not None and problem.place == path
        assert "Traceback" not in str(problem)
        if "\n" not in cell and "\r" not in cell and "same point" not in str(problem):
            assert problem.line == line + 2 and f"column {HEAD.split(',')[place]}: " in str(problem)
    else:
        value = [*found[line].point.values, found[line].measured["time_us"]][place]
        word = cell.strip()
        assert value == (float(word) if place == 5 else int(word) if place > 1 else word)


def test_nothing_beside_has_no_size(read):
    text = "priority,first,first_size,second,second_size,time_us\nalone,copy,1024,{},{},5\n"
    assert read(text.format("none", 0))["streams"]
    assert "column second_size: '0'" in fault(read, text.format("copy", 0))


def shape(line):
    """All but the time."""
    return line[:-1]


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow if name == "streams" else ()) for name in TABLES])
@given(data=st.data())
@settings(max_examples=8, deadline=None)
def test_any_shape_is_assessed_or_refused_with_its_line(tmp_path_factory, name, data):
    """No traceback, no warning, whatever the sizes."""
    table = TABLES[name]
    sizes = st.one_of(st.integers(1, 9), st.sampled_from([64, 100, 4096, 2 ** 31, 2 ** 52]))
    gpus = st.integers(1, 8)  # of one host
    if name == "streams":     # simulated, kernel by kernel
        sizes = st.integers(1, 64)
    lines = data.draw(st.lists(st.tuples(*(
        st.sampled_from(words) if words else gpus if key in ("gpus", "world") else sizes
        for key, words in table.keys.items()),
        st.floats(1e-3, 1e6)), min_size=1, max_size=4, unique_by=shape))
    path = tmp_path_factory.getbasetemp() / f"{name}.csv"
    path.write_text("\n".join([",".join((*table.keys, table.values[0])),
                               *(",".join(map(str, line)) for line in lines)]))
    try:
        found = assess_own("h100-sxm", path)
    except InputError as problem:
        assert problem.line is not None and problem.place == path
    else:
        assert sum(len(one.points) for one in found.points) == len(lines)
        assert text(found) and canonical_json(found.record())


def test_sizes_that_a_model_cannot_take(read, tmp_path, monkeypatch):
    """An endless time is refused with its line, not averaged."""
    monkeypatch.setattr("rackwright.fidelity.assessment.predicted_values",
                        lambda gpu, points: np.array([1.0, np.inf, np.nan])[:len(points)])
    read(f"{HEAD}\nbf16,linear,1,2,3,4\nbf16,linear,2,2,3,4\nbf16,linear,3,2,3,4\n")
    with pytest.raises(InputError, match=r"mine\.csv:3: gemm .* m=2 .*no finite value"):
        assess_own("h100-sxm", tmp_path / "mine.csv")


@given(data=st.binary(max_size=200))
def test_any_bytes(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "noise.csv"
    path.write_bytes(data)
    with pytest.raises(InputError, match="noise.csv"):
        read_own(path)
