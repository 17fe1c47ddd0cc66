"""Quantities: the only place where units are converted.

Text in: a number with a unit (`2us`, `400Gbps`, `64GiB`), read strictly. Out: plain SI numbers
(seconds, bytes, bit/s, bytes/s, Hz, W, J, USD), int64 picoseconds for the engine, and text.

* A bare number is an error: no unit is ever assumed.
* Case counts: `b` is bits and `B` bytes, `ms` is not `MS`. k or K is 1000, Ki is 1024.
* A quantity is finite and not negative; nan, inf and a minus sign are refused.
* Text is converted exactly and rounded once, so `60us` is the float 6e-05.
* `GT/s` counts the transfers of one PCIe lane before encoding; it is refused as a data rate.

What it leaves out: compound units, unit arithmetic, money other than USD.
Importing it needs only the standard library.
"""

from __future__ import annotations

from rackwright.units.clock import MAX_TIME, parse_time_ps, ps_to_seconds, seconds_to_ps
from rackwright.units.quantity import (
    Quantity,
    Where,
    parse,
    parse_bandwidth,
    parse_bytes,
    parse_energy,
    parse_frequency,
    parse_lane_rate,
    parse_money,
    parse_power,
    parse_rate_bps,
    parse_time,
)
from rackwright.units.tables import BASE_UNITS
from rackwright.units.text import (
    exact_bandwidth,
    exact_bytes,
    exact_energy,
    exact_frequency,
    exact_lane_rate,
    exact_money,
    exact_power,
    exact_rate,
    exact_time,
    format_bandwidth,
    format_bytes,
    format_energy,
    format_frequency,
    format_money,
    format_power,
    format_rate,
    format_time,
)

__all__ = [
    "BASE_UNITS",
    "MAX_TIME",
    "Quantity",
    "Where",
    "exact_bandwidth",
    "exact_bytes",
    "exact_energy",
    "exact_frequency",
    "exact_lane_rate",
    "exact_money",
    "exact_power",
    "exact_rate",
    "exact_time",
    "format_bandwidth",
    "format_bytes",
    "format_energy",
    "format_frequency",
    "format_money",
    "format_power",
    "format_rate",
    "format_time",
    "parse",
    "parse_bandwidth",
    "parse_bytes",
    "parse_energy",
    "parse_frequency",
    "parse_lane_rate",
    "parse_money",
    "parse_power",
    "parse_rate_bps",
    "parse_time",
    "parse_time_ps",
    "ps_to_seconds",
    "seconds_to_ps",
]
