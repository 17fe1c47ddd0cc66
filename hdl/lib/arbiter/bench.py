"""Bench of the round-robin arbiter: every input in every state (up to 8 requesters).

The state is whose turn it is; a grant to one alone sets it. The golden is compared at each step.
"""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly

from rackwright.hdl.lib import PERIOD, Coverage, Suite, publish, seed, stream
from rackwright.hdl.lib.arbiter.golden import served

COVERAGE = Coverage(["accepted", "not accepted", "nobody asks", "turn comes round", "reset"])
EXHAUSTIVE = 8
RANDOM = 2000


class TB:
    """The arbiter and its golden, stepped together."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.size, self.turn = dut, int(dut.N.value), 0

    async def start(self) -> None:
        """Start the clock and reset."""
        Clock(self.dut.clk, PERIOD, unit="ns", impl="gpi").start()
        await FallingEdge(self.dut.clk)
        await self.check(0, 0, reset=1)

    async def check(self, request: int, accept: int, reset: int = 0) -> None:
        """One clock: inputs change on the falling edge, the grant is read before the next edge."""
        self.dut.rst.value = reset
        self.dut.accept.value = accept
        self.dut.request.value = request
        await ReadOnly()
        grant, one = int(self.dut.grant.value), served(request, self.turn, self.size)
        assert grant == (1 << one if one >= 0 else 0), (
            f"turn {self.turn}, request {request:#b}: grant {grant:#b}, golden {one}")
        await FallingEdge(self.dut.clk)
        if reset:
            self.turn = 0
            COVERAGE.hit("reset")
        elif accept and one >= 0:
            COVERAGE.hit("turn comes round" if one < self.turn else "accepted")
            COVERAGE.hit("accepted")
            self.turn = (one + 1) % self.size
        else:
            COVERAGE.hit("nobody asks" if one < 0 else "not accepted")

    async def bring_to(self, turn: int) -> None:
        """Serve the one before, alone."""
        await self.check(1 << (turn - 1) % self.size, 1)
        assert self.turn == turn


suite: Suite[Any] = Suite(__name__, TB, COVERAGE)  # no stream: no load, no resets


@cocotb.test(timeout_time=400, timeout_unit="us")
async def every_input_in_every_state(dut: Any) -> None:
    """All of them up to 8 requesters, each followed by a look at the state it left; else random."""
    print(f"arbiter: seed {seed()}")
    tb = TB(dut)
    await tb.start()
    if tb.size > EXHAUSTIVE:
        return
    for turn in range(tb.size):
        for request in range(1 << tb.size):
            for accept, reset in ((0, 0), (1, 0), (1, 1)):
                await tb.bring_to(turn)
                await tb.check(request, accept, reset)
                await tb.check((1 << tb.size) - 1, 0)  # all ask: the grant says whose turn it is


@cocotb.test(timeout_time=400, timeout_unit="us")
async def random_requests(dut: Any) -> None:
    """Any requests, one after the other."""
    tb, draws = TB(dut), stream("requests")
    await tb.start()
    for _ in range(RANDOM if tb.size > EXHAUSTIVE else 200):
        bits = draws.getrandbits(tb.size) & draws.getrandbits(tb.size)
        await tb.check(bits if draws.random() < 0.8 else 0, int(draws.random() < 0.7),
                       int(draws.random() < 0.02))
    if tb.size == 1:
        COVERAGE.hit("turn comes round")


@cocotb.test(timeout_time=100, timeout_unit="us")
async def measure_grants(dut: Any) -> None:
    """The grant stands within the clock of the request; one a clock."""
    tb = TB(dut)
    await tb.start()
    for _ in range(3 * tb.size):
        await tb.check((1 << tb.size) - 1, 1)
    publish("cycles", {"startup_cycles": 0, "latency_cycles": {"grant": 0},
                       "interval_cycles": {"grant": 1}})


suite.standard()
