"""What boards compute: computations whose speed may change before they end.

A computation is a time at full speed. Left out: everything but the sum of speed times time.
Units: picoseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from rackwright.engine import FOREVER_PS
from rackwright.panel.boards import Boards
from rackwright.panel.timeline import Log

__all__ = ["Computing", "Work"]


@dataclass(eq=False)
class Computing:
    """A computation: what is left of it at full speed since `since_ps`, and when it will end."""

    node: str
    work: str
    left_ps: float
    since_ps: int
    speed: float
    done: Callable[[], None]
    start_ps: int

    @property
    def end_ps(self) -> int:
        return self.since_ps + math.ceil(self.left_ps / self.speed)

    def change(self, now_ps: int, speed: float) -> None:
        self.left_ps = max(self.left_ps - (now_ps - self.since_ps) * self.speed, 0.0)
        self.since_ps, self.speed = now_ps, speed


class Work:
    """All computations under way on `boards`; each ends as a span of `log`."""

    def __init__(self, boards: Boards, log: Log) -> None:
        self._boards, self._log = boards, log
        self._all: list[Computing] = []

    def start(self, node: str, work: str, seconds: float, done: Callable[[], None],
              now_ps: int) -> float:
        """A board computes for `seconds` at full speed; the speed that it has."""
        self._boards.start(node, work)
        speed = self._boards.all[node].speed(work)
        self._all.append(Computing(node, work, seconds * 1e12, now_ps, speed, done, now_ps))
        return speed

    def next_ps(self) -> int:
        """When the next one ends."""
        return min((one.end_ps for one in self._all), default=FOREVER_PS)

    def end_due(self, now_ps: int) -> bool:
        """End what is due; whether there was anything."""
        due = [one for one in self._all if one.end_ps <= now_ps]
        for one in due:
            if one in self._all:  # not when the end of another one has stopped all
                self._all.remove(one)
                self._close(one, now_ps)
                one.done()
        return bool(due)

    def stop(self, now_ps: int) -> None:
        """Drop all."""
        for one in self._all:
            self._close(one, now_ps)
        self._all.clear()

    def refresh(self, node: str, now_ps: int) -> None:
        """A board's speed has changed."""
        self._boards.refresh(node)
        for one in self._all:
            if one.node == node:
                one.change(now_ps, self._boards.all[node].speed(one.work))

    def _close(self, one: Computing, now_ps: int) -> None:
        self._boards.start(one.node, "")
        self._log.add(one.node, one.work, one.start_ps, now_ps)
