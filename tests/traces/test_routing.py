"""Shares and integer weights of the exponential routing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.traces import TOTAL_WEIGHT, ExponentialRouting

ROUTINGS = st.builds(ExponentialRouting, blocks=st.integers(1, 4), experts=st.integers(1, 300),
                     top_k=st.just(1), skew=st.floats(1e-3, 1), seed=st.integers(0, 2**31 - 1))


@given(ROUTINGS)
def test_weights_are_positive_integers_with_an_exact_sum(routing: ExponentialRouting) -> None:
    assert routing.weights.dtype == np.int64
    assert routing.weights.shape == (routing.blocks, routing.experts)
    assert routing.weights.min() >= 1
    assert (routing.weights.sum(axis=1) == TOTAL_WEIGHT).all()


@given(ROUTINGS)
def test_weights_are_near_the_shares_and_in_their_order(routing: ExponentialRouting) -> None:
    error = routing.weights / TOTAL_WEIGHT - routing.probabilities
    assert np.abs(error).max() <= (routing.experts + 1) / TOTAL_WEIGHT
    by_rank = np.take_along_axis(routing.weights, np.argsort(routing.ranks), axis=1)
    assert (np.diff(by_rank) <= 0).all()
    assert (by_rank == by_rank[0]).all()


def test_shares_follow_the_skew() -> None:
    routing = ExponentialRouting(blocks=3, experts=8, top_k=2, skew=0.8)
    shares = np.sort(routing.probabilities[0])[::-1]
    assert shares == pytest.approx(0.8 ** np.arange(8) * 0.2 / (1 - 0.8**8))
    assert routing.hottest_share == pytest.approx(0.24, abs=5e-4)  # the sheet of the AEP paper
    assert routing.probabilities.sum(axis=1) == pytest.approx(np.ones(3))


def test_the_skew_at_which_the_mean_is_three_tenths_of_the_hottest() -> None:
    routing = ExponentialRouting(blocks=1, experts=8, top_k=1, skew=0.589)
    expected = [.417, .246, .145, .085, .050, .030, .017, .010]
    assert np.sort(routing.probabilities[0])[::-1] == pytest.approx(expected, abs=6e-4)


def test_no_skew_is_uniform() -> None:
    routing = ExponentialRouting(blocks=2, experts=8, top_k=1, skew=1)
    assert (routing.weights == TOTAL_WEIGHT // 8).all()


def test_each_block_deals_its_own_ranks_whatever_the_number_of_blocks() -> None:
    few, many = (ExponentialRouting(blocks=blocks, experts=8, top_k=1) for blocks in (4, 32))
    assert (np.sort(many.ranks) == np.arange(8)).all()
    assert len({tuple(row) for row in many.ranks.tolist()}) > 25
    assert (many.ranks[:4] == few.ranks).all()
    assert (ExponentialRouting(4, 8, 1, seed=1).ranks != few.ranks).any()


def test_columns_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ExponentialRouting(1, 8, 1).weights[0, 0] = 5


@pytest.mark.parametrize(("change", "message"), [
    ({"blocks": 0}, "blocks = 0; expected 1 to"), ({"experts": 0}, "experts = 0"),
    ({"experts": 5000}, "experts = 5000; expected 1 to 4096"),
    ({"top_k": 0}, "top_k = 0"), ({"top_k": 9}, "top_k = 9; expected 1 to 8"),
    ({"seed": -1}, "seed = -1"), ({"seed": 2**31}, "seed = 2147483648"),
    ({"skew": 0.0}, "skew = 0.0"), ({"skew": 1.5}, "skew = 1.5"),
    ({"skew": float("nan")}, "skew = nan"),
])
def test_what_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=f"routing: {message}"):
        ExponentialRouting(**{"blocks": 2, "experts": 8, "top_k": 2, **change})
