"""Network adapters, plain and smart.

Models: line rate, the adapter's own message latency, its message rate, power; a smart NIC adds
cores and memory. Leaves out: queue pairs, caches of connection state, offload engines (their
cycle counts come from the hardware blocks), drivers (the workload's to say).
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.part import Part, quantity, text

__all__ = ["Nic", "SmartNic"]


@dataclass(frozen=True, kw_only=True)
class Nic(Part):
    """`rate_bps`: line rate of all ports it can use at once, one direction. `latency_time`:
    seconds that one message spends in the adapter. `pcie` names its host connection."""

    pcie: str = text()
    rate_bps: float = quantity("rate", "rate")
    ports: int = quantity("count")
    latency_time: float = quantity("time", "latency")
    message_rate: float | None = quantity("per_second", required=False)
    power_watts: float | None = quantity("power", "power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)

    def message_time(self, nbytes: Sizes) -> Seconds:
        """Seconds from handing one message to an idle adapter until its last byte is on the
        wire: the adapter's latency, then its bytes at line rate. An empty message has latency
        only. Headers are the link's to count."""
        n, = sizes(nbytes=nbytes)
        return bare(self.latency_time + 8 * n / self.rate_bps)


@dataclass(frozen=True, kw_only=True)
class SmartNic(Nic):
    """A NIC that can be a host: `cores` at `frequency_hz` with `memory_bandwidth` (bytes/s)."""

    cores: int = quantity("count")
    frequency_hz: float = quantity("frequency", "core_clock")
    memory_nbytes: int | None = quantity("bytes", "memory", required=False)
    memory_bandwidth: float = quantity("bandwidth")
    pcie_lanes: int = quantity("count")
