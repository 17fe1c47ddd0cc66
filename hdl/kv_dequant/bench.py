"""Bench of the dequantiser: every number against the golden.

Every integer with scales of every exponent, special scales, random groups under pauses on either
side; reset; exact cycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rackwright.hdl.kv_dequant.golden import NAN, dequantise
from rackwright.hdl.lib import Coverage, StreamBench, Suite

COVERAGE = Coverage([
    "scale:zero", "scale:subnormal", "scale:normal", "scale:infinite", "scale:nan",
    "scale:negative", "value:lowest", "value:highest", "value:zero", "rounded up",
    "reset:in flight"])
SPECIAL = (0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00,
           0x7C01, 0xFFFF, 0x3C00, 0xBC00, 0x3C01)


class TB(StreamBench):
    """Groups for the block and the numbers that come of them."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.bits, self.values = int(dut.BITS.value), int(dut.VALUES.value)
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=0x7E00 << self.bits * self.values)

    def scale(self) -> int:
        """A special scale, or any."""
        if self.draws.random() < 0.4:
            return self.draws.choice(SPECIAL)
        return self.draws.getrandbits(16)

    def group(self, values: list[int], scale: int) -> None:
        """Queue a group; missing values are zeros."""
        values = [*values, *[0] * (self.values - len(values))]
        word, wanted, mask = scale << self.bits * self.values, 0, (1 << self.bits) - 1
        for lane, value in enumerate(values):
            word |= (value & mask) << self.bits * lane
            wanted |= int(dequantise(value, scale)) << 16 * lane
        last = self.draws.random() < 0.3
        self.send(word, last)
        self.expect(wanted, last)
        self._cover(values, scale)

    def _cover(self, values: list[int], scale: int) -> None:
        exponent, fraction = scale >> 10 & 31, scale & 1023
        COVERAGE.hit("scale:" + (
            "nan" if exponent == 31 and fraction else "infinite" if exponent == 31 else
            "normal" if exponent else "subnormal" if fraction else "zero"))
        if scale >> 15:
            COVERAGE.hit("scale:negative")
        most = 1 << self.bits - 1
        for name, value in (("lowest", -most), ("highest", most - 1), ("zero", 0)):
            if value in values:
                COVERAGE.hit(f"value:{name}")
        if any(abs(value) * (fraction + 1024) >= 512 and value & 1 and fraction & 1
               for value in values):
            COVERAGE.hit("rounded up")


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(200)
def random_groups(tb: TB) -> None:
    """Random integers and scales, special ones among them."""
    most = 1 << tb.bits - 1
    for _ in range(max(40, 800 // tb.values)):
        tb.group([tb.draws.choice((-most, most - 1, 0, 1, -1, tb.draws.randint(-most, most - 1)))
                  for _ in range(tb.values)], tb.scale())


@suite.test(400)
def every_integer(tb: TB) -> None:
    """All integers with special scales and one of every exponent."""
    most = 1 << tb.bits - 1
    everything = list(range(-most, most))
    scales = [*SPECIAL, *(exponent << 10 | tb.draws.getrandbits(10) for exponent in range(31))]
    for scale in scales if tb.values > 1 else scales[::6]:
        for at in range(0, len(everything), tb.values):
            tb.group(everything[at:at + tb.values], scale)


@suite.test()
def known_answers(tb: TB) -> None:
    """Numbers worked out by hand."""
    for value, scale, number in (
            (1, 0x3C00, 0x3F80), (-3, 0x3C00, 0xC040), (7, 0x3C01, 0x40E0), (5, 0x0001, 0x34A0),
            (0, 0xBC00, 0x8000), (0, 0x7C00, NAN), (-1, 0x7C00, 0xFF80), (1, 0x7E00, NAN),
            (-8, 0xFBFF, 0x4900)):
        assert dequantise(value, scale) == number, f"golden: {value} x {scale:#06x}"
        tb.group([value], scale)


@suite.cut((1, 2, 4), met="reset:in flight", pause_out=0.5)
def reset_drops_groups(tb: TB) -> Iterator[None]:
    """Groups in flight at a reset never come out."""
    for value in range(6):
        tb.group([value], 0x3C00)
    yield
    tb.group([-2], 0x4000)


@suite.measure({"group": 2})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One group a clock, two clocks of latency: exactly."""
    for _ in range(100):
        tb.group([1, 2, 3][:tb.values], tb.scale())
    return 2, 101


def traffic(tb: TB) -> int:
    """A hundred groups."""
    for _ in range(100):
        tb.group([1, 2, 3][:tb.values], tb.scale())
    return 100


suite.standard({"group": traffic})
