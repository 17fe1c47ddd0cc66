"""`Quantity`, our typed value, and the strict parsers of text with a unit.

Every parser takes text or a Quantity, and the keywords `what` (the field's name), `place` (a
file) and `line`, which only serve the message of the UnitError that it raises on anything else.
Text is read as an exact fraction and rounded once. What it leaves out: see the package.
"""

from __future__ import annotations

import math
import numbers
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TypedDict, Unpack, cast

from rackwright.errors import UnitError
from rackwright.units.tables import DIMENSIONS, advice, dimension_named

__all__ = [
    "Quantity",
    "Where",
    "exact_value",
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
    "refusal",
]

_NUMBER = re.compile(r"(-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4}(?![0-9]))?) *(.*)")
_LONGEST = 64  # characters; longer text is no quantity and would be slow to convert exactly
_ENDLESS = ("inf", "nan")
_MAX_BYTES = 2**63 - 1


class Where(TypedDict, total=False):
    """What an error says about the place: the field's name, the file, its line."""

    what: str
    place: object
    line: int | None


@dataclass(frozen=True)
class Quantity:
    """A finite, non-negative SI `value` of a `dimension`; `str()` is exact text.

    Dimensions: time (s), bytes (B), rate (bit/s), bandwidth (B/s), frequency (Hz), power (W),
    energy (J), money (USD), lane_rate (transfers/s). Raises UnitError.

    >>> str(Quantity(6e-05, "time"))
    '6e-05s'
    """

    value: float
    dimension: str

    def __post_init__(self) -> None:
        known, value = dimension_named(self.dimension), self.value
        if not isinstance(value, numbers.Real) or isinstance(value, bool):
            raise UnitError(f"not a {known.noun}: {value!r}; a Quantity holds one SI number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number) or number < 0:
            raise UnitError(f"not a {known.noun}: {value!r}; it must be finite and not negative")
        object.__setattr__(self, "value", number + 0.0)  # + 0.0 turns -0.0 into 0.0

    def __str__(self) -> str:
        return repr(self.value).removesuffix(".0") + DIMENSIONS[self.dimension].base


def parse(value: str | Quantity, dimension: str, **where: Unpack[Where]) -> Quantity:
    """Read text, or check a Quantity, as a `dimension` (see Quantity). Raises UnitError.

    >>> parse("50GB/s", "rate")
    Quantity(value=400000000000.0, dimension='rate')
    """
    exact = exact_value(value, dimension, where)
    if dimension == "bytes":
        exact = Fraction(_whole(exact, value, where))
    try:
        return Quantity(float(exact), dimension)
    except OverflowError:
        raise refusal(value, dimension, "the number is too large", where) from None


def parse_time(value: str | Quantity, **where: Unpack[Where]) -> float:
    """Seconds, from text such as '2us' or '1.5h'. Raises UnitError.

    >>> parse_time("60us")
    6e-05
    """
    return parse(value, "time", **where).value


def parse_bytes(value: str | Quantity, **where: Unpack[Where]) -> int:
    """A whole number of bytes, from text such as '64GiB'. Raises UnitError."""
    return _whole(exact_value(value, "bytes", where), value, where)


def parse_rate_bps(value: str | Quantity, **where: Unpack[Where]) -> float:
    """Bits/s, from a bit rate ('400Gbps') or a byte rate ('50GB/s'). Raises UnitError."""
    return parse(value, "rate", **where).value


def parse_bandwidth(value: str | Quantity, **where: Unpack[Where]) -> float:
    """Bytes/s, from a byte rate ('50GB/s') or a bit rate ('400Gbps'). Raises UnitError."""
    return parse(value, "bandwidth", **where).value


def parse_frequency(value: str | Quantity, **where: Unpack[Where]) -> float:
    """Hertz, from text such as '250MHz'. Raises UnitError."""
    return parse(value, "frequency", **where).value


def parse_power(value: str | Quantity, **where: Unpack[Where]) -> float:
    """Watts, from text such as '700W'. Raises UnitError."""
    return parse(value, "power", **where).value


def parse_energy(value: str | Quantity, **where: Unpack[Where]) -> float:
    """Joules, from text such as '3.2mJ' or '1kWh'. Raises UnitError."""
    return parse(value, "energy", **where).value


def parse_money(value: str | Quantity, **where: Unpack[Where]) -> float:
    """US dollars, from '$3.50' or '3.5USD'. Raises UnitError."""
    return parse(value, "money", **where).value


def parse_lane_rate(value: str | Quantity, **where: Unpack[Where]) -> float:
    """Transfers/s of one PCIe lane before encoding, from '32GT/s'. Raises UnitError."""
    return parse(value, "lane_rate", **where).value


def exact_value(value: object, dimension: str, where: Where) -> Fraction:
    """The SI value of text or a Quantity, without any rounding. Raises UnitError."""
    wanted = dimension_named(dimension)
    if isinstance(value, Quantity):
        return _converted(value, dimension, where)
    if not isinstance(value, str):
        bare = isinstance(value, numbers.Real) and not isinstance(value, bool)
        sound = bare and 0 <= cast("float", value) < math.inf
        raise refusal(value, dimension, advice("", str(value) if sound else "5", wanted), where)
    number, unit = _split(value, dimension, where)
    factor = wanted.factors.get(unit.replace("\u00b5", "u").replace("\u03bc", "u"))
    if factor is None:
        raise refusal(value, dimension, advice(unit, number, wanted), where)
    return Fraction(number) * factor


def _split(text: str, dimension: str, where: Where) -> tuple[str, str]:
    """The number and the unit of `text`, the number checked to be one."""
    shown = text.strip()
    if dimension == "money" and shown.startswith("$"):
        shown = f"{shown[1:]}USD"
    match = _NUMBER.fullmatch(shown) if len(shown) <= _LONGEST else None
    if match is None:
        finite = "it must be finite; " if shown.casefold().lstrip("+-")[:3] in _ENDLESS else ""
        hint = advice("", "5", dimension_named(dimension))
        raise refusal(text, dimension, finite + hint, where)
    if match[1].startswith("-"):
        raise refusal(text, dimension, "it must not be negative", where)
    return match[1], match[2]


def _converted(value: Quantity, dimension: str, where: Where) -> Fraction:
    """The exact value of a Quantity; bit rates and byte rates convert, nothing else does."""
    exact = Fraction(value.value)
    if value.dimension == dimension:
        return exact
    if (value.dimension, dimension) == ("rate", "bandwidth"):
        return exact / 8
    if (value.dimension, dimension) == ("bandwidth", "rate"):
        return exact * 8
    noun = DIMENSIONS[value.dimension].noun
    raise refusal(str(value), dimension, f"it is a {noun}", where)


def _whole(exact: Fraction, value: object, where: Where) -> int:
    if exact.denominator != 1:
        raise refusal(value, "bytes", "it must be a whole number of bytes", where)
    if exact > _MAX_BYTES:
        raise refusal(value, "bytes", f"at most {_MAX_BYTES}B can be counted", where)
    return int(exact)


def refusal(value: object, dimension: str, why: str, where: Where) -> UnitError:
    """The UnitError for a `value` that is no `dimension`, located by `where`."""
    known = DIMENSIONS[dimension]
    shown = repr(value if len(str(value)) <= _LONGEST else f"{str(value)[:_LONGEST]}...")
    field = f"{where['what']}: " if where.get("what") else ""
    article = "an" if known.noun[0] in "aeiou" else "a"
    return UnitError(f"{field}not {article} {known.noun}: {shown}; {why} (units: {known.listing})",
                     place=where.get("place"), line=where.get("line"))
