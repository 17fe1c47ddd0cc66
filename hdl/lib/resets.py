"""Resets at every clock of some traffic: nothing of it may be left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from rackwright.hdl.lib.load import Wait
from rackwright.hdl.lib.stream_bench import StreamBench

__all__ = ["reset_sweep"]

Bench = TypeVar("Bench", bound=StreamBench)


async def reset_sweep(bench: Bench, traffic: Callable[[Bench], Any],
                      clocks: Iterable[int] = range(1, 9),
                      wait: Wait = lambda bench: bench.finish()) -> None:
    """Reset one clock long, so many clocks after the traffic began, then let it run to its end.

    Each time once with a sink that takes everything and once with one that takes nothing, so that
    all stages of the block are full.
    """
    from cocotb.triggers import ClockCycles

    await bench.start()
    for count in clocks:
        for pause in (0.0, 1.0):
            bench.sink.pause = pause
            traffic(bench)
            await ClockCycles(bench.dut.clk, count)
            await bench.reset()
            bench.sink.pause = 0.0
            traffic(bench)
            await wait(bench)
