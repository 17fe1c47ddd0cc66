"""Bench of the witness table: the RTL against the golden, word for word and in order.

Random mixes of all operations under pauses on either side, and directed tests whose expected
statuses are written out, so that an error shared by RTL and golden is seen too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rackwright.hdl.lib import Suite, publish, stream
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

suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(400)
def random_operations(tb: TB) -> None:
    """Any mix, under pauses on either side."""
    draws = Draws(tb, stream("requests", tb.source.pause, tb.sink.pause))
    for _ in range(2500 if tb.sets >= 1024 else 1200):
        tb.ask(draws.request())


@suite.test()
def same_key_twice(tb: TB) -> None:
    """The second record of a key is rejected, whoever sends it; after gc it is accepted."""
    tb.answers(ACCEPT, Request(RECORD, tb.key(1), 1, 1), way=0)
    tb.answers(REJECT_KEY, Request(RECORD, tb.key(1), 2, 1), way=0)
    tb.answers(REJECT_KEY, Request(RECORD, tb.key(1), 1, 1), way=0)
    tb.answers(HELD, Request(PROBE, tb.key(1)))
    tb.answers(UNKNOWN, Request(GC, tb.key(1), 2, 1, last=False))
    tb.answers(UNKNOWN, Request(GC, tb.key(1, row=1), 1, 1, last=False))
    tb.answers(FREED, Request(GC, tb.key(1), 1, 1, last=False))
    tb.answers(ABSENT, Request(PROBE, tb.key(1)))
    tb.answers(UNKNOWN, Request(GC, tb.key(1), 1, 1, last=False))
    tb.answers(ACCEPT, Request(RECORD, tb.key(1), 2, 1), way=0)


@suite.test()
def full_set(tb: TB) -> None:
    """A set takes as many records as it has ways, the lowest free one first; others go on."""
    for way in range(tb.ways):
        tb.answers(ACCEPT, Request(RECORD, tb.key(way), 1, way), way=way)
    tb.answers(REJECT_FULL, Request(RECORD, tb.key(tb.ways), 1, 9), way=0)
    tb.answers(REJECT_KEY, Request(RECORD, tb.key(tb.ways - 1), 1, 9), way=tb.ways - 1)
    tb.answers(ACCEPT, Request(RECORD, tb.key(tb.ways, row=1), 1, 9), way=0)
    for way in range(tb.ways):
        tb.answers(FREED, Request(GC, tb.key(99), 1, way, last=False), way=way)
        tb.answers(ACCEPT, Request(RECORD, tb.key(100 + way), 1, way), way=way)
        tb.answers(HELD, Request(READ, tb.key(0), way=way), way=way)
    tb.answers(ABSENT, Request(READ, tb.key(0), way=tb.ways))


@suite.test()
def stale_garbage(tb: TB) -> None:
    """An entry is reported once it has survived the set number of gc rounds, not before."""
    for way in range(tb.ways):
        tb.answers(ACCEPT, Request(RECORD, tb.key(way), 1, way))
    for _ in range(tb.stale_rounds):
        tb.answers(REJECT_KEY, Request(RECORD, tb.key(0), 2, 2))
        tb.answers(REJECT_FULL, Request(RECORD, tb.key(50), 2, 2))
        tb.answers(UNKNOWN, Request(GC, tb.key(0), 9, 9, last=False))
        tb.answers(UNKNOWN, Request(GC, tb.key(0, row=1), 9, 9))
    tb.answers(REJECT_KEY | STALE, Request(RECORD, tb.key(tb.ways - 1), 2, 2), way=tb.ways - 1)
    tb.answers(FREED | STALE, Request(GC, tb.key(0), 1, 0, last=False))
    tb.answers(ACCEPT, Request(RECORD, tb.key(60), 3, 3), way=0)
    if tb.ways > 1:  # way 0 is fresh now: the lowest stale one is way 1
        tb.answers(REJECT_FULL | STALE, Request(RECORD, tb.key(50), 2, 2), way=1)
    else:
        tb.answers(REJECT_FULL, Request(RECORD, tb.key(50), 2, 2), way=0)


@suite.test()
def freeze_rejects_until_start(tb: TB) -> None:
    """A frozen witness rejects records, still answers and frees; start empties it."""
    tb.answers(ACCEPT, Request(RECORD, tb.key(1), 1, 1))
    tb.answers(ACCEPT, Request(RECORD, tb.key(2, row=1), 1, 2))
    tb.answers(DONE, Request(FREEZE))
    tb.answers(REJECT_FROZEN, Request(RECORD, tb.key(1), 1, 1))
    tb.answers(REJECT_FROZEN, Request(RECORD, tb.key(3), 1, 3))
    tb.answers(DONE, Request(FREEZE))
    tb.answers(HELD, Request(READ, tb.key(0), way=0))
    tb.answers(FREED, Request(GC, tb.key(2, row=1), 1, 2))
    tb.answers(REJECT_FROZEN, Request(RECORD, tb.key(2, row=1), 1, 2))
    for _ in range(tb.stale_rounds):
        tb.answers(UNKNOWN, Request(GC, tb.key(0), 7, 7))
    tb.answers(DONE, Request(START, tb.key(1)))
    tb.answers(ABSENT, Request(READ, tb.key(0), way=0))
    tb.answers(ACCEPT, Request(RECORD, tb.key(1), 1, 1))
    tb.answers(REJECT_KEY, Request(RECORD, tb.key(1), 1, 1))  # of this round: not stale


@suite.under_pauses()
def hazards(tb: TB) -> None:
    """Every pair of operations on one set, one to three apart, hit and miss, back to back."""
    number = 0
    for first in (RECORD, GC):
        for second in (RECORD, GC, PROBE, READ):
            for gap in (1, 2, 3):
                for held in (False, True):
                    number += 1
                    row = number % tb.sets
                    entry = tb.key(number, row), number % 16, number % 256
                    if held:
                        tb.ask(Request(RECORD, *entry))
                    tb.ask(Request(first, *entry, last=False))
                    for other in range(gap - 1):
                        tb.ask(Request(PROBE, tb.key(other, row + 1)))
                    tb.ask(Request(second, *entry, last=False))
                    tb.ask(Request(GC, *entry, last=False))
    for second in (RECORD, GC, PROBE, READ):
        tb.answers(ACCEPT, Request(RECORD, tb.key(1), 1, 1))
        tb.answers(DONE, Request(START, tb.key(1)))
        tb.answers({RECORD: ACCEPT, GC: UNKNOWN}.get(second, ABSENT),
                   Request(second, tb.key(1), 1, 1, last=False))
        tb.ask(Request(GC, tb.key(1), 1, 1, last=False))


@suite.test(pause_out=1.0)
async def reset_in_mid_stream(tb: TB) -> None:
    """A reset drops what is under way and empties the table, frozen or not."""
    fill = [Request(RECORD, tb.key(number, number), 1, number) for number in range(8)]
    for request in [*fill, Request(FREEZE)]:
        tb.ask(request)
    await tb.wait(20)
    assert 0 < len(tb.source.taken) < len(fill), "the stalled sink did not stop the source"
    for pause in (1.0, 0.0):
        await tb.reset()
        COVERAGE.hit("reset:in flight")
        tb.sink.pause = pause
        for request in fill:
            tb.ask(request)
        if pause:  # a start in mid-sweep is dropped too
            tb.ask(Request(START))
            tb.sink.pause = 0.0
            await tb.wait(12)
    await tb.finish()
    for request in fill:
        tb.ask(request._replace(op=PROBE))


@suite.test()
async def full_throughput(tb: TB) -> None:
    """One operation a clock, whatever the mix (start excepted), and the latency: exactly."""
    draws = Draws(tb, stream("throughput"))
    requests = [request for request in (draws.request() for _ in range(600))
                if request.op != START]
    for request in requests:
        tb.ask(request)
    await tb.finish()
    first, last = tb.source.taken[0].cycle, tb.sink.taken[-1].cycle
    assert last - first == len(requests) - 1 + LATENCY, f"{last - first} clocks"


async def measured(tb: TB, requests: Iterable[Request]) -> tuple[int, float]:
    """Latency of the first of these requests, clocks between two of them."""
    tb.source.taken.clear()
    tb.sink.taken.clear()
    for request in requests:
        tb.ask(request)
    await tb.finish()
    latency = tb.sink.taken[0].cycle - tb.source.taken[0].cycle
    span = tb.source.taken[-1].cycle - tb.source.taken[0].cycle
    interval = span / (len(tb.source.taken) - 1)
    return latency, int(interval) if interval.is_integer() else interval


@suite.test()
async def measure_cycles(tb: TB) -> None:
    """Clocks of every operation without stalls, and of the sweep after reset."""
    tb.dut.rst.value = 1
    await tb.wait(1)
    tb.dut.rst.value = 0
    await tb.wait(tb.sets // 2)  # a reset within the sweep starts it anew
    await tb.reset()
    cycles: dict[str, Any] = {"startup_cycles": tb.startup, "latency_cycles": {},
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
        tb.ask(Request(RECORD, tb.key(number, number), 1, number))
    return 100


suite.standard({"record": traffic}, clocks=lambda tb: range(1, 9) if tb.sets < 1024 else (2, 4))
