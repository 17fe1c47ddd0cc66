"""The partitioner's golden against integers of any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.hash_partition import FACTOR, partition_counts, partition_of, partitions

KEYS = st.integers(-(1 << 63), (1 << 63) - 1)


@given(KEYS, st.integers(0, 6))
def test_equals_the_product_modulo_two_to_the_64(key, bits):
    assert partition_of(key, bits) == (key % (1 << 64) * FACTOR % (1 << 64)) >> 64 - bits


@given(KEYS)
def test_finer_partitions_split_coarser_ones(key):
    assert partition_of(key, 6) >> 2 == partition_of(key, 4)


def test_histogram_counts_every_key_once():
    keys, counts = np.arange(-500, 500), np.zeros(16, np.int64)
    partition_counts(keys, 4, counts)
    assert counts.sum() == 1000 and (counts == np.bincount(partitions(keys, 16))).all()


def test_successive_keys_spread_evenly():
    """Successive keys fall within 2 of the mean (three-gap theorem)."""
    for count in (2, 8, 64):
        found = np.bincount(partitions(np.arange(6400), count), minlength=count)
        assert abs(found - 6400 / count).max() <= 2


@pytest.mark.parametrize("count", [0, 3, 128, -4])
def test_impossible_counts_are_refused(count):
    with pytest.raises(UsageError, match=f"{count} partitions: must be a power of two"):
        partitions(np.array([1]), count)
