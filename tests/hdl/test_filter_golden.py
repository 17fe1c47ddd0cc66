"""The filter-sum golden against plain Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rackwright.hdl.filter_sum import Limits, filter_sum, scan

ROWS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9),
                          st.integers(0, (1 << 32) - 1)), max_size=30)
LIMITS = st.builds(Limits, *(st.integers(0, 9) for _ in range(5)))


def columns(rows):
    return [np.array([row[place] for row in rows], np.int64) for place in range(4)]


@given(ROWS, LIMITS)
def test_equals_a_comprehension(rows, limits):
    passed = [price * discount for date, discount, quantity, price in rows
              if date in range(limits.first_date, limits.end_date)
              and discount in range(limits.low, limits.high + 1)
              and quantity < limits.quantity_end]
    assert scan(limits, *columns(rows)) == (sum(passed), len(passed))


@given(ROWS, LIMITS, st.integers(0, 30))
def test_a_scan_may_be_cut_anywhere(rows, limits, cut):
    answer = np.zeros(2, np.int64)
    for part in (rows[:cut], rows[cut:]):
        filter_sum(limits, *columns(part), answer)
    assert tuple(answer) == scan(limits, *columns(rows))
