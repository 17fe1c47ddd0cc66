"""Bench of the frame check: the CRC on every beat against zlib and the golden.

Frames of every length around a beat and up to 1,518 bytes under pauses on either side; whole
received frames and such with one wrong bit; reset inside a frame; exact cycles.
"""

from __future__ import annotations

import zlib
from typing import Any

import cocotb

from rackwright.hdl.crc32_stream.golden import RESIDUE, crc32
from rackwright.hdl.lib import (
    Coverage,
    StreamBench,
    load_sweep,
    publish,
    reset_sweep,
    seed,
    size_sweep,
)

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


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(pause_in=[0.0, 0.3], pause_out=[0.0, 0.5])
async def random_frames(dut: Any, pause_in: float, pause_out: float) -> None:
    """Short frames of any length."""
    print(f"crc32_stream: seed {seed()}, pauses {pause_in} in, {pause_out} out")
    tb = TB(dut, pause_in=pause_in, pause_out=pause_out)
    await tb.start()
    draws = tb.draws
    for _ in range(60):
        content = draws.randbytes(draws.randint(0, 4 * tb.beat))
        if draws.random() < 0.5:
            tb.frame(content)
        else:
            tb.received(content, draws.getrandbits(16) if draws.random() < 0.5 else None)
    await tb.finish()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def every_length(dut: Any) -> None:
    """Every number of bytes in the last beat, the longest frame, bytes all alike."""
    tb = TB(dut)
    await tb.start()
    for size in range(2 * tb.beat + 2):
        tb.frame(tb.draws.randbytes(size))
    tb.frame(tb.draws.randbytes(LONGEST))
    for name, byte in (("all zeros", b"\0"), ("all ones", b"\xff")):
        tb.frame(byte * (3 * tb.beat))
        COVERAGE.hit(name)
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def every_wrong_bit(dut: Any) -> None:
    """No single wrong bit of a short frame passes for good."""
    tb = TB(dut)
    await tb.start()
    for bit in range(8 * 12):
        tb.received(b"rackwrig", bit)
    tb.received(b"rackwrig")
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def reset_in_a_frame(dut: Any) -> None:
    """After a reset the next frame starts afresh."""
    tb = TB(dut, pause_out=0.5)
    await tb.start()
    for stop in (1, 2, 3):
        tb.frame(tb.draws.randbytes(6 * tb.beat))
        await tb.taken(stop)
        await tb.reset()
        COVERAGE.hit("reset:in a frame")
        tb.received(tb.draws.randbytes(3 * tb.beat))
        await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def measure_full_throughput(dut: Any) -> None:
    """One beat a clock, one clock of latency: exactly."""
    tb = TB(dut)
    await tb.start()
    for _ in range(20):
        tb.frame(tb.draws.randbytes(5 * tb.beat))
    await tb.finish()
    assert tb.clocks() == (1, 100)
    sizes = await size_sweep(tb, (64, 256, LONGEST),
                             lambda size: tb.frame(tb.draws.randbytes(size)))
    publish("cycles", {"startup_cycles": 0, "latency_cycles": {"beat": 1},
                       "interval_cycles": {"beat": 1}, "size_cycles": {"frame": sizes}})


def traffic(tb: TB) -> int:
    """Frames of four beats."""
    for _ in range(25):
        tb.frame(tb.draws.randbytes(4 * tb.beat))
    return 100


@cocotb.test(timeout_time=400, timeout_unit="us")
async def measure_load(dut: Any) -> None:
    """Clocks an operation and stalls, by offered load."""
    await load_sweep(lambda pause: TB(dut, pause_in=pause), {"beat": traffic})


@cocotb.test(timeout_time=800, timeout_unit="us")
async def reset_at_any_clock(dut: Any) -> None:
    """A reset of one clock leaves nothing behind, whatever stage the words are in."""
    await reset_sweep(TB(dut), traffic)


@cocotb.test(timeout_time=1, timeout_unit="us")
async def coverage_is_complete(dut: Any) -> None:
    """Runs last: every bin was met."""
    print(COVERAGE.report())
    publish("coverage", COVERAGE.counts)
    assert not COVERAGE.missing()
