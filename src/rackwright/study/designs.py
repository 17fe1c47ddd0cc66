"""Where to look to learn which axes matter: one at a time, Morris' trajectories, Sobol's sequence.

Places are shares of the axes (`trials`). `one` has, for each axis, places along it while every
other axis stands in its middle; it needs no library. `morris` and `sobol` are SALib's; `samples`
counts trajectories or base samples, so that they come to samples x (axes + 1) and samples x
(axes + 2) places.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from rackwright.errors import MissingTool, UnknownName, UsageError
from rackwright.study.trials import Dimension, Place

__all__ = ["LEVELS", "METHODS", "design", "library", "problem", "salib_seed"]

METHODS = {"one": 2, "morris": 16, "sobol": 64}
"""Method -> samples when none are asked for: cheap, and enough to rank axes; our choice."""
LEVELS = 4  # of Morris' grid: SALib's default
_MOST = 100_000


def design(method: str, free: Sequence[Dimension], samples: int, seed: int) -> list[Place]:
    """The places of a method. Raises UnknownName, UsageError, MissingTool."""
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    if samples < 2 or samples * (len(free) + 2) > _MOST:
        raise UsageError(f"samples = {samples}; at least 2, and at most {_MOST:,} places in all")
    if method == "one":
        return _one(len(free), samples)
    if method == "sobol":
        if samples & (samples - 1):
            raise UsageError(f"samples = {samples}; Sobol's sequence needs a power of two, such "
                             f"as {1 << samples.bit_length() - 1}")
        found = library("sample.sobol").sample(problem(free), samples, calc_second_order=False,
                                               seed=salib_seed(seed))
    else:
        found = library("sample.morris").sample(problem(free), samples, num_levels=LEVELS,
                                                seed=salib_seed(seed))
    return [tuple(map(float, place)) for place in found]


def problem(free: Sequence[Dimension]) -> dict[str, Any]:
    """SALib's name for the axes and their ends."""
    return {"num_vars": len(free), "names": [one.name for one in free],
            "bounds": [[0.0, 1.0]] * len(free)}


def salib_seed(seed: int) -> int:
    """Never 0, which SALib takes for no seed at all."""
    return seed + 1


def library(name: str) -> Any:
    """A module of SALib. Raises MissingTool."""
    try:
        return importlib.import_module(f"SALib.{name}")
    except ModuleNotFoundError:
        raise MissingTool("sobol and morris need SALib: pip install 'rackwright[analysis]'; "
                          "--method one does without") from None


def _one(count: int, samples: int) -> list[Place]:
    """The middle, then each axis at even shares from end to end."""
    middle = [0.5] * count
    shares = [step / (samples - 1) for step in range(samples)]
    return [tuple(middle), *(tuple((*middle[:axis], share, *middle[axis + 1:]))
                             for axis in range(count) for share in shares)]
