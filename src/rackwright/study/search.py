"""What a study searches for: the largest, or smallest, number for which an expression holds.

Holding is taken to change once between the two ends; where it changes more often, one of the
changes is found. Numbers between the ends are halved until the one that holds and the one that does
not are a share `within` apart, by the same rule as rate searches of the models
(`rackwright.models.serving.rates.narrowed`). Nothing here replays anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from pydantic import Field, model_validator

from rackwright.study.axes import Strict, Value, column_of, written
from rackwright.study.expressions import quantity

__all__ = ["Halving", "Search"]

_ENDS = {"time": "_s", "bytes": "_bytes", "rate": "_bps", "bandwidth": "_bytes_per_s",
         "power": "_w", "energy": "_j", "frequency": "_hz", "money": "_usd"}


class Search(Strict):
    """What is searched for at each point, for the system and for each baseline alone."""

    path: str = Field(description="what is changed, such as trace.args.rate_per_s")
    name: str = Field("", description="of the metric that is found; else the last word of the path")
    low: float = Field(gt=0, description="least number")
    high: float = Field(gt=0, description="greatest number")
    that: str = Field(description="an expression over one replay's metrics, and what is searched")
    find: Literal["largest", "smallest"] = Field("largest", description="for which it holds")
    within: float = Field(0.02, gt=0, lt=1, description="relative width of what is left between "
                          "a number for which it holds and one for which it does not")
    whole: bool = Field(False, description="whole numbers only")
    unit: str = Field("", description='of the numbers, such as "Gbps"; empty: plain numbers')

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.low < self.high:
            raise ValueError("a search needs low below high")
        if self.whole and math.ceil(self.low) >= math.floor(self.high):
            raise ValueError("a search of whole numbers needs two of them between low and high")
        return self

    @property
    def column(self) -> str:
        """Name in expressions, and of the metric but for its unit."""
        return self.name or column_of(self.path)

    @property
    def metric(self) -> str:
        """Full name of what is found, with the SI unit of a quantity: ``rate_bps``."""
        value = self.value(self.low)
        found = quantity(value) if isinstance(value, str) else None
        end = _ENDS[found[1]] if found else ""
        return self.column if self.column.endswith(end) else self.column + end

    @property
    def beyond(self) -> str:
        """Full name of the nearest number tried at which the expression does not hold."""
        return f"beyond_{self.metric}"

    def value(self, number: float) -> Value:
        """The number as a scenario holds it."""
        return written([number], self.whole, self.unit)[0]


class _Wanted(Exception):
    """A number that has not been tried."""


@dataclass
class Halving:
    """One search: `ask` for a number, `tell` whether it holds there, until nothing is asked.

    >>> search = Halving(Search(path="limit", low=1, high=64, whole=True, that="limit < 23"))
    >>> while (number := search.ask()) is not None:
    ...     search.tell(number, number < 23)
    >>> search.holds_at, search.fails_at
    (22.0, 23.0)
    """

    search: Search
    tried: dict[float, bool] = field(default_factory=dict)

    def ask(self) -> float | None:
        """The next number; None when the search is over."""
        try:
            self._ends()
        except _Wanted as wanted:
            return float(wanted.args[0])
        return None

    def tell(self, number: float, holds: bool) -> None:
        self.tried[number] = holds

    @property
    def holds_at(self) -> float | None:
        """The number found; None when it holds at neither end that it should."""
        return self._ends()[0]

    @property
    def fails_at(self) -> float | None:
        """The nearest number tried at which it does not hold; None when it holds at the ends."""
        return self._ends()[1]

    def record(self) -> Mapping[str, object]:
        """Plain values; `tried`: [number, holds], by number."""
        return {"holds_at": self.holds_at, "fails_at": self.fails_at,
                "tried": [[number, self.tried[number]] for number in sorted(self.tried)]}

    def _ends(self) -> tuple[float | None, float | None]:
        """(holds, does not) side by side. Raises _Wanted for a number that must be tried."""
        from rackwright.models.serving.rates import narrowed

        search = self.search
        low, high = self._number(search.low, up=True), self._number(search.high)
        best, worst = (low, high) if search.find == "largest" else (high, low)
        if not self._holds(best):
            return None, best
        if self._holds(worst):
            return worst, None
        # halves of a whole number stand for it, so the last two must be closer than 1
        within = max(search.within, 1 / high) if search.whole else search.within
        last = narrowed(lambda number: self._holds(self._number(number)) != self._holds(low),
                        low, high, within)
        one, other = map(self._number, last)
        return (one, other) if search.find == "largest" else (other, one)

    def _holds(self, number: float) -> bool:
        if number not in self.tried:
            raise _Wanted(number)
        return self.tried[number]

    def _number(self, number: float, up: bool = False) -> float:
        """As scenarios hold it: 12 digits, or whole."""
        if self.search.whole:
            return float(math.ceil(number) if up else math.floor(number))
        return float(f"{number:.12g}")
