"""Bench of the vote counter: every answer of the RTL against the golden.

Random votes on few slots, so that neighbours often meet; thresholds written out by hand; for four
nodes, every vote in every state that can be reached; resets; exact cycles.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import product
from typing import Any

from rackwright.hdl.lib import Coverage, StreamBench, Suite
from rackwright.hdl.vote_counter.golden import (
    CLEAR,
    COMPLETE_NOW,
    GOT,
    IS_COMPLETE,
    NEW,
    READ,
    READY,
    READY_SENT,
    REFUSED,
    SEND_READY,
    new_votes,
    response,
)

COVERAGE = Coverage([
    "vote:new", "vote:again", "ready called for by GotChunk", "ready called for by Ready",
    "complete", "refused:operation", "refused:slot", "refused:sender", "cleared:complete",
    *(f"same slot, {gap} apart" for gap in (1, 2)), "reset:in flight"])
EXHAUSTIVE = 4         # nodes: the largest ledger of which every state is tried


class TB(StreamBench):
    """Votes for the block, the golden, and what was asked last."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.nodes, self.faults = int(dut.N.value), int(dut.F.value)
        self.slots = int(dut.SLOTS.value)
        self.recent: deque[int] = deque(maxlen=2)
        self.tag = 0
        # between words the bus shows a vote: taken by mistake it would count
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=((self.nodes - 1) << 8 | GOT, CLEAR))
        self.forget()

    def forget(self) -> None:
        """Every slot is empty after a reset."""
        self.golden = new_votes(self.nodes, self.faults, self.slots)
        self.recent.clear()

    def ask(self, op: int, slot: int, sender: int = 0) -> int:
        """Queue a word; the flags that the golden answers."""
        self.tag = (self.tag + 0x9E3779B1) & 0xFFFFFFFF  # odd: every bit of it changes
        last = self.tag % 3 == 0
        word = response(self.golden, op, slot, sender, self.tag)
        self.send(self.tag << 32 | slot << 16 | sender << 8 | op, last)
        self.expect(word, last)
        self._cover(op, slot, sender, word >> 8 & 255)
        return word >> 8 & 255

    def expect_flags(self, flags: int, op: int, slot: int, sender: int = 0) -> None:
        """Queue a word of which the bench itself knows the flags."""
        found = self.ask(op, slot, sender)
        assert found == flags, f"golden: op {op} slot {slot} sender {sender}: {found:#x}"

    def _cover(self, op: int, slot: int, sender: int, flags: int) -> None:
        if flags & REFUSED:
            COVERAGE.hit("refused:slot" if slot >= self.slots else
                         "refused:sender" if op in (GOT, READY) else "refused:operation")
        elif op in (GOT, READY):
            COVERAGE.hit("vote:new" if flags & NEW else "vote:again")
        if flags & SEND_READY:
            COVERAGE.hit(f"ready called for by {'GotChunk' if op == GOT else 'Ready'}")
        if flags & COMPLETE_NOW:
            COVERAGE.hit("complete")
        for gap, before in enumerate(reversed(self.recent), 1):
            if before == slot:
                COVERAGE.hit(f"same slot, {gap} apart")
        self.recent.append(slot)


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(200)
def random_votes(tb: TB) -> None:
    """Votes, clears and words to refuse, on three slots."""
    draws = tb.draws
    slots = [0, tb.slots - 1, draws.randrange(tb.slots)]
    rare = 8 / tb.nodes  # a slot should have the time to become complete
    for _ in range(1200 + 20 * tb.nodes):
        op = draws.choices((GOT, READY, CLEAR, READ, 0, 5, 255), (50, 40, rare, 4, 1, 1, 1))[0]
        slot = tb.slots + draws.randrange(9) if draws.random() < 0.02 else draws.choice(slots)
        sender = draws.randrange(tb.nodes + (tb.nodes < 255 and draws.random() < 0.05))
        if tb.golden.states[slot % tb.slots] & IS_COMPLETE and draws.random() < 0.2:
            COVERAGE.hit("cleared:complete")
            op, slot = CLEAR, slot % tb.slots
        tb.ask(op, slot, sender)


@suite.test()
def thresholds(tb: TB) -> None:
    """Each threshold from one vote below to one above; a Ready is called for once."""
    n, f = tb.nodes, tb.faults
    for sender in range(n - f - 1):
        tb.expect_flags(NEW, GOT, 0, sender)
        tb.expect_flags(0, GOT, 0, sender)
    tb.expect_flags(NEW | SEND_READY | READY_SENT, GOT, 0, n - 1)
    tb.expect_flags(NEW | READY_SENT, GOT, 0, n - 2)
    for sender in range(f):
        tb.expect_flags(NEW, READY, 1, sender)
    tb.expect_flags(NEW | SEND_READY | READY_SENT, READY, 1, f)
    for sender in range(f + 1, 2 * f):
        tb.expect_flags(NEW | READY_SENT, READY, 1, sender)
    tb.expect_flags(NEW | READY_SENT | COMPLETE_NOW | IS_COMPLETE, READY, 1, n - 1)
    tb.expect_flags(READY_SENT | IS_COMPLETE, READY, 1, n - 1)
    tb.expect_flags(READY_SENT | IS_COMPLETE, READ, 1)
    tb.expect_flags(0, CLEAR, 1)
    tb.expect_flags(0, READ, 1)
    tb.expect_flags(NEW, READY, 1, n - 1)
    for flags, op, slot, sender in ((0x80, READY, 1, n), (0x80, GOT, tb.slots, 0), (0x80, 9, 0, 0)):
        if sender < 256:
            tb.expect_flags(flags, op, slot, sender)
            COVERAGE.hit("refused:operation" if op == 9 else "refused:sender")


@suite.test(2000)
def every_vote_in_every_state(tb: TB) -> None:
    """For few nodes: all sets of voters, then each vote. The state is only what was voted."""
    votes = [*product((GOT, READY), range(min(tb.nodes, EXHAUSTIVE)))]
    if tb.nodes <= EXHAUSTIVE:
        for chosen in range(1 << len(votes)):
            held = [vote for bit, vote in enumerate(votes) if chosen >> bit & 1]
            for vote in held:
                tb.ask(vote[0], 0, vote[1])
            for op, sender in votes:  # a second time changes nothing, a first one is undone
                tb.ask(op, 0, sender)
                if (op, sender) not in held:
                    tb.ask(CLEAR, 0)
                    for vote in held:
                        tb.ask(vote[0], 0, vote[1])
            tb.ask(CLEAR, 0)


@suite.cut((3, 7, 8), met="reset:in flight", pause_out=0.7)
def reset_empties_every_slot(tb: TB) -> Iterator[None]:
    """A reset with votes in flight: nothing is left, not even of a vote taken before it."""
    for sender in range(tb.nodes):
        tb.ask(READY, 0, sender)
    yield
    tb.expect_flags(0, READ, 0)
    tb.expect_flags(NEW, READY, 0, 0)


@suite.measure({"vote": 2, "clear": 2})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One vote a clock whatever the slot, two clocks of latency: exactly."""
    for number in range(200):
        tb.ask(GOT, number // 2 % tb.slots, number % tb.nodes)
    return 2, 201


def traffic(tb: TB) -> int:
    """A hundred votes."""
    for number in range(100):
        tb.ask(GOT, number % tb.slots, number % tb.nodes)
    return 100


suite.standard({"vote": traffic})
