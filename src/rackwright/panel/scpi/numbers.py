"""Numbers as IEEE 488.2 writes them: decimal with a suffix, ``#H1F``, ``#Q17``, ``#B101``.

A bare number is in the SI unit, as SCPI has it; a suffix is any unit of `rackwright.units`. Case
counts where it decides (mW, MW) and does not where it cannot mislead (S, HZ). White space may stand
before the exponent and the suffix. INFinity and NINFinity are 9.9E37, as SCPI has it; not a number
is no argument.
"""

from __future__ import annotations

import re

from rackwright.errors import UnitError
from rackwright.panel.scpi.errors import ScpiError
from rackwright.panel.scpi.headers import forms
from rackwright.units import parse
from rackwright.units.tables import DIMENSIONS

__all__ = ["INFINITE", "limit_of", "number_of", "whole_of"]

INFINITE = 9.9e37
MOST_DIGITS, MOST_EXPONENT = 255, 32_000   # IEEE 488.2 7.7.2
_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[ \t]*[eE][ \t]*([+-]?\d+))?")
_SUFFIX = re.compile(r"[ \t]*([A-Za-z/%][A-Za-z0-9/%. -]*)?")
_SPECIAL = (("PCT", "share", 0.01), ("%", "share", 0.01), ("CEL", "temperature", 1.0),
            ("C", "temperature", 1.0))  # suffixes that `units` does not have
_BASES = {"H": 16, "Q": 8, "B": 2}


def number_of(text: str, name: str, dimension: str) -> float:
    """The value of a number with or without a suffix. Raises ScpiError."""
    found = _NUMBER.match(text)
    if found is None:
        return _word(text, name)
    suffix = _SUFFIX.fullmatch(text, found.end())
    if suffix is None:
        raise ScpiError(-121, f"{name} is {text[:40]}")
    if sum(map(str.isdigit, found[1].lstrip("+-0."))) > MOST_DIGITS:
        raise ScpiError(-124, f"{name} has more than {MOST_DIGITS} digits")
    if found[2] and abs(int(found[2][:12])) > MOST_EXPONENT:
        raise ScpiError(-123, f"{name} is {text[:40]}")
    number = found[1] + (f"e{int(found[2])}" if found[2] else "")
    value = max(-INFINITE, min(float(number), INFINITE))
    return value if not suffix[1] else _with_unit(value, number, suffix[1].strip(), name, dimension)


def limit_of(text: str, limits: tuple[float, float, float]) -> float | None:
    """What MIN, MAX or DEF stands for, given least, most and default; None for another text."""
    pairs = zip(("MINimum", "MAXimum", "DEFault"), limits, strict=True)
    return next((value for name, value in pairs if text.upper() in forms(name)), None)


def whole_of(text: str) -> str | None:
    """``#H1F`` and its kind as a decimal; None for what is none of them."""
    base = _BASES.get(text[1:2].upper())
    try:
        return str(int(text[2:], base)) if base and text[2:].isalnum() else None
    except ValueError:
        return None


def _word(text: str, name: str) -> float:
    word = text.upper()
    if word in forms("INFinity"):
        return INFINITE
    if word in forms("NINFinity"):
        return -INFINITE
    raise ScpiError(-141 if word[:1].isalpha() else -121,
                    f"{name} is {text[:40]}; a number is needed")


def _with_unit(value: float, number: str, suffix: str, name: str, dimension: str) -> float:
    for word, kind, factor in _SPECIAL:
        if dimension == kind and suffix.upper() == word:
            return value * factor
    if dimension not in DIMENSIONS:
        raise ScpiError(-131 if dimension else -138, f"{name} in {suffix[:40]}")
    try:
        return parse(number + _spelled(suffix, dimension), dimension).value
    except UnitError as problem:
        raise ScpiError(-131, str(problem)) from None


def _spelled(suffix: str, dimension: str) -> str:
    """`suffix` as `units` writes it, when only its case differs and one unit fits."""
    known = DIMENSIONS[dimension].factors
    if suffix in known:
        return suffix
    near = {known[name]: name for name in known if name.casefold() == suffix.casefold()}
    return next(iter(near.values())) if len(near) == 1 else suffix
