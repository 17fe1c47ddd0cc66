"""`optimise`: trials chosen one after another, each by what the ones before came to.

A trial is a point between the ends of the axes, replayed and kept like any other: the same seed
asks for the same trials, so an interrupted search goes on where it was. Nothing is fitted to
replays in their place; every number of the table was replayed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from os import PathLike
from typing import Any

from rackwright.errors import Interrupted, UnknownName, UsageError
from rackwright.study.expressions import Expression, NoValue
from rackwright.study.grid import points
from rackwright.study.optimisers import OPTIMISERS, Optimiser
from rackwright.study.pareto import undominated
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row, value_of
from rackwright.study.running import opened, run_chosen
from rackwright.study.session import Progress, Session
from rackwright.study.study import Pareto, Study
from rackwright.study.trials import Dimension, Place, dimensions, zipped

__all__ = ["Optimised", "optimise"]

_MOST = 10_000  # trials; our own limit


@dataclass(frozen=True)
class Optimised:
    """`result`: a row a trial, in the order asked; `best`: numbers of those that none beats, one
    for one goal unless several are equal."""

    minimise: tuple[str, ...]
    maximise: tuple[str, ...]
    optimiser: str
    seed: int
    batch: int
    result: StudyResult
    best: tuple[int, ...]

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"minimise": list(self.minimise), "maximise": list(self.maximise),
                "optimiser": self.optimiser, "seed": self.seed, "batch": self.batch,
                "best": list(self.best), "trials": [row.record() for row in self.result.rows]}

    def text(self, width: int = 100) -> str:
        """The best trials, and how the best one improved, for a person."""
        from rackwright.study.tables import optimised_text

        return optimised_text(self, width)


@dataclass(frozen=True)
class _Goals:
    minimise: tuple[str, ...]
    maximise: tuple[str, ...]

    def costs(self, row: Row, baselines: Sequence[str]) -> tuple[float, ...] | None:
        """Less is better; None where a goal has no value."""
        try:
            return None if row.error else tuple(
                sign * value_of(Expression.read(text), row, baselines)
                for sign, texts in ((1.0, self.minimise), (-1.0, self.maximise)) for text in texts)
        except NoValue:
            return None


def optimise(study: Study | str | PathLike[str], *, minimise: Sequence[str] = (),
             maximise: Sequence[str] = (), trials: int = 50, seed: int = 0, batch: int = 1,
             optimiser: str | Optimiser = "optuna", out: str | PathLike[str] | None = None,
             jobs: int = 1, executor: Executor | None = None, resume: bool = False,
             progress: Progress | None = None, folder: str | PathLike[str] | None = None
             ) -> Optimised:
    """Look for the best point between the ends of the axes of `study`.

    `minimise`, `maximise`: expressions; none: those of ``[pareto]``. `batch`: trials that are
    asked for before the first of them is told, which is how many can be replayed side by side;
    another batch makes other trials, another number of `jobs` does not. `optimiser`: a name of
    `OPTIMISERS`, or an object with the interface `Optimiser`. The other arguments are those of
    `rackwright.study.run`. A trial that fails is a row with an error, and told as failed.

    Raises UsageError, UnknownName, MissingTool, and Interrupted with the StudyResult so far.
    """
    study, folder = opened(study, folder)
    goals = _goals(study, tuple(minimise), tuple(maximise))
    if not 1 <= trials <= _MOST or not 1 <= batch <= trials:
        raise UsageError(f"{trials} trials in batches of {batch}; 1 to {_MOST:,} trials are "
                         "allowed, and batches of 1 up to all of them")
    free = dimensions(study)
    name, chooser = _chooser(optimiser, free, len((*goals.minimise, *goals.maximise)), seed)
    made = _Trials(study, free, goals, chooser)
    with Session(out, jobs=jobs, executor=executor, resume=resume, progress=progress,
                 folder=folder) as session:
        try:
            for count in _batches(trials, batch):
                made.round(count, session)
        except Interrupted as stop:
            raise Interrupted(str(stop), partial=made.result(session)) from None
        result = made.result(session)
    return Optimised(goals.minimise, goals.maximise, name, seed, batch, result,
                     undominated({number: costs for number, costs in enumerate(made.costs)
                                  if costs is not None}))


def _goals(study: Study, minimise: tuple[str, ...], maximise: tuple[str, ...]) -> _Goals:
    if not (minimise or maximise):
        asked = study.pareto or Pareto.model_construct()
        minimise, maximise = asked.minimise, asked.maximise
    if not (minimise or maximise):
        raise UsageError("optimise needs a goal: --minimise EXPRESSION or --maximise EXPRESSION, "
                         "or [pareto] in the file")
    for text in (*minimise, *maximise):
        Expression.read(text)
    return _Goals(minimise, maximise)


def _chooser(optimiser: str | Optimiser, free: Sequence[Dimension], goals: int, seed: int
             ) -> tuple[str, Optimiser]:
    if not isinstance(optimiser, str):
        return type(optimiser).__name__, optimiser
    if optimiser not in OPTIMISERS:
        raise UnknownName("optimiser", optimiser, OPTIMISERS)
    return optimiser, OPTIMISERS[optimiser](free, goals, seed)


def _batches(trials: int, batch: int) -> Iterator[int]:
    for begin in range(0, trials, batch):
        yield min(batch, trials - begin)


class _Trials:
    """What was asked and what came of it."""

    def __init__(self, study: Study, free: Sequence[Dimension], goals: _Goals,
                 chooser: Optimiser) -> None:
        self.study, self.free, self.goals, self.chooser = study, free, goals, chooser
        self.places: list[Place] = []
        self.rows: list[Row] = []
        self.costs: list[tuple[float, ...] | None] = []

    def round(self, count: int, session: Session) -> None:
        """Ask for `count` trials, replay them, tell. Raises Interrupted."""
        begin = len(self.places)
        asked = [self._asked() for _ in range(count)]
        made = zipped(self.study, asked)
        chosen = [dataclasses.replace(point, number=begin + point.number)
                  for point in points(made)]
        self.places += asked
        found = run_chosen(made, chosen, session)
        for row in found.rows:
            self.rows.append(row)
            self.costs.append(self.goals.costs(row, self.study.baselines))
            self.chooser.tell(row.number, self.costs[-1])

    def _asked(self) -> Place:
        place = tuple(self.chooser.ask())
        if len(place) != len(self.free) or not all(0 <= share <= 1 for share in place):
            raise UsageError(f"the optimiser asked for {place}; {len(self.free)} shares from 0 to "
                             "1 are needed, one for each axis with more than one value")
        return place

    def result(self, session: Session) -> StudyResult:
        """The table of the trials that were told."""
        return session.result(zipped(self.study, self.places[:len(self.rows)]), self.rows)
