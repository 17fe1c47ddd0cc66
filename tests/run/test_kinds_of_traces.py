"""A sound trace of another kind is called so, not read as a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from rackwright import run
from rackwright.errors import InputError, TraceError
from rackwright.models import registry


@pytest.mark.parametrize(("system", "trace", "said"), [
    ("aep", "queries_tpch", "is a trace of operators of queries; aep replays requests"),
    ("training", "requests_short", "is a trace of requests; training replays executed operators"),
    ("curp", "documents_zipf", "is a trace of queries for documents; curp replays operations"),
    ("hyperrag", "bandwidth_aws", "is a trace of bandwidths of sites; hyperrag replays queries")])
def test_a_trace_of_another_kind(system: str, trace: str, said: str) -> None:
    with pytest.raises(InputError, match=f"{trace}.csv: {said}"):
        run.load_trace(registry.get(system), trace)


def test_a_broken_trace_stays_a_broken_trace(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("arrival_time_s,input_tokens,output_tokens\n0.1,5,x\n")
    with pytest.raises(TraceError, match="t.csv:2: .*output_tokens"):
        run.load_trace(registry.get("aep"), path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(TraceError, match="t.csv:1: unknown header"):
        run.load_trace(registry.get("aep"), path)
