"""Document files: exact round trips, and one error with its line for anything else."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import RackwrightError, TraceError
from rackwright.traces import (
    DocumentTrace,
    generate_documents,
    read_documents,
    read_trace,
    write_documents,
)

HEADER = "arrival_time_s,query_tokens,documents"
QUIET = settings(max_examples=60, deadline=None,
                 suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def documents(draw: st.DrawFn) -> DocumentTrace:
    lengths = draw(st.lists(st.integers(1, 10_000_000), min_size=1, max_size=8))
    rows = draw(st.lists(st.lists(st.integers(0, len(lengths) - 1), min_size=1, max_size=8,
                                  unique=True), min_size=1, max_size=6))
    times = sorted(draw(st.lists(st.floats(0, 9e6), min_size=len(rows), max_size=len(rows))))
    queries = draw(st.lists(st.integers(1, 5000), min_size=len(rows), max_size=len(rows)))
    flat = [entry for row in rows for entry in row]
    return DocumentTrace(np.array(times), np.array(queries),
                         np.concatenate([[0], np.cumsum([len(row) for row in rows])]),
                         np.array(flat) * 268_435_455, np.array([lengths[i] for i in flat]))


@QUIET
@given(documents())
def test_round_trip(tmp_path: Path, trace: DocumentTrace) -> None:
    for name in ("a.csv", "a.csv.gz"):
        path = write_documents(trace, tmp_path / name)
        back = read_trace(path)
        assert isinstance(back, DocumentTrace)
        assert back.content_hash == trace.content_hash
        assert (back.name, back.source) == (trace.name, trace.source)
    assert (tmp_path / "a.csv").read_bytes() == gzip.decompress(
        (tmp_path / "a.csv.gz").read_bytes())


@QUIET
@given(st.text(alphabet="0123456789:|,.e\n #-x", max_size=60))
def test_anything_else_is_one_error_or_a_trace(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}\n{text}")
    try:
        assert len(read_documents(path)) >= 1
    except RackwrightError as problem:
        assert "t.csv" in str(problem)


@pytest.mark.parametrize(("row", "words"), [
    ("1.0,8", "t.csv:3: 2 fields"),
    ("1.0,8,", "t.csv:3: column documents: ''"),
    ("1.0,8,4", "'4' is no id:tokens"),
    ("1.0,8,4:0", "out of range"),
    ("1.0,8,4:10|4:10", "a document comes twice"),
    ("1.0,8,4:10|-1:10", "not a whole number"),
    ("1.0,8,4:11", "t.csv:3: document 4 has 11 tokens; it had 10"),
    ("1.0,8,2147483648:10", "out of range"),
    ("0.2,8,4:10", "t.csv:3: arrival_time 0.2; expected no earlier"),
    ("1.0,0,4:10", "column query_tokens"),
    ("nan,8,4:10", "column arrival_time_s"),
    ("", "t.csv:3: a blank line"),
])
def test_a_bad_row_is_named_with_its_line(tmp_path: Path, row: str, words: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEADER}\n0.5,8,4:10\n{row}\n")
    with pytest.raises(TraceError, match=words):
        read_documents(path)


def test_a_request_file_is_no_document_file(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("arrival_time_s,input_tokens,output_tokens\n0,1,1\n")
    with pytest.raises(TraceError, match="unknown header"):
        read_documents(path)


def test_a_limit_reads_the_first_rows(tmp_path: Path) -> None:
    trace = generate_documents(5.0, 9, documents=50, per_query=4)
    path = write_documents(trace, tmp_path / "d.csv")
    assert read_documents(path, 3).content_hash == trace.first(3).content_hash


def test_the_file_as_documented(tmp_path: Path) -> None:
    trace = DocumentTrace(np.array([0.25]), np.array([31]), np.array([0, 2]), np.array([17, 4]),
                          np.array([256, 301]), "tiny", "made here")
    assert write_documents(trace, tmp_path / "t.csv").read_text().splitlines() == [
        "# rackwright document trace, schema 1", "# name: tiny", "# source: made here",
        "# units: arrival_time_s in seconds from the start of the trace; documents are id:tokens",
        HEADER, "0.25,31,17:256|4:301"]
