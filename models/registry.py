"""The systems that can be replayed, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rackwright.errors import UnknownName

if TYPE_CHECKING:
    from rackwright.models.options import Options
    from rackwright.models.outcome import Outcome

__all__ = ["Model", "get", "names"]

# name -> module with a `MODEL`; read only when asked for, so that `--help` stays fast
_SYSTEMS = {"aep": "rackwright.models.aep", "curp": "rackwright.models.curp",
            "deeppool": "rackwright.models.deeppool",
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
    each baseline are, in a few words and with whatever is fitted about them.
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


def names() -> tuple[str, ...]:
    """Names of the systems, sorted."""
    return tuple(sorted(_SYSTEMS))


def get(name: str) -> Model:
    """The model called `name`; raises `UnknownName`."""
    if name not in _SYSTEMS:
        raise UnknownName("system", name, _SYSTEMS)
    model: Model = importlib.import_module(_SYSTEMS[name]).MODEL
    return model
