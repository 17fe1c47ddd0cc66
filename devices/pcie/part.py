"""PCIe parts: a connection of a generation and width, its costs in closed form.

Two layers. `write_time`, `read_time` and the bandwidths are of the protocol, TLP by TLP (`closed`):
headers, acknowledgements, credits, tags, read completions, latencies of the ports. A copy started
on a GPU's stream (`transfer_time`) adds what drivers and copy engines do, as fitted (`copy`). One
number joins them: `link_share`, the part of the wire time that real devices fill, is fitted to
copies over gen 5 x16 and taken for all generations; see `docs/design/0009-pcie.md` for how that
meets measurements of others on gen 3.

Leaves out: what `closed` and `copy` leave out; contention with other flows (`sharing`). Sources:
`wire` for the protocol; the part's file for everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.link import Link
from rackwright.devices.part import Band, Part, fitted, quantity
from rackwright.devices.pcie import closed
from rackwright.devices.pcie.copy import PcieFit, copy_seconds
from rackwright.devices.pcie.dma import NVME, Dma, dma_time
from rackwright.devices.pcie.path import PciePath
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.wire import FLIT_NBYTES, FLIT_TLP_NBYTES, POSTED
from rackwright.errors import CatalogError, UnknownName, UsageError

__all__ = ["Pcie", "PcieFit"]


@dataclass(frozen=True, kw_only=True)
class Pcie(Part):
    """A connection of some generation and width; one direction's numbers hold for both.

    `latency_time`: from a device to host memory, one way; `link_time` is the part of it between
    the two ports, the rest is the host's. Credits are those of either end, 0 unlimited.
    """

    generation: int = quantity("count")
    lane_rate: float = quantity("lane_rate")
    lanes: int = quantity("count")
    max_payload_nbytes: int = quantity("bytes", "max_payload")
    max_read_request_nbytes: int = quantity("bytes", "max_read_request")
    tags: int = quantity("count")
    posted_headers: int = quantity("count")
    posted_data: int = quantity("count")
    nonposted_headers: int = quantity("count")
    latency_time: float = quantity("time", "latency")
    link_time: float = quantity("time", "link_latency")
    bit_error_rate: float = quantity("ratio")
    flit_error_rate: float = quantity("ratio")
    copy: PcieFit = fitted(PcieFit)

    def __post_init__(self) -> None:
        try:
            setup = self._protocol
        except UsageError as problem:
            raise CatalogError(f"{self.name}: {problem}") from None
        if self.lane_rate != setup.wire.lane_rate:
            raise CatalogError(f"{self.name}: lane_rate is {self.lane_rate / 1e9:g} GT/s; PCIe "
                               f"{self.generation} has {setup.wire.lane_rate / 1e9:g}")

    @property
    def encoding(self) -> float:
        """Bits that carry something, of those on the wire."""
        return self._protocol.wire.encoding

    @property
    def tlp_overhead_nbytes(self) -> int:
        """Bytes around the payload of a posted write."""
        return self._protocol.overhead_nbytes(POSTED)

    @property
    def rate_bps(self) -> float:
        """Bits/s of one direction before encoding."""
        return self.lane_rate * self.lanes

    @property
    def efficiency(self) -> float:
        """Payload's share of `rate_bps` in long transfers."""
        tlp = self.max_payload_nbytes / (self.max_payload_nbytes + self.tlp_overhead_nbytes)
        flit = FLIT_TLP_NBYTES / FLIT_NBYTES if self._protocol.wire.flits else 1.0
        return self.encoding * flit * tlp * self.copy.link_share

    @property
    def bandwidth(self) -> float:
        """Payload bytes/s of one direction in long transfers."""
        return self.rate_bps * self.efficiency / 8

    def link(self) -> Link:
        """One direction of it, from port to port: a path in a topology has as many `link_time` as
        links, and the rest of `latency_time` once, where it passes a processor."""
        return Link(self.name, "pcie", self.rate_bps, self.efficiency, self.link_time,
                    self.sources["lane_rate"], self.content_hash, self.sources)

    def setup(self, **changes: Any) -> PcieSetup:
        """How the link is set, for the models of the protocol; `changes` as in `PcieSetup`.

        `wire_share` is `link_share`, and 1 for the protocol alone. Raises `UsageError`.
        """
        return self._protocol.replace(wire_share=self.copy.link_share).replace(**changes)

    def path(self, *others: tuple[float, Pcie], target: str = "host",
             cut_through: bool = True) -> PciePath:
        """From a device over this link, then over switches: pairs (seconds through, link)."""
        return PciePath((self.setup(), *(part.setup() for _, part in others)),
                        tuple(time for time, _ in others), target, cut_through)

    def write_time(self, nbytes: Sizes, address: Sizes = 0, **changes: Any) -> Seconds:
        """Seconds until a device's posted writes are in host memory. Raises `UsageError`."""
        return closed.write_time(self.setup(**changes), nbytes, address)

    def read_time(self, nbytes: Sizes, address: Sizes = 0, **changes: Any) -> Seconds:
        """Seconds until a device has read from host memory. Raises `UsageError`."""
        return closed.read_time(self.setup(**changes), nbytes, address)

    def duplex_time(self, nbytes: Sizes, **changes: Any) -> Seconds:
        """Seconds until a device has read `nbytes` and written as many at once."""
        return closed.duplex_time(self.setup(**changes), nbytes)

    def transfer_time(self, nbytes: Sizes, direction: str = "h2d",
                      host_memory: str = "pinned") -> Seconds:
        """Seconds of one copy between host memory and a GPU, started on a stream.

        `direction`: "h2d", "d2h", or "both": a pair, `nbytes` each way at once (pinned only).
        `host_memory`: "pinned" or "pageable". No bytes take no time: nothing is started. Raises
        `UsageError`, `UnknownName`.
        """
        n, = sizes(nbytes=nbytes)
        return bare(np.where(n > 0, copy_seconds(self, n, direction, host_memory), 0.0))

    def dma_time(self, nbytes: Sizes, direction: str = "h2d", buffer_nbytes: Sizes = 4096,
                 engine: Dma = NVME, **changes: Any) -> Seconds:
        """Seconds from a doorbell until the host knows that a DMA engine has moved `nbytes`.

        "h2d" reads host memory, "d2h" writes it; a descriptor holds `buffer_nbytes`. Raises
        `UsageError`, `UnknownName`.
        """
        return dma_time(PciePath((self.setup(**changes),)), engine, nbytes, buffer_nbytes,
                        direction)

    def band(self, operation: str = "transfer") -> Band:
        """(class, median, p90) of `transfer_time`'s relative error (pinned memory)."""
        if operation != "transfer":
            raise UnknownName("operation", operation, ["transfer"])
        return self.copy.band

    @cached_property
    def _protocol(self) -> PcieSetup:
        return PcieSetup(
            generation=self.generation, lanes=self.lanes,
            max_payload_nbytes=self.max_payload_nbytes,
            max_read_request_nbytes=self.max_read_request_nbytes, tags=self.tags,
            posted_headers=self.posted_headers, posted_data=self.posted_data,
            nonposted_headers=self.nonposted_headers, link_time=self.link_time,
            host_time=self.latency_time - self.link_time, bit_error_rate=self.bit_error_rate,
            flit_error_rate=self.flit_error_rate)
