"""Bench of the hash partitioner: partitions against the golden and against 128-bit arithmetic.

Random and corner keys under pauses on either side; counters read and cleared anywhere in the
stream, records back to back to one partition; reset in mid-stream; exact cycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rackwright.hdl.hash_partition.golden import FACTOR, partition_of
from rackwright.hdl.lib import Coverage, StreamBench, Suite

COVERAGE = Coverage(["partition:first", "partition:last", "same partition twice", "read:zero",
                     "read:some", "clear", "op:unused", "reset:in flight", "read after record"])
RECORD, READ, CLEAR = 0, 1, 2
CORNERS = (0, 1, (1 << 64) - 1, 1 << 63, 0xFFFF, 0xFFFF << 48, FACTOR)


class TB(StreamBench):
    """Records for the block, and the counters that it should have."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.count = int(dut.PARTITIONS.value)
        self.bits = self.count.bit_length() - 1
        self.width = int(dut.PAYLOAD_WIDTH.value)
        self.wrap = 1 << int(dut.COUNT_WIDTH.value)
        self.counts = [0] * self.count
        self.previous = -1
        # between words the bus shows a clear
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=(CLEAR << 64 + self.width, RECORD << 64 + self.width))

    def forget(self) -> None:
        """Counters start at zero."""
        self.counts = [0] * self.count
        self.previous = -1

    def ask(self, op: int, key: int) -> None:
        """Queue a word and what comes of it."""
        payload, last = self.draws.getrandbits(self.width), self.draws.random() < 0.2
        self.send(op << 64 + self.width | payload << 64 | key, last)
        partition, shown = 0, key
        if op == RECORD:
            partition = self._record(key)
        elif op == READ:
            partition = key & self.count - 1
            shown = self.counts[partition]
            COVERAGE.hit("read:some" if shown else "read:zero")
            if partition == self.previous:
                COVERAGE.hit("read after record")
        elif op == CLEAR:
            self.counts = [0] * self.count
            COVERAGE.hit("clear")
        else:
            COVERAGE.hit("op:unused")
        self.previous = partition if op == RECORD else -1
        self.expect(((op << 8 | partition) << self.width | payload) << 64 | shown, last)

    def _record(self, key: int) -> int:
        signed = key - (1 << 64) if key >> 63 else key
        partition = int(partition_of(signed, self.bits))
        assert partition == (key * FACTOR & (1 << 64) - 1) >> 64 - self.bits
        self.counts[partition] = (self.counts[partition] + 1) % self.wrap
        if partition == self.previous:
            COVERAGE.hit("same partition twice")
        if partition == 0:
            COVERAGE.hit("partition:first")
        if partition == self.count - 1:
            COVERAGE.hit("partition:last")
        return partition


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses()
def random_records(tb: TB) -> None:
    """Records, reads and clears in any order."""
    keys = [*CORNERS, *(tb.draws.getrandbits(64) for _ in range(12))]
    for _ in range(1500):
        op = tb.draws.choices((RECORD, READ, CLEAR, 3), (70, 25, 0.5, 1))[0]
        tb.ask(op, tb.draws.choice(keys) if tb.draws.random() < 0.5 else tb.draws.getrandbits(64))


@suite.test()
def every_bit_of_the_key_counts(tb: TB) -> None:
    """Keys of one bit, then every counter: the histogram is complete."""
    for bit in range(64):
        tb.ask(RECORD, 1 << bit)
        tb.ask(RECORD, (1 << 64) - 1 ^ 1 << bit)
    for partition in range(tb.count):
        tb.ask(READ, partition)


@suite.cut((1, 2, 3, 9), met="reset:in flight")
def reset_zeroes_the_counters(tb: TB) -> Iterator[None]:
    """A reset with records in every stage: none of them is counted or comes out."""
    for _ in range(12):
        tb.ask(RECORD, 5)
    yield
    for partition in range(tb.count):
        tb.ask(READ, partition)


@suite.measure({"record": 4, "read": 4})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One record a clock, four clocks of latency: exactly, whatever the keys."""
    for number in range(200):
        tb.ask(RECORD, 7 if number < 100 else number)
    return 4, 203


def traffic(tb: TB) -> int:
    """A hundred records with random keys."""
    for _ in range(100):
        tb.ask(RECORD, tb.draws.getrandbits(64))
    return 100


suite.standard({"record": traffic})
