"""Host processors.

Models: cores, clocks, memory bandwidth and PCIe lanes of a socket, power, and the time of passing
traffic from device to device. Leaves out: caches, NUMA, SMT, the instruction mix: what a program
costs is the workload's to say.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.part import Part, quantity

__all__ = ["Cpu"]


@dataclass(frozen=True, kw_only=True)
class Cpu(Part):
    """One socket. `memory_bandwidth` is bytes/s of all its channels, by datasheet;
    `latency_time` seconds for what passes through its root complex from device to device."""

    cores: int = quantity("count")
    frequency_hz: float = quantity("frequency", "base_clock")
    boost_hz: float | None = quantity("frequency", "boost_clock", required=False)
    memory_channels: int = quantity("count")
    memory_bandwidth: float = quantity("bandwidth")
    pcie_lanes: int = quantity("count")
    latency_time: float = quantity("time", "latency")
    tdp_watts: float = quantity("power", "tdp")
    price_usd: float | None = quantity("money", "price", required=False)
