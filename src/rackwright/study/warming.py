"""Compiling once: each system's loops are compiled here before other processes need them.

A replay of the first few rows of the trace fills the cache folder that all processes read. What it
finds is thrown away, errors too: the replay itself will tell them.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rackwright import run
from rackwright.errors import Interrupted
from rackwright.models import registry
from rackwright.study.inputs import own_parts, prepared
from rackwright.study.plans import Task

__all__ = ["warm"]

_ROWS = 8  # of a trace: enough for every loop to run


def warm(tasks: Iterable[Task], seen: set[tuple[str, str]]) -> None:
    """Compile for each system and baseline among `tasks` that is not in `seen`, and add it there.
    Raises Interrupted."""
    for task in tasks:
        if (task.system, task.baseline) not in seen:
            seen.add((task.system, task.baseline))
            _warm(task)


def _warm(task: Task) -> None:
    try:
        with suppress(Exception):
            scenario, folder = dict(task.scenario), Path(task.folder)
            with own_parts(scenario, folder):
                ready = prepared(scenario, folder)
                model = registry.get(ready.system)
                changed = model.baselines[task.baseline] if task.baseline else {}
                run.replay(ready.system, ready.fabric, ready.trace.first(_ROWS), ready.seed,
                           **{**ready.options, **changed})
    except Interrupted:
        raise
