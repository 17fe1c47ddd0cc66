"""Ethernet and InfiniBand parts under `fidelity="cycle"`: times from the packet model.

One run a size, up to `EXACT_FRAMES` a message; more are added at the rate of the second half of
those. InfiniBand's credits are not modelled: nothing is lost where buffers are unbounded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.ethernet.framing import Framing
from rackwright.devices.ethernet.network import PacketNetwork, SwitchModel, star
from rackwright.devices.ethernet.simulate import Transfer, simulate
from rackwright.devices.link_part import LinkPart
from rackwright.devices.switch import Switch

__all__ = ["EXACT_FRAMES", "CycleLink", "CycleSwitch"]

EXACT_FRAMES = 4096  # outlasts the latencies of every link and switch in the catalog


@dataclass(frozen=True, kw_only=True)
class CycleLink(LinkPart):
    """A cable between two hosts, frame by frame."""

    def _message_time(self, nbytes: Sizes) -> Seconds:
        network = PacketNetwork()
        for host in ("h0", "h1"):
            network.add_host(host)
        network.join("h0", "h1", self.rate_bps, self.latency_time)
        return _last_times(network, [("h1", "h0")], nbytes, self.framing())


@dataclass(frozen=True, kw_only=True)
class CycleSwitch(Switch):
    """A switch between hosts, frame by frame; its buffer is as large as the messages need."""

    def transfer_time(self, nbytes: Sizes) -> Seconds:
        """As `Switch.transfer_time`, from the packet model."""
        return self._incast_time(1, nbytes)

    def _incast_time(self, senders: int, nbytes: Sizes) -> Seconds:
        roomy = replace(self.model(), buffer_nbytes=SwitchModel().buffer_nbytes)
        network = star(senders + 1, self.rate_bps, roomy)
        pairs = [(f"h{sender}", "h0") for sender in range(1, senders + 1)]
        return _last_times(network, pairs, nbytes, self.framing())


def _last_times(network: PacketNetwork, pairs: list[tuple[str, str]], nbytes: Sizes,
                framing: Framing) -> Seconds:
    """Seconds until all `pairs` have sent `nbytes` each, size by size."""
    n, = sizes(nbytes=nbytes)

    def run(size: int) -> float:
        if size == 0:
            return 0.0
        transfers = [Transfer(source, target, size) for source, target in pairs]
        return float(simulate(network, transfers, framing).finish_time.max())

    def time(size: int) -> float:
        payload = framing.payload_nbytes
        more = max(-(-size // payload) - EXACT_FRAMES, 0)
        if more == 0:
            return run(size)
        half, whole = (run(frames * payload) for frames in (EXACT_FRAMES // 2, EXACT_FRAMES))
        return run(size - more * payload) + more * (whole - half) / (EXACT_FRAMES // 2)

    return bare(np.array([time(int(size)) for size in n.flat]).reshape(n.shape))
