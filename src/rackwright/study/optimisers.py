"""What chooses the trials of `rackwright.study.optimise`: anything that can be asked and told.

`Optimiser` is the whole interface; `RandomSearch` and `Optuna` have it, and so may a class of yours
around any other library. It is asked for a place (a share from 0 to 1 for each axis), replays are
made, and it is told what each goal came to; numbers are given to it so that less is better.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from rackwright.errors import MissingTool
from rackwright.study.trials import Dimension, Place

__all__ = ["OPTIMISERS", "Optimiser", "Optuna", "RandomSearch"]


class Optimiser(Protocol):
    """Asked and told; the same answers must lead it to the same questions."""

    def ask(self) -> Place:
        """The next trial; the one of a list's values with number i of n is any share in
        [i / n, (i + 1) / n)."""
        ...

    def tell(self, trial: int, costs: Sequence[float] | None) -> None:
        """What trial number `trial`, counted from 0 in the order asked, costs by each goal; None
        for one that failed."""
        ...


class RandomSearch:
    """Evenly drawn places, each for itself: what others must beat; needs no library."""

    def __init__(self, free: Sequence[Dimension], goals: int, seed: int) -> None:
        self._free, self._rng = free, np.random.default_rng(seed)

    def ask(self) -> Place:
        return tuple(float(share) for share in self._rng.random(len(self._free)))

    def tell(self, trial: int, costs: Sequence[float] | None) -> None:
        return None


class Optuna:
    """Optuna's tree of Parzen estimators, for one goal or several. Raises MissingTool."""

    def __init__(self, free: Sequence[Dimension], goals: int, seed: int) -> None:
        try:
            optuna = importlib.import_module("optuna")
        except ModuleNotFoundError:
            raise MissingTool("optimising by optuna needs it: pip install "
                              "'rackwright[analysis]'; --optimiser random does without") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._free, self._trials = free, list[Any]()
        self._failed = optuna.trial.TrialState.FAIL
        with warnings.catch_warnings():  # some of its samplers call themselves experimental
            warnings.simplefilter("ignore")
            self._study = optuna.create_study(directions=["minimize"] * goals,
                                              sampler=optuna.samplers.TPESampler(seed=seed))

    def ask(self) -> Place:
        trial = self._study.ask()
        self._trials.append(trial)
        return tuple(self._share(trial, dimension) for dimension in self._free)

    def tell(self, trial: int, costs: Sequence[float] | None) -> None:
        if costs is None:
            self._study.tell(self._trials[trial], state=self._failed)
        else:
            self._study.tell(self._trials[trial], list(costs))

    @staticmethod
    def _share(trial: Any, dimension: Dimension) -> float:
        if dimension.choices is None:
            return float(trial.suggest_float(dimension.name, 0.0, 1.0))
        number = trial.suggest_categorical(dimension.name, list(range(dimension.choices)))
        return (int(number) + 0.5) / dimension.choices


OPTIMISERS: Mapping[str, Callable[[Sequence[Dimension], int, int], Optimiser]] = {
    "optuna": Optuna, "random": RandomSearch}
"""Name -> what makes one, from the axes, the number of goals and a seed."""
