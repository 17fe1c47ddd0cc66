"""Hardware blocks of one's own in a NIC: service times from measured clock cycles.

The cycles are those that the block's test bench measured on its RTL (`rackwright.hdl.timing`);
seconds need a clock, which the caller names: no block was placed and routed, so every clock is
an assumption, said in `OffloadTime.source`. Requests are taken one an interval, each is answered
a latency later; the queue in front is a stage of the pipeline or a server of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.hdl.timing import timing

__all__ = ["OffloadTime", "offload"]


@dataclass(frozen=True)
class OffloadTime:
    """One operation of a block in one geometry at an assumed clock."""

    block: str
    geometry: str
    operation: str
    clock_hz: float
    latency_cycles: int
    interval_cycles: float
    source: str

    @property
    def latency_time(self) -> float:
        """Seconds from a request to its answer."""
        return self.latency_cycles / self.clock_hz

    @property
    def rate(self) -> float:
        """Operations/s, back to back."""
        return self.clock_hz / self.interval_cycles

    def batch_time(self, operations: Sizes) -> Seconds:
        """Seconds until the last answer of `operations` requests handed over together."""
        n, = sizes(operations=operations)
        cycles = self.latency_cycles + np.maximum(n - 1, 0) * self.interval_cycles
        return bare(np.where(n > 0, cycles, 0.0) / self.clock_hz)


def offload(block: str, operation: str, clock_hz: float,
            geometry: str | None = None) -> OffloadTime:
    """The service of `operation`. Raises `UnknownName` for a block, a geometry or an operation
    that is not there, `UsageError` for a clock that is none, `InputError` for a stale table.

    >>> offload("witness_table", "record", 250e6).rate
    250000000.0
    """
    found = timing(block, geometry)
    found.latency_time(operation, clock_hz)  # refuses an unknown operation or clock
    return OffloadTime(found.block, found.geometry, operation, clock_hz,
                       found.latency_cycles[operation], found.interval_cycles[operation],
                       f"cycles: {found.simulator} on RTL {found.rtl_sha256[:12]}; clock "
                       f"{clock_hz / 1e6:g} MHz: assumed")
