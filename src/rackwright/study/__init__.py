"""What-if studies: a question in a TOML file, asked of many scenarios.

`load` reads a study file, `run` replays its points on any number of processes or any executor, kept
as they come and never twice; `StudyResult` is the table. `sensitivity` and `optimise` replay points
between the ends of a study's axes, with the same store. ``rackwright study`` does all of it. What
can be varied stands in `rackwright.study.paths`.

>>> from rackwright.study import Shard
>>> Shard.read("2/4").has(5)
True
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rackwright.study.analysis import (
        Interval,
        Knee,
        Moved,
        interval,
        knee,
        knees,
        moves,
        pareto_front,
        seed_statistics,
    )
    from rackwright.study.effects import Effect, Sensitivity, sensitivity
    from rackwright.study.expectations import Verdict
    from rackwright.study.file import load, schema
    from rackwright.study.grid import Point, points
    from rackwright.study.optimisers import Optimiser
    from rackwright.study.optimising import Optimised, optimise
    from rackwright.study.result import StudyResult
    from rackwright.study.rows import Row
    from rackwright.study.running import Shard, run
    from rackwright.study.saving import merge, save
    from rackwright.study.store import Store
    from rackwright.study.study import Study

__all__ = [
    "Effect",
    "Interval",
    "Knee",
    "Moved",
    "Optimised",
    "Optimiser",
    "Point",
    "Row",
    "Sensitivity",
    "Shard",
    "Store",
    "Study",
    "StudyResult",
    "Verdict",
    "interval",
    "knee",
    "knees",
    "load",
    "merge",
    "moves",
    "optimise",
    "pareto_front",
    "points",
    "run",
    "save",
    "schema",
    "seed_statistics",
    "sensitivity",
]

_NAMES = {
    "analysis": "Interval Knee Moved interval knee knees moves pareto_front seed_statistics",
    "effects": "Effect Sensitivity sensitivity",
    "expectations": "Verdict",
    "file": "load schema",
    "grid": "Point points",
    "optimisers": "Optimiser",
    "optimising": "Optimised optimise",
    "result": "StudyResult",
    "rows": "Row",
    "running": "Shard run",
    "saving": "merge save",
    "store": "Store",
    "study": "Study",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
