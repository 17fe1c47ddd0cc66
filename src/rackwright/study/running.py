"""Running a study: its replays made once each, kept as they come, gathered into a table.

Replays that are kept already are not made again. What runs where (this process, several, an
executor of the user's) changes nothing in the result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from rackwright import units
from rackwright.errors import InputError, Interrupted, UsageError
from rackwright.study.expectations import verdicts
from rackwright.study.expressions import Expression
from rackwright.study.file import load
from rackwright.study.grid import points
from rackwright.study.plans import Plan, plan
from rackwright.study.result import StudyResult
from rackwright.study.rows import check_names, row_of, with_derived
from rackwright.study.store import Store
from rackwright.study.study import Study
from rackwright.study.warming import warm
from rackwright.study.work import Answer
from rackwright.study.workers import answers

__all__ = ["Progress", "Shard", "run"]

Progress = Callable[[float, float, str], None]
"""Called with (done, total, text)."""


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
    if not isinstance(study, Study):
        folder, study = Path(study).parent, load(study)
    chosen = [point for point in points(study) if shard is None or shard.has(point.number)]
    if progress:
        progress(0, 0, f"planning {len(chosen)} points")
    planned = plan(chosen, study.baselines, Path(folder or "."))
    work = _Work(study, planned, Store(Path(out, "store")) if out is not None else None, progress)
    work.take_kept(resume)
    try:
        work.make(jobs, executor)
    except (KeyboardInterrupt, Interrupted):
        work.take_last()
        raise Interrupted(work.interruption(), partial=work.result(partly=True)) from None
    return work.result()


class _Work:
    """The answers of one run, by key."""

    def __init__(self, study: Study, planned: Plan, store: Store | None,
                 progress: Progress | None) -> None:
        self.study, self.plan, self.store, self.progress = study, planned, store, progress
        self.answers: dict[str, Answer] = {}
        self.kept = 0
        self._checked = False
        self._point_of = {key: number for number, keys in enumerate(planned.keys)
                          for key in keys.values()}

    def take_kept(self, resume: bool) -> None:
        """Use what the store has. Raises UsageError when nobody said that it may be used."""
        if self.store is None:
            return
        self.store.clean()
        if not resume:
            count = sum(self.store.has(key) for key in self.plan.tasks)
            if count:
                raise UsageError(f"{self.store.folder} holds {count} of the {len(self.plan.tasks)} "
                                 "replays of this study; --resume (resume=True) uses them, "
                                 "another folder begins anew")
            return
        for key in self.plan.tasks:
            found = self.store.get(key)
            if found is not None:
                self._take(key, found)
        self.kept = len(self.answers)

    def take_last(self) -> None:
        """What was kept when the interruption came, and not counted yet."""
        for key in self.plan.tasks:
            found = self.store.get(key) if self.store and key not in self.answers else None
            if found is not None:
                self.answers[key] = found

    def make(self, jobs: int, executor: Executor | None) -> None:
        """Everything that is missing."""
        missing = [task for key, task in self.plan.tasks.items() if key not in self.answers]
        if (jobs > 1 or executor) and len(missing) > 1:
            warm(missing)
        begun = time.monotonic()
        with closing(answers(missing, jobs, executor)) as made:
            for count, (task, answer) in enumerate(made, 1):
                if self.store is not None and not answer.get("passing"):
                    self.store.put(task.key, answer)
                self._take(task.key, answer)
                self._report(count, len(missing), time.monotonic() - begun)

    def _take(self, key: str, answer: Answer) -> None:
        self.answers[key] = answer
        if not self._checked:
            self._check(self._point_of[key])

    def _report(self, count: int, total: int, took: float) -> None:
        if self.progress:
            left = took / count * (total - count)
            text = f"{self.kept + count} of {len(self.plan.tasks)} replays"
            if left:
                text += f", {units.format_time(round(left, 1))} left"
            self.progress(self.kept + count, len(self.plan.tasks), text)

    def _check(self, place: int) -> None:
        """Once a point is complete, what the file calls metrics must be metrics."""
        keys = self.plan.keys[place]
        if not all(key in self.answers and "result" in self.answers[key]
                   for key in keys.values()):
            return
        self._checked = True
        study = self.study
        row = row_of(self.plan.points[place], keys, self._of(keys), study.baselines)
        try:
            check_names(row, _expressions(study), _metrics(study), study.derived)
            verdicts(study, with_derived([row], study.derived, {}, study.baselines))
        except InputError as problem:
            raise InputError(f"study {study.name!r}: {problem.message} (what was replayed is "
                             "kept; mend the file and go on with --resume)") from None

    def _of(self, keys: Mapping[str, str]) -> dict[str, Answer]:
        return {name: self.answers[key] for name, key in keys.items()}

    def interruption(self) -> str:
        """What to tell after Ctrl-C."""
        done = len(self.answers)
        kept = "; --resume goes on from there" if self.store is not None else ""
        return f"interrupted: {done} of {len(self.plan.tasks)} replays are done{kept}"

    def result(self, partly: bool = False) -> StudyResult:
        """The table; `partly`: of the points that are complete."""
        found = []
        for point, keys in zip(self.plan.points, self.plan.keys, strict=True):
            if point.number in self.plan.errors:
                answer = {"error": self.plan.errors[point.number]}
                given = dict.fromkeys(("", *self.study.baselines), answer)
                found.append(row_of(point, {}, given, ()))
            elif all(key in self.answers for key in keys.values()):
                found.append(row_of(point, keys, self._of(keys), self.study.baselines))
            else:
                assert partly
        rows = with_derived(found, self.study.derived, self.study.reference, self.study.baselines)
        return StudyResult(self.study, rows, *self._origins())

    def _origins(self) -> tuple[tuple[Mapping[str, str], ...], dict[str, str], dict[str, str]]:
        """Inputs, parts and kernels of all results, each once."""
        inputs: dict[tuple[str, ...], dict[str, str]] = {}
        parts: dict[str, str] = {}
        kernels: dict[str, str] = {}
        for key in self.plan.tasks:
            result = self.answers.get(key, {}).get("result")
            if result:
                entry: dict[str, Any] = result["inputs"]
                plain = {name: entry[name] for name in ("topology", "topology_hash", "trace",
                                                        "trace_hash")}
                inputs.setdefault(tuple(plain.values()), plain)
                parts |= entry["parts"]
                kernels |= result["kernels"]
        return tuple(inputs.values()), dict(sorted(parts.items())), dict(sorted(kernels.items()))


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
    if study.pareto:
        yield from (*study.pareto.maximise, *study.pareto.minimise)
