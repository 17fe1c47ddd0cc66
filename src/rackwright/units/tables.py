"""The units that are accepted, one table a dimension, and the advice given about the others.

Factors are exact fractions of the SI base unit. What it leaves out: reading and writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from rackwright.errors import UnknownName

__all__ = ["BASE_UNITS", "DIMENSIONS", "Dimension", "advice", "dimension_named"]

_DECIMAL = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BINARY = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_BITS = ("b", "bit")
_PER_SECOND = {"": 1, "M": 10**6, "G": 10**9}


class Dimension(NamedTuple):
    """What messages call it, its SI unit, the unit to advise, all units, and their factors."""

    noun: str
    base: str
    example: str
    listing: str
    factors: Mapping[str, Fraction]


def _scaled(units: tuple[str, ...], prefixes: Mapping[str, int], one: Fraction
            ) -> dict[str, Fraction]:
    return {prefix + unit: factor * one for unit in units for prefix, factor in prefixes.items()}


def _data_rates(one_bit: Fraction) -> dict[str, Fraction]:
    every = _DECIMAL | _BINARY
    return (_scaled(("bps", "b/s", "bit/s"), every, one_bit)
            | _scaled(("Bps", "B/s"), every, 8 * one_bit))


_ONE = Fraction(1)
_RATES = "b/s, bit/s or bps for bits, B/s or Bps for bytes, with k, M, G, T, Ki, Mi, Gi, Ti"

DIMENSIONS: Mapping[str, Dimension] = {
    "time": Dimension("time", "s", "us", "ps, ns, us, ms, s, min, h", {
        "s": _ONE, "ms": _ONE / 10**3, "us": _ONE / 10**6, "ns": _ONE / 10**9,
        "ps": _ONE / 10**12, "min": _ONE * 60, "h": _ONE * 3600}),
    "bytes": Dimension("size", "B", "MB", "B, kB, MB, GB, TB, KiB, MiB, GiB, TiB",
                       _scaled(("B",), _DECIMAL | _BINARY, _ONE)),
    "rate": Dimension("data rate", "bps", "Gbps", _RATES, _data_rates(_ONE)),
    "bandwidth": Dimension("data rate", "B/s", "GB/s", _RATES, _data_rates(_ONE / 8)),
    "frequency": Dimension("frequency", "Hz", "MHz", "Hz, kHz, MHz, GHz",
                           _scaled(("Hz",), {"k": 10**3} | _PER_SECOND, _ONE)),
    "power": Dimension("power", "W", "W", "mW, W, kW, MW", {
        "mW": _ONE / 1000, "W": _ONE, "kW": _ONE * 1000, "MW": _ONE * 10**6}),
    "energy": Dimension("energy", "J", "J", "mJ, J, kJ, MJ, Wh, kWh", {
        "mJ": _ONE / 1000, "J": _ONE, "kJ": _ONE * 1000, "MJ": _ONE * 10**6,
        "Wh": _ONE * 3600, "kWh": _ONE * 3_600_000}),
    "money": Dimension("price", "USD", "USD", "USD, or a leading $", {"USD": _ONE}),
    "lane_rate": Dimension("PCIe lane rate", "T/s", "GT/s", "GT/s, MT/s, T/s",
                           _scaled(("T/s",), _PER_SECOND, _ONE)),
}


BASE_UNITS = tuple(dict.fromkeys("bit" if each.base == "bps" else each.base.partition("/")[0]
                                 for name, each in DIMENSIONS.items() if name != "lane_rate"))
"""What amounts are measured in here, SI and bits: s, B, bit, Hz, W, J, USD."""


def dimension_named(name: str) -> Dimension:
    """The dimension called `name`; raises UnknownName."""
    if name not in DIMENSIONS:
        raise UnknownName("dimension", name, DIMENSIONS)
    return DIMENSIONS[name]


def advice(unit: str, number: str, wanted: Dimension) -> str:
    """What to write instead of `number` with `unit`, which `wanted` does not have."""
    if not unit:
        return _without_unit(number, wanted)
    return (_lone_prefix(unit, number, wanted) or _transfers(unit, wanted)
            or _bits_as_size(unit, wanted) or _other_case(unit, wanted)
            or _amount(unit, wanted) or _other_dimension(unit) or f"unknown unit '{unit}'")


def _without_unit(number: str, wanted: Dimension) -> str:
    """A bare number is most often one in the base unit, when it is very small or very large."""
    near = _fitting(number, wanted)
    if near:
        return f"write a number with a unit such as '{near}' or '{number}{wanted.base}'"
    base = "" if wanted.example == wanted.base else f" or '{number}{wanted.base}'"
    return f"write a number with a unit such as '{number}{wanted.example}'{base}"


def _fitting(number: str, wanted: Dimension) -> str:
    """The same amount of base units, as 1 to 999 of a larger or smaller one, if there is one."""
    try:
        value = Fraction(number)
    except ValueError:  # inf, nan
        return ""
    if 1 <= value < 1000 or (value >= 1000 and wanted.base == "s"):  # 3600: no hint of what
        return ""
    listed = wanted.listing.split(", ")
    for unit in sorted(wanted.factors, key=lambda unit: (unit not in listed, len(unit), unit)):
        amount = value / wanted.factors[unit]
        if 1 <= amount < 1000 and unit != wanted.base and unit.endswith(wanted.base):
            return f"{float(amount):.12g}{unit}"
    return ""


def _lone_prefix(unit: str, number: str, wanted: Dimension) -> str:
    if unit == "m" and wanted.base == "s":
        return "'m' could be milliseconds or minutes: write 'ms' or 'min'"
    if unit not in _DECIMAL and unit not in _BINARY and unit != "m":
        return ""
    if wanted.noun == "data rate":
        return (f"'{unit}' does not say of what: write '{number}{unit}bps' for bits or "
                f"'{number}{unit}B/s' for bytes")
    return f"'{unit}' is a prefix without a unit: write for example '{number}{wanted.example}'"


def _transfers(unit: str, wanted: Dimension) -> str:
    lower = unit.casefold()
    if not lower.endswith("t/s") or lower.endswith("bit/s") or wanted.base == "T/s":
        return ""
    return ("GT/s counts the transfers of one PCIe lane before encoding, not data; write a rate "
            "in bits or bytes such as '64GB/s', or give the lane rate where one is asked for")


def _bits_as_size(unit: str, wanted: Dimension) -> str:
    for bits in _BITS:
        prefix = unit.removesuffix(bits)
        if wanted.base == "B" and unit.endswith(bits) and prefix in (_DECIMAL | _BINARY):
            return f"'{unit}' reads as bits and sizes are in bytes: write '{prefix}B'"
    return ""


def _other_case(unit: str, wanted: Dimension) -> str:
    near = sorted(known for known in wanted.factors if known.casefold() == unit.casefold())
    note = " (b is bits, B is bytes)" if wanted.noun == "data rate" else ""
    listed = " or ".join(f"'{known}'" for known in near)
    return f"case counts: did you mean {listed}?{note}" if near else ""


def _amount(unit: str, wanted: Dimension) -> str:
    if f"{unit}/s" not in wanted.factors:
        return ""
    return f"'{unit}' is an amount and a rate is wanted: did you mean '{unit}/s'?"


def _other_dimension(unit: str) -> str:
    owners = sorted({other.noun for other in DIMENSIONS.values() if unit in other.factors})
    return f"'{unit}' is a unit of {' or '.join(owners)}" if owners else ""
