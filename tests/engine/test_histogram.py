"""Histograms of int64 values: exact when small, within their stated error when not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine import HIST_BUCKETS, hist_add, hist_percentile, new_histogram

VALUES = st.integers(0, 300) | st.integers(0, 2**63 - 1)


@settings(deadline=None)
@given(value=VALUES)
def test_one_value_comes_back_within_half_a_percent(value: int) -> None:
    counts = new_histogram()
    hist_add(counts, value, 1)
    assert counts.sum() == 1 and len(counts) == HIST_BUCKETS
    assert hist_percentile(counts, 0.5) == pytest.approx(value, rel=0.004, abs=0)


@settings(deadline=None)
@given(one=VALUES, other=VALUES)
def test_buckets_keep_the_order_of_values(one: int, other: int) -> None:
    first, second = new_histogram(), new_histogram()
    hist_add(first, min(one, other), 1)
    hist_add(second, max(one, other), 1)
    assert np.argmax(first) <= np.argmax(second)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9, 0.99, 1.0])
def test_percentiles_of_many_values(share: float) -> None:
    values = np.sort(np.random.default_rng(1).integers(0, 10**12, 1_001))
    counts = new_histogram()
    for value in values:
        hist_add(counts, value, 2)
    rank = max(int(np.ceil(share * len(values))), 1)
    assert hist_percentile(counts, share) == pytest.approx(values[rank - 1], rel=0.004)


def test_an_empty_histogram_has_no_percentile() -> None:
    assert np.isnan(hist_percentile(new_histogram(), 0.5))
