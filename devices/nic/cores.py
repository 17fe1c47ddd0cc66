"""Cores that run packets to completion: the closed form. `core_queues` replays it.

Models: a packet occupies one core for ``cycles + byte_cycles x bytes`` clock cycles; its bytes
cross the NIC's memory `memory_passes` times (in from the wire, out to it: 2). All cores together
carry the least of what cores and memory allow. Under Poisson arrivals a core behind a hash of its
own (RSS) is an M/D/1 queue.

Leaves out: batches, cache misses that grow with the number of cores, interrupts, flows that are
larger than a core (a hash never splits one).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.power import known
from rackwright.errors import UsageError

if TYPE_CHECKING:
    from rackwright.devices.nic.part import SmartNic

__all__ = ["CoreWork", "core_cycles", "core_rate", "md1_wait"]


@dataclass(frozen=True)
class CoreWork:
    """What one packet takes of a core and of memory."""

    cycles: float
    byte_cycles: float = 0.0
    memory_passes: float = 2.0

    def __post_init__(self) -> None:
        for name in ("cycles", "byte_cycles", "memory_passes"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise UsageError(f"{name} of a packet must be a number >= 0, not {value!r}")
        if self.cycles + self.byte_cycles == 0:
            raise UsageError("a packet must take some cycles: give cycles or byte_cycles above 0")


def core_cycles(part: SmartNic, n: Floats, work: CoreWork | None) -> Floats:
    """Clock cycles of one core for packets of `n` bytes."""
    own = _own(part) if work is None else work
    return np.asarray(own.cycles + own.byte_cycles * n)


def core_rate(part: SmartNic, n: Floats, work: CoreWork | None, cores: int) -> Floats:
    """Packets/s of `cores` cores with the part's memory."""
    if not isinstance(cores, int) or not 1 <= cores <= part.cores:
        raise UsageError(f"{part.name} has {part.cores} cores: cores must be a whole number from "
                         f"1 to {part.cores}, not {cores!r}")
    own = _own(part) if work is None else work
    by_cores = cores * part.frequency_hz / np.maximum(core_cycles(part, n, own), 1e-9)
    touched = own.memory_passes * n
    by_memory = part.stream_bandwidth / np.where(touched > 0, touched, 1.0)
    return np.where(touched > 0, np.minimum(by_cores, by_memory), by_cores)


def md1_wait(service_time: float, load: float) -> float:
    """Mean seconds in the queue of one server with Poisson arrivals and one service time
    (Pollaczek and Khinchin). Raises `UsageError` for a load outside 0..1."""
    if not 0 <= load < 1:
        raise UsageError(f"load must be from 0 to below 1, not {load!r}")
    return load * service_time / (2 * (1 - load))


def _own(part: SmartNic) -> CoreWork:
    return CoreWork(known(part, "packet_cycles", part.packet_cycles),
                    part.packet_byte_cycles or 0.0)
