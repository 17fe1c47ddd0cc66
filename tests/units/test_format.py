"""Short text for people: a fitting unit, four digits, and still readable by the parsers."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright import units


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0, "0 s"), (6e-05, "60 us"), (1e-12, "1 ps"), (0.99999999, "1 s"), (0.00099996, "1 ms"),
    (59.0, "59 s"), (3600.0, "3600 s"), (9000.0, "2.5 h"), (-3e-06, "-3 us"),
    (float("nan"), "nan s"), (float("inf"), "inf h"),
])
def test_times(seconds: float, text: str) -> None:
    assert units.format_time(seconds) == text


@pytest.mark.parametrize(("nbytes", "text"), [
    (0, "0 B"), (500, "500 B"), (1000, "1 kB"), (1024, "1 KiB"), (8192, "8 KiB"),
    (64 * 2**30, "64 GiB"), (80 * 10**9, "80 GB"), (10**12, "1 TB"), (1_234_567, "1.235 MB"),
    (3 * 2**20, "3 MiB"),
])
def test_sizes(nbytes: int, text: str) -> None:
    assert units.format_bytes(nbytes) == text


@pytest.mark.parametrize(("write", "value", "text"), [
    (units.format_rate, 400e9, "400 Gb/s"), (units.format_bandwidth, 50e9, "50 GB/s"),
    (units.format_frequency, 1.41e9, "1.41 GHz"), (units.format_power, 1250.0, "1.25 kW"),
    (units.format_energy, 0.0032, "3.2 mJ"), (units.format_money, 3.5, "$3.50"),
    (units.format_money, -0.25, "-$0.25"), (units.format_money, 0.0012, "$0.0012"),
    (units.format_money, 0, "$0.00"),
])
def test_the_rest(write: Callable[[float], str], value: float, text: str) -> None:
    assert write(value) == text


@given(st.floats(1e-9, 1e9), st.sampled_from([
    (units.format_time, units.parse_time), (units.format_rate, units.parse_rate_bps),
    (units.format_bandwidth, units.parse_bandwidth), (units.format_power, units.parse_power),
    (units.format_energy, units.parse_energy),
    (units.format_frequency, units.parse_frequency)]))
def test_short_text_reads_back_to_four_digits(
        value: float, pair: tuple[Callable[[float], str], Callable[[str], float]]) -> None:
    write, read = pair
    assert read(write(value)) == pytest.approx(value, rel=5.1e-4)


@given(st.integers(0, 2**50))
def test_short_sizes_read_back(nbytes: int) -> None:
    assert units.parse_bytes(units.format_bytes(nbytes)) == pytest.approx(nbytes, rel=5.1e-4)
