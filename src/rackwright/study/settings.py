"""Every setting of a study with its place in the file: of the base, and of each axis value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rackwright.errors import UsageError
from rackwright.study.axes import Axis
from rackwright.study.paths import flattened, parse
from rackwright.study.study import Study

__all__ = ["Place", "settings"]

Place = tuple[str | int, ...]
"""Path of a key in the file."""


def settings(study: Study) -> Iterator[tuple[Place, str, Any]]:
    """(place, path, value) of everything that a scenario may hold."""
    for path, value in flattened(study.base.model_dump()):
        yield ("base", *_base_place(path)), path, value
    for number, axis in enumerate(study.axis):
        for count, (_, changes) in enumerate(axis.settings):
            for path, value in changes.items():
                inside = ("case", count, "set", path) if axis.case else (_part_of(axis, path),)
                yield ("axis", number, *inside), path, value
    if study.search is not None:
        for end in ("low", "high"):
            yield ("search", end), study.search.path, study.search.value(getattr(study.search, end))


def _part_of(axis: Axis, path: str) -> str:
    """Which key of an axis is wrong when something is: what it changes, or to what."""
    try:
        parse(path)
    except UsageError:
        return "path"
    return next(name for name in ("values", "range", "random") if getattr(axis, name) is not None)


def _base_place(path: str) -> Place:
    target = parse(path)
    table = target.kind.replace(".", "_")
    return tuple(word for word in (table, target.selector, target.field) if word)
