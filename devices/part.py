"""`Part`: what every entry of the catalog has, and how a class says which numbers it needs.

A part class is a frozen dataclass whose fields are marked with `quantity` (a datasheet number
and its dimension), `text` (a name in ``[part]``) or `fitted` (a table of ``[calibration]``). The
loader reads the marks; the class holds SI numbers only. No costs are modelled here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Band", "Fit", "Part", "Shown", "fitted", "quantity", "text"]

Band = tuple[str, float, float]
"""(class, median, p90): "calibrated", "derived" or "assumed", and relative errors."""


@dataclass(frozen=True)
class Shown:
    """A number as its part file writes it: for tables and reports, never for arithmetic."""

    value: float
    unit: str
    source: str
    inherited_from: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """An entry of the catalog.

    `name` is unique, `kind` is "gpu", "nic", "switch" ...; `content_hash` is the SHA-256 of
    everything its file (and the file it is `like`) says; `sources` maps each datasheet key and
    calibration table to where its numbers come from; `shown` keeps the numbers as written.
    """

    name: str
    kind: str
    title: str = ""
    content_hash: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    shown: Mapping[str, Shown] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """A table of ``[calibration]``: coefficients (in subclasses) and how good they are.

    `basis` is "calibrated" (fitted to that very part), "derived" (family coefficients on
    datasheet numbers) or "assumed"; `fit_set` the points; `median` and `p90` the relative errors
    to expect on other shapes, as far as known.
    """

    basis: str
    fit_set: str
    date: str
    source: str
    median: float
    p90: float

    @property
    def band(self) -> Band:
        """(class, median, p90) of the relative error."""
        return self.basis, self.median, self.p90


def quantity(dimension: str, key: str = "", *, required: bool = True) -> Any:
    """A field read from ``[datasheet]``; `key` when it differs from the field's name.

    Not required: None when absent. Dimensions: those of `rackwright.units`, and "count",
    "ratio", "flops" which have one unit each and need no conversion.
    """
    marks = {"dimension": dimension, "key": key, "required": required}
    return field(metadata=marks) if required else field(default=None, metadata=marks)


def text(default: str | None = None) -> Any:
    """A field read from ``[part]``: a name or a word."""
    marks = {"text": True}
    return field(metadata=marks) if default is None else field(default=default, metadata=marks)


def fitted(kind: type[Fit], table: str = "") -> Any:
    """A field read from ``[calibration.<table>]`` (the field's name unless told)."""
    return field(metadata={"fit": kind, "table": table}, repr=False)
