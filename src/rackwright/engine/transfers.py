"""Ports and flows for scripts: the same compiled rules as in kernels, behind events.

A `ScriptPort` sends one message at a time, first come, first served (`ports`); `ScriptFlows`
share links max-min fairly (`flows`). What both leave out is told there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rackwright.engine.events import Event
from rackwright.engine.flow_state import grown_flows, new_flows, with_routes
from rackwright.engine.flows import (
    flow_next_ps,
    flow_open_as,
    flow_reroute,
    flow_set_bandwidth,
    flow_take,
)
from rackwright.engine.ports import new_ports, port_cross
from rackwright.engine.stalls import flow_text
from rackwright.engine.status import FOREVER_PS
from rackwright.errors import UsageError
from rackwright.units import seconds_to_ps

if TYPE_CHECKING:
    from rackwright.engine.simulation import Simulation

__all__ = ["ScriptFlows", "ScriptPort", "Transfer"]

FIRST_SLOTS = 64


class Transfer(Event):
    """The end of a transfer; its value is the number of bytes."""

    __slots__ = ("_text",)
    _text: Any

    def describe(self) -> str:
        text = self._text
        return text if isinstance(text, str) else str(text())


class ScriptPort:
    """A link of `bandwidth` bytes/s and `latency_time` s that carries one message at a time.

    Made by `Simulation.port`. `busy_time` (s), `sent_bytes` and `messages` count what it did.
    """

    def __init__(self, sim: Simulation, bandwidth: float, latency_time: float = 0.0,
                 name: str = "") -> None:
        self.sim, self.name = sim, name
        latency_ps = np.array([seconds_to_ps(float(latency_time))], np.int64)
        self._ports = new_ports(np.array([bandwidth], np.float64), latency_ps)

    def describe(self) -> str:
        return f"port {self.name!r}" if self.name else "an unnamed port"

    @property
    def busy_time(self) -> float:
        return float(self._ports.busy_ps[0]) / 1e12

    @property
    def sent_bytes(self) -> int:
        return int(self._ports.sent_bytes[0])

    @property
    def messages(self) -> int:
        return int(self._ports.messages[0])

    def send(self, nbytes: int, onward: Sequence[ScriptPort] = ()) -> Transfer:
        """Send a message over this port, then over the `onward` ones; an event for its arrival.

        A port is booked when the head of the message gets there. Raises `UsageError` for a size
        that is not a whole number >= 0.
        """
        size = _bytes(nbytes, self.describe())
        event = _transfer(self.sim, f"{size} bytes through {self.describe()}")
        self._cross(event, self.sim.now_ps, self.sim.now_ps, size, tuple(onward))
        return event

    def _cross(self, event: Transfer, head_ps: int, tail_ps: int, nbytes: int,
               onward: tuple[ScriptPort, ...]) -> None:
        head, tail = (int(at) for at in port_cross.function(
            self._ports, 0, head_ps, tail_ps, nbytes))
        if onward:
            self.sim._call(head, lambda _: onward[0]._cross(event, head, tail, nbytes, onward[1:]))
        else:
            self.sim._call(tail, lambda _: event.succeed(nbytes))


class ScriptFlows:
    """Links of `link_bandwidth` bytes/s that transfers share max-min fairly, exactly.

    Made by `Simulation.flows`. All that starts and ends in one tick is shared out once, at the
    end of the tick.
    """

    def __init__(self, sim: Simulation, link_bandwidth: npt.ArrayLike) -> None:
        self.sim = sim
        self._flows = new_flows(link_bandwidth, [0], [], slots=FIRST_SLOTS)
        self._routes: dict[tuple[int, ...], int] = {}
        self._events: dict[int, tuple[Transfer, float]] = {}  # slot -> event, bytes
        self._wake: Any = None  # the call at the next end
        self._settling = False

    @property
    def live(self) -> int:
        """Transfers that have not ended."""
        return int(self._flows.live[0])

    def transfer(self, path_links: Sequence[int], nbytes: float, *, weight: float = 1.0,
                 priority: int = 0) -> Transfer:
        """Move `nbytes` over the links of a path; an event for the end.

        `weight`, 1e-6 to 1e6, scales the share of every link. `priority` 0 comes first: each of 0
        to 100 gets what those before it leave. Raises `UsageError` for a size, weight or priority
        out of range, `InputError` for a link that does not exist.
        """
        if not isinstance(priority, int) or not 0 <= priority <= 100:
            raise UsageError(f"a transfer of priority {priority!r}; a whole number from 0 to 100 "
                             "is needed")
        if not 0 <= nbytes < float("inf") or not 1e-6 <= weight <= 1e6:
            raise UsageError(f"a transfer of {nbytes!r} bytes with weight {weight!r}; bytes must "
                             "be finite and >= 0, the weight from 1e-6 to 1e6")
        route = self._route(tuple(path_links))
        if self._flows.free_count[0] == 0:
            self._flows = grown_flows(self._flows)
        slot = int(flow_open_as(self._flows, self.sim.now_ps, route, float(nbytes), float(weight),
                                int(self._flows.opened[0]), priority, 1))
        event = _transfer(self.sim, lambda: flow_text(self._flows, slot, ", which "))
        self._events[slot] = (event, nbytes)
        self._settle_later()
        return event

    def reroute(self, transfer: Transfer, path_links: Sequence[int]) -> None:
        """Let what is left of a transfer take another path from now on.

        Raises `UsageError` when it has ended or the path is empty, `InputError` for a link that
        does not exist.
        """
        slot = next((slot for slot, (event, _) in self._events.items() if event is transfer), None)
        if slot is None or not path_links:
            raise UsageError("only a transfer of these links that has not ended can be re-routed, "
                             f"and over one link at least; this is {transfer!r} over "
                             f"{list(path_links)}")
        route = self._route(tuple(path_links))  # first: it may replace the flows
        flow_reroute(self._flows, slot, route)
        self._settle_later()

    def set_bandwidth(self, link: int, bandwidth: float) -> None:
        """Change the bandwidth of a link from now on; 0 stalls what crosses it."""
        count = len(self._flows.links.bandwidth)
        if not 0 <= link < count or not 0 <= bandwidth < float("inf"):
            raise UsageError(f"link {link!r} cannot get {bandwidth!r} bytes/s; there are links 0 "
                             f"to {count - 1}, and a bandwidth is finite and >= 0")
        flow_set_bandwidth(self._flows, link, float(bandwidth))
        self._settle_later()

    def _route(self, path: tuple[int, ...]) -> int:
        if path not in self._routes:
            self._flows = with_routes(self._flows, [0, len(path)], list(path))
            self._routes[path] = len(self._routes)
        return self._routes[path]

    def _settle_later(self) -> None:
        if not self._settling:
            self._settling = True
            self.sim._call(self.sim.now_ps, self._settle, last=True)

    def _settle(self, _: Any) -> None:
        """Share out, and wake up at the next end."""
        self._settling = False
        if self._wake is not None:
            self.sim._cancel(self._wake)
            self._wake = None
        end_ps = int(flow_next_ps(self._flows, self.sim.now_ps))
        if end_ps < FOREVER_PS:
            self._wake = self.sim._call(end_ps, self._take)

    def _take(self, _: Any) -> None:
        """Tell those whose transfers end now."""
        self._wake = None
        slot = int(flow_take(self._flows, self.sim.now_ps))
        while slot >= 0:
            event, nbytes = self._events.pop(slot)
            event.succeed(nbytes)
            slot = int(flow_take(self._flows, self.sim.now_ps))
        self._settle_later()


def _transfer(sim: Simulation, text: Any) -> Transfer:
    event = Transfer()
    event._start(sim)
    event._text = text
    return event


def _bytes(nbytes: Any, where: str) -> int:
    try:
        good = 0 <= nbytes < 2**53 and int(nbytes) == nbytes
    except TypeError:
        good = False
    if not good:
        raise UsageError(f"{where} cannot send {nbytes!r} bytes; a whole number from 0 to 2**53 "
                         "is needed")
    return int(nbytes)
