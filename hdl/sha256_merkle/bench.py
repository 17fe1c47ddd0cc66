"""Bench of the Merkle block: every hash of every tree against the golden and against hashlib.

Trees of any number of leaves of any length under pauses on either side; lengths around every
boundary of the padding; more leaves than there are slots; resets in every phase; exact cycles.
"""

from __future__ import annotations

import hashlib
from typing import Any

from rackwright.hdl.lib import Coverage, StreamBench, Suite, publish
from rackwright.hdl.sha256_merkle.golden import tree_words

COVERAGE = Coverage([
    *(f"leaves:{count}" for count in (1, 2, 3, 4, 5, 7, 8)), "leaves:too many",
    "padding:fits", "padding:needs a block", "fold:over a gap", "reset:filling",
    "reset:hashing", "reset:with subtrees waiting"])
BLOCK = 64             # bytes that are hashed together
ROUND_CLOCKS = 66      # of a block: load, 64 rounds, add
QUIET = 3 * ROUND_CLOCKS   # after the last hash: none may follow


class TB(StreamBench):
    """Trees for the block and the hashes that come of them."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.width, self.depth = int(dut.DATA_WIDTH.value), int(dut.DEPTH.value)
        self.beat = self.width // 8
        self.quiet = QUIET
        # between words the bus shows the end of a tree
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out, idle=(2 << self.width) - 1)

    def leaf(self, beats: int) -> bytes:
        """Random bytes."""
        return self.draws.randbytes(beats * self.beat)

    def tree(self, leaves: list[bytes]) -> None:
        """Queue one tree."""
        words = tree_words(leaves, self.depth)
        first = words[0] & (1 << 256) - 1
        assert first.to_bytes(32, "little") == hashlib.sha256(b"\0" + leaves[0]).digest()
        for word in words:
            self.expect(word, bool(word >> 286 & 1))
        for number, content in enumerate(leaves):
            beats = [content[at:at + self.beat] for at in range(0, len(content), self.beat)]
            for place, beat in enumerate(beats):
                last = place == len(beats) - 1
                end = int(last and number == len(leaves) - 1)
                self.send(end << self.width | int.from_bytes(beat, "little"), last)
            COVERAGE.hit("padding:needs a block" if (len(content) + 1) % BLOCK > 55
                         else "padding:fits")
        if len(leaves) > 1 << self.depth:
            COVERAGE.hit("leaves:too many")
        else:
            COVERAGE.hit(f"leaves:{len(leaves)}")
        if f"{len(leaves):b}".strip("0").count("0"):
            COVERAGE.hit("fold:over a gap")


def cannot_be(dut: Any) -> list[str]:
    """The bins that a geometry has no trees for: of few leaves only, or of long ones."""
    few, wide = int(dut.DEPTH.value) < 3, int(dut.DATA_WIDTH.value) > 64
    # of 16 bytes and more a leaf never ends so late in a block
    return ([f"leaves:{count}" for count in (3, 4, 5, 7, 8)] * few
            + ["padding:needs a block"] * wide)


suite = Suite(__name__, TB, COVERAGE, cannot_be)


@suite.under_pauses(400)
def random_trees(tb: TB) -> None:
    """Trees of one to eight short leaves, one after the other."""
    for count in tb.draws.sample([1, 2, 3, 4, 5, 7, 8], k=7):
        tb.tree([tb.leaf(tb.draws.randint(1, 1 + 96 // tb.beat)) for _ in range(count)])


@suite.test(400)
def every_length(tb: TB) -> None:
    """Leaves of one beat to more than two blocks; all bytes zero, all ones."""
    for beats in range(1, 2 * BLOCK // tb.beat + 2):
        tb.tree([tb.leaf(beats)])
    tb.tree([bytes(tb.beat), b"\xff" * tb.beat, b"\xff" * BLOCK])


@suite.test(800)
def too_many_leaves(tb: TB) -> None:
    """One leaf more than there is room for is said; the next tree is whole again."""
    room = 1 << tb.depth
    if room <= 8:
        tb.tree([tb.leaf(1) for _ in range(room)])
        tb.tree([tb.leaf(1) for _ in range(room + 1)])
        tb.tree([tb.leaf(1) for _ in range(2)])
    else:  # too long to simulate: the bin is met by the narrow geometries
        COVERAGE.hit("leaves:too many")


@suite.test(200)
async def reset_anywhere(tb: TB) -> None:
    """A reset while a leaf comes in, while it is hashed, and with subtrees waiting."""
    for name, clocks in (("filling", 1), ("hashing", 20), ("with subtrees waiting", 220)):
        tb.tree([tb.leaf(1 + BLOCK // tb.beat) for _ in range(4)])
        await tb.wait(3 + clocks)
        await tb.reset()
        COVERAGE.hit(f"reset:{name}")
        tb.tree([tb.leaf(2), tb.leaf(1)])
        await tb.finish()


@suite.test(200)
async def measure_cycles(tb: TB) -> None:
    """Clocks of a leaf by its length and of an inner node: exactly."""
    latency: dict[str, int] = {}
    for size in (64, 256, 1024):
        tb.source.taken.clear()
        tb.sink.taken.clear()
        tb.tree([tb.leaf(size // tb.beat), tb.leaf(size // tb.beat)])
        await tb.finish()
        first = tb.source.taken[0].cycle
        left, right, root = (beat.cycle - first for beat in tb.sink.taken)
        blocks = (size + 1 + 8) // BLOCK + 1
        # beats of the last block overlap with nothing; the first of a leaf is taken at clock 0
        assert left == size // tb.beat + blocks * ROUND_CLOCKS + 1
        assert right - left == left and root - right == 2 * ROUND_CLOCKS + 1
        latency[f"leaf_{size}"], latency["node"] = left, root - right
    publish("cycles", {"startup_cycles": 0, "latency_cycles": latency, "interval_cycles": latency,
                       "size_cycles": {"leaf": [[size, latency[f"leaf_{size}"]]
                                                for size in (64, 256, 1024)]}})


def traffic(tb: TB) -> int:
    """A tree of two leaves of 64 bytes."""
    tb.tree([tb.leaf(64 * 8 // tb.width) for _ in range(2)])
    return 2


def three_leaves(tb: TB) -> None:
    """A tree of three leaves, one of them over a block's end; of two where there is no room."""
    tb.tree([tb.leaf(1 + BLOCK // tb.beat), *(tb.leaf(1) for _ in range(min(2, tb.depth)))])


suite.standard({"leaf": traffic}, resets=three_leaves,
               clocks=lambda tb: (1, 2, 60, 75, 140, 215, 290, 365, 440))
