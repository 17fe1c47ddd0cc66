"""Request traces of others: BurstGPT, Vidur, Mooncake, LLMServingSim, told by content."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import RackwrightError, TraceError
from rackwright.traces import read_trace

BURST = ("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
         "5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,10,0,10,API log\n"
         "118,ChatGPT,1087,230,1317,Conversation log\n")
VIDUR = "arrived_at,num_prefill_tokens,num_decode_tokens\n1.5,100,20\n2.25,300,1\n"
MOONCAKE = ('{"timestamp": 27482, "input_length": 1300, "output_length": 52, "hash_ids": '
            '[46, 47, 49]}\n'
            '{"timestamp": 30535, "input_length": 1024, "output_length": 26, "hash_ids": '
            '[46, 48]}\n')
SERVING = ('{"input_toks": 9, "output_toks": 4, "arrival_time_ns": 1000, "input_tok_ids": [1]}\n'
           '{"input_toks": 8, "output_toks": 3, "arrival_time_ns": 2001000}\n')
PLAIN = settings(deadline=None, max_examples=60,
                 suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(folder, text):
    path = folder / "trace.txt"
    path.write_text(text)
    return read_trace(path)


@pytest.mark.parametrize("text, times, inputs, outputs", [
    (BURST, [0, 113], [472, 1087], [18, 230]),
    (VIDUR, [0, 0.75], [100, 300], [20, 1]),
    (MOONCAKE, [0, 3.053], [1300, 1024], [52, 26]),
    (SERVING, [0, 0.002], [9, 8], [4, 3]),
], ids=["burstgpt", "vidur", "mooncake", "serving"])
def test_rows_by_hand(tmp_path, text, times, inputs, outputs):
    trace = read(tmp_path, text)
    assert trace.arrival_time == pytest.approx(np.array(times, float))
    assert trace.input_tokens.tolist() == inputs
    assert trace.output_tokens.tolist() == outputs


def test_failed_requests_are_counted(tmp_path):
    assert read(tmp_path, BURST).source == "trace.txt (BurstGPT, 1 failed requests left out)"
    head = BURST.splitlines()[0]
    with pytest.raises(TraceError, match="all 1 requests failed"):
        read(tmp_path, head + "\n1,GPT-4,5,0,5,API log\n")


def test_burstgpt_with_sessions(tmp_path):
    text = BURST.replace("Log Type", "Log Type,Session ID,Elapsed time").replace(
        " log\n", " log,s1,0.5\n")
    assert len(read(tmp_path, text)) == 2


@pytest.mark.parametrize("text, find, put, message", [
    (BURST, "\n118", "\n18", ":4: column Timestamp: 18.0: earlier than the row above"),
    (BURST, "1087", "10x7", ":4: column Request tokens: '10x7': not a whole number"),
    (VIDUR, "100,20", "100,0", ":2: column num_decode_tokens: '0': out of range"),
    (MOONCAKE, "30535", "3", ":2: timestamp: 3.0: earlier than the row above"),
    (MOONCAKE, '"output_length": 26', '"output_length": 0', ":2: output_length: 0: expected"),
    (MOONCAKE, '{"timestamp": 30535', '{"timestamp": 30535 30', ":2: no JSON"),
    (MOONCAKE, '"timestamp": 27482, ', "", ":1: keys input_length, .*; expected timestamp"),
    (MOONCAKE, "[46, 48]", "[46]", ":2: hash_ids: .46.: expected 2 ids, whole numbers from 0"),
    (MOONCAKE, "[46, 48]", "[46, -1]", ":2: hash_ids: .46, -1.: expected 2 ids"),
    (MOONCAKE, "[46, 48]", '"46"', ":2: hash_ids: '46': expected 2 ids"),
    (MOONCAKE, ', "hash_ids": [46, 48]', "", ":2: hash_ids: None: expected 2 ids"),
    (MOONCAKE, "[46, 48]", "[48, 47]", ":2: prefix block 47 comes after block 48, in row 0 after "
                                       "block 46"),
    (SERVING, '"input_toks": 8', '"input_toks": true', ":2: input_toks: True: expected"),
])
def test_a_bad_row_is_named(tmp_path, text, find, put, message):
    with pytest.raises(TraceError, match=message):
        read(tmp_path, text.replace(find, put, 1))


@PLAIN
@given(rows=st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 10**6), st.integers(1, 10**6)),
                     min_size=1, max_size=20))
def test_any_requests_come_through_both_ways(tmp_path, rows):
    rows = sorted(rows)
    csv = "".join(f"{time!r},{asked},{answered}\n" for time, asked, answered in rows)
    lines = "".join(json.dumps({"timestamp": time * 1e3, "input_length": asked,
                                "output_length": answered}) + "\n"
                    for time, asked, answered in rows)
    one = read(tmp_path, VIDUR.splitlines()[0] + "\n" + csv)
    other = read(tmp_path, lines)
    assert one.input_tokens.tolist() == other.input_tokens.tolist() == [row[1] for row in rows]
    assert one.arrival_time == pytest.approx(other.arrival_time, abs=1e-9)
    assert one.arrival_time[0] == other.arrival_time[0] == 0


@PLAIN
@given(data=st.data())
def test_a_damaged_file_is_one_error_or_a_trace(tmp_path, data):
    text = data.draw(st.sampled_from([BURST, VIDUR, MOONCAKE, SERVING]))
    at = data.draw(st.integers(0, len(text)))
    put = data.draw(st.sampled_from(["", ",", "\n", "{", "nan", "-1", '"', "1e400", "é"]))
    try:
        read(tmp_path, text[:at] + put + text[at + data.draw(st.integers(0, 5)):])
    except RackwrightError as problem:
        assert "trace.txt" in str(problem)


def test_the_conversation_trace_of_mooncake():
    data = Path(os.environ.get("RACKWRIGHT_DATA") or
                Path(__file__).parents[2].parent / "shared" / "data")
    path = data / "traces" / "mooncake_conversation_trace.jsonl"
    if not path.exists():
        pytest.skip(f"no {path}: Apache-2.0, from github.com/kvcache-ai/Mooncake")
    trace = read_trace(path)
    assert len(trace) == 12_031
    assert trace.span_time == pytest.approx(3_537)
