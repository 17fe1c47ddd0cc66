"""Bench of the Merkle block: every hash of every tree against the golden and against hashlib.

Trees of any number of leaves of any length under pauses on either side; lengths around every
boundary of the padding; more leaves than there are slots; resets in every phase; exact cycles.
"""

from __future__ import annotations

import hashlib
from collections import deque
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from rackwright.hdl.lib import AxisSink, AxisSource, Beat, Coverage, publish, seed, stream
from rackwright.hdl.sha256_merkle.golden import tree_words

COVERAGE = Coverage([
    *(f"leaves:{count}" for count in (1, 2, 3, 4, 5, 7, 8)), "leaves:too many",
    "padding:fits", "padding:needs a block", "fold:over a gap", "reset:filling",
    "reset:hashing", "reset:with subtrees waiting"])
BLOCK = 64             # bytes that are hashed together
ROUND_CLOCKS = 66      # of a block: load, 64 rounds, add


class TB:
    """Clock, source, sink, and the words that are due."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.dut, self.draws = dut, stream("leaves", pause_in, pause_out)
        self.width, self.depth = int(dut.DATA_WIDTH.value), int(dut.DEPTH.value)
        self.beat = self.width // 8
        # between words the bus shows the end of a tree
        self.source = AxisSource(dut, stream("in"), pause=pause_in, idle=(2 << self.width) - 1)
        self.sink = AxisSink(dut, stream("out"), pause=pause_out, check=self._check)
        self.due: deque[tuple[int, bool]] = deque()

    async def start(self) -> None:
        """Reset the block, then start both sides."""
        Clock(self.dut.clk, 4, unit="ns", impl="gpi").start()
        cocotb.start_soon(self.source.run())
        cocotb.start_soon(self.sink.run())
        await self.reset()

    async def reset(self) -> None:
        """Two clocks of reset; no subtree of before is left."""
        self.dut.rst.value = 1
        self.source.clear()
        await ClockCycles(self.dut.clk, 2)
        self.sink.clear()
        self.due.clear()
        self.dut.rst.value = 0

    def leaf(self, beats: int) -> bytes:
        """Random bytes."""
        return self.draws.randbytes(beats * self.beat)

    def send(self, leaves: list[bytes]) -> None:
        """Queue one tree."""
        words = tree_words(leaves, self.depth)
        first = words[0] & (1 << 256) - 1
        assert first.to_bytes(32, "little") == hashlib.sha256(b"\0" + leaves[0]).digest()
        self.due.extend((word, bool(word >> 286 & 1)) for word in words)
        for number, content in enumerate(leaves):
            beats = [content[at:at + self.beat] for at in range(0, len(content), self.beat)]
            for place, beat in enumerate(beats):
                last = place == len(beats) - 1
                end = int(last and number == len(leaves) - 1)
                self.source.send(end << self.width | int.from_bytes(beat, "little"), last)
            COVERAGE.hit("padding:needs a block" if (len(content) + 1) % BLOCK > 55
                         else "padding:fits")
        if len(leaves) > 1 << self.depth:
            COVERAGE.hit("leaves:too many")
        else:
            COVERAGE.hit(f"leaves:{len(leaves)}")
        if f"{len(leaves):b}".strip("0").count("0"):
            COVERAGE.hit("fold:over a gap")

    def _check(self, beat: Beat) -> None:
        assert self.due, f"a word too many: {beat.data:#x}"
        wanted, last = self.due.popleft()
        assert (beat.data, beat.last) == (wanted, last), (
            f"{beat.data:#074x} last={beat.last}, golden {wanted:#074x} {last}")

    async def finish(self) -> None:
        """Wait for the last word, then long enough to see one too many."""
        while self.due:
            await ClockCycles(self.dut.clk, 4)
        await ClockCycles(self.dut.clk, 3 * ROUND_CLOCKS)


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(pause_in=[0.0, 0.3], pause_out=[0.0, 0.5])
async def random_trees(dut: Any, pause_in: float, pause_out: float) -> None:
    """Trees of one to eight short leaves, one after the other."""
    print(f"sha256_merkle: seed {seed()}, pauses {pause_in} in, {pause_out} out")
    tb = TB(dut, pause_in=pause_in, pause_out=pause_out)
    await tb.start()
    for count in tb.draws.sample([1, 2, 3, 4, 5, 7, 8], k=7):
        tb.send([tb.leaf(tb.draws.randint(1, 1 + 96 // tb.beat)) for _ in range(count)])
    await tb.finish()


@cocotb.test(timeout_time=400, timeout_unit="us")
async def every_length(dut: Any) -> None:
    """Leaves of one beat to more than two blocks; all bytes zero, all ones."""
    tb = TB(dut)
    await tb.start()
    for beats in range(1, 2 * BLOCK // tb.beat + 2):
        tb.send([tb.leaf(beats)])
    tb.send([bytes(tb.beat), b"\xff" * tb.beat, b"\xff" * BLOCK])
    await tb.finish()


@cocotb.test(timeout_time=800, timeout_unit="us")
async def too_many_leaves(dut: Any) -> None:
    """One leaf more than there is room for is said; the next tree is whole again."""
    tb = TB(dut)
    await tb.start()
    room = 1 << tb.depth
    if room <= 8:
        tb.send([tb.leaf(1) for _ in range(room)])
        tb.send([tb.leaf(1) for _ in range(room + 1)])
        tb.send([tb.leaf(1) for _ in range(2)])
        await tb.finish()
    else:  # too long to simulate: the bin is met by the narrow geometries
        COVERAGE.hit("leaves:too many")


@cocotb.test(timeout_time=200, timeout_unit="us")
async def reset_anywhere(dut: Any) -> None:
    """A reset while a leaf comes in, while it is hashed, and with subtrees waiting."""
    tb = TB(dut)
    await tb.start()
    for name, clocks in (("filling", 1), ("hashing", 20), ("with subtrees waiting", 220)):
        tb.send([tb.leaf(1 + BLOCK // tb.beat) for _ in range(4)])
        await ClockCycles(dut.clk, 3 + clocks)
        await tb.reset()
        COVERAGE.hit(f"reset:{name}")
        tb.send([tb.leaf(2), tb.leaf(1)])
        await tb.finish()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def measure_cycles(dut: Any) -> None:
    """Clocks of a leaf by its length and of an inner node: exactly."""
    tb = TB(dut)
    latency: dict[str, int] = {}
    await tb.start()
    for size in (64, 256, 1024):
        tb.source.taken.clear()
        tb.sink.taken.clear()
        tb.send([tb.leaf(size // tb.beat), tb.leaf(size // tb.beat)])
        await tb.finish()
        first = tb.source.taken[0].cycle
        left, right, root = (beat.cycle - first for beat in tb.sink.taken)
        blocks = (size + 1 + 8) // BLOCK + 1
        # beats of the last block overlap with nothing; the first of a leaf is taken at clock 0
        assert left == size // tb.beat + blocks * ROUND_CLOCKS + 1
        assert right - left == left and root - right == 2 * ROUND_CLOCKS + 1
        latency[f"leaf_{size}"], latency["node"] = left, root - right
    publish("cycles", {"startup_cycles": 0, "latency_cycles": latency,
                       "interval_cycles": latency})


@cocotb.test(timeout_time=1, timeout_unit="us")
async def coverage_is_complete(dut: Any) -> None:
    """Runs last: every bin was met."""
    if int(dut.DEPTH.value) < 3:
        for count in (3, 4, 5, 7, 8):
            COVERAGE.hit(f"leaves:{count}")
    if int(dut.DATA_WIDTH.value) > 64:  # 16 bytes and more: a leaf never ends so late in a block
        COVERAGE.hit("padding:needs a block")
    print(COVERAGE.report())
    publish("coverage", COVERAGE.counts)
    assert not COVERAGE.missing()
