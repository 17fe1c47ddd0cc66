"""PCIe switches: the part. Its TLPs are forwarded in `cycle` and `closed`; see `part.Pcie.path`.

Models: the time from port to port as vendors state it (cut-through between two x16 ports), lanes,
power. Leaves out: buffers of a model's own (a port takes the credits of its link), multicast,
non-transparent bridging.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.part import Part, quantity, text

__all__ = ["PcieSwitch"]


@dataclass(frozen=True, kw_only=True)
class PcieSwitch(Part):
    """A PCIe switch; `pcie` names the connection of one of its x16 ports."""

    pcie: str = text()
    lanes: int = quantity("count")
    latency_time: float = quantity("time", "latency")
    power_watts: float | None = quantity("power", "power", required=False)
