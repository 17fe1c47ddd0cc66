"""NVMe drives.

Models: capacity, sequential bandwidth, random-read rate and latency, power. Leaves out: write
cliffs, garbage collection, queue-depth curves.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.part import Part, quantity, text

__all__ = ["Nvme"]


@dataclass(frozen=True, kw_only=True)
class Nvme(Part):
    """`read_bandwidth`, `write_bandwidth`: sequential bytes/s; `pcie` names its connection."""

    pcie: str = text()
    nbytes: int = quantity("bytes", "capacity")
    read_bandwidth: float = quantity("bandwidth")
    write_bandwidth: float = quantity("bandwidth")
    latency_time: float = quantity("time", "read_latency")
    active_watts: float | None = quantity("power", "active_power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)
