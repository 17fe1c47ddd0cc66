"""Faults of links and boards, injected while the rack runs.

An event is written as everywhere (``h0/gpu0->h0/nvswitch rate 50%``; see
`rackwright.topologies.parse_event`) and turned into bandwidths by `capacity_changes`. Bit errors
and glitches are the panel's own. Left out: rerouting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.errors import UsageError
from rackwright.topologies import capacity_changes, parse_event
from rackwright.units import exact_time, seconds_to_ps

if TYPE_CHECKING:
    from rackwright.panel.rack import Rack

__all__ = ["MOST_ERROR_RATE", "Faults"]

MOST_ERROR_RATE = 1e-3  # errors a bit; our own limit: nothing gets through well before it


class Faults:
    """What is broken on a rack."""

    def __init__(self, rack: Rack) -> None:
        self._rack = rack
        self.lanes: dict[int, int] = {}  # of links that have lost some

    def event(self, text: str) -> None:
        """An event in words (time first, from now on); at its time it happens.

        Raises UsageError for what it cannot be: links of that name, an action that changes rates.
        """
        event = parse_event(text)
        rows = capacity_changes(self._rack.fabric, [event])
        what = " ".join(text.split()[1:])
        pairs = [(link, bandwidth) for _, link, bandwidth in rows]
        lanes = int(event.value) if event.action == "lanes" else 0
        if event.time == 0:
            self._change(pairs, what, lanes)
        else:
            self._rack.call_at(self._rack.now_ps + seconds_to_ps(event.time),
                               lambda: self._change(pairs, what, lanes))

    def now(self, what: str, action: str) -> None:
        """The same at once: `what` is a link or node, `action` such as "rate 50%"."""
        if len(what.split()) != 1:
            raise UsageError(f"{what!r} names no link; write it as in 'h0/gpu0->h0/nvswitch'")
        self.event(f"0s {what} {action}")

    def glitch(self, what: str, seconds: float) -> None:
        """A link is down for a time and then as the graph says."""
        self.now(what, "down")
        self.event(f"{exact_time(seconds)} {what} up")

    def errors(self, what: str, error_rate: float) -> None:
        """A link has this bit error rate, in the directions that `what` names."""
        rack = self._rack
        for _, link, _ in capacity_changes(rack.fabric, [parse_event(f"0s {what} up")]):
            rack.traffic.set_errors(link, error_rate)
            self._log(link, f"BER {error_rate:g}" if error_rate else "")
        rack.changed()

    def slow(self, node: str, share: float) -> None:
        """A board works at a share of its speed, as one that is too hot."""
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
            rack.traffic.set_fault(link, float(rack.traffic.healthy[link]))
            rack.traffic.set_errors(link, 0.0)
            rack.log.end(rack.fabric.link_names[link], rack.now_ps)
        for node, board in rack.boards.all.items():
            if board.slow < 1:
                self.slow(node, 1.0)
        rack.changed()

    def seen(self) -> tuple[bool, bool, bool]:
        """Whether any link is down, is slower than it should be, has errors."""
        traffic = self._rack.traffic
        down = traffic.faulty == 0
        slow = (traffic.faulty < traffic.healthy) & ~down
        return bool(down.any()), bool(slow.any()), bool(traffic.error_rate.any())

    def dead(self) -> list[int]:
        """The links that are down."""
        return [int(link) for link in np.flatnonzero(self._rack.traffic.faulty == 0)]

    def _change(self, pairs: list[tuple[int, float]], what: str, lanes: int) -> None:
        rack = self._rack
        for link, bandwidth in pairs:
            rack.traffic.set_fault(link, bandwidth)
            self.lanes.pop(link, None)
            if lanes:
                self.lanes[link] = lanes
            healthy = bandwidth >= rack.traffic.healthy[link]
            self._log(link, "" if healthy else what.split(maxsplit=1)[1])
        rack.changed()

    def _log(self, link: int, label: str) -> None:
        rack = self._rack
        name = rack.fabric.link_names[link]
        rack.log.end(name, rack.now_ps)
        if label:
            rack.log.begin(name, label, rack.now_ps)
