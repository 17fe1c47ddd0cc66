"""Seeded random streams, one a component, independent of each other.

A stream depends on the seed and on its own name only, so that adding a component, or asking in
another order, leaves the draws of the others as they were. Names are hashed with SHA-256, never
with Python's `hash`.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Iterable

import numpy as np

from rackwright.errors import UsageError

__all__ = ["stream", "streams"]


def stream(seed: int, name: str) -> np.random.Generator:
    """The stream called `name` of a run with `seed` (a whole number >= 0, of any size).

    Raises `UsageError` for another seed or an empty name.

    >>> float(stream(0, "arrivals").random()) == float(stream(0, "arrivals").random())
    True
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"a stream needs a name, not {name!r}")
    key = tuple(int(word) for word in np.frombuffer(
        hashlib.sha256(name.encode()).digest(), dtype="<u4"))
    return np.random.Generator(np.random.PCG64(
        np.random.SeedSequence(_whole(seed), spawn_key=key)))


def streams(seed: int, names: Iterable[str]) -> dict[str, np.random.Generator]:
    """One independent stream for each name, in the order of `names`; see `stream`.

    Raises `UsageError` for a name given twice: its users would share one stream unawares.
    """
    made: dict[str, np.random.Generator] = {}
    for name in names:
        if name in made:
            raise UsageError(f"stream {name!r} is asked for twice; give each component its own")
        made[name] = stream(seed, name)
    return made


def _whole(seed: object) -> int:
    try:
        value = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        value = -1
    if value < 0 or isinstance(seed, bool):
        raise UsageError(f"seed is {seed!r}; a whole number, 0 or more, is needed")
    return value
