"""One replay of a study, in whatever process it is sent to.

An error of the replay is part of the answer, since the same inputs give it again; it is kept like a
result. Any other error (memory, disk, a fault of the package) is told for this run and not kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rackwright import run
from rackwright.canonical import plain
from rackwright.errors import Interrupted, MissingTool, RackwrightError, ReplayError
from rackwright.models import registry
from rackwright.study.inputs import Prepared, catalog_hash, own_parts, prepared
from rackwright.study.plans import Task, in_a_line

__all__ = ["Answer", "perform"]

Answer = dict[str, Any]
"""{"result": record} or {"error": line}; with "passing" when it should be tried again."""


def perform(task: Task) -> Answer:
    """Replay `task`. Raises Interrupted and KeyboardInterrupt only."""
    try:
        return {"result": _replayed(task)}
    except Interrupted:
        raise
    except (MissingTool, OSError) as problem:
        return {"error": in_a_line(problem), "passing": True}
    except RackwrightError as problem:
        return {"error": in_a_line(problem)}
    except Exception as problem:
        return {"error": in_a_line(problem), "passing": True}


def _replayed(task: Task) -> dict[str, Any]:
    scenario, folder = dict(task.scenario), Path(task.folder)
    with own_parts(scenario, folder):
        ready = prepared(scenario, folder)
        hashes = ready.fabric.content_hash, ready.trace.content_hash, catalog_hash(scenario, folder)
        if hashes != (task.topology, task.trace, task.catalog):
            raise OSError("a topology, trace or part of the study was changed while it ran; run it "
                          "again")
        return _record(task, ready)


def _record(task: Task, ready: Prepared) -> dict[str, Any]:
    model = registry.get(ready.system)
    changed = model.baselines[task.baseline] if task.baseline else {}
    found = run.replay(ready.system, ready.fabric, ready.trace, ready.seed,
                       **{**ready.options, **changed})
    if not found.complete:
        raise ReplayError("the replay ended before its trace did")
    record: dict[str, Any] = plain(found.record() | {"baseline": task.baseline or None})
    return record
