"""What the benches of stream blocks have in common: clock, source, sink, and what is due.

Importable without cocotb; `start`, `reset` and `finish` need the simulator.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from rackwright.hdl.lib.axis import AxisSink, AxisSource, Beat
from rackwright.hdl.lib.session import stream

__all__ = ["PERIOD", "StreamBench"]

PERIOD = 4             # ns, of a clock that means nothing: only cycles are counted


class StreamBench:
    """One block with one AXI-Stream in and one out, whose words are known beforehand.

    `send` queues a word, `expect` one that must come out, in order. Between words the bus carries
    `idle` (several words: each in turn), which should do harm if it is taken. `draws` is the
    bench's own generator. A block with several inputs names the first with `prefix` and makes the
    others with `another_source`. `quiet`: clocks without a word after which none will come.
    """

    quiet = 10

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0,
                 idle: int | Sequence[int] = 0, prefix: str = "s_axis") -> None:
        self.dut, self.draws = dut, stream("words", pause_in, pause_out)
        self.source = AxisSource(dut, stream("in", pause_in), pause=pause_in, idle=idle,
                                 prefix=prefix)
        self.sources = [self.source]
        self.sink = AxisSink(dut, stream("out", pause_out), pause=pause_out, check=self._check)
        self.due: deque[tuple[int, bool]] = deque()
        self._tasks: list[Any] = []

    def another_source(self, prefix: str, idle: int | Sequence[int] = 0) -> AxisSource:
        """A second input, which pauses as often as the first, at other times."""
        self.sources.append(AxisSource(self.dut, stream(prefix, self.source.pause),
                                       pause=self.source.pause, idle=idle, prefix=prefix))
        return self.sources[-1]

    def send(self, word: int, last: bool = True) -> None:
        """Queue a word for the block."""
        self.source.send(word, last)

    def expect(self, word: int, last: bool = True) -> None:
        """Queue a word that the block has to put out."""
        self.due.append((word, last))

    def forget(self) -> None:
        """What a reset does to the golden; nothing here."""

    async def start(self) -> None:
        """Start the clock, reset the block, start both sides."""
        import cocotb
        from cocotb.clock import Clock
        from cocotb.triggers import RisingEdge

        self._tasks = [Clock(self.dut.clk, PERIOD, unit="ns", impl="gpi").start()]
        for source in self.sources:
            self._tasks.append(cocotb.start_soon(source.run()))
        self._tasks.append(cocotb.start_soon(self.sink.run()))
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)  # the edge at the very start may come before the values
        await self.reset()

    def stop(self) -> None:
        """Stop the clock and both sides: another bench takes over within the same test."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    async def reset(self) -> None:
        """One clock of reset, the shortest there is (in a longer one a stage empties itself, and a
        register without a reset is not found): nothing sent before it may come out afterwards."""
        from cocotb.triggers import RisingEdge

        self.dut.rst.value = 1
        for source in self.sources:
            source.clear()
        await RisingEdge(self.dut.clk)
        self.sink.clear()
        self.due.clear()
        self.forget()
        self.dut.rst.value = 0

    async def taken(self, beats: int) -> None:
        """Wait until the block has taken so many words."""
        from cocotb.triggers import RisingEdge

        while len(self.source.taken) < beats:
            await RisingEdge(self.dut.clk)

    async def wait(self, clocks: int) -> None:
        """Wait so many clocks."""
        from cocotb.triggers import ClockCycles

        await ClockCycles(self.dut.clk, clocks)

    async def finish(self) -> None:
        """Wait for the last word, then `quiet` clocks: long enough to see one too many."""
        while self.due:
            await self.wait(4)
        await self.wait(self.quiet)

    def clocks(self) -> tuple[int, int]:
        """Clocks from the first word taken to the first, and to the last, that came out."""
        first = self.source.taken[0].cycle
        return self.sink.taken[0].cycle - first, self.sink.taken[-1].cycle - first

    def _check(self, beat: Beat) -> None:
        assert self.due, f"a word too many: {beat.data:#x}"
        word, last = self.due.popleft()
        assert (beat.data, beat.last) == (word, last), (
            f"cycle {beat.cycle}: {beat.data:#x} last={beat.last}, golden {word:#x} last={last}")
