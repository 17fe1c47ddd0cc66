"""`PciePath`: the links and switches between a requester and its target, for both models.

Gives the times that a single TLP takes over it; the closed forms (`closed`) build on these, and
`network` makes the same path for the event model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.wire import COMPLETION
from rackwright.errors import UsageError

__all__ = ["PciePath", "flit_end"]


@dataclass(frozen=True)
class PciePath:
    """`links` from the requester on; `switch_times` (s, port to port) between them.

    `target`: "host" or "device", whichever the requests go to. `cut_through` False: switches
    forward a TLP when all of it is in.
    """

    links: tuple[PcieSetup, ...]
    switch_times: tuple[float, ...] = ()
    target: str = "host"
    cut_through: bool = True

    def __post_init__(self) -> None:
        if not self.links or len(self.switch_times) != len(self.links) - 1:
            raise UsageError(f"a PCIe path of {len(self.links)} links and {len(self.switch_times)} "
                             "switches; it has one switch fewer than links, and a link")
        if self.target not in ("host", "device"):
            raise UsageError(f"target is {self.target!r}; a PCIe path leads to a host or a device")

    @property
    def payload_nbytes(self) -> int:
        """The largest payload that every link takes."""
        return min(link.max_payload_nbytes for link in self.links)

    @property
    def chunk_nbytes(self) -> int:
        """Payload of a completion."""
        return min(self.links[-1].chunk_nbytes, self.payload_nbytes,
                   self.links[0].max_read_request_nbytes)

    @property
    def end_time(self) -> float:
        """Seconds from the target's port to where a write is done or a read is answered."""
        last = self.links[-1]
        return last.host_time if self.target == "host" else last.device_time

    @property
    def home_time(self) -> float:
        """Seconds from the requester's port to where a completion is used."""
        first = self.links[0]
        return first.device_time if self.target == "host" else first.host_time

    @property
    def host_bandwidth(self) -> float:
        """Bytes/s of the target's memory; infinite when it is a device, or unlimited."""
        known = self.links[-1].host_bandwidth if self.target == "host" else 0.0
        return known or np.inf

    def node_time(self, j: int) -> float:
        """Seconds through the switch behind link `j`, beyond one `link_time`."""
        return max(self.switch_times[j] - self.links[j].link_time, 0.0)

    def back(self) -> PciePath:
        """The way of the completions."""
        other = "device" if self.target == "host" else "host"
        return PciePath(self.links[::-1], self.switch_times[::-1], other, self.cut_through)

    def lead(self, kind: int, upto: int, nbytes: Any, start: Any = 0.0) -> Any:
        """When a TLP that starts on the first link at `start` (s) may start on link `upto`."""
        time = np.asarray(start, np.float64)
        for j, link in enumerate(self.links[:upto]):
            head = link.tlp_time(kind, 0 if self.cut_through else nbytes)
            time = flit_end(link, time + head) + link.link_time + self.node_time(j)
        return time

    def arrival(self, kind: int, first: int, nbytes: Any, start: Any) -> Any:
        """When a TLP that starts on link `first` at `start` (s) is whole at the last link's end."""
        start = np.asarray(start, np.float64)
        whole = start + self.links[first].tlp_time(kind, nbytes)
        for j in range(first, len(self.links) - 1):
            link, after = self.links[j], self.links[j + 1]
            through = link.link_time + self.node_time(j)
            arrived = flit_end(link, whole) + through
            head = arrived
            if self.cut_through:
                head = flit_end(link, start + link.tlp_time(kind, 0)) + through
            start, whole = head, np.maximum(head + after.tlp_time(kind, nbytes), arrived)
        return flit_end(self.links[-1], whole) + self.links[-1].link_time

    def credits(self, j: int, kind: int) -> tuple[int, int]:
        """(headers, data) credits at the far end of link `j`; a switch limits completions too."""
        given = self.links[j].credits(kind)
        if kind == COMPLETION and given == (0, 0) and j < len(self.links) - 1:
            return self.links[j].credits(0)
        return given


def flit_end(link: PcieSetup, time: Any) -> Any:
    """When the flit that is under way at `time` is over; flits start at time 0."""
    if not link.flit_time:
        return time
    return np.ceil(time / link.flit_time - 1e-6) * link.flit_time
