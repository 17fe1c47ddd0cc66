"""The field types of options: quantities, and how text becomes a value of a plain type.

A quantity type accepts text with a unit or a `units.Quantity`, holds an SI number and is written
back as exact text. What is allowed in a field is worded here once, for errors and for listings.
"""

from __future__ import annotations

import enum
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import GetCoreSchemaHandler, ValidationInfo
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from rackwright import units
from rackwright.errors import UnitError

__all__ = [
    "Bandwidth",
    "Bytes",
    "Dimension",
    "Energy",
    "Frequency",
    "Money",
    "Power",
    "Rate",
    "Time",
    "allowed",
    "dimension_of",
    "from_text",
    "is_mutable",
    "is_number",
]

# dimension -> (reader, writer, the SI unit that is held, an example)
_READERS: dict[str, tuple[Callable[..., float], Callable[[Any], str], str, str]] = {
    "time": (units.parse_time, units.exact_time, "s", "2us"),
    "bytes": (units.parse_bytes, units.exact_bytes, "B", "64GiB"),
    "rate": (units.parse_rate_bps, units.exact_rate, "bit/s", "400Gbps"),
    "bandwidth": (units.parse_bandwidth, units.exact_bandwidth, "B/s", "50GB/s"),
    "frequency": (units.parse_frequency, units.exact_frequency, "Hz", "250MHz"),
    "power": (units.parse_power, units.exact_power, "W", "700W"),
    "energy": (units.parse_energy, units.exact_energy, "J", "1kWh"),
    "money": (units.parse_money, units.exact_money, "USD", "$3.50"),
}
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


@dataclass(frozen=True)
class Dimension:
    """Marks a field as a quantity of this dimension; pydantic takes its checks from here."""

    name: str

    @property
    def unit(self) -> str:
        return _READERS[self.name][2]

    @property
    def example(self) -> str:
        return _READERS[self.name][3]

    def text(self, value: float) -> str:
        """Exact text of an SI number, with its unit."""
        return _READERS[self.name][1](value)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler
                                     ) -> CoreSchema:
        read, write = _READERS[self.name][:2]

        def validate(value: Any, info: ValidationInfo) -> float:
            try:
                return read(value, what=info.field_name or self.name)
            except UnitError as problem:
                raise PydanticCustomError("quantity", "{why}", {"why": str(problem)}) from None

        return core_schema.with_info_before_validator_function(
            validate, handler(source),
            serialization=core_schema.plain_serializer_function_ser_schema(
                write, return_schema=core_schema.str_schema()))


Time = Annotated[float, Dimension("time")]
Bytes = Annotated[int, Dimension("bytes")]
Rate = Annotated[float, Dimension("rate")]
Bandwidth = Annotated[float, Dimension("bandwidth")]
Frequency = Annotated[float, Dimension("frequency")]
Power = Annotated[float, Dimension("power")]
Energy = Annotated[float, Dimension("energy")]
Money = Annotated[float, Dimension("money")]


def dimension_of(field: FieldInfo) -> Dimension | None:
    """The dimension of a quantity field, also of an optional one."""
    found = [entry for entry in field.metadata if isinstance(entry, Dimension)]
    for choice in get_args(field.annotation):
        found += [entry for entry in get_args(choice) if isinstance(entry, Dimension)]
    return found[0] if found else None


def is_number(field: FieldInfo) -> bool:
    """True for a field that counts something, so that it needs a unit."""
    return any(kind in (int, float) for kind in _leaves(field.annotation))


def is_mutable(field: FieldInfo) -> bool:
    return any((get_origin(kind) or kind) in (list, dict, set)
               for kind in (field.annotation, *_leaves(field.annotation)))


def allowed(field: FieldInfo) -> str:
    """What a person may write for `field`: ``'a' | 'b'``, ``integer >= 1``, ``time (2us)``."""
    dimension = dimension_of(field)
    if dimension:
        text = f"{dimension.name} with a unit ({dimension.example})"
        if type(None) in get_args(field.annotation):
            text += " | none"
    else:
        text = _worded(field.annotation)
    bounds = [f"{sign} {getattr(entry, name)}" for entry in field.metadata
              for name, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
              if getattr(entry, name, None) is not None]
    return " ".join([text, " and ".join(bounds)]).strip()


def from_text(field: FieldInfo, text: str) -> Any:
    """`text` as the type of `field`; left as it is where it does not read as one."""
    if dimension_of(field):
        optional = type(None) in get_args(field.annotation)
        return None if optional and text.lower() == "none" else text
    return _converted(field.annotation, text)


def _converted(kind: Any, text: str) -> Any:
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _converted(choices[0], text)
    if origin in (Union, types.UnionType):
        return _first_fit(choices, text)
    if origin is Literal:
        return next((choice for choice in choices if str(choice) == text), text)
    if origin is tuple:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return tuple(_converted(choices[0], part) for part in parts)
    if kind is bool:
        return _WORDS.get(text.lower(), text)
    if kind in (int, float):
        return _number(kind, text)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return next((member for member in kind if text in (member.name, str(member.value))), text)
    return text


def _first_fit(choices: tuple[Any, ...], text: str) -> Any:
    if type(None) in choices and text.lower() == "none":
        return None
    found = [_converted(kind, text) for kind in choices if kind is not type(None)]
    return next((value for value in found if not isinstance(value, str)), text)


def _number(kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return text


def _worded(kind: Any) -> str:
    origin, choices = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _worded(choices[0])
    if origin in (Union, types.UnionType):
        return " | ".join(_worded(choice) for choice in choices)
    if origin is Literal:
        return " | ".join(str(choice) for choice in choices)
    if origin is tuple:
        return f"{_worded(choices[0])}s, joined by commas"
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return " | ".join(str(member.value) for member in kind)
    names = {bool: "true | false", int: "integer", float: "number", str: "text",
             type(None): "none"}
    return names.get(kind, str(kind))


def _leaves(kind: Any) -> tuple[Any, ...]:
    """The plain types inside unions and tuples."""
    origin = get_origin(kind)
    if origin is Annotated:
        return _leaves(get_args(kind)[0])
    if origin in (Union, types.UnionType, tuple):
        return tuple(leaf for choice in get_args(kind) for leaf in _leaves(choice))
    return (kind,)
