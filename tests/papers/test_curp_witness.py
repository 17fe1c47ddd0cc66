"""curp-14: records that a witness takes before the first set overflows (NSDI 2019, figure 14).

The published curve has no table: the rows are our own Monte Carlo of an earlier program, of which
the direct-mapped 4096 slots agree with the figure. Three independent sources are held together:
that table, the Monte Carlo on the golden, and the exact mean.
"""

from __future__ import annotations

import math

import pytest

from rackwright.errors import UsageError
from rackwright.hdl.witness_table import conflict_counts, records_before_conflict

WAYS = (1, 2, 4, 8)
TABLE = {512: (28, 70, 139, 224), 1024: (39, 109, 236, 402), 2048: (57, 172, 404, 720),
         4096: (80, 270, 691, 1292)}
CELLS = [(slots, ways, value) for slots, row in TABLE.items()
         for ways, value in zip(WAYS, row, strict=True)]
TRIALS = {1: 40_000, 2: 6000, 4: 6000, 8: 6000}  # fewer ways spread more, and cost less


def exact_mean(sets: int, ways: int) -> float:
    """Mean number of uniformly spread records before one meets a full set.

    The sum over n >= 1 of p[n], the chance that n records overflow nothing:
    p[n] = n! / sets**n * [x**n] (sum over k <= ways of x**k / k!)**sets, by the recurrence for
    the power of a polynomial.
    """
    chance, total = [1.0], 0.0
    while chance[-1] > 1e-12:
        n, value, factor = len(chance), 0.0, 1.0
        for k in range(1, min(ways, n) + 1):
            factor *= (n - k + 1) / sets / k
            value += (sets * k - n + k) * factor * chance[n - k]
        chance.append(value / n)
        total += chance[-1]
    return total


@pytest.mark.parametrize(("slots", "ways", "value"), CELLS)
def test_mean_records_before_overflow(slots: int, ways: int, value: int) -> None:
    mean = records_before_conflict(slots // ways, ways, trials=TRIALS[ways], seed=14)
    assert mean == pytest.approx(value, rel=0.03)


@pytest.mark.parametrize(("slots", "ways", "value"), CELLS)
def test_exact_mean(slots: int, ways: int, value: int) -> None:
    exact = exact_mean(slots // ways, ways)
    assert value == pytest.approx(exact, rel=0.03)
    counts = conflict_counts(slots // ways, ways, trials=TRIALS[ways], seed=1)
    error = counts.std() / math.sqrt(TRIALS[ways])
    assert abs(counts.mean() - exact) < 4.5 * error  # 32 such draws: below 1 in 4000 by chance


@pytest.mark.parametrize("slots", TABLE)
def test_direct_mapped_is_the_birthday_problem(slots: int) -> None:
    """The rejected record is not counted; counting it would give + 2/3 instead of - 1/3."""
    assert exact_mean(slots, 1) == pytest.approx(math.sqrt(math.pi * slots / 2) - 1 / 3, abs=0.01)


def test_smallest_table_by_hand() -> None:
    """2 sets of 1 way: 1 record or, with chance 1/2, 2 before the overflow: 1.5 on average."""
    assert exact_mean(2, 1) == pytest.approx(1.5)
    counts = conflict_counts(2, 1, trials=4000, seed=0)
    assert set(counts.tolist()) == {1, 2}
    assert counts.mean() == pytest.approx(1.5, abs=0.04)


def test_seed_decides() -> None:
    first = conflict_counts(64, 4, trials=20, seed=1).tolist()
    assert conflict_counts(64, 4, trials=20, seed=1).tolist() == first
    assert conflict_counts(64, 4, trials=20, seed=2).tolist() != first
    assert conflict_counts(64, 4, trials=10, seed=1).tolist() == first[:10]
    with pytest.raises(UsageError, match="trials=0"):
        conflict_counts(64, 4, trials=0, seed=1)
