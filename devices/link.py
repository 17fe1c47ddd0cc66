"""`Link`: one direction of a cable, lane bundle or on-board path.

Models the signalling rate, the share of it that carries payload, and a fixed latency. Contention
belongs to the engine (a port or a flow), never to the link itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Link"]


@dataclass(frozen=True)
class Link:
    """One direction of a link, between any two devices.

    `rate_bps`: raw data rate in bits/s, one direction. `efficiency`: share of it left for
    payload after encoding, headers and flow control (0..1]. `latency_time`: seconds for the
    head of a message to get from end to end. `kind`: "nvlink", "pcie", "ethernet", "memory" ...
    `content_hash` and `sources` are those of the catalog's part, when the link is from there.
    """

    name: str
    kind: str
    rate_bps: float
    efficiency: float
    latency_time: float
    source: str = ""
    content_hash: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def bandwidth(self) -> float:
        """Payload bytes/s in one direction."""
        return self.rate_bps * self.efficiency / 8
