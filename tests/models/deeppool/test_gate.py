"""The gate: every combination of flags, the averages in fixed point, and what they are for."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.hdl.bg_gate import (
    ALLREDUCE,
    FLAGS,
    MULTIPLEX,
    P2P_RECV,
    RELEASE,
    gate_admit,
    gate_recent,
)
from rackwright.models.deeppool.gate import gate_recent_host

TIMES = st.integers(0, (1 << 32) - 1)


def rule(flags: int, benchmark: int, recent: int) -> int:
    """The table, rule by rule."""
    if flags & MULTIPLEX:
        return 1
    if flags & ALLREDUCE:
        return 0
    if flags & P2P_RECV and benchmark > 500:
        return 1
    return int(recent / benchmark <= 1.1) if benchmark else int(recent == 0)


@pytest.mark.parametrize("flags", range(2 * max(FLAGS.values())))
def test_every_combination_of_flags(flags: int) -> None:
    for benchmark, recent in itertools.product((0, 1, 100, 500, 501, 1000), (0, 1, 99, 111, 560,
                                                                             5000)):
        assert gate_admit(flags, benchmark, recent, 500) == rule(flags, benchmark, recent)


def test_a_tenth_more_is_still_let_in() -> None:
    assert gate_admit(1, 100, 110, 500) == 1
    assert gate_admit(1, 100, 111, 500) == 0


@given(TIMES, TIMES, TIMES)
def test_the_average_attacks_at_once_and_lets_go_slowly(benchmark: int, recent: int, last: int
                                                        ) -> None:
    for average, weight in ((gate_recent, RELEASE / 256), (gate_recent_host, 0.1)):
        found = average(benchmark, recent, last)
        if 10 * last > 11 * benchmark:
            assert found == last
        else:
            exact = recent + weight * (last - recent)
            assert exact - 1.001 <= found <= exact + 1e-3 * abs(exact) * 1e-6 + 1e-3
            assert min(recent, last) <= found <= max(recent, last)


@given(TIMES, TIMES)
def test_the_average_falls_to_what_is_measured(benchmark: int, start: int) -> None:
    recent = benchmark + start
    for _ in range(400):
        recent = gate_recent(benchmark, recent, benchmark)
    assert recent == benchmark


def test_whole_microseconds_let_go_of_short_tasklets_sooner() -> None:
    """Rounding down takes at least a unit a lap: 8 us over a benchmark of 5 are gone in 3."""
    coarse, fine, laps = 8, 8000, [0, 0]
    while not gate_admit(1, 5, coarse, 500):
        coarse, laps[0] = gate_recent(5, coarse, 5), laps[0] + 1
    while not gate_admit(1, 5000, fine, 500_000):
        fine, laps[1] = gate_recent(5000, fine, 5000), laps[1] + 1
    assert laps == [3, 17]
