"""Flows between endpoints of a fabric, stepped by hand: rates, bytes, faults of links.

Models: max-min fair sharing (`rackwright.engine.flows`) over routes of the compiled fabric. Every
flow may have a limit of its own, which is a link that only it crosses. A fault changes the
bandwidth of links from that moment on and routes stay as they are: on a dead link flows wait.
Bit errors cost bandwidth: a replay unit with an error is sent again, so that a link of bit error
rate b and units of n bytes carries a share (1 - b)**(8 n) of its bandwidth; the errors and
replays counted are expectations, not draws. Left out: latency, congestion control, rerouting,
what real links do first (forward error correction, retraining).

Units: picoseconds, bytes, bytes/s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.engine import (
    flow_close,
    flow_next_ps,
    flow_open,
    flow_set_bandwidth,
    flow_take,
    grown_flows,
    new_flows,
    with_routes,
)
from rackwright.topologies import Fabric

__all__ = ["Stream", "Traffic"]

F64 = npt.NDArray[np.float64]
_SLOTS = 64
_PS = 1e-12
ENDLESS = 2.0**53  # bytes, the most that a flow counts exactly; opened anew when they are sent


@dataclass(eq=False)
class Stream:
    """A transfer under way: `done` is called when its bytes are there; endless if `nbytes` is 0."""

    name: str
    slot: int
    links: npt.NDArray[np.int64]
    nbytes: float
    done: Callable[[], None]
    route: int
    sent: float = 0.0


class Traffic:
    """Everything that moves on `fabric`. `limits`: how many streams may have a limit at once."""

    def __init__(self, fabric: Fabric, replay_nbytes: float, limits: int) -> None:
        self.fabric, self.replay_nbytes = fabric, replay_nbytes
        count = len(fabric.link_names)
        self.healthy: F64 = np.array(fabric.links.bandwidth)
        self.faulty: F64 = np.array(self.healthy)   # after faults of rate and width
        self.error_rate: F64 = np.zeros(count)      # errors a bit
        self.link_nbytes: F64 = np.zeros(count)
        self.errors: F64 = np.zeros(count)
        self.replays: F64 = np.zeros(count)
        self.rate: F64 = np.zeros(count)            # bytes/s now
        bandwidth = np.concatenate([self.healthy, np.zeros(limits)])
        self._flows = new_flows(bandwidth, [0], [], slots=_SLOTS)
        self._free_limits = list(range(count + limits - 1, count - 1, -1))
        self._routes: dict[tuple[int, ...], int] = {}
        self.streams: dict[int, Stream] = {}
        self._fills = -1
        self._anew = False

    def open(self, now_ps: int, name: str, path: Sequence[int], nbytes: float, limit: float,
             done: Callable[[], None]) -> Stream:
        """Start a stream over links `path`; `limit` in bytes/s, 0 for none."""
        links = list(path)
        if limit > 0:
            own = self._free_limits.pop()
            flow_set_bandwidth(self._flows, own, limit)
            links.append(own)
        route = self._route(tuple(links))
        if self._flows.free_count[0] == 0:
            self._flows = grown_flows(self._flows)
        slot = int(flow_open(self._flows, now_ps, route, nbytes or ENDLESS, 1.0, 0))
        stream = Stream(name, slot, np.array(links, np.int64), nbytes, done, route)
        self.streams[slot] = stream
        self._fills = -1
        return stream

    def close(self, now_ps: int, stream: Stream) -> None:
        """Stop a stream that has not ended."""
        if self.streams.get(stream.slot) is stream:
            flow_close(self._flows, now_ps, stream.slot)
            self._forget(stream)

    def next_ps(self, now_ps: int) -> int:
        """When the next stream ends; FOREVER_PS if none does. Rates are up to date afterwards."""
        found = int(flow_next_ps(self._flows, now_ps))
        if self._fills != int(self._flows.fills[0]):
            self._fills = int(self._flows.fills[0])
            self._add_up()
            self._anew = True
        return found

    @property
    def stale(self) -> bool:
        """Whether rates do not show everything that has happened."""
        return self._fills < 0 or bool(self._flows.dirty[0])

    def shared_anew(self) -> bool:
        """Whether rates may have changed since the last time that this was asked."""
        anew, self._anew = self._anew, False
        return anew

    def account(self, duration_ps: int) -> None:
        """Count what moves in this time at the rates of now."""
        if duration_ps <= 0 or not self.streams:
            return
        seconds = duration_ps * _PS
        moved = self.rate * seconds
        self.link_nbytes += moved
        self.errors += moved * 8 * self.error_rate
        self.replays += moved / self.replay_nbytes * self._replay_ratio
        rates = self._flows.slots.rate
        for slot, stream in self.streams.items():
            stream.sent += float(rates[slot]) * seconds

    def take(self, now_ps: int) -> list[Stream]:
        """The streams that have ended by now."""
        found = []
        while (slot := int(flow_take(self._flows, now_ps))) >= 0:
            stream = self.streams[slot]
            self._forget(stream)
            stream.sent = stream.nbytes or stream.sent
            found.append(stream)
        return found

    def rate_of(self, stream: Stream) -> float:
        """Bytes/s of a stream now."""
        return float(self._flows.slots.rate[stream.slot])

    def set_fault(self, link: int, bandwidth: float) -> None:
        """A link has this bandwidth from now on, before errors; 0 is down."""
        self.faulty[link] = bandwidth
        self._apply(link)

    def set_errors(self, link: int, error_rate: float) -> None:
        """A link has this bit error rate from now on."""
        self.error_rate[link] = error_rate
        self._apply(link)

    def capacity(self, link: int) -> float:
        """Bytes/s of payload that a link can carry now."""
        return float(self.faulty[link] * self._good_share(float(self.error_rate[link])))

    def _apply(self, link: int) -> None:
        flow_set_bandwidth(self._flows, link, self.capacity(link))
        self._fills = -1

    def _good_share(self, error_rate: float) -> float:
        """The share of replay units without an error."""
        return math.exp(8 * self.replay_nbytes * math.log1p(-error_rate))

    @property
    def _replay_ratio(self) -> F64:
        """Replays for each unit that gets through."""
        ratio = np.zeros(len(self.error_rate))
        for link in np.flatnonzero(self.error_rate):
            good = self._good_share(float(self.error_rate[link]))
            ratio[link] = (1 - good) / good if good > 0 else 0.0
        return ratio

    def _add_up(self) -> None:
        """Rates of links from those of streams."""
        self.rate[:] = 0.0
        own, rates = len(self.rate), self._flows.slots.rate
        for slot, stream in self.streams.items():
            links = stream.links if stream.links[-1] < own else stream.links[:-1]
            np.add.at(self.rate, links, rates[slot])

    def _forget(self, stream: Stream) -> None:
        del self.streams[stream.slot]
        self._fills = -1
        own = int(stream.links[-1])
        if own >= len(self.rate):
            self._free_limits.append(own)

    def _route(self, path: tuple[int, ...]) -> int:
        if path not in self._routes:
            self._flows = with_routes(self._flows, [0, len(path)], list(path))
            self._routes[path] = len(self._routes)
        return self._routes[path]
