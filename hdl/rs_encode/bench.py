"""Bench of the Reed-Solomon block: codewords and verdicts of the RTL against the golden.

Random frames to encode and to check, with faults of one bit in any byte, under pauses on either
side; published vectors; a reset in mid-frame; exact cycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rackwright.hdl.lib import Coverage, StreamBench, Suite
from rackwright.hdl.rs_encode.golden import codeword, new_code

COVERAGE = Coverage([
    "encode:one beat", "encode:many beats", "check:good", "check:bad parity", "check:bad data",
    "check:fault on the last beat", "check:fault before the last beat", "frame after a bad one",
    "reset:after a fault"])
# computed with the public implementation's matrix: data bytes -> parity bytes
VECTORS = {(2, 4): ("0102", "0704"), (6, 16): ("010203040506", "1710f24cb70d3886" + "6dd7")}


class TB(StreamBench):
    """Frames for the block and the words that come of them."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.n, self.k = int(dut.N.value), int(dut.K.value)
        self.code = new_code(self.k, self.n)
        # between words the bus shows a check that fails
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=1 << 8 * self.n | 1 << 8 * self.n - 1)

    def encode(self, frame: list[int]) -> None:
        """Queue data words of one frame; the parity bytes that come with them are noise."""
        for place, data in enumerate(frame):
            last = place == len(frame) - 1
            noise = self.draws.getrandbits(8 * (self.n - self.k)) << 8 * self.k
            self.send(data | noise, last)
            self.expect(codeword(self.code, data), last)

    def check(self, frame: list[int], faults: dict[int, int]) -> None:
        """Queue a frame to check; `faults`: beat -> the bits of the codeword to turn."""
        bad = False
        for place, data in enumerate(frame):
            last = place == len(frame) - 1
            word = codeword(self.code, data) ^ faults.get(place, 0)
            bad = bad or place in faults
            seen = codeword(self.code, word & (1 << 8 * self.k) - 1)
            self.send(1 << 8 * self.n | word, last)
            self.expect(int(bad) << 8 * self.n | seen, last)

    def frame(self, beats: int) -> list[int]:
        """Random data words, among them all zeros and all ones."""
        full = (1 << 8 * self.k) - 1
        return [self.draws.choice((0, full, *(self.draws.getrandbits(8 * self.k),) * 6))
                for _ in range(beats)]


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(200)
def random_frames(tb: TB) -> None:
    """Frames to encode and to check, right and wrong, in any order."""
    bad = False
    for _ in range(60):
        beats = tb.draws.choice((1, 2, 3, tb.draws.randint(4, 12)))
        frame = tb.frame(beats)
        if bad:
            COVERAGE.hit("frame after a bad one")
        bad = False
        if tb.draws.random() < 0.5:
            tb.encode(frame)
            COVERAGE.hit("encode:one beat" if beats == 1 else "encode:many beats")
        elif tb.draws.random() < 0.4:
            tb.check(frame, {})
            COVERAGE.hit("check:good")
        else:
            bad = True
            place, bit = tb.draws.randrange(beats), tb.draws.randrange(8 * tb.n)
            tb.check(frame, {place: 1 << bit})
            COVERAGE.hit("check:bad data" if bit < 8 * tb.k else "check:bad parity")
            COVERAGE.hit("check:fault on the last beat" if place == beats - 1
                         else "check:fault before the last beat")


@suite.test()
def published_vectors(tb: TB) -> None:
    """Vectors that were computed elsewhere, and every data bit alone: the columns of the code."""
    for data, parity in [VECTORS.get((tb.k, tb.n), ("", ""))]:
        word = int.from_bytes(bytes.fromhex(data), "little")
        expected = int.from_bytes(bytes.fromhex(data + parity), "little")
        assert not data or codeword(tb.code, word) == expected
        tb.encode([word])
    for bit in range(8 * tb.k):
        tb.encode([1 << bit])


@suite.test()
def every_parity_bit_is_compared(tb: TB) -> None:
    """A check fails on any one wrong bit of a codeword."""
    for bit in range(8 * tb.n):
        tb.check(tb.frame(1), {0: 1 << bit})
    tb.check(tb.frame(3), {})


@suite.cut((1, 2), met="reset:after a fault")
def reset_forgets_a_fault(tb: TB) -> Iterator[None]:
    """A reset inside a bad frame: the next frame starts clean."""
    tb.check(tb.frame(4), {0: 1})
    yield
    tb.check(tb.frame(3), {})
    tb.encode(tb.frame(2))


@suite.measure({"encode": 1, "check": 1})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One codeword a clock, one clock of latency: exactly."""
    tb.encode(tb.frame(100))
    tb.check(tb.frame(100), {})
    return 1, 200


def traffic(tb: TB) -> int:
    """A hundred codewords."""
    tb.encode(tb.frame(100))
    return 100


suite.standard({"encode": traffic})
