"""The rows of one system: every claim simulated, compared, and moved by its stand-ins.

Rows are independent: what goes wrong in one is that row's error, and the others go on. Only
Ctrl-C ends a run. What rows share, they share through the `Context`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from rackwright.errors import Interrupted, RackwrightError
from rackwright.reproduce.claim import Claim
from rackwright.reproduce.claims import Claims
from rackwright.reproduce.context import Context, Parameter, Unavailable
from rackwright.reproduce.rows import Row, Sensitivity, State
from rackwright.reproduce.systems_found import Simulation, System

__all__ = ["MOVED", "Job", "rows_of", "simulated"]

MOVED = ("predicted", "stand-in")  # a fitted row follows its fit, a check our own arithmetic


@dataclasses.dataclass(frozen=True)
class Job:
    """Rows `keys` of a system, in the order of its file; `data`: folder of third-party data."""

    system: System
    claims: Claims
    keys: tuple[str, ...]
    seed: int = 0
    data: Path | None = None
    sensitivity: bool = False


def rows_of(job: Job, progress: Callable[[str], None] | None = None) -> Iterator[tuple[int, Row]]:
    """(place in `job.keys`, row) as they are done; with sensitivities each row comes twice."""
    try:
        simulations = job.system.simulations(job.claims)
    except Exception as problem:
        for place, key in enumerate(job.keys):
            yield place, _in_error(Row(job.system.name, job.claims[key]), problem)
        return
    context = Context(job.seed, job.data, progress)
    taken: dict[int, dict[str, Parameter]] = {}
    rows: dict[int, Row] = {}
    for place, key in enumerate(job.keys):
        context.progress(key)
        with context.noting() as taken[place]:
            rows[place] = simulated(job.system, job.claims[key], simulations, context)
        yield place, rows[place]
    if job.sensitivity:
        # after all rows, so that whatever a parameter has no part in is done already
        moved = _Moved(context)
        for place, row in rows.items():
            if row.claim.kind in MOVED and row.simulated is not None:
                yield place, _with_sensitivities(row, simulations, taken[place], moved)


def simulated(system: System, claim: Claim, simulations: Mapping[str, Simulation],
              context: Context) -> Row:
    """The row of one claim. Raises only what ends a run: `Interrupted`, KeyboardInterrupt."""
    empty = Row(system.name, claim)
    if claim.key not in simulations:
        return _without_simulation(empty, system)
    try:
        return Row.judged(system.name, claim, _number(simulations[claim.key](context)))
    except Unavailable as problem:
        return dataclasses.replace(empty, state=State.SKIPPED, reason=str(problem))
    except Interrupted:
        raise
    except Exception as problem:
        return _in_error(empty, problem)


def _in_error(empty: Row, problem: Exception) -> Row:
    return dataclasses.replace(empty, state=State.ERROR, reason=_in_a_line(problem))


def _without_simulation(empty: Row, system: System) -> Row:
    """Fine for a system without simulations and for what is known not to be modelled."""
    if system.module is None:
        reason = f"nothing simulates the claims about {system.name}"
        return dataclasses.replace(empty, reason=reason)
    if empty.claim.known_miss is not None:
        return dataclasses.replace(empty, state=State.KNOWN_MISS, reason="no simulation")
    return dataclasses.replace(empty, state=State.ERROR,
                               reason=f"{system.module}.SIMULATIONS has no {empty.key!r}")


def _number(value: float) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"the simulation gave {number}")
    return number


def _in_a_line(problem: Exception) -> str:
    text = " ".join(str(problem).split())
    return text if isinstance(problem, RackwrightError) else f"{type(problem).__name__}: {text}"


class _Moved:
    """Contexts with one parameter at one end of its band, shared by all rows."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._moved: dict[tuple[str, float], Context] = {}

    def __call__(self, name: str, value: float) -> Context:
        if (name, value) not in self._moved:
            self._moved[name, value] = self._context.moved(name, value)
        return self._moved[name, value]


def _with_sensitivities(row: Row, simulations: Mapping[str, Simulation],
                        taken: Mapping[str, Parameter], moved: _Moved) -> Row:
    simulation = simulations[row.key]
    found = tuple(_sensitivity(row, simulation, taken[name], moved) for name in sorted(taken))
    return dataclasses.replace(row, sensitivities=found)


def _sensitivity(row: Row, simulation: Simulation, parameter: Parameter, moved: _Moved
                 ) -> Sensitivity:
    ends: list[float | None] = []
    reasons = []
    for value in (parameter.low, parameter.high):
        if value == parameter.value:
            ends.append(row.simulated)
            continue
        context = moved(parameter.name, value)
        context.progress(f"{row.key} with {parameter.name} = {value:g}")
        try:
            ends.append(_number(simulation(context)))
        except Interrupted:
            raise
        except Exception as problem:
            ends.append(None)
            reasons.append(f"at {value:g}: {_in_a_line(problem)}")
    return Sensitivity(parameter.name, parameter.value, parameter.low, parameter.high,
                       at_low=ends[0], at_high=ends[1], reason="; ".join(reasons))
