"""Host processors.

Models: cores, clocks, memory bandwidth and PCIe lanes of a socket; the time of streaming, of
copying and of work that is bound by cores or by memory, whichever is slower; energy by core and
by idle time; the time of passing traffic from device to device. Clocks fall in a straight line
from boost with one busy core to base with all of them (assumed; real steps are the part's secret).

Leaves out: caches, NUMA, SMT, vector clocks, the instruction mix: what a program costs is the
workload's to say, in core-seconds on this part. DRAM's energy is the memory part's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.part import Part, quantity, text
from rackwright.devices.power import Power, known
from rackwright.errors import UsageError

__all__ = ["Cpu"]

COPY_TOUCHES = 2  # a copy reads and writes; stores that fetch their line first would make it 3


@dataclass(frozen=True, kw_only=True)
class Cpu(Part):
    """One socket. `memory_bandwidth` is bytes/s of all its channels, by datasheet;
    `stream_share` what is left of it in STREAM-like loops; `core_bandwidth` what one core can
    read and write; `latency_time` seconds for what passes through its root complex from device
    to device. `pcie` names its lanes' generation, as an x16 part."""

    pcie: str = text("")
    cores: int = quantity("count")
    frequency_hz: float = quantity("frequency", "base_clock")
    boost_hz: float | None = quantity("frequency", "boost_clock", required=False)
    memory_channels: int = quantity("count")
    memory_bandwidth: float = quantity("bandwidth")
    stream_share: float | None = quantity("ratio", required=False)
    core_bandwidth: float | None = quantity("bandwidth", required=False)
    pcie_lanes: int = quantity("count")
    latency_time: float = quantity("time", "latency")
    tdp_watts: float = quantity("power", "tdp")
    idle_watts: float | None = quantity("power", "idle_power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)

    def clock_hz(self, busy_cores: Sizes = 1) -> Seconds:
        """Hz of each of `busy_cores` busy cores, from boost to base."""
        busy, = self._busy(busy_cores)
        top = self.boost_hz or self.frequency_hz
        share = np.maximum(busy - 1, 0) / max(self.cores - 1, 1)
        return bare(top - (top - self.frequency_hz) * share)

    def stream_bandwidth(self, cores: Sizes | None = None) -> Seconds:
        """Bytes/s that `cores` cores (all, if not told) read and write in long streams."""
        busy, = self._busy(self.cores if cores is None else cores)
        return bare(self._stream(busy))

    def stream_time(self, nbytes: Sizes, cores: Sizes | None = None) -> Seconds:
        """Seconds in which `cores` cores read or write `nbytes` of memory."""
        n, busy = self._busy(self.cores if cores is None else cores, nbytes=nbytes)
        return bare(n / self._stream(busy))

    def copy_time(self, nbytes: Sizes, cores: Sizes = 1) -> Seconds:
        """Seconds in which `cores` cores copy `nbytes` from memory to memory."""
        n, busy = self._busy(cores, nbytes=nbytes)
        return bare(COPY_TOUCHES * n / self._stream(busy))

    def work_time(self, core_seconds: float | Floats, nbytes: Sizes = 0,
                  cores: Sizes | None = None) -> Seconds:
        """Seconds of work that would take one core `core_seconds` and touches `nbytes` of
        memory, spread over `cores`: the slower of the two, neither helping the other."""
        n, busy = self._busy(self.cores if cores is None else cores, nbytes=nbytes)
        work = np.asarray(core_seconds, np.float64)
        if not (np.isfinite(work) & (work >= 0)).all():
            raise UsageError(f"core_seconds must be finite and >= 0, not {core_seconds!r}")
        return bare(np.maximum(work / busy, n / self._stream(busy)))

    def power(self) -> Power:
        """Idle, and each busy core; all cores together make the TDP (assumed)."""
        idle = known(self, "idle_power", self.idle_watts)
        return Power(idle, {"core": max(self.tdp_watts - idle, 0.0) / self.cores},
                     units={"core": self.cores})

    def _stream(self, busy: Floats) -> Floats:
        socket = self.memory_bandwidth * (1.0 if self.stream_share is None else self.stream_share)
        if self.core_bandwidth is None:
            return np.full_like(busy, socket)
        return np.minimum(socket, busy * self.core_bandwidth)

    def _busy(self, cores: Sizes, **others: Sizes) -> tuple[Floats, ...]:
        """`others` and `cores`, broadcast; as many cores as there are, and one at least."""
        found = sizes(**others, cores=cores)
        wrong = (found[-1] < 1) | (found[-1] > self.cores)
        if wrong.any():
            raise UsageError(f"{self.name} has {self.cores} cores: cores must be from 1 to "
                             f"{self.cores}, not {found[-1][wrong].flat[0]:g}")
        return found
