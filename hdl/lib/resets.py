"""Resets at every clock of some traffic: nothing of it may be left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from rackwright.hdl.lib.axis import AxisSink

__all__ = ["reset_sweep"]


class _Bench(Protocol):
    """What is asked of a bench; `StreamBench` has it."""

    @property
    def dut(self) -> Any: ...
    @property
    def sink(self) -> AxisSink: ...
    async def start(self) -> None: ...
    async def reset(self) -> Any: ...
    async def finish(self) -> None: ...


Bench = TypeVar("Bench", bound=_Bench)


async def reset_sweep(bench: Bench, traffic: Callable[[Bench], Any], clocks: Iterable[int]) -> None:
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
            await bench.finish()
