"""Prices of parts, and the bill of a rack.

A price is the one in the part's file, with its source and date there, or the caller's. There is
no default: a part without a price is an error or a line without a sum, never zero in silence.
Leaves out: discounts, support, energy (see `power`), what a part costs to replace.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rackwright.devices.part import Part
from rackwright.errors import UsageError

__all__ = ["Bill", "BillLine", "bill", "price_usd"]

CALLER = "given by the caller"


@dataclass(frozen=True)
class BillLine:
    """`count` parts of one name; `each_usd` is None when nobody says."""

    name: str
    kind: str
    count: int
    each_usd: float | None
    source: str

    @property
    def usd(self) -> float:
        return 0.0 if self.each_usd is None else self.count * self.each_usd


@dataclass(frozen=True)
class Bill:
    """Lines by kind and name; `unpriced` names what `usd` does not contain."""

    lines: tuple[BillLine, ...]

    @property
    def usd(self) -> float:
        return sum(line.usd for line in self.lines)

    @property
    def unpriced(self) -> tuple[str, ...]:
        return tuple(line.name for line in self.lines if line.each_usd is None)


def price_usd(part: Part, prices: Mapping[str, float] | None = None) -> float:
    """USD of one `part`: `prices[part.name]` if given, else what its file says.

    Raises `UsageError` when neither does, or for a price that is no number >= 0.
    """
    each = _each(part, prices or {})[0]
    if each is None:
        raise UsageError(f"the file of {part.name} ({part.kind}) says no price; give "
                         f"prices={{{part.name!r}: ...}} or add one with its source")
    return each


def bill(parts: Iterable[Part], prices: Mapping[str, float] | None = None) -> Bill:
    """The bill of `parts`; equal names are one line. Raises `UsageError` as `price_usd`."""
    given = prices or {}
    found: dict[tuple[str, str], list[Part]] = {}
    for part in parts:
        found.setdefault((part.kind, part.name), []).append(part)
    return Bill(tuple(BillLine(name, kind, len(some), *_each(some[0], given))
                      for (kind, name), some in sorted(found.items())))


def _each(part: Part, prices: Mapping[str, float]) -> tuple[float | None, str]:
    if part.name in prices:
        value = prices[part.name]
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"the price of {part.name} must be USD >= 0, not {value!r}")
        return float(value), CALLER
    own = getattr(part, "price_usd", None)
    return (None, "") if own is None else (float(own), part.sources.get("price", ""))
