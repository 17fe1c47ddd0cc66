"""Blocks that prompts share: kept, checked, written, generated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import TraceError, UsageError
from rackwright.traces import (
    PrefixBlocks,
    RequestTrace,
    Uniform,
    generate_conversations,
    read_requests,
    write_requests,
)

TEXT = ("# prefix_block_tokens: 10\narrival_time_s,input_tokens,output_tokens,prefix_blocks\n"
        "0,25,4,0|1|2\n0.5,31,4,0|1\n1,7,4,\n")


def read(folder: Path, text: str) -> RequestTrace:
    (folder / "t.csv").write_text(text)
    return read_requests(folder / "t.csv")


def test_rows_by_hand(tmp_path: Path) -> None:
    found = read(tmp_path, TEXT).prefixes
    assert found is not None and found.block_tokens == 10
    assert found.offsets.tolist() == [0, 3, 5, 5] and found.ids.tolist() == [0, 1, 2, 0, 1]


def test_the_share_that_comes_again(tmp_path: Path) -> None:
    """20 of 63 tokens: the second prompt begins with two full blocks of the first."""
    summary = read(tmp_path, TEXT).summary()
    assert summary["prefix_repeated_share"] == pytest.approx(20 / 63)
    assert (summary["prefix_blocks"], summary["prefix_block_tokens"]) == (3, 10)


@pytest.mark.parametrize(("find", "put", "message"), [
    ("0|1|2\n", "0|x|2\n", ":3: column prefix_blocks: '0.x.2': not a whole number"),
    ("0|1|2\n", "0||2\n", ":3: column prefix_blocks: '0..2': not a whole number"),
    ("0|1|2\n", "0|1|2|3\n", ":3: 4 prefix blocks of 10 tokens in a prompt of 25; at most 3"),
    ("4,0|1\n", "4,1|0\n", ":4: prefix block 1 comes after nothing, in row 0 after block 0"),
    ("# prefix_block_tokens: 10\n", "", ":1: the comment '# prefix_block_tokens: ...' is missing"),
    ("tokens: 10", "tokens: 0", "comment prefix_block_tokens: '0': out of range"),
    ("\n0.5,", "\n0,", ""),
    ("0.5,31", "0.5,x", ":4: column input_tokens: 'x'"),
    ("1,7,4,\n", "1,7,4\n", ":5: 3 fields in .*expected 4"),
])
def test_a_bad_row_is_named(tmp_path: Path, find: str, put: str, message: str) -> None:
    if not message:
        read(tmp_path, TEXT.replace(find, put))
        return
    with pytest.raises(TraceError, match=message):
        read(tmp_path, TEXT.replace(find, put))


def test_a_limit_stops_before_what_follows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TEXT.replace("1,7,4,", "bad"))
    found = read_requests(tmp_path / "t.csv", 2)
    assert found.prefixes is not None and found.prefixes.ids.tolist() == [0, 1, 2, 0, 1]


@given(seed=st.integers(0, 10**6), count=st.integers(1, 12), block=st.integers(1, 300))
@settings(deadline=None, max_examples=30,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read(tmp_path: Path, seed: int, count: int, block: int) -> None:
    trace = generate_conversations(1.0, count, block_tokens=block, seed=seed)
    again = read_requests(write_requests(trace, tmp_path / "c.csv.gz"))
    assert again.content_hash == trace.content_hash
    half = trace.first(max(len(trace) // 2, 1))
    assert read_requests(tmp_path / "c.csv.gz", len(half)).content_hash == half.content_hash


def test_prefixes_count_in_the_hash() -> None:
    with_them = generate_conversations(1.0, 5)
    without = RequestTrace(with_them.arrival_time, with_them.input_tokens, with_them.output_tokens)
    assert with_them.content_hash != without.content_hash


def test_turns_repeat_their_conversation() -> None:
    """One conversation: a prompt begins with all full blocks of the one before."""
    trace = generate_conversations(1.0, 1, turns=Uniform(6, 6), block_tokens=16, seed=3)
    found = trace.prefixes
    assert found is not None and len(trace) == 6
    chains = [found.ids[a:b].tolist() for a, b in
              zip(found.offsets[:-1], found.offsets[1:], strict=True)]
    for turn in range(5):
        full = trace.input_tokens[turn] // 16
        assert chains[turn + 1][:full] == chains[turn][:full]
        assert trace.input_tokens[turn + 1] > trace.input_tokens[turn] + trace.output_tokens[turn]
        assert len(chains[turn]) == -(-trace.input_tokens[turn] // 16)


def test_conversations_share_their_system_prompt_and_no_more() -> None:
    trace = generate_conversations(1.0, 30, system_prompts=1, system_tokens=Uniform(100, 100),
                                   turns=Uniform(1, 1), block_tokens=32)
    found = trace.prefixes
    assert found is not None
    firsts = [tuple(found.ids[a:a + 4].tolist()) for a in found.offsets[:-1]]
    assert len({chain[:3] for chain in firsts}) == 1      # 96 of 100 tokens
    assert len({chain[3] for chain in firsts}) == 30


def test_same_seed_same_trace() -> None:
    one, two, other = (generate_conversations(1.0, 8, seed=seed) for seed in (1, 1, 2))
    assert one.content_hash == two.content_hash != other.content_hash
    assert one.source == two.source and "seed 1" in one.source


@pytest.mark.parametrize(("change", "words"), [
    ({"rate_per_s": 0.0}, "rate_per_s = 0"), ({"count": 0}, "count = 0"),
    ({"block_tokens": 0}, "block_tokens = 0"), ({"seed": -1}, "seed = -1"),
    ({"system_prompts": 0}, "system_prompts = 0"), ({"think_time": -1.0}, "think_time = -1"),
    ({"think_time": 9e6, "turns": Uniform(6, 6)}, "the last turn comes at")])
def test_what_cannot_be_generated(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        generate_conversations(**{"rate_per_s": 1.0, "count": 3, **change})


@pytest.mark.parametrize(("offsets", "ids", "words"), [
    ([0, 2], [0], "offsets of prefix blocks must rise"), ([1, 1], [0], "must rise from 0"),
    ([0, 1], [-3], "row 0: prefix block -3"),
    ([0, 2], [4, 4], "row 0: prefix block 4 comes after")])
def test_what_is_no_prefix(offsets: list[int], ids: list[int], words: str) -> None:
    with pytest.raises(TraceError, match=words):
        PrefixBlocks(np.array(offsets), np.array(ids), 16)


def test_the_published_trace_of_conversations() -> None:
    """Mooncake's: 12,031 requests, of whose prompt tokens 37 % come again."""
    folder = Path(os.environ.get("RACKWRIGHT_DATA", Path(__file__).parents[2].parent / "shared"
                                 / "data"))
    path = folder / "traces" / "mooncake_conversation_trace.jsonl"
    if not path.is_file():
        pytest.skip(f"{path.name} is not there (github.com/kvcache-ai/Mooncake)")
    summary = read_requests(path).summary()
    assert (summary["requests"], summary["prefix_blocks"]) == (12031, 182790)
    assert summary["prefix_repeated_share"] == pytest.approx(0.3736, abs=1e-4)
