"""Bench of the filter-sum block: the results of scans against the golden.

Random rows around the limits under pauses on either side, lanes that are not kept, limits that
change between scans, empty scans, overflow where the sum is narrow, reset in a scan; exact cycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from rackwright.hdl.filter_sum.golden import Limits, scan
from rackwright.hdl.lib import Coverage, StreamBench, Suite

FIELDS = ("date", "discount", "quantity", "price")
COVERAGE = Coverage([
    *(f"{what}:{where}" for what in ("first_date", "end_date", "low", "high", "quantity_end")
      for where in ("below", "at", "above")),
    "rows:none", "rows:all", "scan:one beat", "lane:not kept", "overflow", "scan after overflow",
    "reset:in a scan", "limits:changed"])
MASKS = {"date": 0xFFFF, "discount": 0xFF, "quantity": 0xFF, "price": 0xFFFFFFFF}
SHIFTS = {"date": 0, "discount": 16, "quantity": 24, "price": 32}
Row = dict[str, int]


class TB(StreamBench):
    """Scans for the block and their results."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.lanes = int(dut.LANES.value)
        self.sums, self.counts = int(dut.SUM_WIDTH.value), int(dut.ROWS_WIDTH.value)
        self.limits = Limits(0, 0, 0, 0, 0)
        # between words the bus shows limits that let nothing pass
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=(1 << 65 * self.lanes, (1 << self.lanes) - 1 << 64 * self.lanes))

    def forget(self) -> None:
        """Nothing passes after a reset."""
        self.limits = Limits(0, 0, 0, 0, 0)

    def set_limits(self, limits: Limits) -> None:
        """Queue limits."""
        word = 0
        for value, shift in zip(limits, (0, 16, 32, 40, 48), strict=True):
            word |= value << shift
        noise = self.draws.getrandbits(self.lanes) << 64 * self.lanes
        self.send(1 << 65 * self.lanes | noise | word, self.draws.random() < 0.5)
        self.limits = limits
        COVERAGE.hit("limits:changed")

    def row(self) -> Row:
        """A row with every field near a limit half of the time."""
        near = {"date": self.limits[0:2], "discount": self.limits[2:4],
                "quantity": self.limits[4:5]}
        row = {name: self.draws.randint(0, mask) for name, mask in MASKS.items()}
        for name, edges in near.items():
            if self.draws.random() < 0.8:
                edge = self.draws.choice(edges) + self.draws.choice((-1, 0, 1))
                row[name] = min(max(edge, 0), MASKS[name])
        return row

    def rows(self, beats: int) -> list[list[Row | None]]:
        """Beats of rows; None is a lane that is not kept."""
        return [[self.row() if self.draws.random() < 0.8 else None for _ in range(self.lanes)]
                for _ in range(beats)]

    def scan(self, beats: list[list[Row | None]]) -> int:
        """Queue a scan and its result; the sum."""
        for number, lanes in enumerate(beats):
            word = 0
            for lane, row in enumerate(lanes):
                # a lane that is not kept carries a row that would pass
                shown = row or {"date": self.limits[0], "discount": self.limits[3],
                                "quantity": 0, "price": 1}
                value = sum(shown[name] << SHIFTS[name] for name in FIELDS)
                word |= value << 64 * lane | int(row is not None) << 64 * self.lanes + lane
            self.send(word, number == len(beats) - 1)
        kept = [row for lanes in beats for row in lanes if row is not None]
        columns = [np.array([row[name] for row in kept], np.int64) for name in FIELDS]
        total, count = scan(self.limits, *columns)
        self._cover(beats, kept, count)
        overflow = total >> self.sums != 0 or count >> self.counts != 0
        if overflow:
            COVERAGE.hit("overflow")
        low = total & (1 << self.sums) - 1, count & (1 << self.counts) - 1
        self.expect((int(overflow) << self.counts | low[1]) << self.sums | low[0])
        return total

    def _cover(self, beats: list[list[Row | None]], kept: list[Row], count: int) -> None:
        for row in kept:
            for field, limit in (("date", "first_date"), ("date", "end_date"), ("discount", "low"),
                                 ("discount", "high"), ("quantity", "quantity_end")):
                edge = getattr(self.limits, limit)
                COVERAGE.hit(f"{limit}:" + ("below", "at", "above")[
                    1 + (row[field] > edge) - (row[field] < edge)])
        if count == 0:
            COVERAGE.hit("rows:none")
        elif count == len(kept):
            COVERAGE.hit("rows:all")
        if len(beats) == 1:
            COVERAGE.hit("scan:one beat")
        if any(row is None for lanes in beats for row in lanes):
            COVERAGE.hit("lane:not kept")


def query6() -> Limits:
    """Query 6's shape: a year, a discount of five to seven percent, a quantity below 24."""
    return Limits(8766, 9131, 5, 7, 24)


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(200)
def random_scans(tb: TB) -> None:
    """Scans of every length, limits that change between them."""
    tb.scan(tb.rows(3))
    tb.set_limits(query6())
    for _ in range(40):
        tb.scan(tb.rows(tb.draws.choice((1, 1, 2, tb.draws.randint(3, 30)))))
        if tb.draws.random() < 0.3:
            start = tb.draws.randrange(60000)
            tb.set_limits(Limits(start, start + tb.draws.randint(0, 3), 2, 250, 200))


@suite.test()
def sums_overflow_and_recover(tb: TB) -> None:
    """The largest products: the sum of a narrow block overflows, the next scan is clean."""
    tb.set_limits(Limits(0, 0xFFFF, 0, 255, 255))
    largest: Row = {"date": 1, "discount": 255, "quantity": 0, "price": 0xFFFFFFFF}
    total = tb.scan([[largest] * tb.lanes] * 20)
    assert total == 20 * tb.lanes * 255 * 0xFFFFFFFF
    tb.scan([[largest] * tb.lanes])
    COVERAGE.hit("scan after overflow")
    if tb.sums >= 63:  # no scan of a bench is long enough
        COVERAGE.hit("overflow")


@suite.cut((2, 3, 4, 5), met="reset:in a scan")
def reset_in_a_scan(tb: TB) -> Iterator[None]:
    """A reset forgets sum, rows and limits."""
    tb.set_limits(Limits(0, 0xFFFF, 0, 255, 255))
    tb.scan(tb.rows(8))
    yield
    everything: Row = {"date": 0, "discount": 0, "quantity": 0, "price": 9}
    tb.scan([[everything] * tb.lanes])
    tb.set_limits(Limits(0, 9, 1, 2, 3))
    tb.scan(tb.rows(4))


@suite.measure({"result": 3, "beat": 3})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """LANES records a clock, three clocks from the last one to the result: exactly."""
    tb.set_limits(query6())
    tb.scan(tb.rows(100))
    tb.scan(tb.rows(1))
    return 103, 104


def traffic(tb: TB) -> int:
    """A scan of a hundred beats."""
    tb.set_limits(query6())
    tb.scan(tb.rows(100))
    return len(tb.source.queue)


def all_pass(tb: TB) -> None:
    """Short scans, whose results pile up, then one that overflows a narrow count; all rows pass."""
    tb.set_limits(Limits(0, 0xFFFF, 0, 255, 255))
    one: Row = {"date": 1, "discount": 3, "quantity": 0, "price": 9}
    for beats in (2, 1, 1, 1, 14):
        tb.scan([[one] * tb.lanes] * beats)


suite.standard({"beat": traffic}, resets=all_pass, clocks=lambda tb: range(1, 24))
