"""`Options`: what every model's options are made of, and how they are read, shown and hashed.

A model subclasses `Options`. Options are frozen and checked strictly: unknown names, wrong types,
NaN and infinities are refused, defaults are checked like values. A quantity (`Time`, `Bytes`,
`Bandwidth`, ...) is written as text with a unit or as a `units.Quantity`; a bare number is
refused. It is held as an SI number and written back as exact text, so that the canonical JSON
reads back as the same options.

Every option says what it means and, if it is a plain number, in which unit it counts: a class
that does not is refused when it is made.
"""

from __future__ import annotations

import difflib
import enum
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticUndefined

from rackwright.canonical import canonical_json, content_hash
from rackwright.errors import OptionsError
from rackwright.models.option_types import (
    Bandwidth,
    Bytes,
    Energy,
    Frequency,
    Money,
    Power,
    Rate,
    Time,
    allowed,
    dimension_of,
    from_text,
    is_mutable,
    is_number,
)

__all__ = [
    "Bandwidth",
    "Bytes",
    "Energy",
    "Frequency",
    "Money",
    "OptionRow",
    "Options",
    "Power",
    "Rate",
    "Time",
    "describe",
    "option",
]

# arguments of `rackwright.replay`, which options share a call with
_RESERVED = ("baseline", "fabric", "progress", "seed", "system", "trace")


class OptionRow(NamedTuple):
    """One line of a listing of options; all text."""

    name: str
    allowed: str
    default: str
    unit: str
    description: str


def option(default: Any, description: str, *, unit: str | None = None, **limits: Any) -> Any:
    """A field of an `Options` class.

    `unit` names what a plain number counts ("tokens", "1" for a share) and is left out for
    quantities, which carry theirs. `limits`: ge, gt, le, lt, in SI for quantities.
    """
    extra: Any = {"unit": unit} if unit is not None else None
    return Field(default, description=description, json_schema_extra=extra, **limits)


class Options(BaseModel):
    """Base of a model's options.

    >>> class Cache(Options):
    ...     lookup: Time = option("2us", "one look-up")
    ...     ways: int = option(4, "entries a set", unit="entries", ge=1)
    >>> Cache.from_settings({"lookup": "500ns"}).canonical_json()
    '{"lookup":"5e-07s","ways":4}'
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", validate_default=True,
                              allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            _refuse_unclear(cls, name, field)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Options from ``name -> value``; text is read as the option's type (``"8"``, ``"on"``).

        Raises OptionsError with every fault.
        """
        return cls.checked(cls.read_settings(settings))

    @classmethod
    def read_settings(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The values that `settings` mean, for `checked`; what cannot be read stays text."""
        known = cls.model_fields
        return {name: from_text(known[name], value)
                if name in known and isinstance(value, str) else value
                for name, value in settings.items()}

    @classmethod
    def refused(cls, faults: Sequence[str]) -> OptionsError:
        """The error of options that are wrong, by themselves or for a fabric or a trace.

        It names the system: the class's name without its ending, in lower case.
        """
        return OptionsError(f"options of {cls.__name__.removesuffix('Options').lower()}", faults)

    @classmethod
    def checked(cls, values: Mapping[str, Any]) -> Self:
        """Options from Python values, none of them converted. Raises OptionsError."""
        try:
            return cls.model_validate({name: _member(cls, name, value)
                                       for name, value in values.items()})
        except ValidationError as problem:
            faults = [_fault(cls, fault) for fault in problem.errors(include_url=False)]
            raise cls.refused(faults) from None

    def plain(self) -> dict[str, Any]:
        """Name -> JSON value; quantities as exact text."""
        return self.model_dump(mode="json")

    def canonical_json(self) -> str:
        return canonical_json(self.plain())

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the canonical JSON."""
        return content_hash(self.plain())


def describe(options: type[Options]) -> tuple[OptionRow, ...]:
    """One row an option, in the order of the class."""
    return tuple(
        OptionRow(name, allowed(field), _default_text(options, name), _unit(field) or "",
                  field.description or "")
        for name, field in options.model_fields.items())


def _refuse_unclear(cls: type[Options], name: str, field: FieldInfo) -> None:
    where = f"option {cls.__name__}.{name}"
    if name in _RESERVED:
        raise TypeError(f"{where}: the name belongs to rackwright.replay")
    if not field.description:
        raise TypeError(f"{where} has no description")
    if is_number(field) and not _unit(field):
        raise TypeError(f"{where} is a plain number without a unit: give `unit=`, or make it a "
                        "quantity (Time, Bytes, ...)")
    if is_mutable(field):
        raise TypeError(f"{where} can be changed in place: use a tuple")


def _unit(field: FieldInfo) -> str | None:
    dimension = dimension_of(field)
    if dimension:
        return dimension.unit
    extra = field.json_schema_extra
    return str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else None


def _default_text(options: type[Options], name: str) -> str:
    default = options.model_fields[name].default
    return "(required)" if default is PydanticUndefined else _as_written(default)


def _as_written(value: Any) -> str:
    """How a person writes `value` on the command line."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ",".join(_as_written(entry) for entry in value)
    return str(value)


def _member(cls: type[Options], name: str, value: Any) -> Any:
    """Text that names a member of an enum option; anything else stays as it is."""
    kind = cls.model_fields[name].annotation if name in cls.model_fields else None
    if isinstance(value, str) and isinstance(kind, type) and issubclass(kind, enum.Enum):
        return from_text(cls.model_fields[name], value)
    return value


def _fault(cls: type[Options], fault: ErrorDetails) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        return _unknown(cls, name)
    if fault["type"] == "quantity" or name not in cls.model_fields:
        return fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "missing":
        return f"{name} is required: {allowed(cls.model_fields[name])}"
    reason = f" ({fault['msg'].removeprefix('Value error, ')})" if _own_words(fault) else ""
    field, value = cls.model_fields[name], fault["input"]
    dimension = dimension_of(field)
    # limits are checked on the SI number; a person wrote it with a unit
    shown = dimension.text(value) if dimension and isinstance(value, int | float) else repr(value)
    return f"{name} = {shown}: expected {allowed(field)}{reason}"


def _own_words(fault: ErrorDetails) -> bool:
    """True for a check that the model's author worded."""
    return fault["type"] in ("value_error", "assertion_error")


def _unknown(cls: type[Options], name: str) -> str:
    near = difflib.get_close_matches(name, cls.model_fields, n=1)
    advice = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(cls.model_fields)}"
    return f"unknown option {name!r}; {advice}"
