"""Query traces: what holds between rows, statistics, cutting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rackwright.errors import TraceError
from rackwright.traces import Operator, QueryTrace, tpch_templates
from rackwright.traces.queries import CLASSES


def small() -> QueryTrace:
    return QueryTrace.of([
        ("q1", 0.0, [Operator(0, "read", "io", 0, 0, 100, 0, 0.0),
                     Operator(0, "scan", "filter", 10, 5, 100, 50, 0.5),
                     Operator(1, "exchange", "shuffle", 5, 5, 50, 50, 0.0)]),
        ("q2", 1.5, [Operator(0, "scan", "scan", 10, 10, 80, 80, 0.25)])], "small", "here")


def test_columns_and_statistics() -> None:
    trace = small()
    assert len(trace) == 4 and trace.queries == 2 and trace.offsets.tolist() == [0, 3, 4]
    summary = trace.summary()
    assert summary["core_seconds"] == 0.75 and summary["shuffle_bytes"] == 50
    assert summary["io_bytes"] == 100 and summary["span_time"] == 1.5
    assert summary["operators_by_class"]["filter"] == 1


def test_cut_at_whole_queries() -> None:
    assert [len(small().first(count)) for count in (1, 2, 3, 4, 9)] == [3, 3, 3, 4, 4]


def test_the_hash_is_of_the_content() -> None:
    trace = small()
    assert trace.content_hash == replace(trace, name="other", source="").content_hash
    assert trace.content_hash != replace(trace, template=("q3", "q3", "q3", "q2")).content_hash
    with pytest.raises(ValueError, match="read-only"):
        trace.bytes_in[0] = 1


@pytest.mark.parametrize(("column", "values", "message"), [
    ("query", [0, 0, 0, -1], "row 3: query -1; expected 0 to"),
    ("query", [1, 1, 1, 0], "row 3: query 0; expected no lower"),
    ("arrival_time", [0.0, 0.5, 0.5, 1.5], "row 1: arrival_time 0.5; expected the arrival of"),
    ("arrival_time", [2.0, 2.0, 2.0, 1.5], "row 3: arrival_time 1.5; expected no earlier"),
    ("arrival_time", [0.0, 0.0, 0.0, np.nan], "row 3: arrival_time nan"),
    ("stage", [1, 1, 1, 0], "row 0: stage 1; expected 0 at the start"),
    ("stage", [0, 0, 2, 0], "row 2: stage 2; expected 0 at the start"),
    ("stage", [0, 1, 0, 0], "row 2: stage 0; expected 0 at the start"),
    ("kind", [0, 0, 0, len(CLASSES)], "row 3: class 10; expected 0 to 9"),
    ("bytes_in", [0, 0, 0, -5], "row 3: bytes_in -5; expected 0 to"),
    ("core_seconds", [0.0, 0.0, 0.0, np.inf], "row 3: core_seconds inf"),
    ("template", ("q1", "q1", "q9", "q2"), "row 2: template 'q9'; expected 'q1'"),
    ("operator", ("a", "b", "c", "d,e"), "row 3: operator 'd,e'; expected 1 to 64"),
    ("rows_in", [0, 0, 0], "column rows_in has 3 entries, query has 4"),
])
def test_what_cannot_be(column: str, values: Any, message: str) -> None:
    given: Any = {column: values if isinstance(values, tuple) else np.array(values)}
    with pytest.raises(TraceError, match=message):
        replace(small(), **given)


def test_no_operators_and_unknown_classes() -> None:
    with pytest.raises(TraceError, match="without operators"):
        QueryTrace.of([], "none", "")
    with pytest.raises(TraceError, match="row 0: class 'window'; expected one of scan, filter"):
        QueryTrace.of([("q", 0.0, [Operator(0, "w", "window", 0, 0, 0, 0, 0.0)])], "x", "")


def test_the_measured_templates() -> None:
    """TPC-H at scale factor 0.1 has 600,572 lineitem rows."""
    trace = tpch_templates()
    assert trace.queries == 22 and trace.template[0] == "q01"
    assert int(trace.rows_in[1]) == 600_572
    assert "measured by us" in trace.source and 0.1 < trace.core_seconds.sum() < 2.0
