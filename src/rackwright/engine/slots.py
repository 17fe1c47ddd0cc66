"""Pools of slots that kernels take and give back: a NamedTuple of arrays, one entry a slot each.

The last field, ``free``, is a stack of the slots not in use, as high as a one-element counter
says. A slot is read until it is taken again.
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = ["free_slots", "grown_pool"]

Pool = TypeVar("Pool", bound=tuple[Any, ...])


def free_slots(first: int, count: int) -> npt.NDArray[np.int64]:
    """A full stack of `count` slots numbered from `first`; the lowest is taken first."""
    return np.arange(first + count - 1, first - 1, -1, dtype=np.int64)


def grown_pool(pool: Pool, more: Pool, free_count: npt.NDArray[np.int64]) -> Pool:
    """`pool` with the slots of `more` behind its own; `free_count` (1,) is raised."""
    kept = int(free_count[0])
    arrays = [np.concatenate(pair) for pair in zip(pool[:-1], more[:-1], strict=True)]
    free = np.concatenate([pool[-1][:kept], more[-1], pool[-1][kept:]])
    free_count[0] = kept + len(more[-1])
    return type(pool)(*arrays, free)  # type: ignore[call-arg]
