"""One published claim: a row of a ``targets.toml``, checked field by field.

What a row may say, and which fields go together. What rows say about one another is checked in
`rackwright.reproduce.claims`. A claim is about one number in a fixed unit; it allows either
`published` within the relative `tolerance`, or the range from `low` to `high` (one end may be
missing). Leaves out units' conversion: a simulation gives its number in the row's unit.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rackwright.units import BASE_UNITS

__all__ = ["COUNTED", "KINDS", "UNITS", "Claim", "Kind"]

Kind = Literal["predicted", "fitted", "stand-in", "check"]
KINDS: tuple[Kind, ...] = ("predicted", "fitted", "stand-in", "check")

COUNTED = ("blocks", "bytes", "cells", "conflicts", "cores", "cycles", "documents", "epochs",
           "frames", "GPUs", "hosts", "images", "instructions", "iterations", "jobs", "LUTs",
           "messages", "nodes", "operations", "packets", "queries", "records", "replicas",
           "requests", "rounds", "samples", "servers", "slots", "steps", "tokens", "transactions")
# "1": a ratio or a share; measured; counted
UNITS = ("1", *BASE_UNITS, *COUNTED)


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; write the text or leave the field out")
    return value


def _unit(value: str) -> str:
    above, _, below = value.partition("/")
    if above not in UNITS or (below or "s") not in UNITS or value.endswith("/"):
        raise ValueError(f"{value!r} is no known unit; known: {', '.join(UNITS)}, and one of "
                         'them over another ("tokens/s")')
    return value


def _key_part(value: str) -> str:
    if value != value.strip() or "/" in value:
        raise ValueError(f"{value!r} has a \"/\" or spaces at an end; a row's key is id/part")
    return _text(value)


Text = Annotated[str, AfterValidator(_text)]
KeyPart = Annotated[str, AfterValidator(_key_part)]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Claim(BaseModel):
    """A row. `key` names it: its id, or "id/part" where one id has several numbers.

    `figure`: where it is published; `claim`, `configuration`: what is counted, on what; `unit` of
    `published`, `low` and `high`; `tolerance`: relative. `kind`: predicted (used in no fit),
    fitted (`fits`: the parameter, `fitted_on`: ids or keys of rows), stand-in (an assumption of
    ours replaces what is not published) or check (our own closed form or direction). Only
    predicted rows are evidence. `known_miss`: why the model falls short; `line`: in the file.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    id: KeyPart
    part: KeyPart | None = None
    figure: Text
    claim: Text
    configuration: Text
    unit: Annotated[str, AfterValidator(_unit)]
    published: Number | None = None
    tolerance: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None
    low: Number | None = None
    high: Number | None = None
    kind: Kind
    fits: Text | None = None
    fitted_on: Annotated[tuple[Text, ...], Field(strict=False, min_length=1)] | None = None
    known_miss: Text | None = None
    line: int = 0

    @model_validator(mode="after")
    def _fields_agree(self) -> Claim:
        faults = [*self._goal_faults(), *self._fit_faults()]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _goal_faults(self) -> list[str]:
        ranged = self.low is not None or self.high is not None
        if ranged == (self.tolerance is not None):
            return ["a row has either published and tolerance, or low, high or both"]
        if self.tolerance is not None and self.published is None:
            return ["tolerance is about published, which is missing"]
        low, high = self.bounds
        return [] if low < high or not ranged else [f"low {low:g} is not below high {high:g}"]

    def _fit_faults(self) -> list[str]:
        fitted = self.kind == "fitted"
        given = [name for name in ("fits", "fitted_on") if getattr(self, name) is not None]
        if fitted and len(given) < 2:
            return ["a fitted row names what it fits (fits) and the rows it was fitted on "
                    "(fitted_on)"]
        return [] if fitted or not given else [f"{' and '.join(given)}: only for kind = \"fitted\""]

    @property
    def key(self) -> str:
        return self.id if self.part is None else f"{self.id}/{self.part}"

    @property
    def bounds(self) -> tuple[float, float]:
        """What is allowed, both ends included; infinite where the row has no such end."""
        if self.tolerance is None or self.published is None:
            return (-math.inf if self.low is None else self.low,
                    math.inf if self.high is None else self.high)
        swing = abs(self.published) * self.tolerance
        return self.published - swing, self.published + swing

    def allows(self, simulated: float) -> bool:
        low, high = self.bounds
        return low <= simulated <= high

    def relative_error(self, simulated: float) -> float | None:
        """(simulated - published) / |published|; None without a published value, or with 0."""
        if not self.published:
            return None
        return (simulated - self.published) / abs(self.published)

    def record(self) -> dict[str, Any]:
        """Plain values under the names of the fields, absent ones as None."""
        return self.model_dump(exclude={"line"})
