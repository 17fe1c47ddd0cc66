"""Bench of the witness table: the RTL against the golden, word for word and in order.

Random mixes of all operations under pauses on either side, and directed tests whose expected
statuses are written out, so that an error shared by RTL and golden is seen too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from rackwright.hdl.lib import load_sweep, publish, seed, stream
from rackwright.hdl.witness_table.golden import (
    ABSENT,
    ACCEPT,
    DONE,
    FREED,
    HELD,
    REJECT_FROZEN,
    REJECT_FULL,
    REJECT_KEY,
    STALE,
    UNKNOWN,
)
from rackwright.hdl.witness_table.tb import COVERAGE, LATENCY, TB, Draws
from rackwright.hdl.witness_table.words import (
    FREEZE,
    GC,
    OPERATIONS,
    PROBE,
    READ,
    RECORD,
    START,
    Request,
)


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(pause_in=[0.0, 0.3], pause_out=[0.0, 0.5])
async def random_operations(dut: Any, pause_in: float, pause_out: float) -> None:
    """Any mix, under pauses on either side."""
    print(f"witness_table: seed {seed()}, pauses {pause_in} in, {pause_out} out")
    tb = TB(dut, pause_in=pause_in, pause_out=pause_out)
    await tb.start()
    draws = Draws(tb, stream("requests", pause_in, pause_out))
    for _ in range(2500 if tb.sets >= 1024 else 1200):
        tb.send(draws.request())
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def same_key_twice(dut: Any) -> None:
    """The second record of a key is rejected, whoever sends it; after gc it is accepted."""
    tb = TB(dut)
    await tb.start()
    tb.expect(ACCEPT, Request(RECORD, tb.key(1), 1, 1), way=0)
    tb.expect(REJECT_KEY, Request(RECORD, tb.key(1), 2, 1), way=0)
    tb.expect(REJECT_KEY, Request(RECORD, tb.key(1), 1, 1), way=0)
    tb.expect(HELD, Request(PROBE, tb.key(1)))
    tb.expect(UNKNOWN, Request(GC, tb.key(1), 2, 1, last=False))
    tb.expect(UNKNOWN, Request(GC, tb.key(1, row=1), 1, 1, last=False))
    tb.expect(FREED, Request(GC, tb.key(1), 1, 1, last=False))
    tb.expect(ABSENT, Request(PROBE, tb.key(1)))
    tb.expect(UNKNOWN, Request(GC, tb.key(1), 1, 1, last=False))
    tb.expect(ACCEPT, Request(RECORD, tb.key(1), 2, 1), way=0)
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def full_set(dut: Any) -> None:
    """A set takes as many records as it has ways, the lowest free one first; others go on."""
    tb = TB(dut)
    await tb.start()
    for way in range(tb.ways):
        tb.expect(ACCEPT, Request(RECORD, tb.key(way), 1, way), way=way)
    tb.expect(REJECT_FULL, Request(RECORD, tb.key(tb.ways), 1, 9), way=0)
    tb.expect(REJECT_KEY, Request(RECORD, tb.key(tb.ways - 1), 1, 9), way=tb.ways - 1)
    tb.expect(ACCEPT, Request(RECORD, tb.key(tb.ways, row=1), 1, 9), way=0)
    for way in range(tb.ways):
        tb.expect(FREED, Request(GC, tb.key(99), 1, way, last=False), way=way)
        tb.expect(ACCEPT, Request(RECORD, tb.key(100 + way), 1, way), way=way)
        tb.expect(HELD, Request(READ, tb.key(0), way=way), way=way)
    tb.expect(ABSENT, Request(READ, tb.key(0), way=tb.ways))
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def stale_garbage(dut: Any) -> None:
    """An entry is reported once it has survived the set number of gc rounds, not before."""
    tb = TB(dut)
    await tb.start()
    for way in range(tb.ways):
        tb.expect(ACCEPT, Request(RECORD, tb.key(way), 1, way))
    for _ in range(tb.stale_rounds):
        tb.expect(REJECT_KEY, Request(RECORD, tb.key(0), 2, 2))
        tb.expect(REJECT_FULL, Request(RECORD, tb.key(50), 2, 2))
        tb.expect(UNKNOWN, Request(GC, tb.key(0), 9, 9, last=False))
        tb.expect(UNKNOWN, Request(GC, tb.key(0, row=1), 9, 9))
    tb.expect(REJECT_KEY | STALE, Request(RECORD, tb.key(tb.ways - 1), 2, 2), way=tb.ways - 1)
    tb.expect(FREED | STALE, Request(GC, tb.key(0), 1, 0, last=False))
    tb.expect(ACCEPT, Request(RECORD, tb.key(60), 3, 3), way=0)
    if tb.ways > 1:  # way 0 is fresh now: the lowest stale one is way 1
        tb.expect(REJECT_FULL | STALE, Request(RECORD, tb.key(50), 2, 2), way=1)
    else:
        tb.expect(REJECT_FULL, Request(RECORD, tb.key(50), 2, 2), way=0)
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def freeze_rejects_until_start(dut: Any) -> None:
    """A frozen witness rejects records, still answers and frees; start empties it."""
    tb = TB(dut)
    await tb.start()
    tb.expect(ACCEPT, Request(RECORD, tb.key(1), 1, 1))
    tb.expect(ACCEPT, Request(RECORD, tb.key(2, row=1), 1, 2))
    tb.expect(DONE, Request(FREEZE))
    tb.expect(REJECT_FROZEN, Request(RECORD, tb.key(1), 1, 1))
    tb.expect(REJECT_FROZEN, Request(RECORD, tb.key(3), 1, 3))
    tb.expect(DONE, Request(FREEZE))
    tb.expect(HELD, Request(READ, tb.key(0), way=0))
    tb.expect(FREED, Request(GC, tb.key(2, row=1), 1, 2))
    tb.expect(REJECT_FROZEN, Request(RECORD, tb.key(2, row=1), 1, 2))
    for _ in range(tb.stale_rounds):
        tb.expect(UNKNOWN, Request(GC, tb.key(0), 7, 7))
    tb.expect(DONE, Request(START, tb.key(1)))
    tb.expect(ABSENT, Request(READ, tb.key(0), way=0))
    tb.expect(ACCEPT, Request(RECORD, tb.key(1), 1, 1))
    tb.expect(REJECT_KEY, Request(RECORD, tb.key(1), 1, 1))  # of this round: not stale
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
@cocotb.parametrize(pause_out=[0.0, 0.5])
async def hazards(dut: Any, pause_out: float) -> None:
    """Every pair of operations on one set, one to three apart, hit and miss, back to back."""
    tb = TB(dut, pause_out=pause_out)
    await tb.start()
    number = 0
    for first in (RECORD, GC):
        for second in (RECORD, GC, PROBE, READ):
            for gap in (1, 2, 3):
                for held in (False, True):
                    number += 1
                    row = number % tb.sets
                    entry = tb.key(number, row), number % 16, number % 256
                    if held:
                        tb.send(Request(RECORD, *entry))
                    tb.send(Request(first, *entry, last=False))
                    for other in range(gap - 1):
                        tb.send(Request(PROBE, tb.key(other, row + 1)))
                    tb.send(Request(second, *entry, last=False))
                    tb.send(Request(GC, *entry, last=False))
    for second in (RECORD, GC, PROBE, READ):
        tb.expect(ACCEPT, Request(RECORD, tb.key(1), 1, 1))
        tb.expect(DONE, Request(START, tb.key(1)))
        tb.expect({RECORD: ACCEPT, GC: UNKNOWN}.get(second, ABSENT),
                  Request(second, tb.key(1), 1, 1, last=False))
        tb.send(Request(GC, tb.key(1), 1, 1, last=False))
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def reset_in_mid_stream(dut: Any) -> None:
    """A reset drops what is under way and empties the table, frozen or not."""
    tb = TB(dut, pause_out=1.0)
    await tb.start()
    fill = [Request(RECORD, tb.key(number, number), 1, number) for number in range(8)]
    for request in [*fill, Request(FREEZE)]:
        tb.send(request)
    await ClockCycles(dut.clk, 20)
    assert 0 < len(tb.source.taken) < len(fill), "the stalled sink did not stop the source"
    for pause in (1.0, 0.0):
        await tb.reset()
        COVERAGE.hit("reset:in flight")
        tb.sink.pause = pause
        for request in fill:
            tb.send(request)
        if pause:  # a start in mid-sweep is dropped too
            tb.send(Request(START))
            tb.sink.pause = 0.0
            await ClockCycles(dut.clk, 12)
    await tb.finish()
    for request in fill:
        tb.send(request._replace(op=PROBE))
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def full_throughput(dut: Any) -> None:
    """One operation a clock, whatever the mix (start excepted), and the latency: exactly."""
    tb = TB(dut)
    await tb.start()
    draws = Draws(tb, stream("throughput"))
    requests = [request for request in (draws.request() for _ in range(600))
                if request.op != START]
    for request in requests:
        tb.send(request)
    await tb.finish()
    first, last = tb.source.taken[0].cycle, tb.sink.taken[-1].cycle
    assert last - first == len(requests) - 1 + LATENCY, f"{last - first} clocks"


async def measured(tb: TB, requests: Iterable[Request]) -> tuple[int, float]:
    """Latency of the first of these requests, clocks between two of them."""
    tb.source.taken.clear()
    tb.sink.taken.clear()
    for request in requests:
        tb.send(request)
    await tb.finish()
    latency = tb.sink.taken[0].cycle - tb.source.taken[0].cycle
    span = tb.source.taken[-1].cycle - tb.source.taken[0].cycle
    interval = span / (len(tb.source.taken) - 1)
    return latency, int(interval) if interval.is_integer() else interval


@cocotb.test(timeout_time=100, timeout_unit="us")
async def measure_cycles(dut: Any) -> None:
    """Clocks of every operation without stalls, and of the sweep after reset."""
    tb = TB(dut)
    await tb.start()
    dut.rst.value = 1
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    await ClockCycles(dut.clk, tb.sets // 2)  # a reset within the sweep starts it anew
    cycles: dict[str, Any] = {"startup_cycles": await tb.reset(), "latency_cycles": {},
                              "interval_cycles": {}}
    for op, name in OPERATIONS.items():
        count = 3 if op == START else 40
        requests = (Request(op, tb.key(index % 3, index), 1, index) for index in range(count))
        latency, interval = await measured(tb, requests)
        cycles["latency_cycles"][name] = latency
        cycles["interval_cycles"][name] = interval
    assert cycles["startup_cycles"] == tb.sets
    assert set(cycles["interval_cycles"].values()) - {cycles["interval_cycles"]["start"]} == {1}
    publish("cycles", cycles)


def traffic(tb: TB) -> int:
    """A hundred records, of the sets in turn."""
    for number in range(100):
        tb.send(Request(RECORD, tb.key(number, number), 1, number))
    return 100


@cocotb.test(timeout_time=100, timeout_unit="us")
async def measure_load(dut: Any) -> None:
    """Clocks a record and stalls, by offered load."""
    await load_sweep(lambda pause: TB(dut, pause_in=pause), {"record": traffic})


@cocotb.test(timeout_time=1, timeout_unit="us")
async def coverage_is_complete(dut: Any) -> None:
    """Runs last: every bin was met."""
    print(COVERAGE.report())
    publish("coverage", COVERAGE.counts)
    assert not COVERAGE.missing(), f"never seen: {', '.join(COVERAGE.missing())}"
