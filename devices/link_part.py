"""Links of the catalog that are not PCIe: NVLink bundles, Ethernet and InfiniBand cables.

Models: rate in one direction, the payload's share of it, the time of flight and of the
transceivers; message times from the packet format (`nvlink`) or the frames (`ethernet`). With
``fidelity="cycle"`` these come from event models. Leaves out: link-level retry, lane failures;
contention is the engine's, but for the patterns of `p2p_time`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.ethernet.framing import Framing
from rackwright.devices.ethernet.path import Hop, message_time
from rackwright.devices.link import Link
from rackwright.devices.nvlink.bundle import Bundle
from rackwright.devices.nvlink.patterns import Pattern
from rackwright.devices.part import Part, quantity, text
from rackwright.errors import UsageError

__all__ = ["LinkPart"]

_FRAMES = {"ethernet": "rocev2", "infiniband": "infiniband"}  # medium: protocol of its messages


@dataclass(frozen=True, kw_only=True)
class LinkPart(Part):
    """A catalog entry that `link()` turns into a `Link`.

    `medium` ("nvlink", "ethernet", "infiniband") becomes the link's kind; `rate_bps` is one
    direction, raw; `efficiency` the payload's share; `latency_time` seconds from end to end.
    NVLink also has: `links` of a GPU, each of `lanes` at `lane_rate_bps`, of which `coding` is
    left; `link_share` and `response_flits` (fitted, see `Bundle`); `switch_latency_time` of the
    NVSwitch it leads to, None if GPUs are joined directly.
    """

    medium: str = text()
    rate_bps: float = quantity("rate", "rate")
    efficiency: float = quantity("ratio")
    latency_time: float = quantity("time", "latency")
    lanes: int | None = quantity("count", required=False)
    lane_rate_bps: float | None = quantity("rate", "lane_rate", required=False)
    coding: float | None = quantity("ratio", required=False)
    links: int | None = quantity("count", required=False)
    link_share: float | None = quantity("ratio", required=False)
    response_flits: float | None = quantity("ratio", required=False)
    switch_latency_time: float | None = quantity("time", "switch_latency", required=False)

    def link(self) -> Link:
        """One direction of it."""
        return Link(self.name, self.medium, self.rate_bps, self.efficiency, self.latency_time,
                    self.sources["rate"], self.content_hash, self.sources, self)

    def transfer_time(self, nbytes: Sizes) -> Seconds:
        """Seconds until a message of `nbytes` has crossed this link alone, software not counted.

        NVLink: packets over all links of the bundle. Ethernet: RDMA writes in frames. Other
        media: latency and bandwidth. No bytes take no time. Raises `UsageError`.
        """
        if self.links is not None:
            return self._bundle(None).transfer_time(nbytes)
        if self.medium in _FRAMES:
            return self._message_time(nbytes)
        n, = sizes(nbytes=nbytes)
        return bare(np.where(n > 0, self.latency_time + n * 8 / self.rate_bps / self.efficiency,
                             0.0))

    def p2p_time(self, pattern: Pattern, nbytes: Sizes) -> Seconds:
        """Seconds until the last flow of a pattern between GPUs has come, `nbytes` each.

        Through the NVSwitch that the part names (two wires), else straight. Patterns:
        `rackwright.devices.nvlink.patterns`. Software is apart: `nvlink.launch`. Raises
        `UsageError`, `UnknownName`.
        """
        return self.bundle().p2p_time(pattern, nbytes)

    def bundle(self) -> Bundle:
        """The model of one GPU's NVLinks, through their NVSwitch. Raises `UsageError`."""
        return self._bundle(self.switch_latency_time)

    def framing(self) -> Framing:
        """How messages become frames: RDMA writes at a path MTU of 4096. Raises `UsageError`."""
        if self.medium not in _FRAMES:
            raise UsageError(f"{self.name} is {self.medium}; frames are for ethernet, infiniband")
        return Framing(_FRAMES[self.medium])

    def _bundle(self, switch_latency_time: float | None) -> Bundle:
        numbers = (self.links, self.lanes, self.lane_rate_bps, self.coding, self.link_share,
                   self.response_flits)
        if self.medium != "nvlink" or None in numbers:
            raise UsageError(f"{self.name} ({self.medium}) has no NVLink model; its part file "
                             "needs links, lanes, lane_rate, coding, link_share, response_flits")
        links, lanes, lane_rate, coding, share, responses = numbers
        assert links and lanes and lane_rate and coding and share and responses is not None
        return self._bundle_class()(links, lanes * lane_rate * coding / 8, share, responses,
                                    self.latency_time, switch_latency_time)

    def _bundle_class(self) -> type[Bundle]:
        return Bundle

    def _message_time(self, nbytes: Sizes) -> Seconds:
        return message_time(nbytes, [Hop(self.rate_bps, self.latency_time)], self.framing())
