"""Faults of links and boards, injected while the rack runs.

An event is written as everywhere (``h0/gpu0->h0/nvswitch rate 50%``; see
`rackwright.topologies.parse_event`) and turned into bandwidths by `capacity_changes`. Bit errors,
glitches and cooling are the panel's own. What a replayed system cannot show is refused before
anything changes. Left out: rerouting; latencies of the panel's own streams, which have none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rackwright.errors import UsageError
from rackwright.topologies import capacity_changes, parse_event
from rackwright.topologies.faults import FaultEvent
from rackwright.units import exact_time, format_time, seconds_to_ps

if TYPE_CHECKING:
    from rackwright.panel.live import LiveReplay
    from rackwright.panel.rack import Rack
    from rackwright.panel.replays import ReplayRun

__all__ = ["MOST_ERROR_RATE", "Faults"]

MOST_ERROR_RATE = 1e-3  # errors a bit; our own limit: nothing gets through well before it


class _Change(NamedTuple):
    """What an event does: links to bandwidths, or to a latency. `until_ps`: of an outage whose
    end is known."""

    links: tuple[tuple[int, float], ...]
    words: str
    lanes: int = 0
    latency_ps: int = -1
    until_ps: int = 0


class Faults:
    """What is broken on a rack."""

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        self.lanes: dict[int, int] = {}     # of links that have lost some
        self.late: dict[int, int] = {}      # ps, of links with another latency
        self._to_come: list[_Change] = []

    # ---- links

    def event(self, text: str) -> None:
        """An event in words (time first, from now on); at its time it happens.

        Raises UsageError for what it cannot be: links of that name, an action of links; ScpiError
        for what a replay under way cannot show.
        """
        self._plan(parse_event(text), " ".join(text.split()[1:]))

    def now(self, what: str, action: str) -> None:
        """The same at once: `what` is a link or node, `action` such as "rate 50%"."""
        if len(what.split()) != 1:
            raise UsageError(f"{what!r} names no link; write it as in 'h0/gpu0->h0/nvswitch'")
        self.event(f"0s {what} {action}")

    def glitch(self, what: str, seconds: float) -> None:
        """A link is down for a time and then as the graph says."""
        until_ps = self._rack.now_ps + seconds_to_ps(seconds)
        self._plan(parse_event(f"0s {what} down"), f"{what} glitch", until_ps)
        self.event(f"{exact_time(seconds)} {what} up")

    def errors(self, what: str, error_rate: float) -> None:
        """A link has this bit error rate, in the directions that `what` names."""
        rack = self._rack
        links = [link for _, link, _ in capacity_changes(rack.fabric,
                                                         [parse_event(f"0s {what} up")])]
        for link in links:
            if error_rate and rack.live is not None and not rack.live.done:
                rack.live.refuse(link, rack.traffic.capacity(link), False, False)
        for link in links:
            rack.traffic.set_errors(link, error_rate)
            self._reach(link)
            self._log(link, f"BER {error_rate:g}" if error_rate else "")
        rack.changed()

    def _plan(self, event: FaultEvent, words: str, until_ps: int = 0) -> None:
        """Check an event and have it happen on its time."""
        fabric = self._rack.fabric
        lanes, latency_ps = int(event.value) if event.action == "lanes" else 0, -1
        if event.action == "latency":
            latency_ps = seconds_to_ps(event.value)
            event = FaultEvent(event.time, event.what, "up")
        pairs = tuple((link, bandwidth) for _, link, bandwidth in capacity_changes(fabric, [event]))
        change = _Change(pairs, words.split(maxsplit=1)[1], lanes, latency_ps, until_ps)
        if self._rack.live is not None and not self._rack.live.done:
            self._refuse(self._rack.live, change)
        if event.time == 0:
            self._change(change)
        else:
            self._to_come.append(change)
            self._rack.call_at(self._rack.now_ps + seconds_to_ps(event.time),
                               lambda: self._due(change))

    def _due(self, change: _Change) -> None:
        self._to_come.remove(change)
        self._change(change)

    def _change(self, change: _Change) -> None:
        rack = self._rack
        for link, bandwidth in change.links:
            if change.latency_ps >= 0:
                self._set_latency(link, change.latency_ps)
                continue
            rack.traffic.set_fault(link, bandwidth)
            self.lanes.pop(link, None)
            if change.lanes:
                self.lanes[link] = change.lanes
            self._reach(link, change.until_ps)
            healthy = bandwidth >= rack.traffic.healthy[link]
            if healthy:
                self._set_latency(link, int(rack.fabric.links.latency_ps[link]))
            self._log(link, "" if healthy else change.words)
        rack.changed()

    def _set_latency(self, link: int, latency_ps: int) -> None:
        rack = self._rack
        own_ps = int(rack.fabric.links.latency_ps[link])
        if latency_ps == self.late.get(link, own_ps):
            return
        self.late[link] = latency_ps
        if latency_ps == own_ps:
            del self.late[link]
        if rack.live is not None and not rack.live.done:
            rack.live.set_latency(link, latency_ps)
        late = f"latency {format_time(latency_ps * 1e-12)}" if link in self.late else ""
        self._log(link, late, " latency")

    # ---- replayed systems

    def apply_to(self, live: LiveReplay | ReplayRun) -> None:
        """Give a replay that starts the links as they are. Raises ScpiError as it refuses."""
        rack = self._rack
        for change in self._to_come:
            self._refuse(live, change)
        capacity = np.array([rack.traffic.capacity(link) for link in range(len(
            rack.traffic.healthy))])
        broken = np.flatnonzero(capacity != rack.traffic.healthy).tolist()
        for link in broken:
            live.refuse(link, float(capacity[link]), False, False)
        for link in self.late:
            live.refuse(link, float(capacity[link]), False, True)
        for link in broken:
            live.set_rate(link, float(capacity[link]))
        for link, latency_ps in self.late.items():
            live.set_latency(link, latency_ps)

    def _refuse(self, live: LiveReplay | ReplayRun, change: _Change) -> None:
        for link, bandwidth in change.links:
            live.refuse(link, bandwidth, change.until_ps > 0, change.latency_ps >= 0)

    def _reach(self, link: int, until_ps: int = 0) -> None:
        """A replay under way has the link as it is now."""
        live = self._rack.live
        if live is None or live.done:
            return
        if until_ps:
            live.hold(link, until_ps)
        live.set_rate(link, self._rack.traffic.capacity(link))

    # ---- boards, and all

    def slow(self, node: str, share: float) -> None:
        """A board works at a share of its speed."""
        rack = self._rack
        rack.board(node)
        rack.boards.all[node].slow = share
        rack.log.end(f"{node} fault", rack.now_ps)
        if share < 1:
            rack.log.begin(f"{node} fault", f"slowed to {share:g}", rack.now_ps)
        rack.board_changed(node)

    def clear(self) -> None:
        """Repair everything; faults to come still come."""
        rack = self._rack
        self.lanes.clear()
        for link in range(len(rack.traffic.healthy)):
            if rack.traffic.capacity(link) != rack.traffic.healthy[link] or link in self.late:
                rack.traffic.set_fault(link, float(rack.traffic.healthy[link]))
                rack.traffic.set_errors(link, 0.0)
                self._reach(link)
                self._set_latency(link, int(rack.fabric.links.latency_ps[link]))
            rack.log.end(rack.fabric.link_names[link], rack.now_ps)
        for node, board in rack.boards.all.items():
            if board.slow < 1:
                self.slow(node, 1.0)
            if rack.boards.heat.cooling(rack.boards.number[node]) < 1:
                self.cool(node, 1.0)
        rack.changed()

    def cool(self, node: str, share: float) -> None:
        """A GPU is cooled at a share of what is usual. Raises UnknownName, UsageError."""
        rack = self._rack
        number = rack.board(node)
        if np.isnan(rack.boards.heat.celsius[number]):
            raise UsageError(f"{node} is no GPU: it has no temperature here")
        rack.boards.heat.cool(number, share)
        rack.log.end(f"{node} cooling", rack.now_ps)
        if share < 1:
            rack.log.begin(f"{node} cooling", f"cooled at {share:g}", rack.now_ps)

    def count(self) -> int:
        """Directions of links that are not as the graph has them."""
        traffic = self._rack.traffic
        broken = (traffic.faulty < traffic.healthy) | (traffic.error_rate > 0)
        return len({*np.flatnonzero(broken).tolist(), *self.late})

    def seen(self) -> tuple[bool, bool, bool]:
        """Whether any link is down, is slower or later than it should be, has errors."""
        traffic = self._rack.traffic
        down = traffic.faulty == 0
        slow = (traffic.faulty < traffic.healthy) & ~down
        return (bool(down.any()), bool(slow.any()) or bool(self.late),
                bool(traffic.error_rate.any()))

    def dead(self) -> list[int]:
        """The links that are down."""
        return [int(link) for link in np.flatnonzero(self._rack.traffic.faulty == 0)]

    def _log(self, link: int, label: str, kind: str = "") -> None:
        """A link is in this state from now on; each `kind` of state has a track."""
        rack = self._rack
        name = rack.fabric.link_names[link] + kind
        rack.log.end(name, rack.now_ps)
        if label:
            rack.log.begin(name, label, rack.now_ps)
