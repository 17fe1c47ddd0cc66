"""Bench of the skid buffer: what goes in comes out, in order, at one beat a clock."""

from __future__ import annotations

from typing import Any

from rackwright.hdl.lib import Coverage, StreamBench, Suite

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


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses()
def order_is_kept(tb: TB) -> None:
    """No beat is lost, doubled or reordered."""
    tb.beats(BEATS)
    COVERAGE.hit("pauses:in" if tb.source.pause else "steady:in")
    COVERAGE.hit("pauses:out" if tb.sink.pause else "steady:out")


@suite.measure({"beat": 1})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One beat a clock, one clock of latency: exactly."""
    tb.beats(BEATS)
    return 1, BEATS


@suite.test(pause_out=1.0)
async def stalled_sink_fills_both_registers(tb: TB) -> None:
    """With a sink that takes nothing, two beats go in and tready falls; a reset drops both."""
    tb.beats(5)
    await tb.wait(10)
    assert len(tb.source.taken) == 2 and tb.dut.s_axis_tready.value == 0
    await tb.reset()
    COVERAGE.hit("reset:full")
    tb.sink.pause = 0.0
    tb.beats(20)


def traffic(tb: TB) -> int:
    """A hundred words."""
    tb.beats(100)
    return 100


suite.standard({"beat": traffic})
