"""What options of ``rackwright trace generate`` take: quantities, ranges, names with numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from rackwright.errors import UsageError

__all__ = ["LIST", "NAMED", "RANGE", "Named", "Quantity", "Range", "WholeList"]

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType

_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


class Quantity(_Type):
    """Text with a unit of a dimension of `rackwright.units`, in SI units."""

    def __init__(self, dimension: str) -> None:
        self.name = dimension

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from rackwright import units

        if not isinstance(value, str):
            return value
        if self.name == "bytes":
            return units.parse_bytes(value, what=_flag(param))
        return units.parse(value, self.name, what=_flag(param)).value


class Range(_Type):
    """``LOW-HIGH``, whole numbers of something, drawn uniformly."""

    name = "range"

    def __init__(self, noun: str) -> None:
        self.noun = noun

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from rackwright.traces import Uniform

        match = _RANGE.fullmatch(value)
        if match is None:
            raise UsageError(f"{_flag(param)} {value!r}: not a range of {self.noun}; write for "
                             "example '50-150'")
        return Uniform(int(match[1]), int(match[2]))


class WholeList(_Type):
    """``8,16,32``."""

    name = "list"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", value):
            raise UsageError(f"{_flag(param)} {value!r}: not a list of whole numbers; write for "
                             "example '8,16,32'")
        return tuple(map(int, value.split(",")))


class Named(_Type):
    """``NAME=VALUE``, the value as text."""

    name = "named"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        name, equals, text = (part.strip() for part in value.partition("="))
        if not (name and equals and text):
            raise UsageError(f"{_flag(param)} {value!r}: write NAME=VALUE")
        return name, text


def _flag(parameter: click.Parameter | None) -> str:
    return max(parameter.opts, key=len) if parameter is not None else "value"


RANGE, LIST, NAMED = Range("tokens"), WholeList(), Named()
