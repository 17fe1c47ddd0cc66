"""What-if studies: a question in a TOML file, asked of many scenarios.

`load` reads a study file, `run` replays its points on any number of processes or any executor, kept
as they come and never twice; `StudyResult` is the table. ``rackwright study run FILE`` does all
of it. What can be varied stands in `rackwright.study.paths`.

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
        moves,
        pareto_front,
        seed_statistics,
    )
    from rackwright.study.expectations import Verdict
    from rackwright.study.file import load, schema
    from rackwright.study.grid import Point, points
    from rackwright.study.result import StudyResult
    from rackwright.study.rows import Row
    from rackwright.study.running import Shard, run
    from rackwright.study.saving import merge, save
    from rackwright.study.store import Store
    from rackwright.study.study import Study

__all__ = [
    "Interval",
    "Knee",
    "Moved",
    "Point",
    "Row",
    "Shard",
    "Store",
    "Study",
    "StudyResult",
    "Verdict",
    "interval",
    "knee",
    "load",
    "merge",
    "moves",
    "pareto_front",
    "points",
    "run",
    "save",
    "schema",
    "seed_statistics",
]

_HOMES = {"Interval": "analysis", "Knee": "analysis", "Moved": "analysis", "Point": "grid",
          "Row": "rows", "Shard": "running", "Store": "store", "Study": "study",
          "StudyResult": "result", "Verdict": "expectations", "interval": "analysis",
          "knee": "analysis", "load": "file", "merge": "saving", "moves": "analysis",
          "pareto_front": "analysis", "points": "grid", "run": "running", "save": "saving",
          "schema": "file", "seed_statistics": "analysis"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
