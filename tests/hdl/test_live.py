"""RTL in the loop: a bounded number of words on the RTL, against the golden and timing.toml."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright import hdl
from rackwright.errors import UsageError
from rackwright.hdl.witness_table.golden import new_witness
from rackwright.hdl.witness_table.words import GC, RECORD, Request, Widths, answer

GEOMETRY = "8x2"


def curp_like(count: int) -> list[Request]:
    """Records of a few clients over skewed keys, each freed by a gc some records later."""
    draws = np.random.default_rng(7)
    keys = [rank * 0x9E3779B97F4A7C15 % 2**64 for rank in draws.zipf(1.3, count).tolist()]
    requests: list[Request] = []
    for number, key in enumerate(keys):
        requests.append(Request(RECORD, key, 1 + number % 5, number))
        if number >= 12:
            old = number - 12
            requests.append(Request(GC, keys[old], 1 + old % 5, old, last=number % 8 == 0))
    return requests


@pytest.mark.usefixtures("icarus")
def test_records_of_a_trace_agree_with_golden_and_table() -> None:
    requests, widths, golden = curp_like(300), Widths(), new_witness(8, 2)
    words = [(widths.request(one, tag), one.last) for tag, one in enumerate(requests)]
    expected = []
    for tag, one in enumerate(requests):
        code, named = answer(golden, one)
        expected.append((widths.response(code, tag, named), one.last))
    live = hdl.run_live("witness_table", words, GEOMETRY)
    assert [(beat.data, beat.last) for beat in live.answers] == expected
    assert len({word for word, _ in expected}) > 100, "the trace says too little"

    table = hdl.timing("witness_table", GEOMETRY)
    waits = {out.cycle - into.cycle for into, out in zip(live.taken, live.answers, strict=True)}
    assert waits == {table.latency_cycles["record"]} == {table.latency_cycles["gc"]}
    gaps = np.diff([beat.cycle for beat in live.taken])
    assert set(gaps.tolist()) == {table.interval_cycles["record"]}
    assert live.cycles == len(requests) - 1 + table.latency_cycles["record"]


def test_number_of_words_is_bounded() -> None:
    for words in ([], [0] * 100_001):
        with pytest.raises(UsageError, match="words: a live run takes 1 to 100,000"):
            hdl.run_live("witness_table", words)
