"""Host memory of one socket.

Models: capacity, bandwidth of all channels together, power. Leaves out: latency, banks, refresh,
NUMA and the read/write mix.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.part import Part, quantity

__all__ = ["Memory"]


@dataclass(frozen=True, kw_only=True)
class Memory(Part):
    """`bandwidth` is bytes/s by datasheet; a copy reads and writes, so it counts twice."""

    nbytes: int = quantity("bytes", "capacity")
    bandwidth: float = quantity("bandwidth")
    channels: int = quantity("count")
    price_usd: float | None = quantity("money", "price", required=False)
