"""Whatever happens to a file, reading it gives valid rows or one of our errors."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import InputError
from rackwright.traces import RequestTrace, RoutingTrace, read_trace

NATIVE = (b"# name: x\narrival_time_s,input_tokens,output_tokens\n"
          b"0.5,10,20\n0.75,11,21\n1e-0,12,22\n3.25,13,23\n")
AZURE = (b"TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
         b"2023-11-16 18:17:03.9799600,4808,10\r\n2023-11-16 18:17:04.0319600,3180,8\r\n"
         b"2023-11-16 18:17:04.0781600,110,27")
ROUTING = (b"# model: m\n# n_experts: 8\n# k: 2\nstep,request,token,layer,expert_ids\n"
           b"0,0,0,0,3|1\n0,0,0,1,0|7\n1,0,1,0,2|5\n1,0,1,1,6|4\n")
FILES = [NATIVE, AZURE, ROUTING, gzip.compress(NATIVE, mtime=0), gzip.compress(ROUTING, mtime=0)]
PIECES = [b",", b"\n", b"\r", b"\0", b"|", b"-", b"e", b".", b"nan", b"#", b"\xff", b"\xc2\xb2",
          b"9" * 30, b"0", b" ", b"step,request,token,layer,expert_ids\n", b"\xef\xbb\xbf", b'"']


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.sampled_from([0, 0, 1, 1, 2, 10, 10_000])))
        piece = draw(st.one_of(st.just(b""), st.sampled_from(PIECES), st.binary(max_size=3)))
        data = data[:start] + piece + data[end:]
    return data


@settings(max_examples=400, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damaged())
def test_a_damaged_file_reads_as_valid_rows_or_is_one_of_our_errors(tmp_path: Path, data: bytes
                                                                    ) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    try:
        trace = read_trace(path)
    except InputError as problem:
        assert str(problem).startswith(f"{path}:") and len(str(problem)) < 500
        return
    rows = [line for line in _text(data).split("\n") if line and not line.startswith("#")]
    assert len(trace) == len(rows) - 1  # nothing silently dropped
    assert isinstance(trace, RequestTrace | RoutingTrace)


def _text(data: bytes) -> str:
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")


@pytest.mark.parametrize("data", FILES, ids=["native", "azure", "routing", "native.gz",
                                             "routing.gz"])
def test_the_undamaged_files_are_good(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    assert len(read_trace(path)) in (3, 4)


@pytest.mark.parametrize("data", [NATIVE, AZURE, ROUTING], ids=["native", "azure", "routing"])
def test_every_cut_is_noticed_unless_it_falls_into_the_last_number(
        tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.csv"

    def rows(part: bytes) -> int | None:
        path.write_bytes(part)
        try:
            return len(read_trace(path))
        except InputError:
            return None

    for cut in range(len(data)):
        part = data[:cut]
        found = rows(part)
        assert found is None or found == part.strip().count(b"\n") - part.count(b"#")
