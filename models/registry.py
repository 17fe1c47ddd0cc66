"""The systems that can be replayed, by name: the packaged ones, and those of installed packages.

A package of yours adds a system by an entry point of the group ``rackwright.models``, whose name
is the system's and whose object is a `Model`::

    [project.entry-points."rackwright.models"]
    mine = "my_package.system:MODEL"

Entry points are read once a process, and an object is imported when its system is asked for: a
package that does not load hinders nobody else. No name stands for two systems.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rackwright.errors import InputError, UnknownName

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from rackwright.models.options import Options
    from rackwright.models.outcome import Outcome

__all__ = ["GROUP", "Model", "get", "names"]

GROUP = "rackwright.models"  # of entry points
# name -> module with a `MODEL`; read only when asked for, so that `--help` stays fast
_SYSTEMS = {"aep": "rackwright.models.aep", "curp": "rackwright.models.curp",
            "deeppool": "rackwright.models.deeppool",
            "dispersedledger": "rackwright.models.dispersedledger",
            "hyperrag": "rackwright.models.hyperrag",
            "lovelock": "rackwright.models.lovelock",
            "serving": "rackwright.models.serving",
            "training": "rackwright.models.training"}


@dataclass(frozen=True)
class Model:
    """A system under study.

    `replay(fabric, trace, options, seed, progress)` returns an `Outcome`; `progress`, if not
    None, is called between slices with (done, total, text). `baselines`: name -> the options
    that turn the system into that baseline. `headline`: the metrics a table shows first.
    `sample_topology`, `sample_trace`: what the demo runs on. `captions`: what the system and
    each baseline are, in a few words and with whatever is fitted about them. `check(fabric,
    options)`, if there is one, raises what `replay` would for the two whatever the trace: quick,
    for whoever plans many replays.
    """

    name: str
    title: str
    options: type[Options]
    replay: Callable[..., Outcome]
    read_trace: Callable[..., Any]
    baselines: Mapping[str, Mapping[str, Any]]
    headline: tuple[str, ...]
    sample_topology: str
    sample_trace: str
    captions: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Any, Any], object] | None = None


def names() -> tuple[str, ...]:
    """Names of the systems, sorted."""
    return tuple(sorted({*_SYSTEMS, *_installed()}))


def get(name: str) -> Model:
    """The model called `name`.

    Raises `UnknownName`, and InputError for a system of an installed package that does not load,
    is no `Model`, bears another name, or shares its name with another one.
    """
    added = _installed().get(name, ())
    if name not in _SYSTEMS and not added:
        raise UnknownName("system", name, names())
    if len(added) + (name in _SYSTEMS) > 1:
        raise InputError(_clash(name, added))
    if added:
        return _loaded(added[0])
    model: Model = importlib.import_module(_SYSTEMS[name]).MODEL
    return model


@functools.cache
def _installed() -> dict[str, tuple[EntryPoint, ...]]:
    """Entry points by name; a name has several where packages do not agree."""
    from importlib.metadata import entry_points

    found: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda one: (one.name, one.value)):
        if entry.value not in {other.value for other in found.get(entry.name, ())}:
            found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def _loaded(entry: EntryPoint) -> Model:
    try:
        model = entry.load()
    except Exception as problem:
        raise InputError(f"the system {entry.name!r} of {_origin(entry)} does not load: "
                         f"{type(problem).__name__}: {problem}; repair or uninstall that package"
                         ) from problem
    if not isinstance(model, Model):
        raise InputError(f"the system {entry.name!r} of {_origin(entry)} is a "
                         f"{type(model).__name__}; it must be a rackwright.models.Model")
    if model.name != entry.name:
        raise InputError(f"the system {entry.name!r} of {_origin(entry)} calls itself "
                         f"{model.name!r}; both names must be the same")
    return model


def _clash(name: str, added: tuple[EntryPoint, ...]) -> str:
    claims = [_origin(entry) for entry in added]
    if name in _SYSTEMS:
        claims.insert(0, f"rackwright ({_SYSTEMS[name]})")
    return (f"the system {name!r} is claimed by {' and by '.join(claims)}; rename one, or "
            "uninstall its package")


def _origin(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist else "an unnamed package"
    return f"{package} ({entry.value})"
