"""Axes of a study: a path and its values, listed, spaced or drawn; or named cases.

A case changes several paths at once ("nvlink": another topology and another option). Numbers with a
unit are text (``unit = "Gbps"`` on a range or a draw makes such text). Drawn values are those of a
seeded NumPy generator, in the order drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Axis", "Case", "Draw", "Range", "Strict", "Value", "column_of", "written"]

Value = bool | int | float | str
MOST_VALUES = 10_000  # of one axis; our own limit
_TAIL = 1e-3          # of a normal distribution that designs leave out at either end; our choice


class Strict(BaseModel):
    """Base of what a study file holds: frozen, nothing converted, nothing unknown."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


class Range(Strict):
    """Numbers from `start` to `stop`, both included."""

    start: float = Field(description="first value")
    stop: float = Field(description="last value")
    steps: int = Field(ge=2, le=MOST_VALUES, description="how many values")
    scale: Literal["linear", "log"] = Field("linear", description="even differences, or ratios")
    whole: bool = Field(False, description="round to whole numbers, each once")
    unit: str = Field("", description='of the numbers, such as "Gbps"; empty: plain numbers')

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start == self.stop:
            raise ValueError("start and stop are the same; write values = [...]")
        if self.scale == "log" and min(self.start, self.stop) <= 0:
            raise ValueError("a logarithmic range needs start and stop above 0")
        return self

    def values(self) -> tuple[Value, ...]:
        shares = [step / (self.steps - 1) for step in range(self.steps)]
        if self.scale == "linear":
            numbers = [self.start + (self.stop - self.start) * share for share in shares]
        else:
            low, high = math.log10(self.start), math.log10(self.stop)
            numbers = [10 ** (low + (high - low) * share) for share in shares]
            numbers[0], numbers[-1] = self.start, self.stop
        return written(numbers, self.whole, self.unit)

    def at(self, share: float) -> Value:
        """The number at this share (0 to 1) of the way from start to stop."""
        number = self.start + (self.stop - self.start) * share
        if self.scale == "log" and 0 < share < 1:
            number = self.start * (self.stop / self.start) ** share
        return _between(self.stop if share == 1 else number, self.whole, self.unit)


class Draw(Strict):
    """`count` numbers drawn from a distribution with a seed."""

    distribution: Literal["uniform", "log-uniform", "normal"] = Field(
        "uniform", description="evenly, evenly by ratio (both low to high), or around a mean")
    low: float | None = Field(None, description="least value; with normal a bound")
    high: float | None = Field(None, description="greatest value; with normal a bound")
    mean: float | None = Field(None, description="of normal")
    deviation: float | None = Field(None, gt=0, description="standard deviation, of normal")
    count: int = Field(ge=1, le=MOST_VALUES, description="how many values")
    seed: int = Field(0, ge=0, description="of the generator")
    whole: bool = Field(False, description="round to whole numbers")
    unit: str = Field("", description='of the numbers, such as "Gbps"; empty: plain numbers')

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.distribution == "normal":
            if self.mean is None or self.deviation is None:
                raise ValueError("a normal distribution needs mean and deviation")
        elif self.low is None or self.high is None or not self.low < self.high:
            raise ValueError(f"a {self.distribution} distribution needs low below high")
        if self.distribution == "log-uniform" and (self.low or 0.0) <= 0:
            raise ValueError("a log-uniform distribution needs low above 0")
        return self

    def values(self) -> tuple[Value, ...]:
        rng = np.random.default_rng(self.seed)
        low = -math.inf if self.low is None else self.low
        high = math.inf if self.high is None else self.high
        if self.distribution == "normal":
            assert self.mean is not None and self.deviation is not None
            drawn = np.clip(rng.normal(self.mean, self.deviation, self.count), low, high)
        elif self.distribution == "uniform":
            drawn = rng.uniform(low, high, self.count)
        else:
            drawn = low * (high / low) ** rng.random(self.count)
        return written([float(number) for number in drawn], self.whole, self.unit, once=False)

    def at(self, share: float) -> Value:
        """The number that this share (0 to 1) of draws stays below; of a normal distribution from
        `_TAIL` to 1 - `_TAIL`, since its ends are endless."""
        if self.distribution == "normal":
            from scipy.special import ndtri

            assert self.mean is not None and self.deviation is not None
            number = self.mean + self.deviation * float(ndtri(min(max(share, _TAIL), 1 - _TAIL)))
            number = min(max(number, -math.inf if self.low is None else self.low),
                         math.inf if self.high is None else self.high)
        else:
            assert self.low is not None and self.high is not None
            number = (self.low + (self.high - self.low) * share if self.distribution == "uniform"
                      else self.low * (self.high / self.low) ** share)
        return _between(number, self.whole, self.unit)


class Case(Strict):
    """A named set of changes: ``set = {"topology" = "dgx-h100", "options.policy" = "mtfs"}``."""

    name: str = Field(min_length=1, description="what tables show")
    set: dict[str, Value] = Field(description="path -> value")


class Axis(Strict):
    """What is varied: a path with values, a range or a draw; or cases."""

    path: str | None = Field(None, description="what is changed, such as options.rate")
    name: str = Field("", description="of the column; else the last word of the path")
    values: tuple[Value, ...] | None = Field(None, description="the values themselves")
    range: Range | None = Field(None, description="evenly spaced numbers")
    random: Draw | None = Field(None, description="drawn numbers")
    case: tuple[Case, ...] | None = Field(None, description="named sets of changes, no path")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        given = [name for name in ("values", "range", "random", "case")
                 if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("an axis needs one of values, range, random, [[axis.case]]"
                             + (f", not {' and '.join(given)}" if given else ""))
        if self.case is not None:
            if self.path is not None or not self.name:
                raise ValueError("an axis of cases has a name and no path")
            if len({case.name for case in self.case}) < len(self.case):
                raise ValueError("two cases have the same name")
        elif self.path is None:
            raise ValueError("an axis needs a path, such as path = \"options.policy\"")
        if not self.settings:
            raise ValueError("an axis needs at least one value")
        if len(self.settings) > MOST_VALUES:
            raise ValueError(f"{len(self.settings)} values; at most {MOST_VALUES} are allowed")
        return self

    @property
    def column(self) -> str:
        """Name of the axis in tables and expressions."""
        if self.name:
            return self.name
        assert self.path is not None
        return column_of(self.path)

    @property
    def is_seed(self) -> bool:
        """Whether its values are draws of luck: of the replay, or of a generated trace."""
        return self.path in ("seed", "trace.args.seed")

    @property
    def settings(self) -> tuple[tuple[Value, Mapping[str, Any]], ...]:
        """(what tables show, path -> value) of each value."""
        if self.case is not None:
            return tuple((case.name, case.set) for case in self.case)
        source = self.range or self.random
        values = source.values() if source else self.values or ()
        return tuple((value, {str(self.path): value}) for value in values)

    @property
    def choices(self) -> int | None:
        """How many values may be chosen among; None where any number between two ends may be."""
        return None if self.range or self.random else len(self.settings)

    def at(self, share: float) -> tuple[Value, Mapping[str, Any]]:
        """As one of `settings`, at a share (0 to 1) of the range; of a list, the value there."""
        source = self.range or self.random
        if source is None:
            settings = self.settings
            return settings[min(int(share * len(settings)), len(settings) - 1)]
        value = source.at(share)
        return value, {str(self.path): value}


def column_of(path: str) -> str:
    """What a path is called in tables when it has no name.

    >>> column_of("options.rate"), column_of("link.nvlink.rate")
    ('rate', 'nvlink_rate')
    """
    if path.startswith("link."):
        return "_".join(path.split(".")[-2:])
    return path.rpartition(".")[2]


def _between(number: float, whole: bool, unit: str) -> Value:
    """A number between two ends; with a unit it is text, which 6 digits keep short."""
    return written([float(f"{number:.6g}") if unit and not whole else number], whole, unit)[0]


def written(numbers: list[float], whole: bool, unit: str, once: bool = True
            ) -> tuple[Value, ...]:
    """Rounded to 12 digits, so that ranges read well, and with their unit."""
    rounded: list[int | float] = [round(number) if whole else float(f"{number:.12g}")
                                  for number in numbers]
    if whole and once:
        rounded = list(dict.fromkeys(rounded))
    return tuple(f"{number!r}{unit}" for number in rounded) if unit else tuple(rounded)
