"""Which replays the points need, each once, with the key that its result is kept under.

A point needs the replay of its system and one of each baseline. The key is a hash of all that
decides the result: options, seed, baseline, the content of topology, parts and trace, and the
package's code. Points that come to the same inputs share a replay. A point that cannot be prepared
(options that contradict one another, a pattern of no node) has its error instead of keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rackwright.canonical import content_hash
from rackwright.errors import Interrupted, RackwrightError
from rackwright.models import registry
from rackwright.study.code_hash import code_hash
from rackwright.study.grid import Point
from rackwright.study.inputs import Prepared, catalog_hash, own_parts, prepared
from rackwright.study.store import SCHEMA

__all__ = ["Plan", "Task", "in_a_line", "plan"]


@dataclass(frozen=True)
class Task:
    """A replay to be made, small enough to be sent to another process.

    `scenario`: its paths and values; `baseline` is empty for the system itself; `topology`,
    `trace` and `catalog` are the hashes that the key was made of.
    """

    key: str
    scenario: tuple[tuple[str, Any], ...]
    baseline: str
    folder: str
    topology: str
    trace: str
    catalog: str = ""

    @property
    def system(self) -> str:
        return str(dict(self.scenario)["system"])


@dataclass(frozen=True)
class Plan:
    """`keys[i]`: baseline ("" for the system) -> key of point i; `errors`: point -> why not."""

    points: tuple[Point, ...]
    keys: tuple[Mapping[str, str], ...]
    errors: Mapping[int, str]
    tasks: Mapping[str, Task]


def plan(points: Sequence[Point], baselines: Iterable[str], folder: Path) -> Plan:
    """Prepares every scenario once, in this process."""
    wanted = ("", *baselines)
    keys: list[Mapping[str, str]] = []
    errors: dict[int, str] = {}
    tasks: dict[str, Task] = {}
    for point in points:
        try:
            found = _tasks(point, wanted, folder)
        except Interrupted:
            raise
        except Exception as problem:
            errors[point.number] = in_a_line(problem)
            found = []
        keys.append({task.baseline: task.key for task in found})
        tasks |= {task.key: task for task in found}
    return Plan(tuple(points), tuple(keys), errors, tasks)


def _tasks(point: Point, wanted: Sequence[str], folder: Path) -> list[Task]:
    with own_parts(point.scenario, folder):
        return _ready_tasks(point, wanted, folder, prepared(point.scenario, folder))


def _ready_tasks(point: Point, wanted: Sequence[str], folder: Path, ready: Prepared) -> list[Task]:
    parts = catalog_hash(point.scenario, folder)
    model = registry.get(ready.system)
    shared = {
        "schema": SCHEMA, "system": ready.system, "seed": ready.seed,
        "topology": ready.fabric.content_hash, "trace": ready.trace.content_hash,
        "parts": dict(getattr(ready.fabric, "parts", {})), "code": code_hash(ready.system),
        **({"catalog": parts} if parts else {})}
    keys = {name: content_hash({**shared, "baseline": name,
                                "options": _options(model, ready, name)}) for name in wanted}
    scenario = tuple(point.scenario.items())
    return [Task(key, scenario, name, str(folder.resolve()), ready.fabric.content_hash,
                 ready.trace.content_hash, parts) for name, key in keys.items()]


def _options(model: registry.Model, ready: Prepared, baseline: str) -> dict[str, Any]:
    changed = model.baselines[baseline] if baseline else {}
    options = model.options.checked({**ready.options, **changed})
    if model.check is not None:
        model.check(ready.fabric, options)
    return options.plain()


def in_a_line(problem: BaseException) -> str:
    """An error in one line; what is no error of ours is called by its name."""
    text = " ".join(str(problem).split())
    return text if isinstance(problem, RackwrightError) else f"{type(problem).__name__}: {text}"
