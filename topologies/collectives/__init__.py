"""Collectives on any fabric: which algorithm and protocol a library picks, and what it takes.

`collective_time` and `collective_choice` are the closed form: steps from fitted coefficients, the
bytes priced by the links that the algorithm loads. ``fidelity="flows"`` replays every step as flows
that wait for one another. `transfers_time` prices point-to-point transfers that start together,
`all_to_allv_time` an exchange of unequal parts.
"""

from __future__ import annotations

from rackwright.topologies.collectives.operations import OPERATIONS
from rackwright.topologies.collectives.times import (
    Choice,
    collective_choice,
    collective_time,
    transfers_time,
)
from rackwright.topologies.collectives.uneven import all_to_allv_time

__all__ = ["OPERATIONS", "Choice", "all_to_allv_time", "collective_choice", "collective_time",
           "transfers_time"]
