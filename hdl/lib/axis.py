"""AXI-Stream source and sink for the benches, with random pauses and a protocol monitor.

The words are integers, with `tlast`; tkeep, tid, tdest and tuser are left out. Both sides work
on rising edges of `clk` only. Importable without cocotb; `run` needs the simulator.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any, NamedTuple

__all__ = ["AxisSink", "AxisSource", "Beat"]


class Beat(NamedTuple):
    """One word that crossed the interface, and the clock edge (counted by `run`) at which."""

    data: int
    last: bool
    cycle: int


class AxisSource:
    """Offers the words of its queue, in order; start `run` as a task.

    Before each word it waits a clock with probability `pause`. An offered word stays until it is
    taken. While it offers nothing the bus carries `idle` (of several such words, each in turn), so
    that a block that ignores tvalid is found out. `taken` lists the beats that went through,
    `stalled` counts the clocks at which an offered word was not taken. `prefix`: of the signals.
    """

    def __init__(self, dut: Any, draws: random.Random, *, pause: float = 0.0,
                 idle: int | Sequence[int] = 0, prefix: str = "s_axis") -> None:
        self.dut, self.draws, self.pause = dut, draws, pause
        self.idle = cycle([idle] if isinstance(idle, int) else idle)
        self.tdata, self.tvalid, self.tready, self.tlast = (
            getattr(dut, f"{prefix}_{name}") for name in ("tdata", "tvalid", "tready", "tlast"))
        self.queue: deque[tuple[int, bool]] = deque()
        self.taken: list[Beat] = []
        self.offering = False
        self.stalled = 0

    def send(self, data: int, last: bool = True) -> None:
        """Append a word."""
        self.queue.append((data, last))

    def clear(self) -> None:
        """Forget what was not taken; only while the block is in reset."""
        self.queue.clear()
        self.taken.clear()
        self.offering = False
        self._drive()

    async def run(self) -> None:
        """Drive the interface for ever."""
        from cocotb.triggers import RisingEdge

        edge, clocks = RisingEdge(self.dut.clk), 0
        self._drive()
        while True:
            await edge
            clocks += 1
            if self.offering and self.tready.value == 1:
                self.taken.append(Beat(*self.queue.popleft(), clocks))
                self.offering = False
                self._offer()
            elif self.offering:
                self.stalled += 1
            else:
                self._offer()

    def _offer(self) -> None:
        if not self.queue or (self.pause and self.draws.random() < self.pause):
            self._drive()
            return
        self.offering = True
        self._drive()

    def _drive(self) -> None:
        data, last = self.queue[0] if self.offering else (next(self.idle), True)
        self.tdata.value = data
        self.tlast.value = int(last)
        self.tvalid.value = int(self.offering)


class AxisSink:
    """Takes words, pausing each clock with probability `pause`; start `run` as a task.

    Fails when tvalid falls, or tdata or tlast changes, before a word was taken. Every beat is
    appended to `taken` and handed to `check`.
    """

    def __init__(self, dut: Any, draws: random.Random, *, pause: float = 0.0,
                 check: Callable[[Beat], None] | None = None) -> None:
        self.dut, self.draws, self.pause, self.check = dut, draws, pause, check
        # looked up once: both sides work at every clock
        self.rst = dut.rst
        self.tdata, self.tvalid, self.tready, self.tlast = (
            getattr(dut, f"m_axis_{name}") for name in ("tdata", "tvalid", "tready", "tlast"))
        self.taken: list[Beat] = []
        self.waiting: tuple[int, bool] | None = None

    def clear(self) -> None:
        """Forget what was seen; only while the block is in reset."""
        self.taken.clear()
        self.waiting = None

    async def run(self) -> None:
        """Drive the interface for ever."""
        from cocotb.triggers import RisingEdge

        edge, cycle, ready = RisingEdge(self.dut.clk), 0, False
        self.tready.value = 0
        while True:
            await edge
            cycle += 1
            self._observe(cycle, ready)
            now = not self.pause or self.draws.random() >= self.pause
            if now != ready:
                self.tready.value = int(now)
                ready = now

    def _observe(self, cycle: int, ready: bool) -> None:
        if self.rst.value == 1:
            self.waiting = None
            return
        if self.tvalid.value != 1:
            assert self.waiting is None, f"cycle {cycle}: tvalid fell before the word was taken"
            return
        word = int(self.tdata.value), self.tlast.value == 1
        assert self.waiting in (None, word), (
            f"cycle {cycle}: {self.waiting} became {word} while tready was low")
        self.waiting = None if ready else word
        if ready:
            self.taken.append(Beat(*word, cycle))
            if self.check is not None:
                self.check(self.taken[-1])
