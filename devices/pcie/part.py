"""PCIe, in closed form.

Models: lane rate, line encoding (8b/10b to 5 GT/s, 128b/130b above), the headers and framing
around every payload of at most `max_payload` bytes, the share left by acknowledgements, flow
control and the host's memory path (`link_share`, fitted), and for a copy started on a GPU's
stream the fixed cost of starting it.

Leaves out: back-to-back TLPs and credits one by one, both directions at once (two links, and a
host-side limit that the engine's flows may add), pageable host memory (staged through the CPU),
completions cut at the read-completion boundary.

Sources: PCI Express Base Specification 5.0, sections 3 and 4 (encoding, framing, header sizes;
recalled, not checked); `h100_x1/pcie.csv` for what is fitted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.link import Link
from rackwright.devices.part import Band, Fit, Part, fitted, quantity
from rackwright.errors import UnknownName

__all__ = ["Pcie", "PcieFit"]


@dataclass(frozen=True, kw_only=True)
class PcieFit(Fit):
    """`link_share`: payload over what the headers leave. Times in seconds, one a direction:
    `*_floor_time` is the shortest copy, `*_setup_time` precedes the bytes of a long one."""

    link_share: float
    h2d_floor_time: float
    h2d_setup_time: float
    d2h_floor_time: float
    d2h_setup_time: float


@dataclass(frozen=True, kw_only=True)
class Pcie(Part):
    """A connection of some generation and width; one direction's numbers hold for both."""

    lane_rate: float = quantity("lane_rate")
    lanes: int = quantity("count")
    encoding: float = quantity("ratio")
    max_payload_nbytes: int = quantity("bytes", "max_payload")
    tlp_overhead_nbytes: int = quantity("bytes", "tlp_overhead")
    latency_time: float = quantity("time", "latency")
    copy: PcieFit = fitted(PcieFit)

    @property
    def rate_bps(self) -> float:
        """Bits/s of one direction before encoding."""
        return self.lane_rate * self.lanes

    @property
    def efficiency(self) -> float:
        """Payload's share of `rate_bps` in long transfers."""
        tlp = self.max_payload_nbytes / (self.max_payload_nbytes + self.tlp_overhead_nbytes)
        return self.encoding * tlp * self.copy.link_share

    @property
    def bandwidth(self) -> float:
        """Payload bytes/s of one direction in long transfers."""
        return self.rate_bps * self.efficiency / 8

    def link(self) -> Link:
        """One direction of it."""
        return Link(self.name, "pcie", self.rate_bps, self.efficiency, self.latency_time,
                    self.sources["lane_rate"], self.content_hash, self.sources)

    def transfer_time(self, nbytes: Sizes, direction: str = "h2d") -> Seconds:
        """Seconds of one copy between pinned host memory and a device, started on a stream.

        `direction`: "h2d" or "d2h". No bytes take no time: nothing is started. Contention and
        pageable memory are left out. Raises `UsageError`, `UnknownName`.
        """
        floor, setup = self._start(direction)
        n, = sizes(nbytes=nbytes)
        return bare(np.where(n > 0, np.maximum(floor, setup + n / self.bandwidth), 0.0))

    def band(self, operation: str = "transfer") -> Band:
        """(class, median, p90) of `transfer_time`'s relative error."""
        if operation != "transfer":
            raise UnknownName("operation", operation, ["transfer"])
        return self.copy.band

    def _start(self, direction: str) -> tuple[float, float]:
        if direction == "h2d":
            return self.copy.h2d_floor_time, self.copy.h2d_setup_time
        if direction == "d2h":
            return self.copy.d2h_floor_time, self.copy.d2h_setup_time
        raise UnknownName("direction", direction, ["h2d", "d2h"])
