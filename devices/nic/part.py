"""Network adapters, plain and smart.

Models: line rate, the adapter's own message latency, its message rate, power; a smart NIC adds
cores (`cores`), memory channels, fixed accelerators (`accelerators`), blocks of one's own
(`blocks`), the PCIe lanes over which it hosts GPUs and drives itself (`root`), and under
``fidelity="cycle"`` the packet pipeline (`pipeline`).

Leaves out: queue pairs, caches of connection state, drivers (the workload's to say).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.nic.accelerators import Accelerator, accelerator, accelerators
from rackwright.devices.nic.blocks import OffloadTime, offload
from rackwright.devices.nic.cores import CoreWork, core_cycles, core_rate
from rackwright.devices.nic.root import Hosted, LaneBudget, lane_budget, storage_bandwidth
from rackwright.devices.part import Part, quantity, text
from rackwright.devices.power import Power, known

if TYPE_CHECKING:
    from rackwright.devices.host.nvme import Nvme

__all__ = ["Nic", "SmartNic"]


@dataclass(frozen=True, kw_only=True)
class Nic(Part):
    """`rate_bps`: line rate of all ports it can use at once, one direction. `latency_time`:
    seconds that one message spends in the adapter. `pcie` names its host connection.
    `power_watts` is its highest, `line_watts` what a line at full rate adds to `idle_watts`."""

    pcie: str = text()
    rate_bps: float = quantity("rate", "rate")
    ports: int = quantity("count")
    latency_time: float = quantity("time", "latency")
    message_rate: float | None = quantity("per_second", required=False)
    power_watts: float | None = quantity("power", "power", required=False)
    idle_watts: float | None = quantity("power", "idle_power", required=False)
    line_watts: float | None = quantity("power", "line_power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)

    def message_time(self, nbytes: Sizes) -> Seconds:
        """Seconds from handing one message to an idle adapter until its last byte is on the
        wire: the adapter's latency, then its bytes at line rate. An empty message has latency
        only. Headers are the link's to count."""
        n, = sizes(nbytes=nbytes)
        return bare(self.latency_time + 8 * n / self.rate_bps)

    def power(self) -> Power:
        """Idle, and the line at full rate."""
        idle = known(self, "idle_power", self.idle_watts)
        return Power(idle, {"line": known(self, "line_power", self.line_watts)})


@dataclass(frozen=True, kw_only=True)
class SmartNic(Nic):
    """A NIC that can be a host: `cores` at `frequency_hz` with `memory_bandwidth` (bytes/s) over
    `memory_channels`; `root_lanes` PCIe lanes for what it hosts when there is no other host.

    `packet_cycles`, `packet_byte_cycles`: what its cores spend on a packet and on each of its
    bytes, for a plain forwarding program; `*_bps`, `storage_iops`: rates of its accelerators.
    """

    cores: int = quantity("count")
    frequency_hz: float = quantity("frequency", "core_clock")
    memory_nbytes: int | None = quantity("bytes", "memory", required=False)
    memory_bandwidth: float = quantity("bandwidth")
    memory_channels: int | None = quantity("count", required=False)
    stream_share: float | None = quantity("ratio", required=False)
    pcie_lanes: int = quantity("count")
    root_lanes: int | None = quantity("count", required=False)
    packet_cycles: float | None = quantity("ratio", required=False)
    packet_byte_cycles: float | None = quantity("ratio", required=False)
    crypto_bps: float | None = quantity("rate", "crypto", required=False)
    compression_bps: float | None = quantity("rate", "compression", required=False)
    decompression_bps: float | None = quantity("rate", "decompression", required=False)
    checksum_bps: float | None = quantity("rate", "checksum", required=False)
    storage_iops: float | None = quantity("per_second", "storage", required=False)
    accelerator_time: float | None = quantity("time", "accelerator_latency", required=False)
    core_watts: float | None = quantity("power", "core_power", required=False)

    @property
    def stream_bandwidth(self) -> float:
        """Bytes/s of its memory in long streams."""
        return self.memory_bandwidth * (1.0 if self.stream_share is None else self.stream_share)

    @property
    def accelerators(self) -> tuple[str, ...]:
        """Names of the fixed accelerators that it has, sorted."""
        return accelerators(self)

    def accelerator(self, name: str) -> Accelerator:
        """Rate and latency of one of them; raises `UnknownName`."""
        return accelerator(self, name)

    def packet_rate(self, nbytes: Sizes, work: CoreWork | None = None,
                    cores: int | None = None) -> Seconds:
        """Packets/s of `nbytes` that `cores` cores (all, if not told) carry, each from its
        arrival to its end, bound also by memory; the line's rate is not looked at.

        `work`: what a packet takes; None for the part's own forwarding figures. Raises
        `UsageError` for more cores than there are, or when the file has no figures.
        """
        n, = sizes(nbytes=nbytes)
        return bare(core_rate(self, n, work, self.cores if cores is None else cores))

    def packet_time(self, nbytes: Sizes, work: CoreWork | None = None) -> Seconds:
        """Seconds in which one core handles one packet of `nbytes`."""
        n, = sizes(nbytes=nbytes)
        return bare(core_cycles(self, n, work) / self.frequency_hz)

    def work_time(self, core_seconds: float, nbytes: Sizes = 0) -> Seconds:
        """Seconds of work that would take ONE of its cores `core_seconds` and touches `nbytes`
        of memory, spread over all cores: the slower of the two."""
        n, = sizes(nbytes=nbytes)
        return bare(np.maximum(core_seconds / self.cores, n / self.stream_bandwidth))

    def offload(self, block: str, operation: str, clock_hz: float,
                geometry: str | None = None) -> OffloadTime:
        """Service of a hardware block on this NIC at an assumed clock; see `blocks`."""
        return offload(block, operation, clock_hz, geometry)

    def lane_budget(self, devices: Iterable[Hosted],
                    folder: str | Path | None = None) -> LaneBudget:
        """PCIe lanes that hosting `devices` takes; raises `UsageError` when they do not fit."""
        return lane_budget(self, devices, folder)

    def storage_bandwidth(self, drive: Nvme, drives: int,
                          folder: str | Path | None = None) -> float:
        """Bytes/s that it serves from `drives` drives over the network: the least of drives,
        their lanes, memory (in and out) and line. Raises as `lane_budget`."""
        return storage_bandwidth(self, drive, drives, folder)

    def power(self) -> Power:
        """Idle, the line at full rate, each busy core."""
        plain = super().power()
        core = known(self, "core_power", self.core_watts)
        return Power(plain.idle_watts, {**plain.added_watts, "core": core},
                     units={"core": self.cores})
