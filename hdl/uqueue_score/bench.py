"""Bench of the micro-queue scorer: lengths, choices and scores against the golden.

Random adds, drains and picks in every mode under pauses on either side; look-ahead from none to
more than once round the ring, every kind of decay; ties, empty queues, full queues, words to
refuse; reset in every phase; exact cycles.
"""

from __future__ import annotations

from typing import Any

from rackwright.hdl.lib import Coverage, StreamBench, Suite, publish
from rackwright.hdl.uqueue_score.golden import DEFRAG, FIRST, MOST, fixed_pick, new_queues

MODES = {DEFRAG: "defrag", MOST: "most", FIRST: "first"}
COVERAGE = Coverage([
    *(f"pick:{mode}:{what}" for mode in MODES.values() for what in ("some", "none")),
    "saturated", "drain:empty", "drain:some", "look-ahead:0", "look-ahead:round the ring",
    "decay:0", "decay:255", "refused:operation", "refused:block", "refused:slot", "refused:mode",
    "defrag is not most", "reset:in a pick"])
ADD, DRAIN, PICK, SET = 1, 2, 3, 4


class TB(StreamBench):
    """Words for the block, and the queues that it should have."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.blocks, self.slots = int(dut.BLOCKS.value), int(dut.SLOTS.value)
        self.full = (1 << int(dut.LENGTH_WIDTH.value)) - 1
        self.start_values = int(dut.LOOK_AHEAD.value), int(dut.DECAY.value)
        self.tag = 0
        self.quiet = 4 * self.blocks       # longer than a pick
        self.forget()
        # between words the bus shows an add
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=(5 << 32 | ADD, PICK, 7 << 32 | SET))

    def forget(self) -> None:
        """Queues are empty after a reset, look-ahead and decay as the parameters say."""
        self.golden = new_queues(self.blocks, self.slots)
        self.look_ahead, self.decay = self.start_values

    def ask(self, op: int, block: int = 0, slot: int = 0, amount: int = 0) -> None:
        """Queue a word and its answer."""
        self.tag = (self.tag + 0x9E37) & 0xFFFF          # odd: every bit of it changes
        last = self.tag % 3 == 0
        self.send(self.tag << 48 | amount << 32 | slot << 16 | block << 8 | op, last)
        if self._refused(op, block, slot):
            self._answer(op, block, slot, 0, 0x80, 0, last)
        elif op == PICK:
            self._pick(slot, last)
        elif op == SET:
            self.look_ahead, self.decay = amount & 255, amount >> 8
            self._answer(op, block, slot, 0, 0, 0, last)
            COVERAGE.hit(f"decay:{self.decay}")
            COVERAGE.hit("look-ahead:round the ring" if self.look_ahead > self.blocks
                         else f"look-ahead:{self.look_ahead}")
        else:
            self._answer(op, block, slot, self._change(op, block, slot, amount), 0, 0, last)

    def _refused(self, op: int, block: int, slot: int) -> bool:
        if op in (ADD, DRAIN):
            why = "block" if block >= self.blocks else "slot" if slot >= self.slots else ""
        else:
            why = ("operation" if op not in (PICK, SET) else
                   "mode" if op == PICK and slot not in MODES else "")
        if why:
            COVERAGE.hit(f"refused:{why}")
        return bool(why)

    def _change(self, op: int, block: int, slot: int, amount: int) -> int:
        before = int(self.golden.length[block, slot])
        if op == DRAIN:
            self.golden.length[block, slot] = 0
            COVERAGE.hit("drain:some" if before else "drain:empty")
            return before
        after = min(before + amount, self.full)
        if before + amount > self.full:
            COVERAGE.hit("saturated")
        self.golden.length[block, slot] = after
        return after

    def _pick(self, mode: int, last: bool) -> None:
        found = fixed_pick(self.golden, MOST, 0, 0)
        most = [int(one) for one in self.golden.best[:2]]
        found = fixed_pick(self.golden, mode, self.look_ahead, self.decay)
        COVERAGE.hit(f"pick:{MODES[mode]}:{'some' if found else 'none'}")
        block, slot, length, score = (int(one) for one in self.golden.best)
        if not found:
            self._answer(PICK, 0, 0, 0, 1, 0, last)
            return
        if mode == DEFRAG and [block, slot] != most:
            COVERAGE.hit("defrag is not most")
        self._answer(PICK, block, slot, length, 0, score, last)

    def _answer(self, op: int, block: int, slot: int, length: int, flags: int, score: int,
                last: bool) -> None:
        self.expect(score << 64 | self.tag << 48 | length << 32 | flags << 24 | slot << 16
                    | block << 8 | op, last)


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(2000)
def random_words(tb: TB) -> None:
    """Adds, drains and picks in any order, look-ahead and decay that change."""
    draws = tb.draws
    for mode in MODES:
        tb.ask(PICK, slot=mode)
    for _ in range(500):
        op = draws.choices((ADD, DRAIN, PICK, SET, 0, 9), (60, 15, 8, 1, 0.5, 0.5))[0]
        if op == SET:
            tb.ask(SET, amount=draws.choice((0, 205, 255, 128, draws.getrandbits(8))) << 8
                   | draws.choice((0, 1, 3, tb.blocks - 1, tb.blocks + 2)))
        elif op == PICK:
            tb.ask(PICK, slot=draws.choice((DEFRAG, DEFRAG, MOST, FIRST, 3)))
        else:
            tb.ask(op, draws.choice((0, tb.blocks - 1, draws.randrange(tb.blocks + 1))),
                   draws.randrange(tb.slots + (draws.random() < 0.05)),
                   draws.choice((1, 1, 2, draws.randint(0, 40))))


@suite.test(400)
def known_choices(tb: TB) -> None:
    """Choices worked out by hand."""
    far = tb.blocks - 1
    tb.ask(ADD, 0, 0, 3)
    tb.ask(ADD, far, 0, 3)           # as long: the first one, until the look-ahead counts
    for mode in MODES:
        tb.ask(PICK, slot=mode)
    fixed_pick(tb.golden, MOST, 0, 0)
    assert tb.golden.best.tolist() == [0, 0, 3, 768]
    tb.ask(SET, amount=128 << 8 | 1)  # half of the mean of the next block: block 0 follows the last
    tb.ask(PICK, slot=DEFRAG)
    fixed_pick(tb.golden, DEFRAG, 1, 128)
    assert tb.golden.best.tolist() == [far, 0, 3, 768 + 384 // tb.slots]
    tb.ask(DRAIN, far, 0)
    tb.ask(DRAIN, 0, 0)
    tb.ask(PICK, slot=DEFRAG)


@suite.test(400)
def everything_full(tb: TB) -> None:
    """The largest load there can be: every queue full, the look-ahead round the ring."""
    tb.ask(SET, amount=255 << 8 | min(tb.blocks + 5, 255))
    for block in range(tb.blocks):
        for slot in range(tb.slots):
            tb.ask(ADD, block, slot, min(tb.full, 0xFFFF))
    tb.ask(PICK, slot=DEFRAG)


@suite.test(400)
def queues_saturate(tb: TB) -> None:
    """A queue that is full stays full, and its block's mean with it."""
    tb.ask(SET, amount=255 << 8 | tb.blocks + 5)
    for slot in range(tb.slots):
        for _ in range(2):
            tb.ask(ADD, tb.blocks - 1, slot, min(tb.full, 0xFFFF))
            tb.ask(ADD, 0, slot, tb.full // 2 + 1)
        tb.ask(PICK, slot=DEFRAG)
    tb.ask(SET, amount=0)
    tb.ask(PICK, slot=DEFRAG)
    tb.ask(SET, amount=255 << 8)
    tb.ask(PICK, slot=DEFRAG)


@suite.test(400, pause_out=0.5)
async def reset_in_a_pick(tb: TB) -> None:
    """A reset while the load is summed, while blocks are compared, while the answer waits."""
    for clocks in (3, 12, 8 + tb.blocks):
        tb.ask(ADD, tb.blocks - 1, 0, 7)
        tb.ask(SET, amount=77 << 8 | 9)
        tb.ask(PICK, slot=DEFRAG)
        await tb.taken(3)
        await tb.wait(clocks)
        await tb.reset()
        COVERAGE.hit("reset:in a pick")
        tb.ask(PICK, slot=DEFRAG)
        tb.ask(ADD, 0, 0, 1)
        tb.ask(ADD, tb.blocks // 2, 0, 1)
        tb.ask(PICK, slot=DEFRAG)
        await tb.finish()


@suite.test(400)
async def measure_cycles(tb: TB) -> None:
    """An add or drain a clock; a pick by the number of blocks and the look-ahead: exactly."""
    for number in range(100):
        tb.ask(ADD if number % 4 else DRAIN, number % tb.blocks, 0, 1)
    await tb.finish()
    assert tb.clocks() == (1, 100)
    cycles = {"add": 1, "drain": 1}
    for mode, name in MODES.items():
        tb.source.taken.clear()
        tb.sink.taken.clear()
        for _ in range(3):
            tb.ask(PICK, slot=mode)
        await tb.finish()
        one = tb.blocks + 2 + (tb.look_ahead if mode == DEFRAG else 0)
        assert tb.clocks() == (one, 3 * one)
        cycles[f"pick_{name}"] = one
    publish("cycles", {"startup_cycles": 0, "latency_cycles": cycles, "interval_cycles": cycles})


def picks(tb: TB) -> int:
    """Five picks."""
    for _ in range(5):
        tb.ask(PICK)
    return 5


def traffic(tb: TB) -> int:
    """A hundred tokens for the queues in turn."""
    for number in range(100):
        tb.ask(ADD, number % tb.blocks, 0, 1)
    return 100


def mixed(tb: TB) -> None:
    """Adds and picks in turn, with a look-ahead that is not the first one."""
    tb.ask(SET, amount=3 | 1 << 8)
    for number in range(6):
        tb.ask(ADD, number % tb.blocks, 0, 1 + number)
        tb.ask(PICK, slot=number % 3)


suite.standard({"add": traffic, "pick": picks}, resets=mixed,
               clocks=lambda tb: range(1, 4 * tb.blocks, 1 + tb.blocks // 3))
