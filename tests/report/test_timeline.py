"""The timeline: valid Chrome trace JSON, exact times, the same bytes, never too long."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.models.outcome import Spans
from rackwright.report.timeline import timeline_bytes, write_timeline

TRACKS = ("h0/gpu0", "h1/gpu0", "h0/nic0", "s0")


def spans(start_ps: list[int], length_ps: list[int], track: list[int] | None = None,
          dropped: int = 0) -> Spans:
    start = np.array(start_ps, np.int64)
    return Spans(TRACKS, ("attention", 'expert "3"'),
                 np.array(track or [0] * len(start), np.int32),
                 np.arange(len(start), dtype=np.int32) % 2, start,
                 start + np.array(length_ps, np.int64), np.full(len(start), 7, np.int64), dropped)


def read(content: bytes) -> dict[str, Any]:
    found = json.loads(gzip.decompress(content))
    assert isinstance(found, dict)
    return found


def events(content: bytes, phase: str) -> list[dict[str, Any]]:
    return [event for event in read(content)["traceEvents"] if event["ph"] == phase]


def test_the_file_has_the_keys_that_viewers_read() -> None:
    found = read(timeline_bytes(spans([0], [5])))
    assert found["displayTimeUnit"] == "ns"
    for event in found["traceEvents"]:
        assert {"ph", "pid", "tid", "name"} <= set(event)
    (span,) = events(timeline_bytes(spans([0], [5])), "X")
    assert {"ts", "dur", "args"} <= set(span)


def test_times_are_microseconds_with_exact_picoseconds_beside_them() -> None:
    (span,) = events(timeline_bytes(spans([1_500_000], [2_000_001])), "X")
    assert (span["ts"], span["dur"]) == (1.5, 2.000001)
    assert span["args"] == {"amount": 7, "start_ps": 1_500_000, "end_ps": 3_500_001}


@given(st.lists(st.tuples(st.integers(0, 2**62), st.integers(0, 2**61)), max_size=30))
def test_picoseconds_survive_any_clock(times: list[tuple[int, int]]) -> None:
    content = timeline_bytes(spans([start for start, _ in times], [took for _, took in times]))
    found = [(span["args"]["start_ps"], span["args"]["end_ps"] - span["args"]["start_ps"])
             for span in events(content, "X")]
    assert found == times


def test_a_host_is_a_process_and_a_device_a_thread() -> None:
    content = timeline_bytes(spans([0, 1, 2, 3], [1, 1, 1, 1], [0, 1, 2, 3]))
    names = {(event["pid"], event["tid"]): event["args"]["name"]
             for event in events(content, "M") if event["name"] == "thread_name"}
    found = [names[span["pid"], span["tid"]] for span in events(content, "X")]
    assert found == list(TRACKS)
    hosts = {event["pid"]: event["args"]["name"] for event in events(content, "M")
             if event["name"] == "process_name"}
    assert sorted(hosts.values()) == ["h0", "h1", "s0"]
    assert [hosts[span["pid"]] for span in events(content, "X")] == ["h0", "h1", "h0", "s0"]


def test_thread_numbers_are_unique_and_no_process_s() -> None:
    content = timeline_bytes(spans([0], [1]))
    threads = [event["tid"] for event in events(content, "M") if event["name"] == "thread_name"]
    processes = {event["pid"] for event in events(content, "M")}
    assert len(set(threads)) == len(TRACKS)
    assert not processes & set(threads)


def test_labels_are_quoted() -> None:
    found = events(timeline_bytes(spans([0, 1], [1, 1])), "X")
    assert [span["name"] for span in found] == ["attention", 'expert "3"']


@pytest.mark.parametrize(("recorded", "dropped", "limit", "kept"),
                         [(10, 0, 10, 10), (10, 0, 4, 4), (10, 5, 100, 10), (3, 0, 0, 0)])
def test_what_is_cut_is_said(recorded: int, dropped: int, limit: int, kept: int) -> None:
    content = timeline_bytes(spans(list(range(recorded)), [1] * recorded, dropped=dropped), limit)
    assert [span["args"]["start_ps"] for span in events(content, "X")] == list(range(kept))
    cut = recorded + dropped - kept
    assert read(content)["otherData"] == {"spans": recorded + dropped, "kept": kept, "cut": cut}
    marks = [event["name"] for event in events(content, "i")]
    assert marks == ([f"{cut} later spans of {recorded + dropped} left out"] if cut else [])


def test_no_spans_is_still_a_valid_file() -> None:
    assert events(timeline_bytes(spans([], [])), "X") == []
    nothing = np.zeros(0, np.int64)
    empty = Spans((), (), nothing.astype(np.int32), nothing.astype(np.int32), nothing, nothing,
                  nothing)
    assert len(read(timeline_bytes(empty))["traceEvents"]) == 1


def test_equal_spans_give_equal_bytes_without_a_date(tmp_path: Path) -> None:
    content = timeline_bytes(spans([0, 1], [1, 1]))
    assert content == timeline_bytes(spans([0, 1], [1, 1]))
    assert content[4:8] == b"\0\0\0\0"  # gzip's time
    assert not content[3] & 0x08  # gzip's flag for a file name
    write_timeline(spans([0, 1], [1, 1]), tmp_path / "t.json.gz")
    assert (tmp_path / "t.json.gz").read_bytes() == content
