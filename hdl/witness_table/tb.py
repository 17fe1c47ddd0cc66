"""Test bench of the witness table: coverage, driver, random requests. The tests are in bench.py.

Importable without cocotb, which is only needed in the simulator.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any

from rackwright.hdl.lib import PERIOD, Beat, Coverage, StreamBench
from rackwright.hdl.witness_table.golden import (
    ABSENT,
    ACCEPT,
    DONE,
    FREED,
    HELD,
    INVALID,
    REJECT_FROZEN,
    REJECT_FULL,
    REJECT_KEY,
    STALE,
    STATUS_NAMES,
    UNKNOWN,
    new_witness,
    status_of,
    way_of,
)
from rackwright.hdl.witness_table.words import (
    FREEZE,
    GC,
    OPERATIONS,
    PROBE,
    READ,
    RECORD,
    START,
    Request,
    Widths,
    answer,
)

__all__ = ["COVERAGE", "LATENCY", "TB", "Draws"]

LATENCY = 3                   # clocks from a request taken to its response offered
OUTCOMES = {
    RECORD: (ACCEPT, REJECT_KEY, REJECT_KEY | STALE, REJECT_FULL, REJECT_FULL | STALE,
             REJECT_FROZEN),
    GC: (FREED, FREED | STALE, UNKNOWN), PROBE: (HELD, HELD | STALE, ABSENT),
    READ: (HELD, HELD | STALE, ABSENT), FREEZE: (DONE,), START: (DONE,), 0: (INVALID,),
}


def label(op: int, code: int) -> str:
    """The bin of an operation and its outcome."""
    stale = "+stale" if code & STALE else ""
    return f"{OPERATIONS.get(op, 'invalid')}:{STATUS_NAMES[status_of(code)]}{stale}"


HAZARDS = {(first, second, gap) for gap in (1, 2, 3) for first in (RECORD, GC)
           for second in (RECORD, GC, PROBE, READ)} | {
    (START, second, 1) for second in (RECORD, GC, PROBE, READ)}


def hazard(first: int, second: int, gap: int) -> str:
    """The bin of two operations on one set, `gap` operations apart."""
    return f"same set, {gap} apart:{OPERATIONS[first]}-{OPERATIONS[second]}"


COVERAGE = Coverage([
    *(label(op, code) for op, codes in OUTCOMES.items() for code in codes),
    *(hazard(*one) for one in HAZARDS),
    "reset:in flight", "gc:last", "gc:not last", "read:way out of range",
])


class TB(StreamBench):
    """Requests for the block, the golden, and what was asked last."""

    quiet = 2 * LATENCY + 2

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.sets, self.ways = int(dut.SETS.value), int(dut.WAYS.value)
        self.stale_rounds, self.gc_width = int(dut.STALE_ROUNDS.value), int(dut.GC_WIDTH.value)
        self.widths = Widths(*(int(getattr(dut, f"{name}_WIDTH").value)
                               for name in ("KEY", "CLIENT", "RPC")))
        self.asked: deque[Request] = deque()
        self.history: deque[Request] = deque(maxlen=3)
        self.tag = self.startup = 0
        # between words the bus shows a start: taken by mistake it would empty the table
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out, idle=START)
        self.forget()

    def forget(self) -> None:
        """The table is empty after a reset."""
        self.golden = new_witness(self.sets, self.ways, gc_width=self.gc_width,
                                  stale_rounds=self.stale_rounds)
        self.asked.clear()
        self.history.clear()

    async def start(self) -> None:
        """As of any bench, but both sides start after the sweep, at whose every clock they would
        work for nothing."""
        import cocotb
        from cocotb.clock import Clock
        from cocotb.triggers import RisingEdge

        clock = Clock(self.dut.clk, PERIOD, unit="ns", impl="gpi").start()
        self.dut.m_axis_tready.value = 0
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)  # the edge at the very start may come before the values
        await self.reset()
        self._tasks = [clock, cocotb.start_soon(self.source.run()),
                       cocotb.start_soon(self.sink.run())]

    async def reset(self) -> None:
        """Reset for a clock and wait until requests are taken, after `startup` clocks."""
        from cocotb.triggers import RisingEdge
        from cocotb.utils import get_sim_time

        await super().reset()
        begin = get_sim_time("ns")
        await RisingEdge(self.dut.s_axis_tready)
        self.startup = round((get_sim_time("ns") - begin) / PERIOD)

    def ask(self, request: Request) -> int:
        """Queue a request; what the golden answers (status, with the stale flag)."""
        self.tag = (self.tag + 0x9E3779B1) & 0xFFFFFFFF  # odd: every bit changes
        code, named = answer(self.golden, request)
        self.send(self.widths.request(request, self.tag), request.last)
        self.expect(self.widths.response(code, self.tag, named), request.last)
        self.asked.append(request)
        self._cover(request, code)
        return code

    def answers(self, status: int, request: Request, way: int | None = None) -> None:
        """Queue a request of which the bench itself knows the answer."""
        code = self.ask(request)
        assert code & (STALE | 255) == status, f"golden: {request} -> {label(request.op, code)}"
        assert way is None or way_of(code) == way, f"golden: {request} -> way {way_of(code)}"

    def _check(self, beat: Beat) -> None:
        request = self.asked.popleft() if self.asked else "after the last request"
        try:
            super()._check(beat)
        except AssertionError as fault:
            raise AssertionError(f"{request}: {fault}") from None

    def _cover(self, request: Request, code: int) -> None:
        COVERAGE.hit(label(request.op, code))
        mask = self.sets - 1
        for gap, before in enumerate(reversed(self.history), 1):
            same = before.key_hash & mask == request.key_hash & mask
            if same and (before.op, request.op, gap) in HAZARDS:
                COVERAGE.hit(hazard(before.op, request.op, gap))
        if request.op == GC:
            COVERAGE.hit("gc:last" if request.last else "gc:not last")
        if request.op == READ and request.way >= self.ways:
            COVERAGE.hit("read:way out of range")
        self.history.append(request)

    def key(self, number: int, row: int = 0) -> int:
        """The key hash `number` of set `row`."""
        return (number * self.sets + row) & ((1 << self.widths.key) - 1)


class Draws:
    """Random requests that often meet: few sets, keys that differ in one bit, few ids."""

    def __init__(self, tb: TB, draws: random.Random) -> None:
        self.tb, self.draws = tb, draws
        rows = [0, draws.randrange(tb.sets), draws.randrange(tb.sets)]  # 0: the idle word's set
        base = draws.getrandbits(tb.widths.key) & -tb.sets
        bits = [0, *(1 << bit for bit in range(tb.sets.bit_length() - 1, tb.widths.key))]
        flips = [0, bits[1], bits[-1], *draws.sample(bits, k=min(2 * tb.ways, len(bits)))]
        self.keys = [base ^ flip | row for row in rows for flip in flips]
        self.clients = self._ids(tb.widths.client)
        self.rpcs = self._ids(tb.widths.rpc)

    def _ids(self, width: int) -> list[int]:
        base = self.draws.getrandbits(width)
        return [base, base ^ 1, base ^ 1 << width - 1]

    def _way(self) -> int:
        """A way, or one out of range by a little or by one bit of its field."""
        way = self.draws.randrange(self.tb.ways + 2)
        return way | self.draws.choice((16, 64, 128)) if self.draws.random() < 0.2 else way

    def request(self) -> Request:
        """One request; freeze and start are rare, and a freeze is soon undone."""
        frozen = bool(self.tb.golden.frozen[0])
        kinds = (RECORD, GC, PROBE, READ, FREEZE, START, 0)
        rare = 0.15 if self.tb.sets < 1024 else 0.04  # a start takes a clock for every set
        weights = (60, 25, 8, 6, rare, 4 if frozen else rare / 3, 0.5)
        op = self.draws.choices(kinds, weights)[0]
        key, client, rpc = map(self.draws.choice, (self.keys, self.clients, self.rpcs))
        return Request(op or self.draws.choice([0, 7, 255]), key, client, rpc,
                       way=self._way() if op == READ else 0,
                       last=self.draws.random() < 0.1)
