"""A computation under way on a board, whose speed may change before it ends.

Left out: everything but the sum of speed times time. Units: picoseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Computing"]


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
