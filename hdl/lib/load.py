"""Cycles of a block by offered load and by size, for the `measure` tests of the benches.

A load is the chance that an idle source offers a word at a clock: 1 is the line rate of one word a
clock. The sink never pauses, so that every stall is the block's own doing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from rackwright.hdl.lib.axis import AxisSink, AxisSource
from rackwright.hdl.lib.session import publish

__all__ = ["LOADS", "load_sweep", "size_sweep"]

LOADS = (0.25, 0.5, 0.75, 1.0)   # of one word a clock; our choice
ITEMS = 6                        # of a size, one after the other


class _Bench(Protocol):
    """What is asked of a bench; `StreamBench` has it."""

    @property
    def source(self) -> AxisSource: ...
    @property
    def sink(self) -> AxisSink: ...
    async def start(self) -> None: ...
    async def finish(self) -> None: ...
    def stop(self) -> None: ...


Bench = TypeVar("Bench", bound=_Bench)


async def load_sweep(make: Callable[[float], Bench],
                     traffic: Mapping[str, Callable[[Bench], int]]) -> None:
    """Run each operation's traffic at each load; publish clocks an operation and stalls.

    `make` gives a bench whose source pauses that often; a `traffic` queues words and says how many
    operations they are.
    """
    rows = []
    for operation, queue in traffic.items():
        for load in LOADS:
            bench = make(1.0 - load)
            await bench.start()
            bench.source.stalled = 0
            operations = queue(bench)
            await bench.finish()
            clocks = bench.source.taken[-1].cycle - bench.source.taken[0].cycle + 1
            rows.append({"operation": operation, "offered": load,
                         "cycles": round(clocks / operations, 4),  # nonzero: traffic queues some
                         "stalled": round(bench.source.stalled / clocks, 4)})  # nonzero: >= 1
            bench.stop()
    publish("load", {"load": rows})


async def size_sweep(bench: Bench, sizes: Iterable[int], queue: Callable[[Bench, int], None]
                     ) -> list[list[float]]:
    """Clocks from the end of one item to the end of the next, back to back, by size.

    `queue` sends one item of a size; each gives as many words out as any other of its size.
    """
    found = []
    for size in sizes:
        bench.sink.taken.clear()
        for _ in range(ITEMS):
            queue(bench, size)
        await bench.finish()
        out = bench.sink.taken
        clocks = out[-1].cycle - out[len(out) // ITEMS - 1].cycle
        found.append([size, clocks / (ITEMS - 1)])
    return [[size, int(clocks) if clocks.is_integer() else round(clocks, 4)]
            for size, clocks in found]
