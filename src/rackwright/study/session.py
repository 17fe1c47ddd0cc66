"""`Session`: replays asked for in one round or many, through one store and one set of workers.

A round plans its points, takes what is kept, has the rest replayed, and keeps each answer as it
comes. No replay is made twice, whichever round asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rackwright import units
from rackwright.errors import UsageError
from rackwright.study.grid import Point
from rackwright.study.plans import Plan, plan
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row, row_of, with_derived
from rackwright.study.store import Store
from rackwright.study.study import Study
from rackwright.study.warming import warm
from rackwright.study.work import Answer
from rackwright.study.workers import Workers

__all__ = ["Progress", "Session"]

Progress = Callable[[float, float, str], None]
"""Called with (done, total, text)."""


class Session:
    """The answers of one run, by key. A context: on leaving it the workers end.

    `out`, `jobs`, `executor`, `resume`, `progress`, `folder`: see `rackwright.study.run`.
    """

    def __init__(self, out: str | PathLike[str] | None = None, *, jobs: int = 1,
                 executor: Executor | None = None, resume: bool = False,
                 progress: Progress | None = None, folder: str | PathLike[str] | None = None
                 ) -> None:
        self.store = None if out is None else Store(Path(out, "store"))
        self.answers: dict[str, Answer] = {}
        self.resume, self.progress, self.folder = resume, progress, Path(folder or ".")
        self.seen: dict[str, None] = {}  # keys that were asked for, in that order
        self._workers = Workers(jobs, executor)
        self._warm: set[tuple[str, str]] = set()  # systems and baselines whose loops are compiled
        if self.store is not None:
            self.store.clean()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._workers.close(at_once=kind is not None)

    def plan(self, points: Sequence[Point], baselines: Iterable[str]) -> Plan:
        """What the points need. Raises UsageError for kept results that nobody said to use."""
        if self.progress:
            self.progress(len(self.answers), 0, f"planning {len(points)} points")
        planned = plan(points, baselines, self.folder)
        self._refuse_kept(planned)
        self.seen |= dict.fromkeys(planned.tasks)
        return planned

    def make(self, planned: Plan, check: Callable[[Plan, int], bool] | None = None) -> None:
        """Every replay of the plan that is missing. `check`: called with the plan and the number
        of a point (its place in the plan) after each answer, until it gives True."""
        places = {key: place for place, keys in enumerate(planned.keys) for key in keys.values()}
        done = False
        for key in self._from_store(planned.tasks):
            done = done or check is None or check(planned, places[key])
        missing = [task for key, task in planned.tasks.items() if key not in self.answers]
        if self._workers.side_by_side and len(missing) > 1:
            warm(missing, self._warm)
        begun = time.monotonic()
        with closing(self._workers.answers(missing)) as made:
            for count, (task, answer) in enumerate(made, 1):
                if self.store is not None and not answer.get("passing"):
                    self.store.put(task.key, answer)
                self.answers[task.key] = answer
                done = done or check is None or check(planned, places[task.key])
                self._report(count, len(missing), time.monotonic() - begun)

    def take_last(self) -> None:
        """What was kept when an interruption came, and not counted yet."""
        for _ in self._from_store(self.seen):
            pass

    def rows(self, planned: Plan, study: Study) -> tuple[Row, ...]:
        """Those of the points that are complete, with what is derived."""
        found = []
        for point, keys in zip(planned.points, planned.keys, strict=True):
            if point.number in planned.errors:
                answer = {"error": planned.errors[point.number]}
                given = dict.fromkeys(("", *study.baselines), answer)
                found.append(row_of(point, {}, given, ()))
            elif all(key in self.answers for key in keys.values()):
                found.append(row_of(point, keys, self.of(keys), study.baselines))
        return with_derived(found, study.derived, study.reference, study.baselines)

    def of(self, keys: Mapping[str, str]) -> dict[str, Answer]:
        """Baseline -> answer."""
        return {name: self.answers[key] for name, key in keys.items()}

    def result(self, study: Study, rows: Iterable[Row]) -> StudyResult:
        """The table of `rows`, with the origin of every replay of this session."""
        return StudyResult(study, tuple(rows), *self._origins())

    def interruption(self) -> str:
        """What to tell after Ctrl-C."""
        kept = "; --resume goes on from there" if self.store is not None else ""
        return f"interrupted: {len(self.answers)} of {len(self.seen)} replays are done{kept}"

    def _refuse_kept(self, planned: Plan) -> None:
        if self.store is None or self.resume:
            return
        count = sum(self.store.has(key) for key in planned.tasks if key not in self.answers)
        if count:
            raise UsageError(f"{self.store.folder} holds {count} of the {len(planned.tasks)} "
                             "replays of this study; --resume (resume=True) uses them, another "
                             "folder begins anew")

    def _from_store(self, keys: Iterable[str]) -> Iterator[str]:
        """Take what is kept and not here yet; each key of it."""
        for key in keys:
            found = self.store.get(key) if self.store and key not in self.answers else None
            if found is not None:
                self.answers[key] = found
                yield key

    def _report(self, count: int, total: int, took: float) -> None:
        if self.progress:
            left = took / count * (total - count)
            text = f"{len(self.answers)} of {len(self.seen)} replays"
            if left:
                text += f", {units.format_time(round(left, 1))} left"
            self.progress(len(self.answers), len(self.seen), text)

    def _origins(self) -> tuple[tuple[Mapping[str, str], ...], dict[str, str], dict[str, str]]:
        """Inputs, parts and kernels of all results, each once."""
        inputs: dict[tuple[str, ...], dict[str, str]] = {}
        parts: dict[str, str] = {}
        kernels: dict[str, str] = {}
        for key in self.seen:
            result = self.answers.get(key, {}).get("result")
            if result:
                entry: dict[str, Any] = result["inputs"]
                plain = {name: entry[name] for name in ("topology", "topology_hash", "trace",
                                                        "trace_hash")}
                inputs.setdefault(tuple(plain.values()), plain)
                parts |= entry["parts"]
                kernels |= result["kernels"]
        return tuple(inputs.values()), dict(sorted(parts.items())), dict(sorted(kernels.items()))
