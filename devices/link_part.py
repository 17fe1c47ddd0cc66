"""Links of the catalog that are not PCIe: NVLink bundles, Ethernet cables.

Models: rate in one direction, the payload's share of it, the time of flight and of the
transceivers. Leaves out: link-level retry, lane failures, contention (the engine's).
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.devices.link import Link
from rackwright.devices.part import Part, quantity, text

__all__ = ["LinkPart"]


@dataclass(frozen=True, kw_only=True)
class LinkPart(Part):
    """A catalog entry that `link()` turns into a `Link`.

    `medium` ("nvlink", "ethernet") becomes the link's kind; `rate_bps` is one direction, raw;
    `efficiency` the payload's share; `latency_time` seconds from end to end.
    """

    medium: str = text()
    rate_bps: float = quantity("rate", "rate")
    efficiency: float = quantity("ratio")
    latency_time: float = quantity("time", "latency")

    def link(self) -> Link:
        """One direction of it."""
        return Link(self.name, self.medium, self.rate_bps, self.efficiency, self.latency_time,
                    self.sources["rate"], self.content_hash, self.sources)
