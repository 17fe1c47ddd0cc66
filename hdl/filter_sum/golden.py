"""Golden of the filter-sum block: the scan of TPC-H's query 6, as a kernel.

A row passes if first_date <= date < end_date, low <= discount <= high and quantity < quantity_end;
the answer is the sum of price x discount over the rows that pass, and their number. Prices are
whole cents below 2**32, discounts and quantities below 256 (discounts in percent), dates days below
2**16: the sum is in cents times percents.

Left out: decimal types, other predicates. The sum is exact below 2**63; the RTL says when its own
width does not suffice.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["Limits", "filter_sum", "scan"]


class Limits(NamedTuple):
    """Which rows pass; ends are excluded, `high` is not."""

    first_date: int
    end_date: int
    low: int
    high: int
    quantity_end: int


@kernel
def filter_sum(limits, date, discount, quantity, price, answer):  # type: ignore[no-untyped-def]
    """Add the rows that pass to `answer`: int64 of shape (2,), sum and number of rows."""
    for i in range(date.size):
        if (limits.first_date <= date[i] < limits.end_date
                and limits.low <= discount[i] <= limits.high
                and quantity[i] < limits.quantity_end):
            answer[0] += price[i] * discount[i]
            answer[1] += 1


def scan(limits: Limits, date: npt.NDArray[np.int64], discount: npt.NDArray[np.int64],
         quantity: npt.NDArray[np.int64], price: npt.NDArray[np.int64]) -> tuple[int, int]:
    """(sum, rows) of int64 columns of one length.

    >>> column = np.array([10, 20, 30])
    >>> scan(Limits(10, 30, 5, 7, 24), column, np.array([5, 7, 6]), column, column * 100)
    (19000, 2)
    """
    answer = np.zeros(2, np.int64)
    filter_sum(limits, date, discount, quantity, price, answer)
    return int(answer[0]), int(answer[1])
