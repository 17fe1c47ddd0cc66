"""Bench of the skid buffer: what goes in comes out, in order, at one beat a clock."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from rackwright.hdl.lib import Coverage, StreamBench, load_sweep, publish, reset_sweep, seed

COVERAGE = Coverage(["pauses:in", "pauses:out", "reset:full", "last:0", "last:1"])
BEATS = 200


class TB(StreamBench):
    """Random words; between them the bus shows all ones."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.width = int(dut.DATA_WIDTH.value)
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out, idle=(1 << self.width) - 1)

    def beats(self, count: int) -> None:
        """Queue random words, which come out as they are."""
        for _ in range(count):
            word = self.draws.getrandbits(self.width), self.draws.random() < 0.3
            COVERAGE.hit(f"last:{int(word[1])}")
            self.send(*word)
            self.expect(*word)


@cocotb.test(timeout_time=100, timeout_unit="us")
@cocotb.parametrize(pause_in=[0.0, 0.3], pause_out=[0.0, 0.5])
async def order_is_kept(dut: Any, pause_in: float, pause_out: float) -> None:
    """No beat is lost, doubled or reordered."""
    print(f"axis_skid: seed {seed()}")
    tb = TB(dut, pause_in=pause_in, pause_out=pause_out)
    await tb.start()
    tb.beats(BEATS)
    await tb.finish()
    COVERAGE.hit("pauses:in" if pause_in else "steady:in")
    COVERAGE.hit("pauses:out" if pause_out else "steady:out")


@cocotb.test(timeout_time=100, timeout_unit="us")
async def measure_full_throughput(dut: Any) -> None:
    """One beat a clock, one clock of latency: exactly."""
    tb = TB(dut)
    await tb.start()
    tb.beats(BEATS)
    await tb.finish()
    assert tb.clocks() == (1, BEATS)
    publish("cycles", {"startup_cycles": 0, "latency_cycles": {"beat": 1},
                       "interval_cycles": {"beat": 1}})


@cocotb.test(timeout_time=100, timeout_unit="us")
async def stalled_sink_fills_both_registers(dut: Any) -> None:
    """With a sink that takes nothing, two beats go in and tready falls; a reset drops both."""
    tb = TB(dut, pause_out=1.0)
    await tb.start()
    tb.beats(5)
    await ClockCycles(dut.clk, 10)
    assert len(tb.source.taken) == 2 and dut.s_axis_tready.value == 0
    await tb.reset()
    COVERAGE.hit("reset:full")
    tb.sink.pause = 0.0
    tb.beats(20)
    await tb.finish()


def traffic(tb: TB) -> int:
    """A hundred words."""
    tb.beats(100)
    return 100


@cocotb.test(timeout_time=400, timeout_unit="us")
async def measure_load(dut: Any) -> None:
    """Clocks an operation and stalls, by offered load."""
    await load_sweep(lambda pause: TB(dut, pause_in=pause), {"beat": traffic})


@cocotb.test(timeout_time=800, timeout_unit="us")
async def reset_at_any_clock(dut: Any) -> None:
    """A reset of one clock leaves nothing behind, whatever stage the words are in."""
    await reset_sweep(TB(dut), traffic)


@cocotb.test(timeout_time=1, timeout_unit="us")
async def coverage_is_complete(dut: Any) -> None:
    """Runs last: every bin was met."""
    print(COVERAGE.report())
    publish("coverage", COVERAGE.counts)
    assert not COVERAGE.missing()
