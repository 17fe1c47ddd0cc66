"""DuckDB profiles: the operators of a small plan, and files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rackwright.errors import InputError, TraceError
from rackwright.traces import read_duckdb
from rackwright.traces.queries import CLASSES
from rackwright.traces.queries_duckdb import PARTITION_ROW_TIME


def node(kind: str, rows: int, nbytes: int, work: float, *children: Any, **more: Any
         ) -> dict[str, Any]:
    return {"operator_type": kind, "operator_cardinality": rows, "result_set_size": nbytes,
            "operator_timing": work, "operator_rows_scanned": more.pop("scanned", 0),
            "extra_info": more, "children": list(children)}


def profile(tmp_path: Path, root: dict[str, Any], name: str = "q1.json") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps({"query_name": "select", "children": [root]}))
    return path


def plan() -> dict[str, Any]:
    probe = node("TABLE_SCAN", 50, 800, 0.2, scanned=100, Filters="x>1", Projections=["a", "b"])
    build = node("TABLE_SCAN", 10, 80, 0.1, scanned=10, Projections="a")
    join = node("HASH_JOIN", 40, 960, 0.3, probe, build)
    return node("TOP_N", 5, 60, 0.05,
                node("HASH_GROUP_BY", 8, 96, 0.4, node("PROJECTION", 40, 480, 0.01, join)))


def test_a_plan_becomes_operators(tmp_path: Path) -> None:
    trace = read_duckdb([profile(tmp_path, plan())])
    kinds = [CLASSES[kind] for kind in trace.kind]
    assert kinds == ["io", "scan", "io", "filter", "partition", "shuffle", "partition", "shuffle",
                     "join", "aggregate", "partition", "shuffle", "sort"]
    assert trace.stage.tolist() == [0] * 8 + [1] * 4 + [2]
    # read: rows scanned times the width of the result
    assert trace.bytes_in[2] == 100 * 800 // 50 and trace.rows_in[3] == 100
    # both inputs of the join are exchanged, the build side first
    assert trace.bytes_out[[5, 7, 11]].tolist() == [80, 800, 96]
    assert trace.core_seconds[[4, 6, 10]] == pytest.approx(
        [rows * PARTITION_ROW_TIME for rows in (10, 50, 8)])
    # the projection runs in the join's pipeline
    assert trace.core_seconds[8] == pytest.approx(0.31) and trace.bytes_out[8] == 480
    measured = trace.core_seconds.sum() - 68 * PARTITION_ROW_TIME
    assert measured == pytest.approx(0.2 + 0.1 + 0.3 + 0.01 + 0.4 + 0.05)


def test_files_are_templates_an_hour_apart(tmp_path: Path) -> None:
    files = [profile(tmp_path, plan(), f"q {n}.json") for n in (1, 2)]
    trace = read_duckdb(files, name="two")
    assert set(trace.template) == {"q-1", "q-2"} and trace.span_time == 3600.0


@pytest.mark.parametrize(("change", "message"), [
    ({"operator_type": "TELEPORT"}, "operator 'TELEPORT' is not known here"),
    ({"operator_timing": -1.0}, "operator_timing is -1.0; expected a number >= 0"),
    ({"operator_cardinality": None}, "operator_cardinality is None"),
    ({"children": 3}, "children of TOP_N are no list"),
])
def test_profiles_that_are_wrong(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read_duckdb([profile(tmp_path, plan() | change)])


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_duckdb([tmp_path / "absent.json"])
    path = tmp_path / "x.json"
    for text, message in (("{", "no JSON"), ("[]", "no profile of DuckDB")):
        path.write_text(text)
        with pytest.raises(TraceError, match=message):
            read_duckdb([path])
    with pytest.raises(TraceError, match="no profiles"):
        read_duckdb([])
