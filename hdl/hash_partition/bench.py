"""Bench of the hash partitioner: partitions against the golden and against 128-bit arithmetic.

Random and corner keys under pauses on either side; counters read and cleared anywhere in the
stream, records back to back to one partition; reset in mid-stream; exact cycles.
"""

from __future__ import annotations

from typing import Any

import cocotb

from rackwright.hdl.hash_partition.golden import FACTOR, partition_of
from rackwright.hdl.lib import Coverage, StreamBench, load_sweep, publish, reset_sweep, seed

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


@cocotb.test(timeout_time=100, timeout_unit="us")
@cocotb.parametrize(pause_in=[0.0, 0.3], pause_out=[0.0, 0.5])
async def random_records(dut: Any, pause_in: float, pause_out: float) -> None:
    """Records, reads and clears in any order."""
    print(f"hash_partition: seed {seed()}, pauses {pause_in} in, {pause_out} out")
    tb = TB(dut, pause_in=pause_in, pause_out=pause_out)
    await tb.start()
    keys = [*CORNERS, *(tb.draws.getrandbits(64) for _ in range(12))]
    for _ in range(1500):
        op = tb.draws.choices((RECORD, READ, CLEAR, 3), (70, 25, 0.5, 1))[0]
        tb.ask(op, tb.draws.choice(keys) if tb.draws.random() < 0.5 else tb.draws.getrandbits(64))
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def every_bit_of_the_key_counts(dut: Any) -> None:
    """Keys of one bit, then every counter: the histogram is complete."""
    tb = TB(dut)
    await tb.start()
    for bit in range(64):
        tb.ask(RECORD, 1 << bit)
        tb.ask(RECORD, (1 << 64) - 1 ^ 1 << bit)
    for partition in range(tb.count):
        tb.ask(READ, partition)
    await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def reset_zeroes_the_counters(dut: Any) -> None:
    """A reset with records in every stage: none of them is counted or comes out."""
    tb = TB(dut)
    await tb.start()
    for stop in (1, 2, 3, 9):
        for _ in range(12):
            tb.ask(RECORD, 5)
        await tb.taken(stop)
        await tb.reset()
        COVERAGE.hit("reset:in flight")
        for partition in range(tb.count):
            tb.ask(READ, partition)
        await tb.finish()


@cocotb.test(timeout_time=100, timeout_unit="us")
async def measure_full_throughput(dut: Any) -> None:
    """One record a clock, four clocks of latency: exactly, whatever the keys."""
    tb = TB(dut)
    await tb.start()
    for number in range(200):
        tb.ask(RECORD, 7 if number < 100 else number)
    await tb.finish()
    assert tb.clocks() == (4, 203)
    publish("cycles", {"startup_cycles": 0, "latency_cycles": {"record": 4, "read": 4},
                       "interval_cycles": {"record": 1, "read": 1}})


def traffic(tb: TB) -> int:
    """A hundred records with random keys."""
    for _ in range(100):
        tb.ask(RECORD, tb.draws.getrandbits(64))
    return 100


@cocotb.test(timeout_time=400, timeout_unit="us")
async def measure_load(dut: Any) -> None:
    """Clocks an operation and stalls, by offered load."""
    await load_sweep(lambda pause: TB(dut, pause_in=pause), {"record": traffic})


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
