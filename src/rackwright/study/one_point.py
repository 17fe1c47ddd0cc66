"""One point of a study, replayed again as a whole: with the timeline that tables have no room for.

A study keeps what a replay found, not what ran when. The same scenario gives the same result, so
any point can be looked at later; `changes` replays it with other values of some paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rackwright import run
from rackwright.errors import UsageError
from rackwright.replays import Replays
from rackwright.study.grid import Point, points
from rackwright.study.inputs import own_parts, prepared
from rackwright.study.paths import parse
from rackwright.study.study import Study

__all__ = ["OnePoint", "chosen_point", "replay_point"]


class OnePoint(NamedTuple):
    """The point, what came of it and its baselines, and the fabric."""

    point: Point
    replays: Replays
    fabric: Any


def replay_point(study: Study, number: int, folder: Path = Path("."),
                 changes: Mapping[str, Any] | None = None, baselines: Iterable[str] | None = None,
                 progress: run.Progress | None = None) -> OnePoint:
    """Replay point `number` of `study`; its files are relative to `folder`.

    `changes`: path -> value, over those of the point. `baselines`: None takes the study's. Raises
    UsageError for a point or path that is not there, and what `run.replay_baselines` raises.
    """
    point, more = chosen_point(study, number, changes), dict(changes or {})
    names = study.baselines if baselines is None else tuple(baselines)
    scenario = {**point.scenario, **more}
    with own_parts(scenario, folder):
        ready = prepared(scenario, folder)
        replays = run.replay_baselines(ready.system, ready.fabric, ready.trace, names, ready.seed,
                                       progress, **ready.options)
    return OnePoint(point, replays, ready.fabric)


def chosen_point(study: Study, number: int, changes: Mapping[str, Any] | None = None) -> Point:
    """Point `number`. Raises UsageError when it, or a path of `changes`, is not there."""
    found = points(study)
    if not 0 <= number < len(found):
        raise UsageError(f"study {study.name!r} has no point {number}; its points are 0 to "
                         f"{len(found) - 1}")
    for path in changes or ():
        parse(path)
    search = study.search  # which has no value of its own
    if search is not None and search.path not in (changes or ()):
        raise UsageError(f"study {study.name!r} searches {search.path} at each point; say at "
                         f"which value: --set {search.path}=VALUE")
    return found[number]
