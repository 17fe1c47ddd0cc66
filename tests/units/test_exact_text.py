"""Exact text reads back as the identical number, in every dimension."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rackwright import units
from rackwright.errors import UnitError
from rackwright.units import Quantity
from rackwright.units.tables import DIMENSIONS

PAIRS: list[tuple[Callable[[float], str], Callable[[str], float]]] = [
    (units.exact_time, units.parse_time), (units.exact_rate, units.parse_rate_bps),
    (units.exact_bandwidth, units.parse_bandwidth),
    (units.exact_frequency, units.parse_frequency), (units.exact_power, units.parse_power),
    (units.exact_energy, units.parse_energy), (units.exact_money, units.parse_money),
    (units.exact_lane_rate, units.parse_lane_rate),
]
VALUES = st.floats(min_value=0, allow_nan=False, allow_infinity=False)


@given(VALUES, st.sampled_from(PAIRS))
@example(5e-324, PAIRS[0])
@example(1.7976931348623157e308, PAIRS[0])
@example(-0.0, PAIRS[0])
def test_round_trip(value: float, pair: tuple[Callable[[float], str], Callable[[str], float]]
                    ) -> None:
    write, read = pair
    again = read(write(value))
    assert again == value and math.copysign(1, again) == 1


@given(st.integers(0, 2**63 - 1))
def test_bytes_round_trip_as_integers(nbytes: int) -> None:
    assert units.parse_bytes(units.exact_bytes(nbytes)) == nbytes


@given(VALUES, st.sampled_from(sorted(set(DIMENSIONS) - {"bytes"})))
def test_str_of_a_quantity_round_trips(value: float, dimension: str) -> None:
    quantity = Quantity(value, dimension)
    assert units.parse(str(quantity), dimension) == quantity


def test_the_text_is_short() -> None:
    assert units.exact_time(0.00006) == "6e-05s"
    assert units.exact_rate(400e9) == "400000000000bps"
    assert units.exact_bytes(0) == "0B"
    assert units.exact_money(3) == "3USD"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_what_is_no_quantity_is_not_written(value: float) -> None:
    for write, _ in PAIRS:
        with pytest.raises(UnitError, match="finite and not negative"):
            write(value)


@pytest.mark.parametrize("value", [1.0, -1, 2**63, None])
def test_bytes_are_written_from_integers_in_range(value: object) -> None:
    with pytest.raises(UnitError, match="not a size"):
        units.exact_bytes(value)  # type: ignore[arg-type]
