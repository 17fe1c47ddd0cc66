"""The Azure LLM inference traces: 100 ns time stamps, shifted to start at 0."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import TraceError
from rackwright.traces import read_requests
from rackwright.traces.read import _ticks

HEADER = "TIMESTAMP,ContextTokens,GeneratedTokens"


def azure(folder: Path, *stamps: str, end: str = "\r\n") -> Path:
    path = folder / "azure.csv"
    rows = [HEADER, *(f"{stamp},{at + 100},{at + 1}" for at, stamp in enumerate(stamps))]
    path.write_bytes(end.join(rows).encode())
    return path


def test_all_seven_digits_count(tmp_path: Path) -> None:
    trace = read_requests(azure(tmp_path, "2023-11-16 18:17:03.9799600",
                                "2023-11-16 18:17:03.9799601", "2023-11-16 18:17:04.0319600"))
    assert trace.arrival_time.tolist() == [0.0, 1e-7, 0.052]
    assert trace.input_tokens.tolist() == [100, 101, 102]
    assert trace.name == "azure" and "Azure" in trace.source


def test_midnight_and_short_fractions(tmp_path: Path) -> None:
    trace = read_requests(azure(tmp_path, "2024-02-28 23:59:59.5", "2024-02-29 00:00:00",
                                "2024-03-01T00:00:00.25", end="\n"))
    assert trace.arrival_time.tolist() == [0.0, 0.5, 86400.75]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)), st.integers(0, 9))
def test_ticks_agree_with_the_calendar(at: datetime, last: int) -> None:
    since = at - datetime(1, 1, 1) + timedelta(days=1)
    text = at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond:06d}{last}"
    assert _ticks(text) == (since // timedelta(microseconds=1)) * 10 + last


@pytest.mark.parametrize("stamp", [
    "2023-11-16", "2023-11-16 24:00:00", "2023-11-16 18:60:00", "2023-11-16 18:17:60",
    "2023-02-29 00:00:00", "2023-11-16 18:17:03.12345678", "2023-11-16 18:17:03.", "17",
    "2023-11-16  18:17:03", "16/11/2023 18:17", "0000-01-01 00:00:00", "2023-11-16 18:17:03Z",
])
def test_what_is_no_time_stamp(tmp_path: Path, stamp: str) -> None:
    with pytest.raises(TraceError) as caught:
        read_requests(azure(tmp_path, stamp))
    assert f"azure.csv:2: column TIMESTAMP: '{stamp}': " in str(caught.value)
    assert "expected UTC such as 2023-11-16 18:17:03.9799600" in str(caught.value)


def test_times_do_not_go_back(tmp_path: Path) -> None:
    stamps = ["2023-11-16 18:17:03.9799600", "2023-11-16 18:17:03.9799599"]
    with pytest.raises(TraceError, match="azure.csv:3: column TIMESTAMP: '2023-11-16 18:17:03.97"
                                         "99599': earlier than the row above"):
        read_requests(azure(tmp_path, *stamps))


def test_a_span_beyond_the_clock(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="azure.csv:3: arrival_time .* 0 to 9158400 s"):
        read_requests(azure(tmp_path, "2023-01-01 00:00:00", "2024-01-01 00:00:00"))


def test_no_generated_tokens(tmp_path: Path) -> None:
    path = tmp_path / "azure.csv"
    path.write_text(f"{HEADER}\n2023-01-01 00:00:00,5,0\n")
    with pytest.raises(TraceError, match="azure.csv:2: column GeneratedTokens: '0': out of range; "
                                         "expected a whole number of tokens, 1 to"):
        read_requests(path)


@pytest.mark.parametrize(("name", "rows", "rate", "context", "generated"), [
    ("conv", 19_366, 5.53, (1155, 1020, 14_050), (211, 129, 1000)),
    ("code", 8_819, 2.57, (2048, 1469, 7437), (28, 13, 1899)),
])
def test_the_recorded_traces(real_traces: Path, name: str, rows: int, rate: float,
                             context: tuple[int, int, int], generated: tuple[int, int, int]
                             ) -> None:
    path = real_traces / f"AzureLLMInferenceTrace_{name}.csv"
    if not path.exists():
        pytest.skip(f"{path} is absent (Azure Public Dataset, CC-BY-4.0)")
    trace = read_requests(path)
    assert len(trace) == rows
    assert trace.rate_per_s == pytest.approx(rate, abs=0.005)
    for column, expected in ((trace.input_tokens, context), (trace.output_tokens, generated)):
        found = (round(float(column.mean())), int(np.median(column)), int(column.max()))
        assert found == expected
    assert trace.arrival_time[0] == 0
    ticks = trace.arrival_time * 1e7
    assert np.abs(ticks - np.rint(ticks)).max() < 1e-4
