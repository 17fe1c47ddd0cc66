"""`Study`: a question asked of many scenarios, as its TOML file writes it.

A base scenario, axes that change it, how their values are combined, the baselines to compare with,
derived metrics and expectations. `rackwright.study.file` reads it; nothing here runs anything.
"""

from __future__ import annotations

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from rackwright.study.axes import Axis, Strict, Value
from rackwright.study.search import Search

__all__ = ["MOST_POINTS", "Base", "Expect", "Knee", "Pareto", "Plot", "Study"]

MOST_POINTS = 100_000  # our own limit, so that a slip of an axis is told before it runs

Fields = dict[str, Value]


class Base(Strict):
    """The scenario that the axes change."""

    system: str = Field(description="the model to replay; `rackwright replay` lists them")
    catalog: str | None = Field(None, description="a folder of part files of your own; one that "
                                "has the name of a packaged part stands for it")
    topology: str | None = Field(None, description="a preset (dgx-a100:hosts=2) or a file; "
                                 "none: the system's sample")
    topology_args: Fields = Field({}, description="arguments of the preset")
    trace: str | None = Field(None, description="a packaged trace, a file, or generate:KIND; "
                              "none: the system's sample")
    trace_args: Fields = Field({}, description="arguments of the generator")
    limit: int | None = Field(None, ge=1, description="first rows of the trace")
    seed: int = Field(0, ge=0, lt=2**31, description="of every replay")
    options: Fields = Field({}, description="options of the system")
    replace: Fields = Field({}, description="pattern of nodes or edges -> part in their place")
    device: dict[str, Fields] = Field({}, description="part -> field -> another number")
    link: dict[str, Fields] = Field({}, description="kind or edges -> rate, latency")
    fail: tuple[str, ...] = Field((), description="nodes or edges that are gone")


class Expect(Strict):
    """An expectation: what the study should show; the exit code says whether it does."""

    that: str = Field(description="an expression that is true or false at a point")
    at: Literal["all", "any", "one"] = Field("all", description="of how many points")
    where: str = Field("", description="only of points at which this expression is true")
    why: str = Field("", description="what it means, for the report")


class Plot(Strict):
    """A picture of the report."""

    x: str = Field(description="an axis, a metric or a derived metric")
    y: str = Field(description="a metric or a derived metric")
    by: str = Field("", description="an axis: one line for each of its values")


class Knee(Strict):
    """Where a curve bends most, for each combination of the other axes."""

    x: str = Field(description="an axis of numbers")
    y: str = Field(description="a metric or a derived metric")


class Pareto(Strict):
    """Points that no other beats in every one of these."""

    maximise: tuple[str, ...] = Field((), description="metrics: more is better")
    minimise: tuple[str, ...] = Field((), description="metrics: less is better")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if len((*self.maximise, *self.minimise)) < 2:
            raise ValueError("a Pareto front needs two metrics or more")
        return self


class Study(Strict):
    """What a study file says. `points` gives the scenarios it stands for."""

    name: str = Field(min_length=1, description="short, for headings")
    question: str = Field("", description="what is to be found out")
    base: Base
    axis: tuple[Axis, ...] = Field((), description="what is varied")
    combine: Literal["grid", "zip", "sample"] = Field(
        "grid", description="every combination; value by value; or some combinations, drawn")
    sample: int | None = Field(None, ge=1, le=MOST_POINTS, description="combinations to draw")
    sample_seed: int = Field(0, ge=0, description="of that draw")
    baselines: tuple[str, ...] = Field((), description="replayed beside each point")
    metrics: tuple[str, ...] = Field((), description="shown in tables; none: the headline's")
    reference: dict[str, Value] = Field({}, description="axis -> value: each point is compared "
                                        "with the one that differs in these only")
    derived: dict[str, str] = Field({}, description="name -> expression")
    expect: tuple[Expect, ...] = Field((), description="what the study should show")
    plot: tuple[Plot, ...] = Field((), description="pictures; none: metrics by axes")
    pareto: Pareto | None = Field(None, description="points worth choosing among")
    knee: tuple[Knee, ...] = Field((), description="bends of curves to be told")
    search: Search | None = Field(None, description="at each point the largest or smallest number "
                                  "for which an expression holds")
    notes: str = Field("", description="for the report")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the axes."""
        return tuple(axis.column for axis in self.axis)

    @property
    def searched(self) -> tuple[str, ...]:
        """The metric that the search adds for the system and for each baseline."""
        if self.search is None:
            return ()
        return (self.search.metric, *(f"{name}.{self.search.metric}" for name in self.baselines))

    @property
    def count(self) -> int:
        """How many points there are."""
        lengths = [len(axis.settings) for axis in self.axis]
        if self.combine == "zip":
            return min(lengths, default=1)
        every = math.prod(lengths)
        return min(every, self.sample or every) if self.combine == "sample" else every
