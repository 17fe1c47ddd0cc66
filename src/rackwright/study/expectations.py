"""Whether a study shows what its file expects: one verdict an expectation.

An expectation without a value at a point does not hold there; one that is asked of no point at all
does not hold either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rackwright.study.expressions import Expression
from rackwright.study.rows import Row, holds
from rackwright.study.study import Expect, Study

__all__ = ["Verdict", "verdicts"]

_SHOWN = 5  # points that a sentence names


@dataclass(frozen=True)
class Verdict:
    """`true` and `false`: numbers of the points at which it is; `reasons`: why it has no value."""

    expect: Expect
    holds: bool
    true: tuple[int, ...]
    false: tuple[int, ...]
    reasons: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**self.expect.model_dump(), "holds": self.holds, "true": list(self.true),
                "false": list(self.false), "reasons": list(self.reasons)}

    @property
    def sentence(self) -> str:
        """What was expected, of how many points, and where it is otherwise."""
        asked = len(self.true) + len(self.false)
        wanted = {"all": "all", "any": "some", "one": "exactly one"}[self.expect.at]
        where = f" where {self.expect.where}" if self.expect.where else ""
        text = f"{self.expect.that}, at {wanted} of {asked} points{where}: true at {len(self.true)}"
        if not self.holds and self.false and self.expect.at != "one":
            text += f", not at {_listed(self.false)}"
        return text + "".join(f"; {reason}" for reason in self.reasons[:1])


def verdicts(study: Study, rows: Sequence[Row]) -> tuple[Verdict, ...]:
    """In the order of the file."""
    return tuple(_verdict(expect, rows, study.baselines) for expect in study.expect)


def _verdict(expect: Expect, rows: Sequence[Row], baselines: Sequence[str]) -> Verdict:
    where = Expression.read(expect.where) if expect.where else None
    asked = [row for row in rows if where is None or holds(where, row, baselines)[0]]
    expression = Expression.read(expect.that)
    found = {row.number: holds(expression, row, baselines) for row in asked}
    true = tuple(number for number, (yes, _) in found.items() if yes)
    false = tuple(number for number, (yes, _) in found.items() if not yes)
    reached = {"all": bool(true) and not false, "any": bool(true), "one": len(true) == 1}
    reasons = tuple(dict.fromkeys(why for _, why in found.values() if why))
    return Verdict(expect, reached[expect.at], true, false, reasons)


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_SHOWN]))
    more = len(numbers) - _SHOWN
    return f"point{'s' if len(numbers) > 1 else ''} {shown}" + (
        f" and {more} more" if more > 0 else "")
