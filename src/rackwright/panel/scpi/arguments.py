"""Types of arguments: numbers with a unit, switches, choices, strings, blocks.

A bare number is in the SI unit, as SCPI has it; a suffix is any unit of `rackwright.units`. Case
counts where it decides (mW, MW) and does not where it cannot mislead (S, HZ). MIN, MAX and DEF
stand for the limits and the default, where a number has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rackwright.errors import UnitError
from rackwright.panel.scpi.errors import ScpiError
from rackwright.panel.scpi.headers import forms
from rackwright.panel.scpi.message import Argument
from rackwright.units import parse
from rackwright.units.tables import DIMENSIONS

__all__ = ["Block", "Choice", "Integer", "Limits", "Number", "Switch", "Text", "read_arguments"]

Limits = Callable[[Any], tuple[float, float, float]]
"""From the context of a command: the least, the most and the default value."""


@dataclass(frozen=True)
class Number:
    """A number of a dimension of `units`, "share" (0..1, PCT) or "" (plain)."""

    name: str
    dimension: str
    limits: Limits
    optional: bool = False

    @property
    def shown(self) -> str:
        unit = DIMENSIONS[self.dimension].base if self.dimension in DIMENSIONS else ""
        return f"<{self.name}{f' [{unit}]' if unit else ''}>|MINimum|MAXimum|DEFault"

    def read(self, argument: Argument, context: Any) -> float:
        if argument.kind != "word":
            raise ScpiError(-104, f"{self.name} is a number")
        least, most, default = self.limits(context)
        keyword = _limit(argument.text, least, most, default)
        value = self._value(argument.text) if keyword is None else keyword
        if not least <= value <= most:
            raise ScpiError(-222, f"{self.name} is {argument.text}; {least:g} to {most:g}")
        return value

    def _value(self, text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            return self._with_unit(text)
        if not math.isfinite(number) or "_" in text:
            raise ScpiError(-104, f"{self.name} is {text}")
        return number

    def _with_unit(self, text: str) -> float:
        number = text.rstrip("".join(sorted(_LETTERS)))
        if not _plain(number):
            raise ScpiError(-104, f"{self.name} is {text[:40]}; a number is needed")
        suffix = text[len(number):].strip()
        if self.dimension == "share" and suffix.upper() in ("PCT", "%"):
            return float(number) / 100
        if self.dimension not in DIMENSIONS:
            raise ScpiError(-138, f"{self.name} has no unit: {text[:40]}")
        try:
            return parse(number.strip() + _spelled(suffix, self.dimension), self.dimension).value
        except UnitError as problem:
            raise ScpiError(-131, str(problem)) from None


@dataclass(frozen=True)
class Integer:
    """A whole number from `least` to `most`; decimals are rounded, as IEEE 488.2 has it."""

    name: str
    least: int
    most: int
    optional: bool = False

    @property
    def shown(self) -> str:
        return f"<{self.name} {self.least}..{self.most}>"

    def read(self, argument: Argument, context: Any) -> int:
        number = Number(self.name, "", lambda _: (self.least, self.most, self.least))
        return round(number.read(argument, context))


@dataclass(frozen=True)
class Switch:
    """ON, OFF, or a number that is rounded: 0 is OFF."""

    name: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return "ON|OFF|1|0"

    def read(self, argument: Argument, context: Any) -> bool:
        word = argument.text.upper()
        if argument.kind == "word" and word in ("ON", "OFF"):
            return word == "ON"
        return bool(Integer(self.name, -(1 << 31), 1 << 31).read(argument, context))


@dataclass(frozen=True)
class Choice:
    """One of a few keywords, short or long; gives the long form in capitals."""

    name: str
    words: tuple[str, ...]
    optional: bool = False

    @property
    def shown(self) -> str:
        return "|".join(self.words)

    def read(self, argument: Argument, context: Any) -> str:
        for word in self.words:
            if argument.kind == "word" and argument.text.upper() in forms(word):
                return word.upper()
        raise ScpiError(-224, f"{self.name} is {argument.text[:40]}; {self.shown}")


@dataclass(frozen=True)
class Text:
    """A quoted string; a bare keyword is taken too."""

    name: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return f'"<{self.name}>"'

    def read(self, argument: Argument, context: Any) -> str:
        if argument.kind == "block":
            raise ScpiError(-104, f"{self.name} is a string")
        return argument.text


@dataclass(frozen=True)
class Block:
    """Bytes: a definite- or indefinite-length block, or a string."""

    name: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return f"<{self.name} block>"

    def read(self, argument: Argument, context: Any) -> bytes:
        if argument.kind == "word":
            raise ScpiError(-104, f"{self.name} is a block or a string")
        return argument.text.encode("latin-1")


Kind = Number | Integer | Switch | Choice | Text | Block


def read_arguments(kinds: Sequence[Kind], given: Sequence[Argument], context: Any) -> list[Any]:
    """The values of a command's arguments; None for those left out. Raises ScpiError."""
    if len(given) > len(kinds):
        raise ScpiError(-108, f"{given[len(kinds)].text[:40]}")
    values = [kind.read(argument, context) for kind, argument in zip(kinds, given, strict=False)]
    for kind in kinds[len(given):]:
        if not kind.optional:
            raise ScpiError(-109, kind.name)
    return values + [None] * (len(kinds) - len(given))


_LETTERS = {chr(code) for base in (65, 97) for code in range(base, base + 26)} | set(" /%")


def _plain(text: str) -> bool:
    """Whether this is a finite number and nothing else."""
    try:
        return math.isfinite(float(text)) and "_" not in text
    except ValueError:
        return False


def _limit(text: str, least: float, most: float, default: float) -> float | None:
    word = text.upper()
    pairs = (("MINimum", least), ("MAXimum", most), ("DEFault", default))
    return next((value for name, value in pairs if word in forms(name)), None)


def _spelled(suffix: str, dimension: str) -> str:
    """`suffix` as `units` writes it, when only its case differs and one unit fits."""
    known = DIMENSIONS[dimension].factors
    if suffix in known:
        return suffix
    near = {known[name]: name for name in known if name.casefold() == suffix.casefold()}
    return next(iter(near.values())) if len(near) == 1 else suffix
