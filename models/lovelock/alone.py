"""How long each pattern of traffic takes alone: measured by the replay's own kernel.

One query a pattern, one after the other, of `PROBE` bytes each; flows that share links max-min
fairly take a time in proportion to their bytes, so one measurement a pattern is enough. No second
solver, no second kernel to compile. Units: seconds for one byte.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from rackwright.engine.driver import drive
from rackwright.engine.flow_state import new_flows
from rackwright.engine.fluid_state import new_fluids
from rackwright.engine.record import new_span_log
from rackwright.models.lovelock.kernel import advance
from rackwright.models.lovelock.state import (
    Fixed,
    LovelockState,
    Operators,
    grow,
    new_queries,
    new_state,
)
from rackwright.models.lovelock.traffic import PATTERNS, Traffic
from rackwright.models.lovelock.work import RESOURCES

__all__ = ["PROBE", "timed"]

PROBE = 1e12     # bytes: well above the clock's step of a picosecond


def timed(traffic: Traffic) -> Traffic:
    """The same traffic with its `unit_time`."""
    run: Any = advance
    queries = drive(run, _state(traffic), grow=grow).queries
    times = (queries.finish_ps - queries.arrival_ps) * 1e-12 / PROBE
    return replace(traffic, unit_time=np.asarray(times, np.float64))


def _state(traffic: Traffic) -> LovelockState:
    """One query and one operator for each pattern, a client that asks one after the other."""
    count = len(PATTERNS)
    used = np.diff(traffic.first) > 0
    numbers = np.arange(count, dtype=np.int64)
    zeros = np.zeros(count, np.int64)
    fixed = Fixed(1, max(traffic.most, 1), 1, 1, traffic.first, traffic.share, traffic.members,
                  zeros)
    operators = Operators(
        numbers, numbers + 1, np.where(used, numbers, -1), np.full(count, PROBE),
        np.full(count, -1, np.int64), zeros, np.zeros((count, RESOURCES)), zeros + 1, zeros,
        zeros.copy(), zeros.copy(), zeros.copy())
    flows = new_flows(traffic.class_bandwidth, traffic.offsets, traffic.routes,
                      slots=max(16, 2 * traffic.most))
    return new_state(fixed, flows, new_fluids(np.ones((2, RESOURCES))), operators,
                     new_queries(np.arange(count + 1, dtype=np.int64), zeros.copy()),
                     new_span_log(0))
