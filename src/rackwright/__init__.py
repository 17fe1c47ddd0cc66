"""Rackwright builds racks that do not exist yet, and replays published systems on them.

>>> import rackwright
>>> "replay" in rackwright.__all__
True

`replay(system, fabric, trace, seed=0, **options)` is the way in; see `rackwright.run`.
`sensitivity(system, fabric, trace, ...)` says which links matter to the answer. `study` asks one
question of many scenarios. The parts are in `rackwright.devices`, the graphs in
`rackwright.topologies`, the systems in `rackwright.models`. Importing this module imports none of
them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rackwright import study
    from rackwright.result import Result
    from rackwright.run import replay
    from rackwright.sensitivities import sensitivity

    __version__: str

__all__ = ["Result", "__version__", "replay", "sensitivity", "study"]

_LAZY = {"Result": "rackwright.result", "replay": "rackwright.run",
         "sensitivity": "rackwright.sensitivities"}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        globals()[name] = _version()  # looked up once
        return globals()[name]
    if name == "study":
        return importlib.import_module("rackwright.study")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'rackwright' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])


def _version() -> str:
    from importlib.metadata import version

    return version("rackwright")
