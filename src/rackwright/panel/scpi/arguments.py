"""Types of arguments: numbers with a unit, switches, choices, strings, blocks, channel lists.

What is given of another kind is an error of its own number: -128 for a number, -148 for a keyword,
-158 for a string, -168 for a block, -178 for an expression. MIN, MAX and DEF stand for the limits
and the default, where a number has them; `numbers` says how numbers are written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rackwright.panel.scpi.errors import ScpiError
from rackwright.panel.scpi.headers import forms
from rackwright.panel.scpi.message import Argument
from rackwright.panel.scpi.numbers import limit_of, number_of
from rackwright.units.tables import DIMENSIONS

__all__ = ["Block", "Channels", "Choice", "Integer", "Limits", "Number", "Switch", "Text",
           "read_arguments"]

Limits = Callable[[Any], tuple[float, float, float]]
"""From the context of a command: the least, the most and the default value."""

MOST_CHANNELS = 10_000  # our own limit
_REFUSED = {"string": -158, "block": -168, "expression": -178}
_RANGE = re.compile(r"\s*(\d{1,9})\s*(?::\s*(\d{1,9})\s*)?")


@dataclass(frozen=True)
class Number:
    """A number of a dimension of `units`, "share" (PCT), "temperature" (CEL) or "" (plain)."""

    name: str
    dimension: str
    limits: Limits
    optional: bool = False

    @property
    def shown(self) -> str:
        unit = "CEL" if self.dimension == "temperature" else (
            DIMENSIONS[self.dimension].base if self.dimension in DIMENSIONS else "")
        return f"<{self.name}{f' [{unit}]' if unit else ''}>|MINimum|MAXimum|DEFault"

    def read(self, argument: Argument, context: Any) -> float:
        text = _word(argument, self.name)
        least, most, default = self.limits(context)
        limit = limit_of(text, (least, most, default))
        value = number_of(text, self.name, self.dimension) if limit is None else limit
        if not least <= value <= most:
            raise ScpiError(-222, f"{self.name} is {text[:40]}; {least:g} to {most:g}")
        return value


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
        text = _word(argument, self.name)
        limit = limit_of(text, (self.least, self.most, self.least))
        value = round(number_of(text, self.name, "") if limit is None else limit)
        if not self.least <= value <= self.most:
            raise ScpiError(-222, f"{self.name} is {text[:40]}; {self.least} to {self.most}")
        return value


@dataclass(frozen=True)
class Switch:
    """ON, OFF, or a number that is rounded: 0 is OFF."""

    name: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return "ON|OFF|1|0"

    def read(self, argument: Argument, context: Any) -> bool:
        text = _word(argument, self.name).upper()
        return text == "ON" if text in ("ON", "OFF") else bool(
            round(number_of(text, self.name, "")))


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
        text = _word(argument, self.name).upper()
        if text[:1].isdigit() or text[:1] in ("+", "-", "."):
            raise ScpiError(-128, f"{self.name} is one of {self.shown}")
        for word in self.words:
            if text in forms(word):
                return word.upper()
        raise ScpiError(-224, f"{self.name} is {text[:40]}; {self.shown}")


@dataclass(frozen=True)
class Text:
    """A quoted string; a bare keyword is taken too."""

    name: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return f'"<{self.name}>"'

    def read(self, argument: Argument, context: Any) -> str:
        return argument.text if argument.kind == "string" else _word(argument, self.name)


@dataclass(frozen=True)
class Block:
    """Bytes: a definite- or indefinite-length block, or a string."""

    name: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return f"<{self.name} block>"

    def read(self, argument: Argument, context: Any) -> bytes:
        if argument.kind in ("word", "expression"):
            raise ScpiError(-178 if argument.kind == "expression" else -148,
                            f"{self.name} is a block or a string")
        return argument.text.encode("latin-1")


@dataclass(frozen=True)
class Channels:
    """A channel list, ``(@1,3:5)``, or a quoted name; gives numbers from 1 on, or the name."""

    name: str
    optional: bool = False

    @property
    def shown(self) -> str:
        return f'"<{self.name}>"|(@<list>)'

    def read(self, argument: Argument, context: Any) -> str | list[int]:
        if argument.kind != "expression":
            return Text(self.name).read(argument, context)
        inside = argument.text.strip()
        if not inside.startswith("@"):
            raise ScpiError(-171, f"({inside[:40]}) is no channel list such as (@1,3:5)")
        found: list[int] = []
        for piece in inside[1:].split(","):
            ends = _RANGE.fullmatch(piece)
            if ends is None:
                raise ScpiError(-171, f"{piece[:40]!r} is neither a channel nor a range")
            first, last = int(ends[1]), int(ends[2] or ends[1])
            found += range(first, last + 1) if first <= last else range(first, last - 1, -1)
            if len(found) > MOST_CHANNELS:
                raise ScpiError(-223, f"more than {MOST_CHANNELS} channels")
        return found


Kind = Number | Integer | Switch | Choice | Text | Block | Channels


def read_arguments(kinds: Sequence[Kind], given: Sequence[Argument], context: Any) -> list[Any]:
    """The values of a command's arguments; None for those left out. Raises ScpiError."""
    if len(given) > len(kinds):
        raise ScpiError(-108, f"{given[len(kinds)].text[:40]}")
    values = [kind.read(argument, context) for kind, argument in zip(kinds, given, strict=False)]
    for kind in kinds[len(given):]:
        if not kind.optional:
            raise ScpiError(-109, kind.name)
    return values + [None] * (len(kinds) - len(given))


def _word(argument: Argument, name: str) -> str:
    """A number or keyword, as typed."""
    if argument.kind != "word":
        raise ScpiError(_REFUSED[argument.kind], f"{name} is {argument.text[:40]!r}")
    return argument.text
