"""Bench of the frame check: the CRC on every beat against zlib and the golden.

Frames of every length around a beat and up to 1,518 bytes under pauses on either side; whole
received frames and such with one wrong bit; reset inside a frame; exact cycles.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

from rackwright.hdl.crc32_stream.golden import RESIDUE, crc32
from rackwright.hdl.lib import Coverage, StreamBench, Suite

COVERAGE = Coverage(["bytes:0", "bytes:1", "bytes:a beat", "bytes:a beat and one", "bytes:1518",
                     "received:good", "received:bad", "reset:in a frame", "all zeros", "all ones"])
LONGEST = 1518         # of a frame without tags (IEEE 802.3)


class TB(StreamBench):
    """Frames for the block, and the CRC that each beat should carry."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.width = int(dut.DATA_WIDTH.value)
        self.beat = self.width // 8
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=self.beat << self.width | 0x5A)

    def frame(self, content: bytes) -> None:
        """Queue a frame."""
        crc, at = 0, 0
        assert zlib.crc32(content) == crc32(content)
        while True:
            piece = content[at:at + self.beat]
            at += self.beat
            last = at >= len(content)
            noise = self.draws.randbytes(self.beat - len(piece))
            word = len(piece) << self.width | int.from_bytes(piece + noise, "little")
            crc = zlib.crc32(piece, crc)
            self.send(word, last)
            self.expect((int(crc == RESIDUE) << 32 | crc) << self.width + 7 | word, last)
            if last:
                break
        for size, name in ((0, "0"), (1, "1"), (self.beat, "a beat"),
                           (self.beat + 1, "a beat and one"), (LONGEST, "1518")):
            if len(content) == size:
                COVERAGE.hit(f"bytes:{name}")

    def received(self, content: bytes, wrong: int | None = None) -> None:
        """Queue a frame with its check; `wrong`: a bit to turn."""
        whole = content + zlib.crc32(content).to_bytes(4, "little")
        assert zlib.crc32(whole) == RESIDUE
        if wrong is not None:
            bits = int.from_bytes(whole, "little") ^ 1 << wrong % (8 * len(whole))
            whole = bits.to_bytes(len(whole), "little")
        self.frame(whole)
        COVERAGE.hit("received:good" if wrong is None else "received:bad")


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(200)
def random_frames(tb: TB) -> None:
    """Short frames of any length."""
    draws = tb.draws
    for _ in range(60):
        content = draws.randbytes(draws.randint(0, 4 * tb.beat))
        if draws.random() < 0.5:
            tb.frame(content)
        else:
            tb.received(content, draws.getrandbits(16) if draws.random() < 0.5 else None)


@suite.test(200)
def every_length(tb: TB) -> None:
    """Every number of bytes in the last beat, the longest frame, bytes all alike."""
    for size in range(2 * tb.beat + 2):
        tb.frame(tb.draws.randbytes(size))
    tb.frame(tb.draws.randbytes(LONGEST))
    for name, byte in (("all zeros", b"\0"), ("all ones", b"\xff")):
        tb.frame(byte * (3 * tb.beat))
        COVERAGE.hit(name)


@suite.test()
def every_wrong_bit(tb: TB) -> None:
    """No single wrong bit of a short frame passes for good."""
    for bit in range(8 * 12):
        tb.received(b"rackwrig", bit)
    tb.received(b"rackwrig")


@suite.cut((1, 2, 3), met="reset:in a frame", pause_out=0.5)
def reset_in_a_frame(tb: TB) -> Iterator[None]:
    """After a reset the next frame starts afresh."""
    tb.frame(tb.draws.randbytes(6 * tb.beat))
    yield
    tb.received(tb.draws.randbytes(3 * tb.beat))


@suite.measure({"beat": 1}, {"frame": (
    (64, 256, LONGEST), lambda tb, size: tb.frame(tb.draws.randbytes(size)))})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One beat a clock, one clock of latency: exactly."""
    for _ in range(20):
        tb.frame(tb.draws.randbytes(5 * tb.beat))
    return 1, 100


def traffic(tb: TB) -> int:
    """Frames of four beats."""
    for _ in range(25):
        tb.frame(tb.draws.randbytes(4 * tb.beat))
    return 100


suite.standard({"beat": traffic})
