"""What DispersedLedger's simulations share: finished runs, ratios and orders of them.

Emulated links and sites give 0.9 of their rate (read off the paper's downloads).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright import topologies
from rackwright.models.dispersedledger.measures import goodput, shares_of
from rackwright.models.dispersedledger.options import DispersedLedgerOptions
from rackwright.models.dispersedledger.placement import Placement
from rackwright.models.dispersedledger.tables import Rules, Tables, Ticks
from rackwright.models.dispersedledger.workload import Prepared, prepare, rules_of, run
from rackwright.reproduce.context import Context
from rackwright.traces.wan import BandwidthTrace

__all__ = ["EFFICIENCY", "MB", "Floats", "Found", "Simulation", "once", "ratio", "run_on",
           "run_placed"]

Simulation = Callable[[Context], float]
Floats = npt.NDArray[np.float64]

MB = 1e6
EFFICIENCY = 0.9


class Found(NamedTuple):
    """A finished run."""

    made: Prepared
    tables: Tables
    moving: Ticks
    options: DispersedLedgerOptions

    def rates(self) -> Floats:
        """Bytes/s of blocks that each site delivered."""
        delivered = shares_of(self.made.rules, self.tables, self.options)[1]
        return goodput(self.moving, self.made.duration, delivered)


def once(context: Context, key: Hashable, text: str, simulate: Callable[[], Found]) -> Found:
    """What `simulate` gives, once for each key."""
    def work() -> Found:
        context.progress(text)
        return simulate()

    return context.once(key, work)


def run_placed(placed: Placement, options: DispersedLedgerOptions, step: float, seconds: float,
               seed: int = 0) -> Found:
    """Run a placement that no fabric stands for."""
    rules: Rules = rules_of(options, len(placed.sites), step)
    made = Prepared(placed, rules, seconds, int(seconds / max(rules.propose_time, 0.2)) + 64)
    return Found(made, *run(made, options, seed=seed)[:2], options)


def run_on(trace: BandwidthTrace, sites: tuple[str, ...], settings: Mapping[str, Any],
           seed: int = 0) -> Found:
    """Run on AWS regions."""
    options = DispersedLedgerOptions.from_settings(settings)
    fabric = topologies.compile(topologies.wan(list(sites), rate="10Gbps"))
    made = prepare(fabric, trace, options)
    return Found(made, *run(made, options, seed=seed)[:2], options)


def ratio(one: Simulation, other: Simulation) -> Simulation:
    return lambda context: one(context) / other(context)
