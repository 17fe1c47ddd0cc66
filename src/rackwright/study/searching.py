"""Searching at each point of a study: round by round, every search asks for one more number.

The system and each baseline are searched alone. A point's row holds the replays at what was found,
and two metrics more: the number itself, under the name of the search, and ``beyond_NAME``, the
nearest number tried at which the expression does not hold. A replay that fails does not hold.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from rackwright.errors import Interrupted
from rackwright.study.expressions import Expression, quantity
from rackwright.study.grid import Point
from rackwright.study.plans import Plan
from rackwright.study.result import StudyResult
from rackwright.study.rows import Row, check_names, holds, row_of, with_derived
from rackwright.study.running import check_row
from rackwright.study.search import Halving, Search
from rackwright.study.session import Session
from rackwright.study.study import Study

__all__ = ["search"]


def search(study: Study, chosen: Sequence[Point], session: Session) -> StudyResult:
    """Search at each of these points. Raises Interrupted with the rows of those that ended."""
    assert study.search is not None
    every = [_Searched(study, study.search, point, name)
             for point in chosen for name in ("", *study.baselines)]
    try:
        checked = False
        while asking := [(one, number) for one in every
                         if (number := one.halving.ask()) is not None]:
            _round(asking, session)
            if not checked:
                checked = _check(study, every)
    except (KeyboardInterrupt, Interrupted):
        partial = session.result(study, _rows(study, chosen, every))
        raise Interrupted(session.interruption(), partial=partial) from None
    return session.result(study, _rows(study, chosen, every))


def _round(asking: Sequence[tuple[_Searched, float]], session: Session) -> None:
    """Replay what these searches ask for, those of one baseline in one plan, and tell them."""
    plans = []
    for name in dict.fromkeys(one.baseline for one, _ in asking):
        own = [(one, number) for one, number in asking if one.baseline == name]
        plans.append((own, session.plan([one.at(number) for one, number in own], (name,))))
    session.make(_joined([planned for _, planned in plans]))
    for own, planned in plans:
        for place, (one, number) in enumerate(own):
            one.take(number, planned, place, session)


def _joined(plans: Sequence[Plan]) -> Plan:
    return Plan(tuple(point for planned in plans for point in planned.points),
                tuple(keys for planned in plans for keys in planned.keys), {},
                {key: task for planned in plans for key, task in planned.tasks.items()})


class _Searched:
    """The search at one point for the system (baseline "") or a baseline."""

    def __init__(self, study: Study, asked: Search, point: Point, baseline: str) -> None:
        self.study, self.asked, self.point, self.baseline = study, asked, point, baseline
        self.halving = Halving(asked)
        self.expression = Expression.read(asked.that)
        self.answers: dict[float, dict[str, Any]] = {}
        self.keys: dict[float, str] = {}
        self.why = ""  # the last reason for which a number does not hold, other than being false

    def at(self, number: float) -> Point:
        scenario = {**self.point.scenario, self.asked.path: self.asked.value(number)}
        return dataclasses.replace(self.point, scenario=scenario)

    def take(self, number: float, planned: Plan, place: int, session: Session) -> None:
        """The answer at `number`, and whether it holds there."""
        key = planned.keys[place].get(self.baseline)
        self.answers[number] = (session.answers[key] if key else
                                {"error": planned.errors[self.point.number]})
        self.keys[number] = key or ""
        yes, why = holds(self.expression, self.row(number), ())
        self.why = why or self.why
        self.halving.tell(number, yes)

    def row(self, number: float) -> Row:
        """Of this one replay, its metrics without the name of a baseline."""
        axes = {**self.point.axes, self.asked.column: self.asked.value(number)}
        return row_of(dataclasses.replace(self.point, axes=axes), {}, {"": self.answers[number]},
                      ())

    @property
    def shown(self) -> float:
        """The number whose replay stands in the table: what was found, else the end that failed."""
        found = self.halving.holds_at
        return found if found is not None else float(self.halving.fails_at or 0.0)

    def found(self) -> tuple[dict[str, float], dict[str, str]]:
        """Metrics that the search adds, and why one has no value."""
        search = self.asked
        where = {search.metric: self.halving.holds_at, search.beyond: self.halving.fails_at}
        metrics = {metric: _plain(search, number) for metric, number in where.items()
                   if number is not None}
        best, worst = ("low", "high") if search.find == "largest" else ("high", "low")
        why = f" ({self.why})" if self.why else ""
        reasons = {
            search.metric: f"{search.that} does not hold at the {best} end, "
                           f"{search.value(self.shown)}{why}",
            search.beyond: f"{search.that} holds up to the {worst} end of the search"}
        return metrics, {metric: why for metric, why in reasons.items() if metric not in metrics}

    def record(self) -> Mapping[str, Any]:
        return {**self.halving.record(), "keys": [self.keys[number]
                                                  for number in sorted(self.keys)]}


def _plain(search: Search, number: float) -> float:
    """In SI units."""
    value = search.value(number)
    found = quantity(value) if isinstance(value, str) else None
    return found[0] if found else float(number)


def _check(study: Study, every: Sequence[_Searched]) -> bool:
    """Names of the file, once a first replay of each baseline is there; False until then."""
    first = {one.baseline: one for one in reversed(every)
             if any("result" in answer for answer in one.answers.values())}
    if set(first) != {"", *study.baselines}:
        return False
    one = first[""]
    number = next(number for number in one.answers if "result" in one.answers[number])
    check_names(one.row(number), [("search", one.expression)], (), ())
    given = {name: next(answer for answer in found.answers.values() if "result" in answer)
             for name, found in first.items()}
    row = row_of(one.point, {}, given, study.baselines)
    names = {f"{prefix}{metric}": 1.0 for metric in (one.asked.metric, one.asked.beyond)
             for prefix in ("", *(f"{name}." for name in study.baselines))}
    check_row(study, dataclasses.replace(row, metrics={**row.metrics, **names}))
    return True


def _rows(study: Study, chosen: Sequence[Point], every: Sequence[_Searched]) -> tuple[Row, ...]:
    """Those of the points whose searches have ended."""
    found, each = [], 1 + len(study.baselines)
    for place, point in enumerate(chosen):
        own = {one.baseline: one for one in every[place * each:(place + 1) * each]}
        if all(one.halving.ask() is None for one in own.values()):
            found.append(_row(study, point, own))
    return with_derived(found, study.derived, study.reference, study.baselines)


def _row(study: Study, point: Point, own: Mapping[str, _Searched]) -> Row:
    keys = {name: one.keys[one.shown] for name, one in own.items() if one.keys[one.shown]}
    answers = {name: one.answers[one.shown] for name, one in own.items()}
    row = row_of(point, keys, answers, study.baselines)
    metrics, undefined = dict(row.metrics), dict(row.undefined)
    for name, one in own.items():
        prefix = f"{name}." if name else ""
        found, reasons = one.found()
        metrics |= {f"{prefix}{metric}": value for metric, value in found.items()}
        undefined |= {f"{prefix}{metric}": why for metric, why in reasons.items()}
    return dataclasses.replace(row, metrics=metrics, undefined=undefined,
                               searched={name: one.record() for name, one in own.items()})
