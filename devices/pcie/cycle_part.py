"""PCIe under ``fidelity="cycle"``: the cost methods of `Pcie`, by the event model.

Up to `EXACT_NBYTES` every TLP is simulated; beyond, the rate of the second half of that size goes
on (a steady state by then; the test of agreement covers it). Each distinct size is simulated once a
call and kept. A copy (`transfer_time`) is the fitted start of `copy` and the event model's bytes,
at the fitted share of the wire; pairs of copies are simulated as a read and a write at once, and
slowed to the fitted share of both directions. Pageable copies stay closed: the CPU moves them.

Leaves out: what `cycle` leaves out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.pcie import closed
from rackwright.devices.pcie.copy import both_bandwidth, check_copy, copy_seconds, start_times
from rackwright.devices.pcie.dma import NVME, Dma, dma_steps
from rackwright.devices.pcie.part import Pcie
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.simulate import path_network, simulated_time

__all__ = ["EXACT_NBYTES", "CyclePcie"]

EXACT_NBYTES = 1 << 22


@dataclass(frozen=True, kw_only=True)
class CyclePcie(Pcie):
    """A connection whose times come from the event model."""

    def write_time(self, nbytes: Sizes, address: Sizes = 0, **changes: Any) -> Seconds:
        return _each(functools.partial(_cycle_time, "write", self.setup(**changes)), nbytes,
                     address)

    def read_time(self, nbytes: Sizes, address: Sizes = 0, **changes: Any) -> Seconds:
        return _each(functools.partial(_cycle_time, "read", self.setup(**changes)), nbytes,
                     address)

    def duplex_time(self, nbytes: Sizes, **changes: Any) -> Seconds:
        return _each(functools.partial(_cycle_time, "duplex", self.setup(**changes)), nbytes, 0)

    def dma_time(self, nbytes: Sizes, direction: str = "h2d", buffer_nbytes: Sizes = 4096,
                 engine: Dma = NVME, **changes: Any) -> Seconds:
        def one(n: int, buffer: int) -> float:
            network = path_network(self.setup(**changes))
            end = dma_steps(network, engine, n, buffer, direction)
            return float(network.run().finish_time[end]) if n else 0.0
        return _each(one, nbytes, buffer_nbytes)

    def transfer_time(self, nbytes: Sizes, direction: str = "h2d",
                      host_memory: str = "pinned") -> Seconds:
        check_copy(direction, host_memory)
        n, = sizes(nbytes=nbytes)
        if host_memory == "pageable":
            return bare(np.where(n > 0, copy_seconds(self, n, direction, host_memory), 0.0))
        fit, kind = self.copy, {"h2d": "read", "d2h": "write", "both": "duplex"}[direction]
        setup = self._paced(kind)
        moved = np.asarray(_each(functools.partial(_cycle_time, kind, setup), n, 0))
        if direction == "both":
            far = np.asarray(both_bandwidth(self, n)) / (self.bandwidth * fit.both_share)
            time = np.maximum(fit.both_floor_time,
                              fit.both_setup_time + (moved - _delay(kind, setup)) / far)
        else:
            floor, start = start_times(fit, direction)
            time = np.maximum(floor, start + moved - _delay(kind, setup))
        return bare(np.where(n > 0, time, 0.0))

    def _paced(self, kind: str) -> PcieSetup:
        """The setup whose long transfers run at the rate that is fitted for copies."""
        clean = self.setup(wire_share=1.0)
        if kind == "duplex":
            share = self.bandwidth * self.copy.both_share / min(closed.duplex_bandwidth(clean))
        else:
            rate = closed.read_bandwidth if kind == "read" else closed.write_bandwidth
            share = self.bandwidth / rate(clean)
        return clean.replace(wire_share=min(share, 1.0))


def _each(time: Callable[[int, int], float], nbytes: Sizes, address: Sizes) -> Seconds:
    """`time` of every size and address."""
    n, at = sizes(nbytes=nbytes, address=address)
    out = np.array([time(int(one), int(where)) for one, where in zip(n.flat, at.flat,
                                                                    strict=True)])
    return bare(out.reshape(n.shape))


@functools.lru_cache(maxsize=4096)
def _cycle_time(kind: str, setup: PcieSetup, nbytes: int, address: int) -> float:
    if nbytes <= EXACT_NBYTES:
        return simulated_time(kind, setup, nbytes, address) if nbytes else 0.0
    whole = _cycle_time(kind, setup, EXACT_NBYTES, address)
    rate = (whole - _cycle_time(kind, setup, EXACT_NBYTES // 2, address)) / (EXACT_NBYTES // 2)
    return whole + (nbytes - EXACT_NBYTES) * rate


def _delay(kind: str, setup: PcieSetup) -> float:
    """What the shortest transfer takes: part of a copy's fitted set-up already."""
    return _cycle_time(kind, setup, 1, 0)
