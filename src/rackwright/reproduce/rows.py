"""What came of a claim, and of all of them: rows, their states and the headline's counts.

The headline counts predicted rows only, misses included: rows of other kinds were fitted, rest on
an assumption of ours, or are our own arithmetic, and are no evidence. A row that was skipped or
cannot be simulated counts as published and not as met.

Nothing here depends on how long a row took, so equal inputs give equal bytes.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rackwright.canonical import canonical_json
from rackwright.reproduce.claim import Claim

__all__ = ["Headline", "Reproduction", "Row", "Sensitivity", "State"]


class State(enum.Enum):
    """What a row came to. `FAILS` and `SURPRISE` (holds despite its known_miss) are changes."""

    HOLDS = "holds"
    KNOWN_MISS = "known miss"
    FAILS = "fails"
    SURPRISE = "holds despite known miss"
    ERROR = "error"
    SKIPPED = "skipped"
    UNSIMULATED = "not simulated"


@dataclass(frozen=True)
class Sensitivity:
    """What a stand-in or fitted number does to a row: its value and band, the row at both ends.

    An end is None where the simulation cannot be done there; `reason` says why.
    """

    parameter: str
    value: float
    low: float
    high: float
    at_low: float | None
    at_high: float | None
    reason: str = ""

    def changes(self, simulated: float) -> tuple[float | None, float | None]:
        """Relative changes of the row at both ends; None where there is no value."""
        low, high = ((at - simulated) / abs(simulated) if at is not None and simulated else None
                     for at in (self.at_low, self.at_high))
        return low, high

    def record(self) -> dict[str, Any]:
        return {"parameter": self.parameter, "value": self.value, "low": self.low,
                "high": self.high, "at_low": self.at_low, "at_high": self.at_high,
                "reason": self.reason or None}


@dataclass(frozen=True)
class Row:
    """A claim and what became of it.

    `simulated`: in the claim's unit; None when skipped, not simulated or in error. `reason`: why
    so. `sensitivities`: one for each stand-in or fitted number that the simulation took, or None
    when they were not asked for.
    """

    system: str
    claim: Claim
    simulated: float | None = None
    state: State = State.UNSIMULATED
    reason: str = ""
    sensitivities: tuple[Sensitivity, ...] | None = None

    @classmethod
    def judged(cls, system: str, claim: Claim, simulated: float) -> Row:
        """The row of a claim whose simulation gave a number."""
        met = claim.allows(simulated)
        if claim.known_miss is None:
            state = State.HOLDS if met else State.FAILS
        else:
            state = State.SURPRISE if met else State.KNOWN_MISS
        return cls(system, claim, simulated, state)

    @property
    def key(self) -> str:
        return self.claim.key

    @property
    def predicted(self) -> bool:
        return self.claim.kind == "predicted"

    @property
    def holds(self) -> bool | None:
        """Whether the simulated number is allowed; None when there is none."""
        return None if self.simulated is None else self.claim.allows(self.simulated)

    @property
    def relative_error(self) -> float | None:
        return None if self.simulated is None else self.claim.relative_error(self.simulated)

    @property
    def changed(self) -> bool:
        """Whether the row is not as its file says; fitted rows and stand-ins may drift."""
        if self.state is State.ERROR:
            return True
        return (self.claim.kind in ("predicted", "check")
                and self.state in (State.FAILS, State.SURPRISE))

    @property
    def as_stated(self) -> bool:
        """Whether the row is what its file says: it holds, or misses and is known to."""
        return self.state in (State.HOLDS, State.KNOWN_MISS)

    @property
    def sentence(self) -> str:
        """The row in a line, without sensitivities."""
        unit = "" if self.claim.unit == "1" else f" {self.claim.unit}"
        value = "nothing" if self.simulated is None else f"{self.simulated:.4g}{unit}"
        goal = "" if self.claim.published is None else f"published {self.claim.published:.4g}, "
        because = f" ({self.reason})" if self.reason else ""
        return (f"{self.system}: {self.key}: {goal}allowed {_range(*self.claim.bounds)}{unit}, "
                f"simulated {value}: {self.state.value}{because}")

    def record(self) -> dict[str, Any]:
        """Plain values; whatever does not apply is None."""
        found = self.sensitivities
        return {**self.claim.record(), "system": self.system, "key": self.key,
                "simulated": self.simulated, "relative_error": self.relative_error,
                "holds": self.holds, "state": self.state.value, "reason": self.reason or None,
                "sensitivities": None if found is None else [each.record() for each in found]}


def _range(low: float, high: float) -> str:
    if math.isinf(high):
        return f"from {low:.4g}"
    return f"up to {high:.4g}" if math.isinf(low) else f"{low:.4g} to {high:.4g}"


@dataclass(frozen=True)
class Headline:
    """Counts of predicted rows: all of them, and how many ended in each state."""

    predicted: int
    states: Mapping[State, int]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Headline:
        counted = [row.state for row in rows if row.predicted]
        return cls(len(counted), {state: counted.count(state) for state in State})

    @property
    def met(self) -> int:
        """How many hold, also where their file says that they miss."""
        return self.states[State.HOLDS] + self.states[State.SURPRISE]

    @property
    def text(self) -> str:
        """As "3 of 5 predicted values hold; 1 known to miss, 1 skipped"."""
        if not self.predicted:
            return "no predicted values"
        rest = [f"{self.states[state]} {word}" for state, word in _WORDS.items()
                if self.states[state]]
        return f"{self.met} of {self.predicted} predicted values hold" + \
            (f"; {', '.join(rest)}" if rest else "")


_WORDS = {State.SURPRISE: "of them despite a known miss", State.KNOWN_MISS: "known to miss",
          State.FAILS: "failing", State.ERROR: "in error", State.SKIPPED: "skipped",
          State.UNSIMULATED: "not simulated"}


@dataclass(frozen=True)
class Reproduction:
    """All rows, in the order of systems and of their files.

    `papers`: system -> its paper. `unsimulated`: systems with claims and nothing that simulates
    them. `left`: keys ("system: key") that an interruption left out. `rows` may be selected.
    """

    rows: tuple[Row, ...]
    papers: Mapping[str, str]
    unsimulated: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def headline(self) -> Headline:
        return Headline.of(self.rows)

    @property
    def changed(self) -> tuple[Row, ...]:
        """Rows that are not as their file says."""
        return tuple(row for row in self.rows if row.changed)

    @property
    def exit_code(self) -> int:
        """0, or 1 when a row has changed its state."""
        return 1 if self.changed else 0

    def of(self, system: str) -> tuple[Row, ...]:
        """The rows of a system."""
        return tuple(row for row in self.rows if row.system == system)

    def record(self) -> list[dict[str, Any]]:
        """One record a row, plain values."""
        return [row.record() for row in self.rows]

    def to_json(self) -> str:
        """Canonical JSON text of `record`, ending with a newline."""
        return canonical_json(self.record(), indent=1) + "\n"

    def _repr_html_(self) -> str:
        from rackwright.report.reproduce_html import fragment

        return fragment(self)
