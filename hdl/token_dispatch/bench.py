"""Bench of the token dispatcher: queues, credits and turns against the golden.

While words come in, the order between experts depends on time: the bench checks that nothing is
lost or doubled and that every queue keeps its order. With queues filled first and credits given one
by one every word is known. Skewed experts, full queues, unknown experts, reset; exact cycles.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np

from rackwright.hdl.lib import Beat, Coverage, StreamBench, Suite, publish
from rackwright.hdl.token_dispatch.golden import (
    dispatch_credit,
    dispatch_push,
    dispatch_serve,
    new_dispatch,
)

COVERAGE = Coverage(["parts:0", "parts:1", "parts:all", "expert:unknown", "one expert twice",
                     "queue full", "credit:spent", "credit:more than fit", "reset:queues filled",
                     "reset:in a token"])


class TB(StreamBench):
    """Tokens and credits for the block; parts are known by expert, or in full (`ordered`)."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.experts, self.k = int(dut.EXPERTS.value), int(dut.K.value)
        self.depth, self.per_rank = int(dut.DEPTH.value), int(dut.PER_RANK.value)
        self.width = int(dut.TOKEN_WIDTH.value)
        # between words the bus shows a token for the first expert
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=(1 << self.width + 8 * self.k,
                               1 << self.width + 8 * self.k + 3 | 1))
        self.sink.check = self._part
        self.forget()

    def forget(self) -> None:
        """Every queue is empty and without credit after a reset."""
        self.golden = new_dispatch(self.experts, self.depth)
        self.queues: list[deque[tuple[int, int]]] = [deque() for _ in range(self.experts)]
        self.order: deque[tuple[int, int]] = deque()  # expert and what is left, where known
        self.given: Counter[int] = Counter()
        self.number = 0

    def token(self, experts: list[int], parts: int | None = None) -> None:
        """Queue a token for these experts."""
        self.number = (self.number + 1) % (1 << self.width)
        count = len(experts) if parts is None else parts
        word = count << self.width + 8 * self.k | self.number
        for place in range(self.k):
            expert = experts[place] if place < len(experts) else self.draws.getrandbits(8)
            word |= expert << self.width + 8 * place
        self.send(word)
        for part, expert in enumerate(experts[:count]):
            if expert < self.experts:
                self.queues[expert].append((self.number, part))
            else:
                COVERAGE.hit("expert:unknown")
        COVERAGE.hit("parts:all" if count >= self.k else f"parts:{min(count, 1)}")
        if len(set(experts[:count])) < len(experts[:count]):
            COVERAGE.hit("one expert twice")

    def credit(self, expert: int, credits: int) -> None:
        """Queue credits."""
        noise = self.draws.getrandbits(self.width - 8) << 8 if self.width > 8 else 0
        self.send(1 << self.width + 8 * self.k + 3 | expert << self.width | noise | credits)
        self.given[expert] += credits

    def known(self) -> None:
        """Work out the order of all parts for which there is credit now."""
        out = np.zeros(3, np.int64)
        while (found := int(dispatch_serve(self.golden, out))) >= 0:
            self.order.append((found, int(out[2])))
        COVERAGE.hit("credit:spent")

    def draw(self) -> list[int]:
        """Experts of a token: a few popular ones, as a router has them."""
        few = max(1, self.experts // 4)
        return [self.draws.randrange(few if self.draws.random() < 0.6 else self.experts)
                for _ in range(self.draws.randint(0, self.k))]

    def _part(self, beat: Beat) -> None:
        token = beat.data & (1 << self.width) - 1
        rank, expert, part, left = (beat.data >> self.width & 255,
                                    beat.data >> self.width + 8 & 255,
                                    beat.data >> self.width + 16 & 7,
                                    beat.data >> self.width + 19)
        assert rank == expert // self.per_rank, f"expert {expert} on rank {rank}"
        assert self.queues[expert], f"expert {expert}: a part too many"
        wanted = self.queues[expert].popleft()
        assert (token, part) == wanted, f"expert {expert}: {(token, part)}, queued {wanted}"
        assert left <= len(self.queues[expert]) and left < self.depth
        self.given[expert] -= 1
        assert self.given[expert] >= 0, f"expert {expert}: a part without credit"
        if left == self.depth - 1:
            COVERAGE.hit("queue full")
        if self.order:
            turn = self.order.popleft()
            assert (expert, left) == turn, f"{(expert, left)} in the turn of {turn}"

    @property
    def waiting(self) -> int:
        """Parts that are due."""
        return sum(map(len, self.queues))

    async def finish(self) -> None:
        """Wait for every part, then long enough to see one too many."""
        while self.waiting:
            await self.wait(4)
        await self.wait(self.quiet)


suite = Suite(__name__, TB, COVERAGE, excused=lambda dut: (
    ("one expert twice", "parts:1") if int(dut.K.value) == 1 else ()))


@suite.under_pauses(400)
def random_tokens(tb: TB) -> None:
    """Tokens and credits mixed: nothing lost, doubled or out of order in a queue."""
    spare = [0] * tb.experts
    for _ in range(600):
        experts = tb.draw()
        if tb.draws.random() < 0.03:
            experts = (experts + [255])[-tb.k:] if tb.experts < 256 else experts
        for expert in experts:  # never so few credits that the stream would stand still
            if expert < tb.experts:
                spare[expert] -= 1
                if spare[expert] < 0:
                    credits = tb.draws.randint(1, 5)
                    tb.credit(expert, credits)
                    spare[expert] += credits
        tb.token(experts)


@suite.test(400)
async def full_queues(tb: TB) -> None:
    """Queues filled to the brim, then more credits than there are parts, and than fit."""
    for _ in range(4):
        for expert in range(1, tb.experts):
            for _ in range(tb.depth):
                tb.token([expert], 1)
        for expert in range(1, tb.experts):
            tb.credit(expert, tb.depth)
        for _ in range(2):
            tb.credit(0, 250)
        tb.given[0] = 255
        COVERAGE.hit("credit:more than fit")
        for _ in range(255):  # all that the credits are good for
            tb.token([0], 1)
        await tb.finish()
        for _ in range(tb.depth):
            tb.token([0], 1)
        await tb.wait(4 * tb.depth)
        assert tb.waiting == tb.depth, "a part without credit"
        await tb.reset()
        COVERAGE.hit("reset:queues filled")


@suite.test()
async def turns_are_round_robin(tb: TB) -> None:
    """Parts in every queue, then a credit each in falling order of experts."""
    for expert in range(tb.experts):
        for _ in range(2):
            tb.token([expert], 1)
            dispatch_push(tb.golden, expert, tb.number, 0)
    await tb.taken(2 * tb.experts)
    for _ in range(2):  # a credit each: the block serves them as they come, one a clock
        for expert in reversed(range(tb.experts)):
            tb.credit(expert, 1)
            dispatch_credit(tb.golden, expert, 1)
            tb.known()
        await tb.taken(len(tb.source.taken) + len(tb.source.queue))
    await tb.finish()
    assert not tb.order


@suite.test()
async def reset_in_a_token(tb: TB) -> None:
    """A token of which some parts are in when the reset comes is forgotten whole."""
    for _ in range(3):
        for _ in range(tb.depth + 1):  # the last one finds its queue full
            tb.token([0] * tb.k)
        await tb.wait(tb.k * tb.depth + 4)
        await tb.reset()
        COVERAGE.hit("reset:in a token")
        tb.credit(tb.experts - 1, tb.k)
        tb.credit(0, 9)
        tb.token([tb.experts - 1] * tb.k)
        await tb.finish()


@suite.test(200)
async def turns_when_everybody_may(tb: TB) -> None:
    """Behind a sink that stands still two parts fill the buffer; then every expert gets its
    credits, and only the turns decide who comes when the sink goes on."""
    for _ in range(4):
        tb.sink.pause = 1.0
        for expert in range(tb.experts):
            for _ in range(2):
                tb.token([expert], 1)
                dispatch_push(tb.golden, expert, tb.number, 0)
        await tb.wait(2 * tb.experts + 6)
        left = [2] * tb.experts
        for _ in range(2):
            expert = tb.draws.choice([one for one in range(tb.experts) if left[one]])
            left[expert] -= 1
            tb.credit(expert, 1)
            dispatch_credit(tb.golden, expert, 1)
            tb.known()
            await tb.wait(5)
        for expert in tb.draws.sample(range(tb.experts), tb.experts):
            if left[expert]:
                tb.credit(expert, left[expert])
                dispatch_credit(tb.golden, expert, left[expert])
        await tb.wait(tb.experts + 6)
        tb.known()
        tb.sink.pause = 0.0
        await tb.finish()


@suite.test()
async def measure_full_throughput(tb: TB) -> None:
    """A token takes as many clocks as it has parts; its first part comes out after two."""
    for expert in range(tb.experts):
        tb.credit(expert, 255)
    await tb.taken(tb.experts)
    interval = {}
    for parts in range(1, tb.k + 1):
        tb.source.taken.clear()
        tb.sink.taken.clear()
        for number in range(40):
            tb.token([(number + part) % tb.experts for part in range(parts)])
        await tb.finish()
        cycles = tb.source.taken[-1].cycle - tb.source.taken[0].cycle
        assert cycles == 39 * parts
        # a part is in its queue at the next edge, and out of the skid buffer at the one after
        assert tb.sink.taken[-1].cycle - tb.source.taken[-1].cycle == 2
        assert len(tb.sink.taken) == 40 * parts
        interval[f"token_{parts}"] = parts
    latency = {name: value + 1 for name, value in interval.items()}
    publish("cycles", {"startup_cycles": 0, "latency_cycles": latency | {"part": 2},
                       "interval_cycles": interval | {"part": 1},
                       "size_cycles": {"token": [[parts, interval[f"token_{parts}"]]
                                                 for parts in range(1, tb.k + 1)]}})


def traffic(share: float) -> Callable[[TB], int]:
    """Tokens of K parts, this share of them for expert 0, the others spread evenly."""
    def queue(tb: TB) -> int:
        for expert in range(tb.experts):
            tb.credit(expert, 255)
        for _ in range(60):
            tb.token([0 if tb.draws.random() < share else tb.draws.randrange(tb.experts)
                      for _ in range(tb.k)])
        return 60
    return queue


suite.standard({"token_even": traffic(0.0), "token_skewed": traffic(0.5)}, resets=traffic(0.3))
