"""Query files: exact round trips, and the line of what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import TraceError, UsageError
from rackwright.traces import Operator, QueryTrace, read_queries, read_trace, write_queries
from rackwright.traces.queries import CLASSES, MAX_AMOUNT
from rackwright.traces.queries_file import QUERIES_HEADER

GOOD = "0,q1,0.0,0,scan,scan,1,1,8,8,0.5"
amounts = st.integers(0, MAX_AMOUNT)


@st.composite
def traces(draw: st.DrawFn) -> QueryTrace:
    jobs, now = [], 0.0
    for number in range(draw(st.integers(1, 4))):
        now += draw(st.floats(0, 1e5))
        stage, rows = 0, []
        for place in range(draw(st.integers(1, 4))):
            stage += draw(st.integers(0, 1)) if place else 0
            rows.append(Operator(stage, draw(st.sampled_from(["scan", "hash_join", "a.b-c"])),
                                 draw(st.sampled_from(CLASSES)), draw(amounts), draw(amounts),
                                 draw(amounts), draw(amounts), draw(st.floats(0, 9e6))))
        jobs.append((f"t{number % 2}", now, rows))
    return QueryTrace.of(jobs, "drawn", "hypothesis")


@given(traces())
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, trace: QueryTrace) -> None:
    path = tmp_path_factory.mktemp("t") / "q.csv.gz"
    again = read_queries(write_queries(trace, path))
    assert again.content_hash == trace.content_hash
    assert (again.name, again.source) == (trace.name, trace.source)
    first = path.read_bytes()
    assert write_queries(again, path).read_bytes() == first


def file(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "q.csv"
    path.write_text("\n".join([QUERIES_HEADER, *rows]) + "\n")
    return path


def test_it_is_told_by_its_header(tmp_path: Path) -> None:
    assert isinstance(read_trace(file(tmp_path, GOOD)), QueryTrace)


@pytest.mark.parametrize(("row", "message"), [
    ("0,q1,0.0,0,scan,scan,1,1,8,8", "q.csv:3: 10 fields in"),
    ("0,q1,0.0,0,scan,window,1,1,8,8,0.5", "q.csv:3: column class: 'window': no class"),
    ("0,q1,0.0,0,scan,scan,1.5,1,8,8,0.5", "q.csv:3: column rows_in: '1.5': not a whole number"),
    ("0,q 1,0.0,0,scan,scan,1,1,8,8,0.5", "q.csv:3: column template: 'q 1': no plain name"),
    ("0,q1,0.0,0,scan,scan,1,1,8,8,-1", "q.csv:3: column core_seconds: '-1'"),
    ("0,q1,0.0,3,scan,scan,1,1,8,8,0.5", "q.csv:3: stage 3; expected 0 at the start"),
    ("0,q1,9.0,0,scan,scan,1,1,8,8,0.5", "q.csv:3: arrival_time 9.0; expected the arrival"),
    ("0,q2,0.0,0,scan,scan,1,1,8,8,0.5", "q.csv:3: template 'q2'; expected 'q1'"),
])
def test_a_bad_row_has_its_line(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read_queries(file(tmp_path, GOOD, row))


def test_a_limit_keeps_whole_queries(tmp_path: Path) -> None:
    rows = [f"{number},q,{number}.0,0,scan,scan,1,1,8,8,0.5" for number in range(3)
            for _ in range(2)]
    path = file(tmp_path, *rows)
    assert [len(read_queries(path, limit)) for limit in (1, 2, 3, 6, 99)] == [2, 2, 4, 6, 6]
    with pytest.raises(UsageError, match="limit = 0"):
        read_queries(path, 0)
    assert np.array_equal(read_queries(path).query, [0, 0, 1, 1, 2, 2])
