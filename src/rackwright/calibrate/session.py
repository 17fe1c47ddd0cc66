"""Measuring a plan into a folder: what is there is skipped, what is done is kept.

Each point is written as soon as it is measured. A point that the machine cannot measure (an
operation its PyTorch lacks, a shape its library refuses) goes to `skipped.csv` with the reason
and is not tried again. Ctrl-C and an exhausted budget stop between points; the same call goes on.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rackwright.calibrate.rows import Row, append, read_table
from rackwright.calibrate.tables import TABLES, Point
from rackwright.errors import InputError, Interrupted, ReplayError

__all__ = ["Summary", "left", "run"]

Measure = Callable[[Point], Mapping[str, float]]
Report = Callable[[float, float, str], None]
MOST_FAILURES = 60  # one after the other: then it is the machine, not the shape


@dataclass(frozen=True)
class Summary:
    """Points measured and skipped by this call, left for the next, and the seconds spent."""

    measured: int
    skipped: int
    left: int
    seconds: float


def left(points: Sequence[Point], folder: Path) -> list[Point]:
    """Those of `points` that `folder` has no row of, skipped ones left out.

    Raises `InputError` for a file that is damaged, or whose sets are not those of the plan.
    """
    there = _sets_there(points, folder)
    for point in points:
        found = there.get((point.table, point.values), point.set)
        if found not in (point.set, "skipped"):
            raise InputError(f"{point} is in set {found!r} there and in {point.set!r} in this "
                             "plan: the folder is of another plan; choose an empty one",
                             place=folder / f"{point.table}.csv")
    return [point for point in points if (point.table, point.values) not in there]


def run(points: Sequence[Point], folder: Path, measure: Measure, budget: float | None = None,
        report: Report | None = None, clock: Callable[[], float] = time.perf_counter) -> Summary:
    """Measure the points that are left into `folder`; stop when `budget` seconds are spent.

    `report(done, total, text)` is called after each point. Raises `Interrupted` at Ctrl-C with
    the summary so far as `partial`, and `ReplayError` when nothing works any more.
    """
    folder.mkdir(parents=True, exist_ok=True)
    todo, begin = left(points, folder), clock()
    measured = skipped = failures = 0

    def summary() -> Summary:
        return Summary(measured, skipped, len(todo) - measured - skipped, clock() - begin)
    try:
        for point in todo:
            if budget is not None and clock() - begin >= budget:
                break
            reason = _one(point, folder, measure)
            measured, skipped = measured + (not reason), skipped + bool(reason)
            failures = failures + 1 if reason else 0
            if failures >= MOST_FAILURES:
                raise ReplayError(f"{failures} points failed one after the other, the last with: "
                                  f"{reason}. See {folder / 'skipped.csv'}")
            if report:
                report(measured + skipped, len(todo), str(point))
    except KeyboardInterrupt:
        raise Interrupted(f"interrupted after {measured} points, which are kept in {folder}; "
                          "the same command goes on", summary()) from None
    return summary()


def _one(point: Point, folder: Path, measure: Measure) -> str:
    """Measure and write a point; the reason when that cannot be done."""
    try:
        append(folder, Row(point, measure(point)))
    except (RuntimeError, AttributeError, NotImplementedError, TypeError, ValueError) as problem:
        lines = str(problem).strip().splitlines() or ["no message"]
        reason = f"{type(problem).__name__}: {lines[0]}"
        _append_skipped(folder, point, reason)
        return reason
    return ""


def _append_skipped(folder: Path, point: Point, reason: str) -> None:
    path = folder / "skipped.csv"
    head = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if head:
            writer.writerow(("table", "point", "reason"))
        writer.writerow((point.table, " ".join(map(str, point.values)), reason))


def _sets_there(points: Sequence[Point], folder: Path) -> dict[tuple[str, tuple[int | str, ...]],
                                                               str]:
    there: dict[tuple[str, tuple[int | str, ...]], str] = {}
    for name in dict.fromkeys(point.table for point in points):
        path = folder / f"{name}.csv"
        if path.exists():
            there.update(((row.point.table, row.point.values), row.point.set)
                         for row in read_table(path))
    return there | _skipped_there(folder)


def _skipped_there(folder: Path) -> dict[tuple[str, tuple[int | str, ...]], str]:
    path = folder / "skipped.csv"
    if not path.exists():
        return {}
    there = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row.get("table") not in TABLES or row.get("point") is None:
                raise InputError("a row without a known table and a point; delete the file to "
                                 "try its points again", place=path)
            keys = TABLES[row["table"]].keys.values()
            words = zip(row["point"].split(), keys, strict=False)
            there[row["table"], tuple(word if allowed else int(word)
                                      for word, allowed in words)] = "skipped"
    return there
