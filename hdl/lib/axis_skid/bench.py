"""Bench of the skid buffer: what goes in comes out, in order, at one beat a clock."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from rackwright.hdl.lib import AxisSink, AxisSource, Coverage, publish, seed, stream

COVERAGE = Coverage(["pauses:in", "pauses:out", "reset:full", "last:0", "last:1"])
BEATS = 200


class TB:
    """Clock, source, sink and the list of words to come."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.dut, self.draws = dut, stream("words", pause_in, pause_out)
        self.width = int(dut.DATA_WIDTH.value)
        self.source = AxisSource(dut, stream("in"), pause=pause_in, idle=(1 << self.width) - 1)
        self.sink = AxisSink(dut, stream("out"), pause=pause_out)
        self.sent: list[tuple[int, bool]] = []

    async def start(self) -> None:
        """Reset the block, then start both sides."""
        Clock(self.dut.clk, 4, unit="ns", impl="gpi").start()
        cocotb.start_soon(self.source.run())
        cocotb.start_soon(self.sink.run())
        await self.reset()

    async def reset(self) -> None:
        """Two clocks of reset; nothing sent before it may come out afterwards."""
        self.dut.rst.value = 1
        self.source.clear()
        await ClockCycles(self.dut.clk, 2)
        self.sink.clear()
        self.sent.clear()
        self.dut.rst.value = 0

    def send(self, beats: int) -> None:
        """Queue random words."""
        for _ in range(beats):
            word = self.draws.getrandbits(self.width), self.draws.random() < 0.3
            COVERAGE.hit(f"last:{int(word[1])}")
            self.sent.append(word)
            self.source.send(*word)

    async def finish(self) -> None:
        """Wait for the last word, then long enough to see one too many."""
        while len(self.sink.taken) < len(self.sent):
            await ClockCycles(self.dut.clk, 1)
        await ClockCycles(self.dut.clk, 10)
        assert [(data, last) for data, last, _ in self.sink.taken] == self.sent


@cocotb.test(timeout_time=100, timeout_unit="us")
@cocotb.parametrize(pause_in=[0.0, 0.3], pause_out=[0.0, 0.5])
async def order_is_kept(dut: Any, pause_in: float, pause_out: float) -> None:
    """No beat is lost, doubled or reordered."""
    print(f"axis_skid: seed {seed()}")
    tb = TB(dut, pause_in=pause_in, pause_out=pause_out)
    await tb.start()
    tb.send(BEATS)
    await tb.finish()
    COVERAGE.hit("pauses:in" if pause_in else "steady:in")
    COVERAGE.hit("pauses:out" if pause_out else "steady:out")


@cocotb.test(timeout_time=100, timeout_unit="us")
async def measure_full_throughput(dut: Any) -> None:
    """One beat a clock, one clock of latency: exactly."""
    tb = TB(dut)
    await tb.start()
    tb.send(BEATS)
    await tb.finish()
    assert tb.sink.taken[0].cycle - tb.source.taken[0].cycle == 1
    assert tb.sink.taken[-1].cycle - tb.source.taken[0].cycle == BEATS
    publish("cycles", {"startup_cycles": 0, "latency_cycles": {"beat": 1},
                       "interval_cycles": {"beat": 1}})


@cocotb.test(timeout_time=100, timeout_unit="us")
async def stalled_sink_fills_both_registers(dut: Any) -> None:
    """With a sink that takes nothing, two beats go in and tready falls; a reset drops both."""
    tb = TB(dut, pause_out=1.0)
    await tb.start()
    tb.send(5)
    await ClockCycles(dut.clk, 10)
    assert len(tb.source.taken) == 2 and dut.s_axis_tready.value == 0
    await tb.reset()
    COVERAGE.hit("reset:full")
    tb.sink.pause = 0.0
    tb.send(20)
    await tb.finish()


@cocotb.test(timeout_time=1, timeout_unit="us")
async def coverage_is_complete(dut: Any) -> None:
    """Runs last: every bin was met."""
    print(COVERAGE.report())
    publish("coverage", COVERAGE.counts)
    assert not COVERAGE.missing()
