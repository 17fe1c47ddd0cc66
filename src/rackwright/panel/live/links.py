"""The links of a fabric inside a model's state: their rate, latency and outages, while it runs.

What changes counts from the next message or event on. A port books a message when its head comes,
so that one on its way is not touched, and a port cannot stop for an unknown time: an outage needs
an end. Flows are shared anew at once, and wait on a dead link.

Units: bytes/s, picoseconds, bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rackwright.engine import flow_set_bandwidth
from rackwright.engine.ports import Ports

__all__ = ["ExchangeLinks", "FlowLinks", "Links", "PathLinks", "PortLinks"]

Floats = npt.NDArray[np.float64]


class Links(Protocol):
    """`stops`: how long a link can be down: "never", "a while" whose end is known, or for "ever".
    `late`: links have latencies."""

    stops: str
    late: bool

    def refusal(self, link: int) -> str:
        """Why a fault of this link would go unnoticed; empty if it does not."""

    def set_rate(self, state: Any, link: int, bandwidth: float) -> None:
        """Bytes/s from now on; 0 only where `stops` is "ever"."""

    def set_latency(self, state: Any, link: int, latency_ps: int) -> None:
        """Latency from now on."""

    def hold(self, state: Any, link: int, until_ps: int) -> None:
        """Nothing enters the link before `until_ps` of the model's clock."""

    def nbytes(self, state: Any) -> Floats | None:
        """Bytes that have entered each link so far, where the model counts them."""


class PortLinks:
    """Every link of the fabric is a FIFO port."""

    stops, late = "a while", True

    def __init__(self, ports: Callable[[Any], Ports]) -> None:
        self._ports = ports

    def refusal(self, link: int) -> str:
        return ""

    def set_rate(self, state: Any, link: int, bandwidth: float) -> None:
        self._ports(state).ps_per_byte[link] = 1e12 / bandwidth  # nonzero: these links never stop

    def set_latency(self, state: Any, link: int, latency_ps: int) -> None:
        self._ports(state).latency_ps[link] = latency_ps

    def hold(self, state: Any, link: int, until_ps: int) -> None:
        free_ps = self._ports(state).free_ps
        free_ps[link] = max(int(free_ps[link]), until_ps)

    def nbytes(self, state: Any) -> Floats | None:
        return self._ports(state).sent_bytes.astype(np.float64)


class PathLinks(PortLinks):
    """Ports at the ends of routes, and the slowest link of each: `routes` by (row, column) of
    `ps_per_byte(state)`. What lies between the ends has no queue: its faults are refused."""

    def __init__(self, ports: Callable[[Any], Ports], ps_per_byte: Callable[[Any], Floats],
                 routes: Mapping[tuple[int, int], Sequence[int]]) -> None:
        super().__init__(ports)
        self._slow, self._routes = ps_per_byte, routes
        self._ends = {route[at] for route in routes.values() for at in (0, -1)}
        self._middle = {link for route in routes.values() for link in route[1:-1]}

    def refusal(self, link: int) -> str:
        return "" if link in self._ends and link not in self._middle else (
            "has no queue in this model, which books the first and the last link of a route")

    def set_rate(self, state: Any, link: int, bandwidth: float) -> None:
        super().set_rate(state, link, bandwidth)
        ports, slow = self._ports(state), self._slow(state)
        for (row, column), route in self._routes.items():
            if link in route:
                slow[row, column] = max(float(ports.ps_per_byte[each]) for each in route)


class ExchangeLinks:
    """Only the bytes of the busiest link count, once an exchange."""

    stops, late = "never", False

    def __init__(self, ps_per_byte: Callable[[Any], Floats]) -> None:
        self._slow = ps_per_byte

    def refusal(self, link: int) -> str:
        return ""

    def set_rate(self, state: Any, link: int, bandwidth: float) -> None:
        self._slow(state)[link] = 1e12 / bandwidth  # nonzero: these links never stop

    def set_latency(self, state: Any, link: int, latency_ps: int) -> None:
        raise NotImplementedError("an exchange has one latency")

    def hold(self, state: Any, link: int, until_ps: int) -> None:
        raise NotImplementedError("an exchange never waits for a link")

    def nbytes(self, state: Any) -> Floats | None:
        return None


class FlowLinks:
    """Links of the flow solver; `routes` with the latency of each in `latency_ps(state)`."""

    stops, late = "ever", True

    def __init__(self, count: int, routes: Sequence[Sequence[int]],
                 latency_ps: Callable[[Any], npt.NDArray[np.int64]],
                 healthy_ps: npt.NDArray[np.int64]) -> None:
        self._count, self._routes = count, routes
        self._latency, self._now_ps = latency_ps, healthy_ps.copy()

    def refusal(self, link: int) -> str:
        return ""

    def set_rate(self, state: Any, link: int, bandwidth: float) -> None:
        flow_set_bandwidth(state.flows, link, bandwidth)

    def set_latency(self, state: Any, link: int, latency_ps: int) -> None:
        more = latency_ps - int(self._now_ps[link])
        self._now_ps[link] = latency_ps
        for number, route in enumerate(self._routes):
            self._latency(state)[number] += more * list(route).count(link)

    def hold(self, state: Any, link: int, until_ps: int) -> None:
        """Not needed: the link stops and goes on when it is set up again."""

    def nbytes(self, state: Any) -> Floats | None:
        return None
