"""Small placements and runs of the fluid."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from rackwright.models.dispersedledger.measures import goodput
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.models.dispersedledger.placement import Placement
from rackwright.models.dispersedledger.workload import Prepared, rules_of, run


class Run(NamedTuple):
    made: Prepared
    tables: Any
    moving: Any

    @property
    def rates(self) -> Any:
        """Bytes/s of blocks that each site retrieved."""
        return goodput(self.moving, self.made.duration, 1.0)


@pytest.fixture(scope="session")
def fluid() -> Callable[..., Run]:
    """Run sites of `rates` bytes/s (over time: rows), in and out, `delay` seconds apart."""
    def play(rates: Any, delay: float = 0.05, seconds: float = 40.0, seed: int = 0,
             **settings: Any) -> Run:
        options = DispersedLedgerOptions.from_settings(
            {"tick": "20ms", "block": "500kB", "retrieval_overshoot": 1.5, **settings})
        table = np.atleast_2d(np.asarray(rates, np.float64))
        n = table.shape[1]
        delays = np.full((n, n), delay)
        np.fill_diagonal(delays, 0.0)
        placed = Placement(tuple(map(str, range(n))), (), (), delays, table, table, True)
        made = Prepared(placed, rules_of(options, n, 1.0), seconds, 256)
        return Run(made, *run(made, options, seed=seed)[:2])

    return play
