"""Bench of the FIFO: what goes in comes out, in order; its level at every clock."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from rackwright.hdl.lib import Coverage, StreamBench, Suite

COVERAGE = Coverage(["pauses:in", "pauses:out", "level:empty", "level:full", "reset:full",
                     "last:0", "last:1"])
BEATS = 300


class TB(StreamBench):
    """Random words; between them the bus shows all ones. The level is checked at every clock."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.width, self.room = int(dut.DATA_WIDTH.value), int(dut.DEPTH.value) + 1
        self.inside = 0
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out, idle=(1 << self.width) - 1)

    def forget(self) -> None:
        """Nothing is inside after a reset."""
        self.inside = 0

    def beats(self, count: int) -> None:
        """Queue random words, which come out as they are."""
        for _ in range(count):
            word = self.draws.getrandbits(self.width), self.draws.random() < 0.3
            COVERAGE.hit(f"last:{int(word[1])}")
            self.send(*word)
            self.expect(*word)

    async def start(self) -> None:
        """Start, and watch the level from then on."""
        await super().start()
        self._tasks.append(cocotb.start_soon(self.watch()))

    async def watch(self) -> None:
        """Count what is taken and given at each edge; between edges the level must say so."""
        while True:
            await FallingEdge(self.dut.clk)
            level = int(self.dut.level.value)
            assert level == self.inside, f"level {level}, inside {self.inside}"
            COVERAGE.hit("level:empty" if not level else
                         "level:full" if level == self.room else "level:between")
            taken = self.dut.s_axis_tvalid.value == 1 and self.dut.s_axis_tready.value == 1
            given = self.dut.m_axis_tvalid.value == 1 and self.dut.m_axis_tready.value == 1
            await RisingEdge(self.dut.clk)
            self.inside = 0 if self.dut.rst.value == 1 else self.inside + taken - given


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses()
def order_is_kept(tb: TB) -> None:
    """No word is lost, doubled or reordered."""
    tb.beats(BEATS)
    COVERAGE.hit("pauses:in" if tb.source.pause else "steady:in")
    COVERAGE.hit("pauses:out" if tb.sink.pause else "steady:out")


@suite.test(pause_out=1.0)
async def filled_to_the_brim(tb: TB) -> None:
    """With a sink that takes nothing, DEPTH + 1 words go in; a reset drops them all."""
    for end in ("reset", "drain", "drain"):
        tb.sink.pause = 1.0
        before = len(tb.source.taken)
        tb.beats(tb.room + 3)
        await tb.wait(tb.room + 8)
        assert len(tb.source.taken) - before == tb.room and tb.dut.s_axis_tready.value == 0
        if end == "reset":
            await tb.reset()
            COVERAGE.hit("reset:full")
        tb.sink.pause = 0.0
        tb.beats(20)
        await tb.finish()


@suite.measure({"beat": 2})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One word a clock, two clocks of latency: exactly."""
    tb.beats(BEATS)
    return 2, BEATS + 1


def traffic(tb: TB) -> int:
    """A hundred words."""
    tb.beats(100)
    return 100


suite.standard({"beat": traffic})
