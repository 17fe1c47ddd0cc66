"""Text with a unit becomes the right SI number; anything else becomes one clear UnitError."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright import units
from rackwright.errors import InputError, UnitError, UnknownName
from rackwright.units import Quantity
from rackwright.units.tables import DIMENSIONS

PARSERS = {
    "time": units.parse_time, "bytes": units.parse_bytes, "rate": units.parse_rate_bps,
    "bandwidth": units.parse_bandwidth, "frequency": units.parse_frequency,
    "power": units.parse_power, "energy": units.parse_energy, "money": units.parse_money,
    "lane_rate": units.parse_lane_rate,
}


@pytest.mark.parametrize(("text", "seconds"), [
    ("60us", 6e-05), ("60 us", 6e-05), (" 60us ", 6e-05), ("60\u00b5s", 6e-05),
    ("60\u03bcs", 6e-05), ("1.5h", 5400.0), ("2min", 120.0), ("3ms", 0.003), ("7ns", 7e-09),
    ("936.25ns", 9.3625e-07), ("1e3ps", 1e-09), ("1E-3s", 0.001), (".5s", 0.5), ("5.s", 5.0),
    ("0s", 0.0),
])
def test_times(text: str, seconds: float) -> None:
    assert units.parse_time(text) == seconds


@pytest.mark.parametrize(("text", "nbytes"), [
    ("64GiB", 64 * 2**30), ("64GB", 64 * 10**9), ("1.5kB", 1500), ("1.5KB", 1500),
    ("1KiB", 1024), ("1MiB", 2**20), ("1TiB", 2**40), ("2TB", 2 * 10**12), ("7B", 7),
    ("9223372036854775807B", 2**63 - 1),
])
def test_sizes(text: str, nbytes: int) -> None:
    assert units.parse_bytes(text) == nbytes
    assert isinstance(units.parse_bytes(text), int)


@pytest.mark.parametrize(("text", "bits"), [
    ("400Gbps", 400e9), ("400Gb/s", 400e9), ("400 Gbit/s", 400e9), ("50GB/s", 400e9),
    ("64GiB/s", 64 * 2**30 * 8), ("10MBps", 80e6), ("10Mbps", 10e6), ("9kbps", 9e3),
    ("9Kbps", 9e3), ("1Tbps", 1e12), ("1Kib/s", 1024), ("3bps", 3),
])
def test_rates_and_bandwidths_are_the_same_thing_by_eight(text: str, bits: float) -> None:
    assert units.parse_rate_bps(text) == bits
    assert units.parse_bandwidth(text) == bits / 8


@pytest.mark.parametrize(("dimension", "text", "value"), [
    ("frequency", "250MHz", 250e6), ("frequency", "1.41GHz", 1.41e9), ("power", "700W", 700.0),
    ("power", "5mW", 0.005), ("power", "5MW", 5e6), ("energy", "1kWh", 3.6e6),
    ("energy", "3Wh", 10800.0), ("energy", "3.2mJ", 0.0032), ("money", "$3.50", 3.5),
    ("money", "3.5USD", 3.5), ("money", "3.5 USD", 3.5), ("lane_rate", "32GT/s", 32e9),
    ("lane_rate", "32.0 GT/s", 32e9),
])
def test_the_rest(dimension: str, text: str, value: float) -> None:
    assert PARSERS[dimension](text) == value
    assert units.parse(text, dimension) == Quantity(value, dimension)


def test_dgx_link_speed_of_a_topology_file_is_no_data_rate() -> None:
    with pytest.raises(UnitError, match="GT/s counts the transfers of one PCIe lane"):
        units.parse_rate_bps("16GT/s")


@pytest.mark.parametrize("dimension", sorted(set(DIMENSIONS) - {"lane_rate"}))
def test_transfers_are_refused_everywhere_else(dimension: str) -> None:
    for text in ("16GT/s", "16 gt/s", "2.5T/s"):
        with pytest.raises(UnitError, match="PCIe lane"):
            PARSERS[dimension](text)


@pytest.mark.parametrize("dimension", sorted(DIMENSIONS))
@pytest.mark.parametrize("bare", ["5", 5, 5.5, "3.5", "1e3"])
def test_a_bare_number_says_what_to_write(dimension: str, bare: object) -> None:
    with pytest.raises(UnitError) as caught:
        PARSERS[dimension](bare)  # type: ignore[arg-type]
    message = str(caught.value)
    assert repr(bare) in message and "write a number with a unit such as" in message
    advised = message.split("such as '")[1].split("'")[0]
    assert PARSERS[dimension](advised) > 0


@pytest.mark.parametrize(("dimension", "bare", "advised"), [
    ("time", 0.0005, "'500us' or '0.0005s'"), ("time", "5e-6", "'5us' or '5e-6s'"),
    ("time", "7.5e-5", "'75us' or '7.5e-5s'"), ("time", "3600", "'3600us' or '3600s'"),
    ("time", "1e-15", "'1e-15us' or '1e-15s'"), ("time", 0, "'0us' or '0s'"),
    ("bytes", 64000000000, "'64GB' or '64000000000B'"), ("bytes", 4000, "'4kB' or '4000B'"),
    ("rate", "100e9", "'100Gbps' or '100e9bps'"), ("power", 0.5, "'500mW' or '0.5W'"),
    ("frequency", 250e6, "'250MHz' or '250000000.0Hz'"), ("money", 30000, "'30000USD'")])
def test_a_bare_number_is_taken_for_base_units_where_only_these_make_sense(
        dimension: str, bare: object, advised: str) -> None:
    with pytest.raises(UnitError) as caught:
        PARSERS[dimension](bare)  # type: ignore[arg-type]
    assert f"such as {advised} (units" in str(caught.value)
    for text in advised.replace("'", "").split(" or ")[1:]:
        assert PARSERS[dimension](text) == pytest.approx(float(str(bare)))


@pytest.mark.parametrize(("dimension", "text", "hint"), [
    ("bytes", "5Gb", "reads as bits and sizes are in bytes: write 'GB'"),
    ("bytes", "5Gbit", "write 'GB'"),
    ("bytes", "10mb", "did you mean 'MB'"),
    ("bytes", "64gib", "did you mean 'GiB'"),
    ("bytes", "64G", "'G' is a prefix without a unit"),
    ("bytes", "64Gi", "'Gi' is a prefix without a unit"),
    ("bytes", "1.5B", "whole number of bytes"),
    ("bytes", "0.1KiB", "whole number of bytes"),
    ("bytes", "9223372036854775808B", "at most"),
    ("rate", "400G", "write '400Gbps' for bits or '400GB/s' for bytes"),
    ("rate", "400Gb", "did you mean 'Gb/s'"),
    ("rate", "400GB", "did you mean 'GB/s'"),
    ("rate", "400gbps", "did you mean 'GBps' or 'Gbps'"),
    ("rate", "10mbps", "b is bits, B is bytes"),
    ("bandwidth", "10 mb/s", "did you mean 'MB/s' or 'Mb/s'"),
    ("bandwidth", "5GHz", "'GHz' is a unit of frequency"),
    ("time", "5m", "write 'ms' or 'min'"),
    ("time", "5MS", "did you mean 'ms'"),
    ("time", "5 sec", "unknown unit 'sec'"),
    ("time", "5GB", "'GB' is a unit of size"),
    ("time", "5us 3", "unknown unit"),
    ("time", "1_000s", "unknown unit"),
    ("time", "1,5s", "unknown unit"),
    ("power", "5w", "did you mean 'W'"),
    ("power", "5kWh", "unit of energy"),
    ("frequency", "5mHz", "did you mean 'MHz'"),
    ("lane_rate", "32Gbps", "unit of data rate"),
    ("money", "3.5EUR", "unknown unit 'EUR'"),
    ("money", "$30,000", "unknown unit"),
    ("time", "-1s", "must not be negative"),
    ("money", "$-3", "must not be negative"),
    ("time", "1e9999s", "too large"),
    ("time", "nans", "must be finite"),
    ("time", "inf", "must be finite"),
    ("time", "-inf s", "must be finite"),
    ("time", "", "such as '5us'"),
    ("time", "us", "such as '5us'"),
    ("time", "\u0663s", "such as '5us'"),  # a digit, but not one that can be read everywhere
    ("time", "1" * 100 + "s", "such as '5us'"),
])
def test_wrong_text_is_refused_with_a_hint(dimension: str, text: str, hint: str) -> None:
    with pytest.raises(UnitError) as caught:
        PARSERS[dimension](text)
    assert hint in str(caught.value)
    assert f"units: {DIMENSIONS[dimension].listing}" in str(caught.value)


@pytest.mark.parametrize("value", [None, True, [1], {"value": 1}, b"5us"])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(UnitError, match="not a time"):
        units.parse_time(value)  # type: ignore[arg-type]


def test_the_whole_message() -> None:
    with pytest.raises(UnitError) as caught:
        units.parse_time("5", what="link latency", place="rack.toml", line=7)
    assert str(caught.value) == (
        "rack.toml:7: link latency: not a time: '5'; write a number with a unit such as '5us' or "
        "'5s' (units: ps, ns, us, ms, s, min, h)")
    assert isinstance(caught.value, InputError) and caught.value.line == 7


def test_a_vowel_has_its_article() -> None:
    with pytest.raises(UnitError, match="^not an energy: '5'"):
        units.parse_energy("5")


def test_quantities_pass_and_convert_only_between_bits_and_bytes() -> None:
    assert units.parse_time(Quantity(2e-6, "time")) == 2e-6
    assert units.parse_rate_bps(Quantity(50e9, "bandwidth")) == 400e9
    assert units.parse_bandwidth(Quantity(400e9, "rate")) == 50e9
    with pytest.raises(UnitError, match="it is a time"):
        units.parse_bytes(Quantity(3, "time"))
    with pytest.raises(UnitError, match="whole"):
        units.parse_bytes(Quantity(3.5, "bytes"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 10**400, "3", True, None])
def test_a_quantity_holds_one_finite_non_negative_number(value: object) -> None:
    with pytest.raises(UnitError, match="not a time"):
        Quantity(value, "time")  # type: ignore[arg-type]


def test_an_unknown_dimension_lists_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'time'.*bandwidth, bytes"):
        units.parse("3s", "tim")


@given(st.text(max_size=40), st.sampled_from(sorted(PARSERS)))
def test_any_text_is_a_quantity_or_a_unit_error(text: str, dimension: str) -> None:
    try:
        assert PARSERS[dimension](text) >= 0
    except UnitError as problem:
        assert re.search(f"not an? {DIMENSIONS[dimension].noun}", str(problem))


@given(st.integers(0, 10**6), st.sampled_from(sorted(PARSERS)), st.data())
def test_every_unit_is_read_and_scales(count: int, dimension: str, data: st.DataObject) -> None:
    unit, factor = data.draw(st.sampled_from(sorted(DIMENSIONS[dimension].factors.items())))
    assert PARSERS[dimension](f"{count}{unit}") == float(count * factor)
