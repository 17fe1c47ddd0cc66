"""Running a study: its replays made once each, kept as they come, gathered into a table.

Replays that are kept already are not made again. What runs where (this process, several, an
executor of the user's) changes nothing in the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from rackwright.errors import InputError, Interrupted, UsageError
from rackwright.study.expectations import verdicts
from rackwright.study.expressions import Expression
from rackwright.study.file import load
from rackwright.study.grid import Point, points
from rackwright.study.plans import Plan
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row, check_names, row_of, with_derived
from rackwright.study.session import Progress, Session
from rackwright.study.study import Study

__all__ = ["Progress", "Shard", "check_row", "opened", "run", "run_chosen"]


@dataclass(frozen=True)
class Shard:
    """Part `number` (from 1) of `count` parts of a study."""

    number: int
    count: int

    @classmethod
    def read(cls, text: str) -> Shard:
        """From "2/4". Raises UsageError."""
        number, slash, count = text.partition("/")
        if not (slash and number.isdecimal() and count.isdecimal()
                and 1 <= int(number) <= int(count)):
            raise UsageError(f"shard {text!r}; write part/parts, such as 1/4 ... 4/4")
        return cls(int(number), int(count))

    def has(self, point: int) -> bool:
        return point % self.count == self.number - 1


def run(study: Study | str | PathLike[str], out: str | PathLike[str] | None = None, *,
        jobs: int = 1, executor: Executor | None = None, resume: bool = False,
        shard: Shard | None = None, progress: Progress | None = None,
        folder: str | PathLike[str] | None = None) -> StudyResult:
    """Replay every point of `study` (a file, or a `Study`) and gather the table.

    `out`: folder whose ``store`` keeps each result as it comes; with `resume` those that are there
    are used. `jobs`: processes; `executor`: anything with the interface of `concurrent.futures`
    instead. `shard`: only these points. `folder`: what files in a `Study` are relative to.

    A point that fails is a row with an error. Raises InputError (the file, metrics that no point
    has), UsageError, and Interrupted after Ctrl-C, whose `partial` is the StudyResult so far.
    """
    study, folder = opened(study, folder)
    chosen = [point for point in points(study) if shard is None or shard.has(point.number)]
    with Session(out, jobs=jobs, executor=executor, resume=resume, progress=progress,
                 folder=folder) as session:
        return run_chosen(study, chosen, session)


def run_chosen(study: Study, chosen: Sequence[Point], session: Session) -> StudyResult:
    """Replay these points, or search at them when the study says so. Raises Interrupted with the
    table of those that are complete."""
    if study.search is not None:
        from rackwright.study.searching import search

        return search(study, chosen, session)
    return _replayed(study, chosen, session)


def opened(study: Study | str | PathLike[str], folder: str | PathLike[str] | None
           ) -> tuple[Study, Path]:
    """The study itself, and the folder that its files are relative to."""
    if isinstance(study, Study):
        return study, Path(folder or ".")
    return load(study), Path(study).parent


def _replayed(study: Study, chosen: Sequence[Point], session: Session) -> StudyResult:
    planned = session.plan(chosen, study.baselines)
    try:
        session.make(planned, lambda plan, place: _names_known(study, session, plan, place))
    except (KeyboardInterrupt, Interrupted):
        session.take_last()
        partial = session.result(study, session.rows(planned, study))
        raise Interrupted(session.interruption(), partial=partial) from None
    return session.result(study, session.rows(planned, study))


def _names_known(study: Study, session: Session, planned: Plan, place: int) -> bool:
    """Once a point is complete, what the file calls metrics must be metrics; False until then."""
    keys = planned.keys[place]
    if not all("result" in session.answers.get(key, ()) for key in keys.values()):
        return False
    check_row(study, row_of(planned.points[place], keys, session.of(keys), study.baselines))
    return True


def check_row(study: Study, row: Row) -> None:
    """Raises InputError when the file names a metric that this row does not have."""
    try:
        check_names(row, _expressions(study), _metrics(study), study.derived)
        verdicts(study, with_derived([row], study.derived, {}, study.baselines))
    except InputError as problem:
        raise InputError(f"study {study.name!r}: {problem.message} (what was replayed is "
                         "kept; mend the file and go on with --resume)") from None


def _expressions(study: Study) -> Iterable[tuple[str, Expression]]:
    for name, text in study.derived.items():
        yield f"derived.{name}", Expression.read(text)
    for number, expect in enumerate(study.expect, 1):
        yield f"expect {number}", Expression.read(expect.that)
        if expect.where:
            yield f"expect {number}", Expression.read(expect.where)


def _metrics(study: Study) -> Iterable[str]:
    yield from study.metrics
    for plot in study.plot:
        yield from (plot.x, plot.y)
    for knee in study.knee:
        yield knee.y
    if study.pareto:
        yield from (*study.pareto.maximise, *study.pareto.minimise)
