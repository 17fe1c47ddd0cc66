"""`Link`: one direction of a cable, lane bundle or on-board path.

Models the signalling rate, the share of it that carries payload, and a fixed latency. Contention
belongs to the engine (a port or a flow), never to the link itself.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Link"]


@dataclass(frozen=True)
class Link:
    """One direction of a link, between any two devices.

    `rate_bps`: raw data rate in bits/s, one direction. `efficiency`: share of it left for
    payload after encoding, headers and flow control (0..1]. `latency_time`: seconds for the
    head of a message to get from end to end. `kind`: "nvlink", "pcie", "ethernet", "memory" ...
    """

    name: str
    kind: str
    rate_bps: float
    efficiency: float
    latency_time: float
    source: str = ""

    @property
    def bandwidth(self) -> float:
        """Payload bytes/s in one direction."""
        return self.rate_bps * self.efficiency / 8
