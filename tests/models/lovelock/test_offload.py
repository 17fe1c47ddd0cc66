"""The offloaded path gives the answers of the reference path, at the blocks' rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.hdl.filter_sum.golden import Limits, scan
from rackwright.hdl.hash_partition.golden import partitions
from rackwright.models.lovelock import offload
from rackwright.models.lovelock.offload import block_rate

ROWS = 300


def lineitem(seed: int) -> dict[str, np.ndarray]:
    """Rows of the shape that TPC-H Q6 reads: days, percents, pieces, cents."""
    draw = np.random.default_rng(seed)
    return {"key": draw.integers(0, 2**62, ROWS), "date": draw.integers(8000, 10600, ROWS),
            "discount": draw.integers(0, 11, ROWS), "quantity": draw.integers(1, 51, ROWS),
            "price": draw.integers(90_000, 10_500_000, ROWS)}


def reference(rows: dict[str, np.ndarray], limits: Limits) -> int:
    """Q6 row by row, in Python's integers."""
    return sum(int(price) * int(discount) for date, discount, quantity, price in zip(
        rows["date"], rows["discount"], rows["quantity"], rows["price"], strict=True)
        if limits.first_date <= date < limits.end_date and limits.low <= discount <= limits.high
        and quantity < limits.quantity_end)


@given(st.integers(0, 50), st.sampled_from([1, 2, 16, 64]))
def test_partitioned_filter_sums_add_up_to_the_answer(seed: int, count: int) -> None:
    rows, limits = lineitem(seed), Limits(8766, 9131, 5, 7, 24)
    place = partitions(rows["key"], count)
    assert sorted(np.concatenate([rows["key"][place == each] for each in range(count)])) \
        == sorted(rows["key"])     # the multiset of rows is kept
    found = 0
    for each in range(count):
        mine = {name: column[place == each] for name, column in rows.items()}
        found += scan(limits, mine["date"], mine["discount"], mine["quantity"], mine["price"])[0]
    assert found == reference(rows, limits)


def test_no_rows_give_nothing() -> None:
    none = np.zeros(0, np.int64)
    assert scan(Limits(0, 1, 0, 1, 1), none, none, none, none) == (0, 0)


@pytest.mark.parametrize("kind", ["partition", "filter"])
def test_rates_are_the_measured_ones(kind: str) -> None:
    rate = block_rate(kind)
    assert rate.source.startswith("measured on the RTL") and len(rate.rtl_sha256) == 64
    assert rate.record_time(250e6, 4) == pytest.approx(rate.interval_cycles * 1e-9)


def test_four_lanes_of_records_keep_up_with_an_e2000_s_line() -> None:
    assert block_rate("partition").bandwidth(250e6, 1) * 8 == pytest.approx(64e9)
    assert block_rate("partition").bandwidth(250e6, 4) * 8 >= 200e9


def test_a_block_without_measured_cycles_is_named_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(offload.BLOCKS, "filter", ("no_such_block", "beat", "4"))
    assert block_rate("filter").source.startswith("assumed")
