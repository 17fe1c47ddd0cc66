"""`Link`: one direction of a cable, lane bundle or on-board path.

Models the signalling rate, the share of it that carries payload, and a fixed latency; a link of the
catalog takes its times from its part's model. Contention belongs to the engine (a port or a flow),
or to the patterns of `p2p_time`, never to the link itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.errors import UsageError

if TYPE_CHECKING:
    from rackwright.devices.link_part import LinkPart
    from rackwright.devices.nvlink.patterns import Pattern

__all__ = ["Link"]


@dataclass(frozen=True)
class Link:
    """One direction of a link, between any two devices.

    `rate_bps`: raw data rate in bits/s, one direction. `efficiency`: share of it left for
    payload after encoding, headers and flow control (0..1]. `latency_time`: seconds for the
    head of a message to get from end to end. `kind`: "nvlink", "pcie", "ethernet", "memory" ...
    `content_hash` and `sources` are those of the catalog's part, when the link is from there;
    `part` is that part, whose model gives the times while the numbers above are the part's own.
    """

    name: str
    kind: str
    rate_bps: float
    efficiency: float
    latency_time: float
    source: str = ""
    content_hash: str = ""
    sources: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    part: LinkPart | None = field(default=None, compare=False, repr=False)

    @property
    def bandwidth(self) -> float:
        """Payload bytes/s in one direction."""
        return self.rate_bps * self.efficiency / 8

    def transfer_time(self, nbytes: Sizes) -> Seconds:
        """Seconds until `nbytes` have crossed this link alone; no bytes take no time.

        Raises `UsageError`.
        """
        if part := self._model():
            return part.transfer_time(nbytes)
        n, = sizes(nbytes=nbytes)
        return bare(np.where(n > 0, self.latency_time + n / self.bandwidth, 0.0))

    def p2p_time(self, pattern: Pattern, nbytes: Sizes) -> Seconds:
        """Seconds of a pattern of flows between GPUs; see `LinkPart.p2p_time`."""
        if part := self._model():
            return part.p2p_time(pattern, nbytes)
        raise UsageError(f"link {self.name} ({self.kind}) has no model of traffic patterns; NVLink "
                         "parts of the catalog have: catalog.link(\"nvlink4\")")

    def _model(self) -> LinkPart | None:
        """The part, unless somebody has changed the link's numbers since."""
        part = self.part
        same = part is not None and (part.rate_bps, part.efficiency, part.latency_time) == (
            self.rate_bps, self.efficiency, self.latency_time)
        return part if same else None
