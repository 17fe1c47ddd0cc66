"""Bench of the reducing adder: every sum against the golden.

Random numbers, near in exponent so that they cancel, and all pairs of special ones, under pauses on
either side and with either stream late; frames that end at different beats; reset; exact cycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rackwright.hdl.lib import Coverage, StreamBench, Suite
from rackwright.hdl.reduce_add.golden import BF16, FP32, float_add, int_add

COVERAGE = Coverage([
    "nan", "infinite", "zero", "negative zero", "subnormal", "cancelled", "carried", "too large",
    "a late", "b late", "tlast apart", "reset:in flight"])
FRACTIONS = {0: FP32, 1: BF16}
# of fp32; those of bf16 are their upper halves
SPECIAL = (0x00000000, 0x80000000, 0x00000001, 0x80010000, 0x007FFFFF, 0x00800000, 0x80800000,
           0x00FF0000, 0x3F800000, 0xBF800000, 0x3F810001, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F7F0000,
           0x7F800000, 0xFF800000, 0x7FC00000, 0xFFA50001, 0x33800000, 0x34000000, 0x73000000)


class TB(StreamBench):
    """Pairs of beats for the block and their sums."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.format, self.lanes = int(dut.FORMAT.value), int(dut.LANES.value)
        self.width = int(dut.WIDTH.value)
        self.full = (1 << self.width * self.lanes) - 1
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out, idle=self.full,
                         prefix="s_axis_a")
        self.other = self.another_source("s_axis_b", idle=self.full)

    def number(self) -> int:
        """A special number, or any with an exponent near the middle."""
        if self.draws.random() < 0.3:
            bits = self.draws.choice(SPECIAL)
        else:
            bits = self.draws.getrandbits(32)
            if self.draws.random() < 0.7:
                bits = bits & 0x807FFFFF | self.draws.randint(100, 130) << 23
        return bits >> 32 - self.width

    def near(self, number: int) -> int:
        """A number that may cancel the other, or any."""
        if self.draws.random() < 0.3:
            return number ^ 1 << self.width - 1 ^ self.draws.getrandbits(3)
        return self.number()

    def pair(self, a: list[int], b: list[int], last: bool = False, last_b: bool | None = None
             ) -> None:
        """Queue one beat on either stream."""
        other_last = last if last_b is None else last_b
        sums = [self._sum(one, two) for one, two in zip(a, b, strict=True)]
        apart = int(last != other_last)
        self.source.send(self._packed(a), last)
        self.other.send(self._packed(b), other_last)
        self.expect(apart << self.width * self.lanes | self._packed(sums), last or other_last)
        if apart:
            COVERAGE.hit("tlast apart")

    def _packed(self, numbers: list[int]) -> int:
        return sum(number << self.width * lane for lane, number in enumerate(numbers))

    def _sum(self, a: int, b: int) -> int:
        if self.format == 2:
            return int(int_add(a, b))
        fraction = FRACTIONS[self.format]
        found = int(float_add(a, b, fraction))
        self._cover(a, b, found, fraction)
        return found

    def _cover(self, a: int, b: int, found: int, fraction: int) -> None:
        fields = [number >> fraction & 255 for number in (a, b, found)]
        low = found & (1 << fraction + 8) - 1
        for name, met in (
                ("nan", fields[2] == 255 and found & (1 << fraction) - 1),
                ("infinite", low == 255 << fraction and 255 in fields[:2]),
                ("too large", low == 255 << fraction and 255 not in fields[:2]),
                ("zero", found == 0), ("negative zero", found == 1 << fraction + 8),
                ("subnormal", fields[2] == 0 and low), ("cancelled", fields[2] + 2 < max(fields)),
                ("carried", 255 > fields[2] > max(fields[:2]))):
            if met:
                COVERAGE.hit(name)

    def pairs(self, beats: int) -> None:
        """Queue a frame of random pairs."""
        for place in range(beats):
            a = [self.number() for _ in range(self.lanes)]
            self.pair(a, [self.near(number) for number in a], place == beats - 1)


# integers have no special numbers
suite = Suite(__name__, TB, COVERAGE,
              excused=lambda dut: COVERAGE.missing() if int(dut.FORMAT.value) == 2 else ())


@suite.under_pauses(200)
def random_sums(tb: TB) -> None:
    """Frames of random numbers."""
    for _ in range(max(6, 60 // tb.lanes)):
        tb.pairs(tb.draws.randint(1, 30))


@suite.test(200)
def every_pair_of_special_numbers(tb: TB) -> None:
    """Zeros, subnormals, the largest numbers, infinities and NaN in both orders."""
    shift = 32 - tb.width
    flat = [(a >> shift, b >> shift) for a in SPECIAL for b in SPECIAL]
    flat += [(0, 0)] * (-len(flat) % tb.lanes)
    for at in range(0, len(flat), tb.lanes):
        group = flat[at:at + tb.lanes]
        tb.pair([a for a, _ in group], [b for _, b in group])


@suite.test(200)
def rounding_at_every_distance(tb: TB) -> None:
    """Exponents up to four apart, all low bits of both fractions, sums that carry and that do not:
    each bit that falls off takes part in the rounding."""
    fraction = 7 if tb.width == 16 else 23
    ones = (1 << fraction) - 1
    for distance in range(5):
        one, other = 100 + distance << fraction, 100 << fraction | ones & ~15
        pairs = [(one | high & ~3 | low, other | end)
                 for high in (0, ones) for low in range(4) for end in range(16)]
        for at in range(0, len(pairs), tb.lanes):
            some = pairs[at:at + tb.lanes]
            some += pairs[:tb.lanes - len(some)]
            tb.pair([a for a, _ in some], [b for _, b in some])


@suite.test(200)
async def one_stream_late(tb: TB) -> None:
    """Either stream pauses nine clocks of ten; nothing is paired wrongly."""
    for name, late in (("a", tb.source), ("b", tb.other)):
        late.pause = 0.9
        tb.pairs(40)
        await tb.finish()
        late.pause = 0.0
        COVERAGE.hit(f"{name} late")


@suite.test()
def frames_that_end_apart(tb: TB) -> None:
    """tlast on one stream alone is said on that beat, and on no other."""
    for last, other in ((False, False), (True, False), (False, True), (True, True), (False, False)):
        numbers = [tb.number() for _ in range(tb.lanes)]
        tb.pair(numbers, numbers[::-1], last, other)


@suite.cut((1, 2, 3, 6), met="reset:in flight", pause_out=0.5)
def reset_drops_sums(tb: TB) -> Iterator[None]:
    """Sums in flight at a reset never come out; the streams are in step afterwards."""
    tb.pairs(12)
    yield
    tb.pairs(3)


@suite.measure({"beat": 4})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One beat a clock, four clocks of latency: exactly."""
    tb.pairs(100)
    return 4, 103


def traffic(tb: TB) -> int:
    """A hundred pairs, each stream pausing for itself."""
    tb.pairs(100)
    return 100


suite.standard({"beat": traffic})
