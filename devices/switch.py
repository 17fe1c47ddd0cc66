"""Switches: Ethernet, NVSwitch, PCIe.

Models: the time from a head's arrival to its departure (cut-through), ports, power. Every switch
is taken as non-blocking inside. Leaves out: buffers, drops, flow control, arbitration (ports of
the engine), in-network reduction.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.part import Part, quantity, text

__all__ = ["PcieSwitch", "Switch"]


@dataclass(frozen=True, kw_only=True)
class Switch(Part):
    """An Ethernet switch or the NVSwitch plane of one host, seen as one crossbar.

    `rate_bps` is that of one port, one direction; `latency_time` seconds through the switch.
    """

    medium: str = text()
    ports: int = quantity("count")
    rate_bps: float = quantity("rate", "port_rate")
    latency_time: float = quantity("time", "latency")
    power_watts: float | None = quantity("power", "power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)


@dataclass(frozen=True, kw_only=True)
class PcieSwitch(Part):
    """A PCIe switch; `pcie` names the connection of one of its x16 ports."""

    pcie: str = text()
    lanes: int = quantity("count")
    latency_time: float = quantity("time", "latency")
    power_watts: float | None = quantity("power", "power", required=False)
