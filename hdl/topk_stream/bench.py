"""Bench of the top-k block: sorted results against the golden.

Random scores with many ties and special values under pauses on either side; frames of nothing, of
fewer items than k, in rising and falling order; k that changes; reset; exact cycles.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from rackwright.hdl.lib import Coverage, StreamBench, Suite, publish, size_sweep, stream
from rackwright.hdl.topk_stream.golden import top_k_places

COVERAGE = Coverage([
    "items:none", "items:fewer than k", "items:k", "items:more than k", "ties", "nan",
    "nan wins a place", "zeros of both signs", "negative", "infinite", "k:set", "k:zero",
    "k:too large", "not kept", "reset:filling", "reset:draining"])
SPECIAL = (0x00000000, 0x80000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0xFFC00001, 0x7F800001,
           0x00000001, 0x80000001, 0x7F7FFFFF, 0xFF7FFFFF, 0x3F800000, 0xBF800000)


def value(bits: int) -> float:
    """The fp32 number of these bits."""
    number: float = struct.unpack("<f", bits.to_bytes(4, "little"))[0]
    return number


class TB(StreamBench):
    """Frames of items and their sorted best."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.most = int(dut.K.value)
        self.score_width, self.id_width = int(dut.SCORE_WIDTH.value), int(dut.ID_WIDTH.value)
        self.width = self.score_width + self.id_width
        self.k = self.most
        # between words the bus shows the best possible item
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=(1 << self.width | 0x7F80 << self.score_width - 16,
                               3 << self.width | 1))

    def forget(self) -> None:
        """k is the largest one after a reset."""
        self.k = self.most

    def score(self) -> int:
        """Bits of a score; often one of a few."""
        bits = self.draws.choice(SPECIAL) if self.draws.random() < 0.4 else (
            self.draws.getrandbits(32))
        return bits >> 32 - self.score_width

    def set_k(self, k: int) -> None:
        """Queue a new k."""
        self.send(3 << self.width | k, self.draws.random() < 0.5)
        self.k = min(max(k, 1), self.most)
        COVERAGE.hit("k:zero" if k == 0 else "k:too large" if k > self.most else "k:set")

    def frame(self, scores: list[int], gaps: float = 0.2) -> None:
        """Queue a frame of items with these scores; one word that is not kept in a share of `gaps`
        of them."""
        ids = [self.draws.getrandbits(self.id_width) for _ in scores]
        words = [1 << self.width | one << self.score_width | score
                 for one, score in zip(ids, scores, strict=True)]
        if not words or self.draws.random() < gaps:
            words.insert(self.draws.randint(0, len(words)), self.draws.getrandbits(self.width))
            COVERAGE.hit("not kept")
        for place, word in enumerate(words):
            self.send(word, place == len(words) - 1)
        shift = 32 - self.score_width
        numbers = np.array([value(score << shift) for score in scores], np.float32)
        best = top_k_places(numbers, self.k)
        for place, item in enumerate(best):
            self.expect(ids[item] << self.score_width | scores[item], place == len(best) - 1)
        if not scores:
            self.expect(1 << self.width)
        self._cover(numbers, numbers[best])

    def _cover(self, numbers: Any, best: Any) -> None:
        count = len(numbers)
        COVERAGE.hit("items:none" if count == 0 else "items:k" if count == self.k else
                     "items:fewer than k" if count < self.k else "items:more than k")
        known = [float(number) for number in numbers if number == number]
        for name, met in (
                ("ties", len(set(known)) < len(known)), ("nan", len(known) < count),
                ("nan wins a place", bool(np.isnan(best).any())),
                ("zeros of both signs", len({str(one) for one in known if one == 0}) == 2),
                ("negative", any(one < 0 for one in known)),
                ("infinite", any(abs(one) == float("inf") for one in known))):
            if met:
                COVERAGE.hit(name)


suite = Suite(__name__, TB, COVERAGE, excused=lambda dut: (
    ("items:fewer than k",) if int(dut.K.value) == 1 else ()))


@suite.under_pauses(400)
def random_frames(tb: TB) -> None:
    """Frames of every length around k, with k changing."""
    for number in range(40):
        if number % 3 == 2:
            tb.set_k(tb.draws.choice((0, 1, tb.most // 2, tb.most, tb.most + 1, 60000)))
        count = tb.draws.choice((0, 1, tb.k - 1, tb.k, tb.k + 1, 3 * tb.k))
        tb.frame([tb.score() for _ in range(count)])


@suite.test(400)
def sorted_input(tb: TB) -> None:
    """Rising, falling and equal scores, and every pair of special values."""
    shift = 32 - tb.score_width
    rising = [0x3F800000 + (number << 16) >> shift for number in range(3 * tb.most)]
    tb.frame(rising)
    tb.frame(rising[::-1])
    tb.frame([rising[0]] * (2 * tb.most))
    for first in SPECIAL:
        for second in SPECIAL:
            tb.frame([first >> shift, second >> shift])


@suite.test()
async def reset_while_filling_and_draining(tb: TB) -> None:
    """Nothing of the frame of before the reset is left."""
    for part, pause in (("filling", 0.0), ("draining", 1.0)):
        tb.sink.pause = pause
        tb.frame([tb.score() for _ in range(2 * tb.most)])
        tb.set_k(1)
        await tb.taken(tb.most if part == "filling" else 2 * tb.most)
        await tb.reset()
        COVERAGE.hit(f"reset:{part}")
        tb.sink.pause = 0.0
        tb.frame([tb.score() for _ in range(tb.most)])
        await tb.finish()


@suite.test(400)
async def measure_full_throughput(tb: TB) -> None:
    """An item a clock, the first result two clocks after the last item, a result a clock."""
    draws, count = stream("measure"), 2 * tb.most
    shift = 32 - tb.score_width
    tb.frame([0x40000000 + (draws.getrandbits(7) << 16) >> shift for _ in range(count)],
             gaps=0.0)
    tb.frame([0x3F800000 >> shift], gaps=0.0)
    await tb.finish()
    assert tb.clocks() == (count + 1, count + tb.most + 2)
    sizes = {}
    for k in (tb.most, 1):
        tb.set_k(k)
        sizes[f"frame_{k}"] = await size_sweep(
            tb, sorted({1, tb.most, 2 * tb.most, 4 * tb.most}),
            lambda tb, size: tb.frame([0x3F800000 >> shift] * size, gaps=0.0))
    publish("cycles", {"startup_cycles": 0, "latency_cycles": {"item": 2, "result": 2},
                       "interval_cycles": {"item": 1, "result": 1}, "size_cycles": sizes})


def traffic(tb: TB) -> int:
    """Frames of twice as many items as are kept."""
    for _ in range(4):
        tb.frame([tb.score() for _ in range(2 * tb.most)], gaps=0.0)
    return 8 * tb.most


suite.standard({"item": traffic},
               clocks=lambda tb: range(1, 4 * tb.most + 4, 1 + tb.most // 5))
