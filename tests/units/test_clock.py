"""Seconds to whole picoseconds and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright import units
from rackwright.errors import UnitError


@given(st.integers(0, 2**50))
def test_picoseconds_survive_the_way_through_seconds(ps: int) -> None:
    assert units.seconds_to_ps(units.ps_to_seconds(ps)) == ps


@given(st.lists(st.floats(0, units.MAX_TIME), max_size=20))
def test_array_and_scalar_agree(times: list[float]) -> None:
    array = units.seconds_to_ps(np.array(times, dtype=np.float64))
    assert array.dtype == np.int64
    assert array.tolist() == [units.seconds_to_ps(time) for time in times]
    assert units.ps_to_seconds(array).tolist() == [units.ps_to_seconds(ps)
                                                   for ps in array.tolist()]


def test_rounds_to_nearest_half_to_even() -> None:
    assert [units.seconds_to_ps(x * 1e-12) for x in (0.4, 0.6, 1.5, 2.5)] == [0, 1, 2, 2]
    assert units.parse_time_ps("2.5ps") == 2 and units.parse_time_ps("3.5ps") == 4


def test_types_and_shapes() -> None:
    assert type(units.seconds_to_ps(np.float64(1e-6))) is int
    assert type(units.ps_to_seconds(7)) is float
    assert type(units.seconds_to_ps(np.array(1e-6))) is int  # type: ignore[comparison-overlap]
    assert units.seconds_to_ps(np.ones((2, 3))).shape == (2, 3)
    assert units.seconds_to_ps(np.ones(0)).shape == (0,)


def test_text_is_exact_where_floats_are_not() -> None:
    assert units.parse_time_ps("100h") == 100 * 3600 * 10**12
    assert units.parse_time_ps("9000000.000000000001s") == 9_000_000 * 10**12 + 1


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1e-12, 107 * 86_400.0])
def test_the_range_of_the_clock(bad: float) -> None:
    with pytest.raises(UnitError, match="0 to 106 days"):
        units.seconds_to_ps(bad)
    with pytest.raises(UnitError, match="index 1.*0 to 106 days"):
        units.seconds_to_ps(np.array([0.0, bad, bad]))


def test_text_beyond_the_clock() -> None:
    assert units.parse_time_ps("2544h") == units.seconds_to_ps(units.MAX_TIME)
    with pytest.raises(UnitError, match="sleep: not a time: '2545h'.*106 days"):
        units.parse_time_ps("2545h", what="sleep")


def test_the_limit_fits_int64() -> None:
    limit: Any = units.seconds_to_ps(np.array([units.MAX_TIME]))
    assert 0 < limit[0] <= 2**63 - 1 - 18 * 3600 * 10**12
