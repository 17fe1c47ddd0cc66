"""`RequestTrace`: checked and frozen columns, stable hash, statistics."""

from __future__ import annotations

import hashlib
import struct
from typing import Any

import numpy as np
import pytest

from rackwright.errors import TraceError, UsageError
from rackwright.traces import MAX_TOKENS, RequestTrace


def make(times: Any = (0.0, 0.5, 2.0), entered: Any = (10, 20, 30), made: Any = (1, 2, 3),
         **more: str) -> RequestTrace:
    return RequestTrace(np.array(times), np.array(entered), np.array(made), **more)


def test_length_span_rate_and_statistics() -> None:
    trace = make()
    assert (len(trace), trace.span_time, trace.rate_per_s) == (3, 2.0, 1.0)
    summary = trace.summary()
    assert summary["requests"] == 3
    assert summary["input_tokens"] == {"mean": 20.0, "min": 10, "p50": 20.0, "p90": 28.0,
                                       "p99": 29.8, "max": 30, "total": 60}


def test_a_rate_without_a_span_is_absent() -> None:
    trace = make((1.0,), (1,), (1,))
    assert trace.rate_per_s is None and "rate_per_s" not in trace.summary()


def test_columns_are_copied_and_read_only() -> None:
    times = np.array([0.0, 1.0])
    trace = RequestTrace(times, np.array([1, 2]), np.array([3, 4]))
    times[0] = 9.0
    assert trace.arrival_time[0] == 0.0
    with pytest.raises(ValueError, match="read-only"):
        trace.input_tokens[0] = 5


def test_first() -> None:
    trace = make(name="n", source="s")
    assert trace.first(2).input_tokens.tolist() == [10, 20]
    assert trace.first(2).name == "n" and trace.first(2).source == "s"
    assert len(trace.first(99)) == 3
    with pytest.raises(UsageError, match="first 0 requests"):
        trace.first(0)


def test_the_hash_is_of_the_columns_alone_and_stable() -> None:
    trace = make()
    data = struct.pack("<3d6q", 0.0, 0.5, 2.0, 10, 20, 30, 1, 2, 3)
    assert trace.content_hash == hashlib.sha256(b"requests 1 3\n" + data).hexdigest()
    assert trace.content_hash == make(name="other", source="elsewhere").content_hash
    assert trace.content_hash != make(made=(1, 2, 4)).content_hash
    assert trace.content_hash != make(entered=(10, 20, 31)).content_hash
    assert trace.content_hash != make((0.0, 0.5, 2.5)).content_hash
    assert make((-0.0, 1.0, 2.0)).content_hash == make((0.0, 1.0, 2.0)).content_hash


@pytest.mark.parametrize(("change", "message"), [
    ({"times": (0.0, 2.0, 1.0)}, "row 2: arrival_time 1.0 s is before the row above"),
    ({"times": (0.0, float("nan"), 1.0)}, "row 1: arrival_time nan"),
    ({"times": (-1.0, 0.0, 1.0)}, "row 0: arrival_time -1.0"),
    ({"times": (0.0, 1.0, 1e7)}, "row 2: .*expected 0 to 9158400 s"),
    ({"times": (0.0, 1.0)}, r"different lengths \[2, 3\]"),
    ({"entered": (0, 1, 1)}, f"row 0: input_tokens 0; expected 1 to {MAX_TOKENS}"),
    ({"made": (1, 1, MAX_TOKENS + 1)}, "row 2: output_tokens 10000001"),
    ({"made": (1.0, 2.0, 3.0)}, "column output_tokens: float64"),
    ({"made": ((1, 2, 3),)}, r"shape \(1, 3\)"),
    ({"times": ("a", "b", "c")}, "column arrival_time"),
    ({"name": ""}, "name of a trace is empty"),
    ({"name": "two\nlines"}, "not one line"),
    ({"source": " blank"}, "not one line"),
])
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=message):
        make(**change)


def test_an_empty_trace_is_refused() -> None:
    with pytest.raises(TraceError, match="without requests"):
        make(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
