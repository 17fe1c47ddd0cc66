"""Which systems have published claims, and what simulates them.

A system has claims when its folder in `rackwright.models` has a ``targets.toml``; it has
simulations when `rackwright.reproduce.systems` has a module of the same name. Both are found by
name, so a new system is picked up without being listed anywhere.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import rackwright.models
from rackwright.errors import InputError, UnknownName
from rackwright.reproduce.claims import Claims, read
from rackwright.reproduce.context import Context

__all__ = ["Simulation", "System", "chosen", "found"]

Simulation = Callable[[Context], float]

_PACKAGE = "rackwright.reproduce.systems"


@dataclass(frozen=True)
class System:
    """A system by name: where its claims are, and the module that simulates them, if any."""

    name: str
    targets: Path
    module: str | None

    def claims(self) -> Claims:
        """Raises `InputError` with every fault of the file."""
        return read(self.targets, self.name)

    def simulations(self, claims: Claims) -> Mapping[str, Simulation]:
        """Key -> simulation; empty without a module. Raises `InputError` for a key without row."""
        if self.module is None:
            return {}
        given: Mapping[str, Simulation] = importlib.import_module(self.module).SIMULATIONS
        strange = sorted(set(given) - set(claims.keys))
        if strange:
            raise InputError(f"{self.module} simulates {', '.join(map(repr, strange))}, which "
                             "no row is about (a row's key is its id, or id/part)",
                             place=self.targets)
        return given


def found() -> tuple[System, ...]:
    """All systems with claims, sorted by name."""
    folder = Path(str(rackwright.models.__file__)).parent
    files = sorted(folder.glob("*/targets.toml"), key=lambda path: path.parent.name)
    return tuple(System(path.parent.name, path, _module(path.parent.name)) for path in files)


def chosen(names: Iterable[str] | None, systems: Iterable[System]) -> tuple[System, ...]:
    """The systems called `names`, or all; raises `UnknownName`."""
    known = {system.name: system for system in systems}
    wanted = sorted(set(names)) if names else sorted(known)
    for name in wanted:
        if name not in known:
            raise UnknownName("system with published claims", name, known)
    return tuple(known[name] for name in wanted)


def _module(name: str) -> str | None:
    module = f"{_PACKAGE}.{name}"
    return module if importlib.util.find_spec(module) else None
