"""Single rows, for the tests of a system: `keys` lists them, `assess` simulates one.

A test of a paper's claims is then one function over `keys(system)` that asserts `as_stated`.
What the rows of a system share is simulated once in a process, as in `reproduce`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

from rackwright.errors import UnknownName
from rackwright.reproduce.context import Context
from rackwright.reproduce.reproduction import data_folder
from rackwright.reproduce.rows import Row
from rackwright.reproduce.simulate import simulated
from rackwright.reproduce.systems_found import chosen, found

__all__ = ["assess", "keys"]


def keys(system: str) -> tuple[str, ...]:
    """The keys of a system's rows, in the order of its file."""
    return chosen([system], found())[0].claims().keys


def assess(system: str, key: str, data: Path | str | None = None, seed: int = 0) -> Row:
    """One row, simulated; `data` as for `reproduce`.

    Raises `UnknownName` for a system or key that is not there, `InputError` for a file of claims
    that is wrong. An error of the simulation is the row's state, as in `reproduce`.
    """
    return _rows(system, data_folder(data), seed)(key)


@functools.cache
def _rows(name: str, data: Path | None, seed: int) -> Callable[[str], Row]:
    system = chosen([name], found())[0]
    claims = system.claims()
    simulations, context = system.simulations(claims), Context(seed, data)

    def row(key: str) -> Row:
        if key not in claims.keys:
            raise UnknownName(f"row of {name}", key, claims.keys)
        return simulated(system, claims[key], simulations, context)

    return row
