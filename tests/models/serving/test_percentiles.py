"""Percentiles from the histogram against those of the sorted values, on arbitrary samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.engine.histogram import hist_add, hist_percentile, new_histogram

# latencies in ps, from a few to months, and clusters of small ones
SAMPLES = st.lists(st.integers(0, 400) | st.integers(0, 10**19 // 2).map(lambda x: x % 2**62),
                   min_size=1, max_size=80)
SHARES = st.sampled_from([0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0]) | st.floats(0, 1)


@settings(deadline=None)
@given(SAMPLES, SHARES)
def test_within_0_4_percent_of_the_exact_percentile(values: list[int], share: float) -> None:
    counts = new_histogram()
    for value in values:
        hist_add(counts, value, 1)
    ordered = sorted(values)
    exact = ordered[min(max(int(np.ceil(share * len(values))), 1), len(values)) - 1]
    assert hist_percentile(counts, share) == pytest.approx(exact, rel=0.004, abs=0)


@settings(deadline=None)
@given(SAMPLES, SHARES, st.integers(2, 5))
def test_repeating_every_value_changes_nothing(values: list[int], share: float,
                                               times: int) -> None:
    once, often = new_histogram(), new_histogram()
    for value in values:
        hist_add(once, value, 1)
        hist_add(often, value, times)
    # between two ranks, so that no rounding of the share decides which value it means
    between = (max(np.ceil(share * len(values)), 1) - 0.5) / len(values)
    assert hist_percentile(often, between) == hist_percentile(once, between)


@settings(deadline=None)
@given(SAMPLES)
def test_percentiles_never_go_back(values: list[int]) -> None:
    counts = new_histogram()
    for value in values:
        hist_add(counts, value, 1)
    found = [hist_percentile(counts, share) for share in np.linspace(0, 1, 21)]
    assert found == sorted(found)
