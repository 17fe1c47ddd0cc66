"""Checks of the arguments of cost methods: sizes that broadcast, in and out.

Cost methods take scalars or arrays of non-negative whole numbers and give float64 seconds of the
broadcast shape, a plain float when every argument is a scalar.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError

__all__ = ["Floats", "Seconds", "Sizes", "bare", "sizes"]

Floats = npt.NDArray[np.float64]
Sizes = npt.ArrayLike
Seconds = Any
"""float when all arguments were scalars, else a float64 array; Any spares every caller a cast."""


def sizes(**arguments: Any) -> tuple[Floats, ...]:
    """The arguments as float64 arrays of one broadcast shape.

    Raises `UsageError` naming the argument that is negative, no whole number, or of a shape that
    does not fit the others.
    """
    arrays = [_whole(name, value) for name, value in arguments.items()]
    try:
        return tuple(np.broadcast_arrays(*arrays))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in
                           zip(arguments, arrays, strict=True))
        raise UsageError(f"shapes do not broadcast: {shapes}") from None


def bare(seconds: Floats) -> Seconds:
    """`seconds` as a float when it has no dimension."""
    return float(seconds) if seconds.ndim == 0 else seconds


def _whole(name: str, value: Any) -> Floats:
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise UsageError(f"{name} must be whole numbers >= 0, not {value!r}")
    array = array.astype(np.float64)
    wrong = ~((array >= 0) & (array < 2.0 ** 53) & (array == np.floor(array)))
    if wrong.any():
        raise UsageError(f"{name} must be whole numbers >= 0, not {array[wrong].flat[0]:g}")
    return array
