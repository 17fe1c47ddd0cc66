"""The top-k golden against a stable sort."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.errors import UsageError
from rackwright.hdl.topk_stream import top_k_places

SCORES = st.lists(st.one_of(st.floats(width=32), st.sampled_from([0.0, -0.0, 1.0, math.nan])),
                  max_size=30)


@given(SCORES, st.integers(1, 35))
def test_equals_a_stable_sort(scores, k):
    order = sorted(range(len(scores)), key=lambda item: (
        math.isnan(scores[item]), 0.0 if math.isnan(scores[item]) else -scores[item]))
    assert top_k_places(np.array(scores, np.float32), k).tolist() == order[:k]


@given(SCORES)
def test_a_smaller_k_gives_the_head(scores):
    numbers = np.array(scores, np.float64)
    assert top_k_places(numbers, 3).tolist() == top_k_places(numbers, 9).tolist()[:3]


def test_k_must_be_positive():
    with pytest.raises(UsageError, match="k=0: k must be at least 1"):
        top_k_places(np.zeros(3), 0)
