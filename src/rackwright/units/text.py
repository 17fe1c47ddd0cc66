"""Quantities as text: exact text for files and hashes, short text for people.

`exact_*` takes an SI number and gives text that parses back to the identical number. `format_*`
gives four significant digits in a fitting unit; it takes any float, nan and negative ones too,
since results hold differences. Both are independent of locale. What it leaves out: see the
package.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from rackwright.errors import UnitError
from rackwright.units.quantity import Quantity, parse_bytes

__all__ = [
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
]

_Ladder = Sequence[tuple[str, float]]

_TIME: _Ladder = (("ps", 1e-12), ("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0))
_BYTES: _Ladder = (("B", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12))
_BINARY_BYTES: _Ladder = (("B", 1.0), ("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30),
                          ("TiB", 2.0**40))
_RATE: _Ladder = (("b/s", 1.0), ("kb/s", 1e3), ("Mb/s", 1e6), ("Gb/s", 1e9), ("Tb/s", 1e12))
_BANDWIDTH: _Ladder = (("B/s", 1.0), ("kB/s", 1e3), ("MB/s", 1e6), ("GB/s", 1e9), ("TB/s", 1e12))
_FREQUENCY: _Ladder = (("Hz", 1.0), ("kHz", 1e3), ("MHz", 1e6), ("GHz", 1e9))
_POWER: _Ladder = (("mW", 1e-3), ("W", 1.0), ("kW", 1e3), ("MW", 1e6))
_ENERGY: _Ladder = (("mJ", 1e-3), ("J", 1.0), ("kJ", 1e3), ("MJ", 1e6))


def exact_time(seconds: float) -> str:
    """Exact text of a time in seconds. Raises UnitError, as all of these, on nan and negative.

    >>> exact_time(0.00006)
    '6e-05s'
    """
    return str(Quantity(seconds, "time"))


def exact_bytes(nbytes: int) -> str:
    """Exact text of a whole number of bytes."""
    try:
        text = f"{operator.index(nbytes)}B"
    except TypeError:
        raise UnitError(f"not a size: {nbytes!r}; give bytes as an integer") from None
    parse_bytes(text)
    return text


def exact_rate(rate_bps: float) -> str:
    """Exact text of a rate in bits/s."""
    return str(Quantity(rate_bps, "rate"))


def exact_bandwidth(bandwidth: float) -> str:
    """Exact text of a bandwidth in bytes/s."""
    return str(Quantity(bandwidth, "bandwidth"))


def exact_frequency(hertz: float) -> str:
    """Exact text of a frequency in Hz."""
    return str(Quantity(hertz, "frequency"))


def exact_power(watts: float) -> str:
    """Exact text of a power in W."""
    return str(Quantity(watts, "power"))


def exact_energy(joules: float) -> str:
    """Exact text of an energy in J."""
    return str(Quantity(joules, "energy"))


def exact_money(usd: float) -> str:
    """Exact text of a price in USD."""
    return str(Quantity(usd, "money"))


def exact_lane_rate(transfers_per_s: float) -> str:
    """Exact text of a PCIe lane rate in transfers/s."""
    return str(Quantity(transfers_per_s, "lane_rate"))


def format_time(seconds: float) -> str:
    """Short text of a time: '60 us', '1.5 s', '2.5 h' (hours from two on).

    >>> format_time(6e-05)
    '60 us'
    """
    if abs(seconds) >= 7200:
        return f"{seconds / 3600:.4g} h"
    return _scaled(seconds, _TIME)


def format_bytes(nbytes: float) -> str:
    """Short text of a size: binary units where they are exact and shorter ('64 GiB', '1.5 GB')."""
    decimal, binary = _scaled(nbytes, _BYTES), _scaled(nbytes, _BINARY_BYTES)
    number, unit = binary.split()
    exact = float(number) * dict(_BINARY_BYTES)[unit] == nbytes
    return binary if exact and len(number) < len(decimal.split()[0]) else decimal


def format_rate(rate_bps: float) -> str:
    """Short text of a data rate in bits/s: '400 Gb/s'."""
    return _scaled(rate_bps, _RATE)


def format_bandwidth(bandwidth: float) -> str:
    """Short text of a data rate in bytes/s: '50 GB/s'."""
    return _scaled(bandwidth, _BANDWIDTH)


def format_frequency(hertz: float) -> str:
    """Short text of a frequency: '250 MHz'."""
    return _scaled(hertz, _FREQUENCY)


def format_power(watts: float) -> str:
    """Short text of a power: '1.2 kW'."""
    return _scaled(watts, _POWER)


def format_energy(joules: float) -> str:
    """Short text of an energy: '3.2 mJ'."""
    return _scaled(joules, _ENERGY)


def format_money(usd: float) -> str:
    """Short text of a price: '$3.50', '-$0.25'; four digits below one cent."""
    sign = "-" if usd < 0 else ""
    size = abs(usd)
    return f"{sign}${size:.4g}" if 0 < size < 0.01 else f"{sign}${size:.2f}"


def _scaled(value: float, ladder: _Ladder) -> str:
    """`value` in the first unit of `ladder` that needs less than 1000, or in the last one."""
    if value == 0:
        return "0 " + next(unit for unit, factor in ladder if factor == 1.0)
    texts = [f"{value / factor:.4g} {unit}" for unit, factor in ladder]
    return next((text for text in texts if abs(float(text.split()[0])) < 1000), texts[-1])
