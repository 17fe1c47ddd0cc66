"""Bench of receive-side scaling: hashes and queues against the golden and published vectors.

Tuples of every length with any key under pauses on either side; keys and tables that change between
tuples; the vectors of the specification; reset inside a tuple and inside a key; exact cycles.
"""

from __future__ import annotations

from typing import Any

from rackwright.hdl.lib import Coverage, StreamBench, Suite, publish, size_sweep
from rackwright.hdl.rss_toeplitz.golden import KEY_BYTES, toeplitz_hash

COVERAGE = Coverage([
    *(f"bytes:{size}" for size in (1, 8, 12, 32, 36)), "key:whole", "key:too long", "key:in parts",
    "queue:set", "op:unused", "reset:in a tuple", "reset:in a key", "vector"])
TUPLE, KEY, QUEUE = 0, 1, 2
LONGEST = 36
# the key and some of the vectors of Microsoft's specification: source, destination, ports
MICROSOFT = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c"
                          "6a42b73bbeac01fa")
VECTORS = (("420995bba18e6450", 0x323E8FC2), ("420995bba18e64500aea06e6", 0x51CCC178),
           ("c75c6f0241458c53", 0xD718262A), ("c75c6f0241458c5337961283", 0xC626B0EA))


class TB(StreamBench):
    """Tuples, keys and queues for the block, and the hashes that it owes."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.width, self.table = int(dut.DATA_WIDTH.value), int(dut.TABLE.value)
        self.beat = self.width // 8
        self.forget()
        # between words the bus shows a key
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=tuple((op << 7 | self.beat) << self.width | 0xA5
                                    for op in (KEY, TUPLE, QUEUE)))

    def forget(self) -> None:
        """Key and table are zero after a reset."""
        self.key = bytes(KEY_BYTES)
        self.queues = [0] * self.table

    def words(self, op: int, content: bytes, parts: list[int] | None = None) -> None:
        """Queue the beats of a frame, full ones or of these sizes."""
        sizes = parts or [min(self.beat, len(content) - at)
                          for at in range(0, len(content), self.beat)]
        at = 0
        for size in sizes:
            piece = content[at:at + size] + self.draws.randbytes(self.beat - size)
            at += size
            self.send((op << 7 | size) << self.width | int.from_bytes(piece, "little"),
                      at == len(content))

    def tuple(self, content: bytes, wanted: int | None = None) -> None:
        """Queue a tuple and its hash."""
        found = toeplitz_hash(self.key, content)
        assert wanted in (None, found), f"golden: {content.hex()} -> {found:#x}"
        self.words(TUPLE, content)
        self.expect(self.queues[found % self.table] << 32 | found)
        COVERAGE.hit(f"bytes:{len(content)}")

    def set_key(self, key: bytes) -> None:
        """Queue a key, in beats that are full or not."""
        parts, left = [], len(key)
        while left and self.draws.random() < 0.9:
            parts.append(min(left, self.draws.randint(1, self.beat)))
            left -= parts[-1]
        whole = not left and self.draws.random() < 0.5
        self.words(KEY, key, parts if whole else None)
        COVERAGE.hit("key:in parts" if whole else "key:whole")
        if len(key) > KEY_BYTES:
            COVERAGE.hit("key:too long")
        self.key = (key + self.key[len(key):])[:KEY_BYTES]

    def set_queue(self, place: int, queue: int) -> None:
        """Queue an entry of the table."""
        word = queue << 16 | place
        self.send((QUEUE << 7 | 3) << self.width | word, self.draws.random() < 0.5)
        self.queues[place % self.table] = queue
        COVERAGE.hit("queue:set")


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(200)
def random_tuples(tb: TB) -> None:
    """Tuples of every length; keys and queues change between them."""
    draws = tb.draws
    for number in range(200):
        if number % 20 == 3:
            tb.set_key(draws.randbytes(draws.choice((KEY_BYTES, KEY_BYTES, 5, KEY_BYTES + 3))))
        if number % 5 == 1:
            tb.set_queue(draws.randrange(1 << 16), draws.getrandbits(8))
        if number % 50 == 7:
            tb.send(3 << 7 + tb.width | draws.getrandbits(tb.width), draws.random() < 0.5)
            COVERAGE.hit("op:unused")
        tb.tuple(draws.randbytes(draws.choice((8, 12, 32, 36, draws.randint(1, LONGEST)))))


@suite.test()
def published_vectors(tb: TB) -> None:
    """The specification's key, addresses and ports; every bit of an input alone."""
    tb.set_key(MICROSOFT)
    for place in range(tb.table):
        tb.set_queue(place, place * 7 & 255)
    for content, wanted in VECTORS:
        tb.tuple(bytes.fromhex(content), wanted)
        COVERAGE.hit("vector")
    for bit in range(8 * LONGEST):
        tb.tuple((1 << bit).to_bytes(LONGEST, "big"))
    tb.tuple(b"\x80")


@suite.test()
async def reset_anywhere(tb: TB) -> None:
    """A reset inside a tuple and inside a key: the next ones start from their first byte."""
    for part in ("tuple", "key"):
        first = 1
        if tb.beat < LONGEST:  # else a frame is one beat and cannot be cut
            tb.set_key(MICROSOFT)
            first = len(tb.source.queue)
            tb.words(TUPLE if part == "tuple" else KEY, bytes(range(2 * tb.beat)))
            first += 1
        else:
            tb.set_key(MICROSOFT)
        await tb.taken(first)
        await tb.reset()
        COVERAGE.hit(f"reset:in a {part}")
        tb.tuple(b"\xff" * 8, 0)
        tb.set_key(MICROSOFT)
        tb.tuple(bytes.fromhex(VECTORS[1][0]), VECTORS[1][1])
        await tb.finish()


@suite.test()
async def measure_cycles(tb: TB) -> None:
    """One beat a clock; the hash one clock after the last beat: exactly, for every size."""
    tb.set_key(MICROSOFT)
    await tb.taken(len(tb.source.queue))
    latency = {}
    for size in (8, 12, 32, 36):
        tb.source.taken.clear()
        tb.sink.taken.clear()
        for _ in range(20):
            tb.tuple(tb.draws.randbytes(size))
        await tb.finish()
        beats = -(-size // tb.beat)
        assert tb.clocks() == (beats, 20 * beats)
        latency[f"tuple_{size}"] = beats
    sizes = await size_sweep(tb, (8, 12, 32, 36),
                             lambda tb, size: tb.tuple(tb.draws.randbytes(size)))
    publish("cycles", {"startup_cycles": 0, "latency_cycles": latency, "interval_cycles": latency,
                       "size_cycles": {"tuple": sizes}})


def traffic(tb: TB) -> int:
    """Tuples of IPv4 and IPv6, with ports and without."""
    for _ in range(50):
        tb.tuple(tb.draws.randbytes(tb.draws.choice((8, 12, 32, 36))))
    return 50


def keys_and_tuples(tb: TB) -> None:
    """A key in short beats, a queue, tuples."""
    tb.words(KEY, MICROSOFT, [1, 1, 1, *[1] * (KEY_BYTES - 3)])
    tb.key = MICROSOFT
    tb.set_queue(3, 9)
    for size in (36, 36, 8):
        tb.tuple(tb.draws.randbytes(size))


suite.standard({"tuple": traffic}, resets=keys_and_tuples,
               clocks=lambda tb: (1, 2, 3, 5, 39, 41, 42, 43, 44, 45, 46, 47, 48))
