"""`sensitivity`: which axes of a study a metric depends on, and how sure that is.

Sobol's indices are shares of the metric's variance: `first`, by an axis alone; `total`, with all
that it does together with others. Morris' are mean sizes of a step's effect, over the whole axis
(`size`), with their sign (`mean`) and how they scatter (`spread`: bends, or other axes). One axis
at a time gives the least and the greatest value. Halves are of 95 % intervals, from resampling:
they say how far more samples might move an index, not how wrong a model is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from rackwright.errors import UsageError
from rackwright.study.designs import LEVELS, METHODS, design, library, problem, salib_seed
from rackwright.study.expressions import Expression, NoValue
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row, value_of
from rackwright.study.running import opened, run
from rackwright.study.study import Study
from rackwright.study.trials import Dimension, Place, dimensions, zipped

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from rackwright.study.session import Progress

__all__ = ["Effect", "Sensitivity", "sensitivity"]

_RANKED_BY = {"one": "range", "morris": "size", "sobol": "total"}


@dataclass(frozen=True)
class Effect:
    """What one axis does to the metric: index -> value, and `at`: where it is least and greatest
    (one axis at a time only)."""

    axis: str
    values: Mapping[str, float]
    at: Mapping[str, Any]


@dataclass(frozen=True)
class Sensitivity:
    """The axes, those with most effect first; `result`: the table of everything replayed."""

    metric: str
    method: str
    samples: int
    seed: int
    effects: tuple[Effect, ...]
    result: StudyResult

    def rows(self) -> list[dict[str, Any]]:
        """One row an axis, for tables."""
        return [{"axis": effect.axis, **effect.values, **effect.at} for effect in self.effects]

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON; points by their number and hash."""
        return {"study": self.result.study.name, "metric": self.metric, "method": self.method,
                "samples": self.samples, "seed": self.seed, "points": len(self.result.rows),
                "effects": self.rows(), "hashes": [row.hash for row in self.result.rows]}

    def text(self, width: int = 100) -> str:
        """A table for a person."""
        from rackwright.study.tables import sensitivity_text

        return sensitivity_text(self, width)


def sensitivity(study: Study | str | PathLike[str], metric: str, *, method: str = "sobol",
                samples: int | None = None, seed: int = 0, out: str | PathLike[str] | None = None,
                jobs: int = 1, executor: Executor | None = None, resume: bool = False,
                progress: Progress | None = None, folder: str | PathLike[str] | None = None
                ) -> Sensitivity:
    """How `metric`, an expression, depends on the axes of `study`, ranges taken from end to end.

    `method`: "sobol", "morris" (both with SALib) or "one"; `samples`: see `designs`; equal seeds
    give equal places. The other arguments are those of `rackwright.study.run`; replays are kept
    and resumed like its own.

    Raises UnknownName, UsageError (also where the metric has no value at some point),
    MissingTool, and Interrupted with the StudyResult so far.
    """
    study, folder = opened(study, folder)
    expression = Expression.read(metric)
    free = dimensions(study)
    count = METHODS.get(method, 2) if samples is None else samples
    places = design(method, free, count, seed)
    result = run(zipped(study, places), out, jobs=jobs, executor=executor, resume=resume,
                 progress=progress, folder=folder)
    values = _values(expression, result.rows, study.baselines)
    found = _effects(method, free, places, values, seed)
    if method == "one":
        found = _one(free, result.rows, values, count)
    ranked = sorted(found, key=lambda one: (-one.values[_RANKED_BY[method]], one.axis))
    return Sensitivity(metric, method, count, seed, tuple(ranked), result)


def _values(expression: Expression, rows: Sequence[Row], baselines: Sequence[str]) -> list[float]:
    found, missing = [], []
    for row in rows:
        try:
            if row.error:
                raise NoValue(row.error)
            found.append(value_of(expression, row, baselines))
        except NoValue as problem:
            missing.append((row.number, str(problem)))
    if missing:
        number, why = missing[0]
        raise UsageError(f"{expression.text} has no value at {len(missing)} of {len(rows)} points, "
                         f"and a sensitivity needs all; at point {number}: {why}. Narrow the axes; "
                         "what was replayed is kept")
    return found


def _effects(method: str, free: Sequence[Dimension], places: Sequence[Place],
             values: Sequence[float], seed: int) -> list[Effect]:
    if method == "one":
        return []
    if min(values) == max(values):  # no variance to share out
        names = ("first", "first_half", "total", "total_half") if method == "sobol" else (
            "size", "size_half", "mean", "spread")
        return [Effect(one.name, dict.fromkeys(names, 0.0), {}) for one in free]
    y = np.array(values)
    keys: dict[str, str]
    if method == "sobol":
        found = library("analyze.sobol").analyze(problem(free), y, calc_second_order=False,
                                                 seed=salib_seed(seed))
        keys = {"first": "S1", "first_half": "S1_conf", "total": "ST", "total_half": "ST_conf"}
    else:
        found = library("analyze.morris").analyze(problem(free), np.array(places), y,
                                                  num_levels=LEVELS, seed=salib_seed(seed))
        keys = {"size": "mu_star", "size_half": "mu_star_conf", "mean": "mu", "spread": "sigma"}
    return [Effect(one.name, {name: _number(found[theirs][place])
                              for name, theirs in keys.items()}, {})
            for place, one in enumerate(free)]


def _number(value: Any) -> float:
    """SALib gives no interval, a nan, where all resamples agree."""
    return 0.0 if math.isnan(float(value)) else float(value)


def _one(free: Sequence[Dimension], rows: Sequence[Row], values: Sequence[float], samples: int
         ) -> list[Effect]:
    found = []
    for place, one in enumerate(free):
        begin = 1 + place * samples
        own = [(values[number], rows[number].axes[one.name])
               for number in (0, *range(begin, begin + samples))]
        low, high = min(own, key=lambda pair: pair[0]), max(own, key=lambda pair: pair[0])
        found.append(Effect(one.name, {"low": low[0], "high": high[0], "range": high[0] - low[0]},
                            {"at_low": low[1], "at_high": high[1]}))
    return found
