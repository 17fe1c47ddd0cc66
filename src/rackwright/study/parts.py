"""Parts with one number changed: what if this GPU had faster memory, this link half its rate?

A derived part is like the one it comes from, with another number and another name; what was
calibrated on the real part counts as derived for it. Numbers with a dimension are text with a unit,
or a factor (``"1.5x"``); others are numbers. A link's rate or latency is scaled by a number or a
factor, set by text with a unit.

Leaves out: coefficients of calibrations; parts that a model takes from the catalog by name, not
from the topology.
"""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any, NamedTuple, TypeVar

from rackwright import units
from rackwright.canonical import content_hash
from rackwright.devices import Link, catalog
from rackwright.devices.part import Fit, Part
from rackwright.errors import UnknownName, UsageError

__all__ = ["Change", "changed_link", "check_field", "derived_part", "link_change"]

_PLAIN = ("count", "ratio", "flops", "per_second")  # dimensions of one unit each
_FACTOR = re.compile(r"\s*([0-9.]+(?:[eE][+-]?[0-9]+)?)\s*x\s*")
P = TypeVar("P", bound=Part)


class Change(NamedTuple):
    """Multiply by `factor`, or set to `value` (SI); the other one is None."""

    factor: float | None
    value: float | None

    def of(self, old: float) -> float:
        if self.factor is not None:
            return old * self.factor
        assert self.value is not None
        return self.value


def check_field(part: str, field: str, value: Any) -> None:
    """Raises UnknownName or UsageError where `part` has no such number, or cannot have that one."""
    if part not in catalog.names():
        raise UnknownName("part", part, catalog.names())
    derived_part(catalog.get(part), field, value)


def derived_part(part: P, field: str, value: Any) -> P:
    """`part` with `field`, a key of its part file, set or scaled.

    >>> derived_part(catalog.gpu("h100-sxm"), "memory_bandwidth", "2x").memory_bandwidth
    6704000000000.0
    """
    fields = {entry.metadata.get("key") or entry.name: entry
              for entry in dataclasses.fields(part) if "dimension" in entry.metadata}
    if field not in fields:
        raise UnknownName(f"number of {part.name} ({part.kind}):", field, fields)
    entry = fields[field]
    change = _change(f"device.{part.name}.{field}", value, entry.metadata["dimension"])
    old = getattr(part, entry.name)
    if old is None and change.factor is not None:
        raise UsageError(f"{part.name} has no {field} to multiply; set it")
    new: float | int = change.of(old if old is not None else 0.0)
    if entry.metadata["dimension"] in ("count", "bytes"):
        new = round(new)
    if new == old:
        return part
    name = f"{part.name}+{field}={value}".replace(" ", "")
    source = f"set by the study; {part.sources.get(field, 'no source')} before"
    changes: dict[str, Any] = {entry.name: new, **_derived_fits(part)}
    return dataclasses.replace(
        part, name=name, content_hash=content_hash([part.content_hash, field, new]),
        sources={**part.sources, field: source}, **changes)


def _derived_fits(part: Part) -> dict[str, Fit]:
    """Calibrations of the part that no longer are its own."""
    fits = {entry.name: getattr(part, entry.name) for entry in dataclasses.fields(part)}
    return {name: dataclasses.replace(fit, basis="derived") for name, fit in fits.items()
            if isinstance(fit, Fit) and fit.basis == "calibrated"}


def link_change(field: str, value: Any) -> Change:
    """What `value` does to the "rate" or the "latency" of a link. Raises UsageError."""
    if isinstance(value, str):
        return _change(f"link {field}", value, {"rate": "rate", "latency": "time"}[field])
    if isinstance(value, bool) or not math.isfinite(value) or value < 0 or (
            field == "rate" and value == 0):
        raise UsageError(f"link {field} is {value!r}; a number multiplies and must be above 0, "
                         "text with a unit sets")
    return Change(float(value), None)


def changed_link(link: Link, field: str, value: Any) -> Link:
    """`link` with another rate or latency."""
    change = link_change(field, value)
    name = {"rate": "rate_bps", "latency": "latency_time"}[field]
    new: Any = change.of(getattr(link, name))
    if new == getattr(link, name):
        return link
    return dataclasses.replace(link, name=f"{link.name}*{field}={value}".replace(" ", ""),
                               content_hash="", **{name: new})


def _change(what: str, value: Any, dimension: str) -> Change:
    if isinstance(value, str) and (found := _FACTOR.fullmatch(value)):
        factor = float(found[1])
        if not 0 < factor <= 1e9:
            raise UsageError(f"{what} is {value!r}; a factor is above 0 and at most 1e9")
        return Change(factor, None)
    if dimension not in _PLAIN:
        return Change(None, float(units.parse(value, dimension, what=what).value))
    whole = dimension != "count" or value == int(value) if isinstance(value, int | float) else False
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or not whole:
        raise UsageError(f"{what} is {value!r}; it must be a "
                         f"{'whole ' if dimension == 'count' else ''}number, or a factor: \"2x\"")
    return Change(None, float(value))
