"""Writing: what was written reads back identically, and equal traces give equal bytes."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import InputError
from rackwright.traces import MAX_TOKENS, RequestTrace, generate_requests, read_requests
from rackwright.traces import write_requests as write
from rackwright.units import MAX_TIME

LINE = st.text(max_size=30).map(str.strip).filter(str.isprintable)
ROWS = st.lists(st.tuples(st.floats(0, MAX_TIME), st.integers(1, MAX_TOKENS),
                          st.integers(1, MAX_TOKENS)), min_size=1, max_size=30)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, name=LINE.filter(bool), source=LINE, ending=st.sampled_from(["csv", "csv.gz"]))
def test_round_trip(tmp_path: Path, rows: list[tuple[float, int, int]], name: str, source: str,
                    ending: str) -> None:
    times, entered, made = zip(*sorted(rows), strict=True)
    trace = RequestTrace(np.array(times), np.array(entered), np.array(made), name, source)
    again = read_requests(write(trace, tmp_path / f"t.{ending}"))
    assert again.arrival_time.tobytes() == trace.arrival_time.tobytes()
    assert again.content_hash == trace.content_hash
    assert (again.name, again.source) == (name, source)


def test_any_csv_reader_reads_the_rows(tmp_path: Path) -> None:
    trace = generate_requests(100.0, count=50, seed=3)
    lines = write(trace, tmp_path / "t.csv").read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert [float(row["arrival_time_s"]) for row in rows] == trace.arrival_time.tolist()
    assert [int(row["input_tokens"]) for row in rows] == trace.input_tokens.tolist()
    assert [int(row["output_tokens"]) for row in rows] == trace.output_tokens.tolist()


def test_the_bytes(tmp_path: Path) -> None:
    trace = RequestTrace(np.array([0.0, 1e-7]), np.array([1, 2]), np.array([3, 4]), "n", "s")
    assert write(trace, tmp_path / "t.csv").read_bytes() == (
        b"# rackwright request trace, schema 1\n# name: n\n# source: s\n"
        b"# units: arrival_time_s in seconds from the start of the trace; lengths in tokens\n"
        b"arrival_time_s,input_tokens,output_tokens\n0.0,1,3\n1e-07,2,4\n")


def test_gzip_bytes_depend_on_neither_time_nor_name(tmp_path: Path) -> None:
    trace = generate_requests(100.0, count=50)
    first, second = (write(trace, tmp_path / name).read_bytes() for name in ("a.gz", "b.gz"))
    assert first == second and first[4:8] == b"\0\0\0\0"
    assert gzip.decompress(first) == write(trace, tmp_path / "c.csv").read_bytes()


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    target, link = tmp_path / "t.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    write(generate_requests(1.0, count=2), link)
    assert link.is_symlink() and len(read_requests(target)) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.csv", "t.csv"]


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    trace = generate_requests(1.0, count=2)
    with pytest.raises(InputError, match="is no ordinary file"):
        write(trace, tmp_path)
    with pytest.raises(InputError, match="t.csv: cannot be written: No such file"):
        write(trace, tmp_path / "absent" / "t.csv")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        write(trace, tmp_path / "file" / "t.csv")
    with pytest.raises(InputError, match="is no ordinary file"):
        write(trace, "/dev/null")
