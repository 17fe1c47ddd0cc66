"""How virtual time moves: by steps, by itself, or along a clock on the wall.

In STEP mode time moves when a session steps it or waits; in FREE mode the interpreter waits for
what is pending before each command; REALTIME follows a clock that counts seconds and never goes
back. Everything that happens on the way is `Rack.advance`'s.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from rackwright.engine import FOREVER_PS
from rackwright.errors import UsageError
from rackwright.units import MAX_TIME, seconds_to_ps

if TYPE_CHECKING:
    from rackwright.panel.rack import Rack

__all__ = ["Pace", "Timers"]

REAL_PAUSE = 0.005   # s between two looks at the clock while something waits in real time


class Pace:
    """See the module's text. `mode` is STEP, FREE or REALTIME."""

    def __init__(self, rack: Rack, clock: Callable[[], float]) -> None:
        self.mode = "STEP"
        self._rack, self._clock = rack, clock
        self._real_from = (0.0, 0)
        self._step_to_ps = 0

    def set_mode(self, mode: str) -> None:
        """STEP, FREE or REALTIME."""
        self.mode = mode
        self._real_from = (self._clock(), self._rack.now_ps)

    def step(self, seconds: float) -> Generator[float, None, None]:
        """Step virtual time; steps of several sessions add up. Raises UsageError."""
        if self.mode == "REALTIME":
            raise UsageError("time runs by itself in real time; SYSTem:TIME:MODE STEP first")
        target = max(self._rack.now_ps, self._step_to_ps) + seconds_to_ps(seconds)
        if target > seconds_to_ps(MAX_TIME):
            raise UsageError(f"the clock ends after {MAX_TIME:g} s")
        self._step_to_ps = target
        while not self._rack.advance(target):
            yield 0.0

    def follow(self) -> Generator[float, None, None]:
        """In real time: catch up with the clock."""
        if self.mode != "REALTIME":
            return
        start, at_ps = self._real_from
        target = at_ps + seconds_to_ps(min(self._clock() - start, MAX_TIME / 2))
        while self._rack.now_ps < target and not self._rack.advance(target):
            yield 0.0

    def push(self, operation: Any) -> float:
        """Go on one slice because somebody waits for `operation`; seconds until the next call.

        Raises Stalled when what it waits for cannot come.
        """
        if self.mode == "REALTIME":
            for pause in self.follow():
                return pause
            return 0.0 if operation.done else REAL_PAUSE
        self._rack.advance(FOREVER_PS, waiting=operation)
        return 0.0


class Timers:
    """Calls to come, in order of time and then of asking."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0

    def add(self, at_ps: int, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at_ps, self._count, call))

    def next_ps(self) -> int:
        """When the next one is due."""
        return self._heap[0][0] if self._heap else FOREVER_PS

    def call_due(self, now_ps: int) -> bool:
        """Call what is due; whether there was anything."""
        called = False
        while self.next_ps() <= now_ps:
            heapq.heappop(self._heap)[2]()
            called = True
        return called
