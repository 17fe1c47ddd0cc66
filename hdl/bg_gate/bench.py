"""Bench of the gate: grants and averages against the golden.

Random tasklets, reports and questions under pauses on either side; every combination of flags at
both sides of every limit; where times are narrow, every pair of them; reset; exact cycles.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from rackwright.hdl.bg_gate.golden import (
    ALLREDUCE,
    MULTIPLEX,
    P2P_RECV,
    gate_admit,
    gate_recent,
)
from rackwright.hdl.lib import Coverage, StreamBench, Suite

COVERAGE = Coverage([
    *(f"{answer}:{rule}" for answer, rule in (
        ("granted", "multiplex"), ("denied", "all-reduce"), ("granted", "long receive"),
        ("denied", "slowed"), ("granted", "else"))),
    "attack", "release:down", "release:up", "release:still", "refused:operation", "refused:gpu",
    "same gpu twice", "reset"])
TASKLET, REPORT, ASK = 1, 2, 3
MANY = 1 << 16          # words: more than any test queues


class TB(StreamBench):
    """Tasklets, reports and questions, and the registers that the block should have."""

    def __init__(self, dut: Any, *, pause_in: float = 0.0, pause_out: float = 0.0) -> None:
        self.gpus, self.width = int(dut.GPUS.value), int(dut.TIME_WIDTH.value)
        self.long_recv = int(dut.LONG_RECV.value)
        self.most = (1 << self.width) - 1
        self.forget()
        # between words the bus shows a tasklet that denies everything
        super().__init__(dut, pause_in=pause_in, pause_out=pause_out,
                         idle=(ALLREDUCE << 16 | TASKLET, 77 << 64 | REPORT, ASK))

    def forget(self) -> None:
        """No tasklet on any GPU."""
        self.rows = [(0, 0, 0)] * self.gpus
        self.tag, self.previous = 0, -1

    def ask(self, op: int, gpu: int, flags: int = 0, benchmark: int = 0, time: int = 0) -> int:
        """Queue a word; 1 if the golden grants."""
        self.tag = (self.tag + 1) & 255
        last = self.tag % 3 == 0
        self.send(time << 64 | benchmark << 32 | self.tag << 24 | flags << 16 | gpu << 8 | op, last)
        if op not in (TASKLET, REPORT, ASK) or gpu >= self.gpus:
            COVERAGE.hit("refused:gpu" if gpu >= self.gpus else "refused:operation")
            self.expect(self.tag << 24 | 0x80 << 16 | gpu << 8 | op, last)
            return 0
        if op == TASKLET:
            self.rows[gpu] = flags, benchmark, time
        elif op == REPORT:
            self._report(gpu, time)
        flags, benchmark, recent = self.rows[gpu]
        grant = int(gate_admit(flags, benchmark, recent, self.long_recv))
        self._cover(grant, flags, benchmark)
        if gpu == self.previous:
            COVERAGE.hit("same gpu twice")
        self.previous = gpu
        self.expect(recent << 64 | benchmark << 32 | self.tag << 24 | grant << 16 | gpu << 8 | op,
                    last)
        return grant

    def _report(self, gpu: int, time: int) -> None:
        flags, benchmark, before = self.rows[gpu]
        recent = int(gate_recent(benchmark, before, time))
        self.rows[gpu] = flags, benchmark, recent
        COVERAGE.hit("attack" if 10 * time > 11 * benchmark else "release:" + (
            "up" if recent > before else "down" if recent < before else "still"))

    def _cover(self, grant: int, flags: int, benchmark: int) -> None:
        rule = ("multiplex" if flags & MULTIPLEX else "all-reduce" if flags & ALLREDUCE else
                "long receive" if flags & P2P_RECV and benchmark > self.long_recv else
                "else" if grant else "slowed")
        COVERAGE.hit(f"{'granted' if grant else 'denied'}:{rule}")

    def near(self, benchmark: int) -> int:
        """A time near 1.1 times the benchmark, or any."""
        if self.draws.random() < 0.6:
            return min(max(11 * benchmark // 10 + self.draws.choice((-1, 0, 1)), 0), self.most)
        return self.draws.randint(0, self.most)


suite = Suite(__name__, TB, COVERAGE)


@suite.under_pauses(200)
def random_words(tb: TB) -> None:
    """Any mix, on few GPUs."""
    draws = tb.draws
    for _ in range(1500):
        op = draws.choices((TASKLET, REPORT, ASK, 0, 4, 255), (15, 60, 20, 1, 1, 1))[0]
        gpu = draws.choice((0, tb.gpus - 1, draws.randrange(tb.gpus)))
        if draws.random() < 0.02:
            gpu = draws.choice((tb.gpus, 255))
        benchmark = draws.choice((0, 1, tb.long_recv, tb.long_recv + 1,
                                  draws.randint(0, tb.most))) & tb.most
        held = tb.rows[gpu][1] if gpu < tb.gpus else 0
        flags = 1 << draws.randrange(8) if draws.random() < 0.7 else draws.getrandbits(8)
        tb.ask(op, gpu, flags, benchmark, tb.near(benchmark if op == TASKLET else held))


@suite.test(200)
def every_flag(tb: TB) -> None:
    """All combinations of flags, below, at and above both limits: the answers written out."""
    for flags in range(64):
        for benchmark in (10, min(tb.most, tb.long_recv + 10)):
            limit = 11 * benchmark // 10
            for recent in (limit, limit + 1):
                if recent > tb.most:
                    continue
                slow = 10 * recent > 11 * benchmark
                wanted = bool(flags & 32) or not flags & 16 and (
                    bool(flags & 8) and benchmark > tb.long_recv or not slow)
                assert tb.ask(TASKLET, 0, flags, benchmark, recent) == wanted
                assert tb.ask(ASK, 0) == wanted


@suite.test(400)
def every_pair_of_times(tb: TB) -> None:
    """Where times are narrow: every average with every run, for several benchmarks."""
    if tb.width <= 5:
        for recent, last, benchmark in product(range(32), range(32), (0, 9, 20, 31)):
            tb.ask(TASKLET, 0, 1, benchmark, recent)
            tb.ask(REPORT, 0, time=last)


@suite.test()
def average_comes_down_to_the_benchmark(tb: TB) -> None:
    """After one slow run, runs of the benchmark bring the average back and the gate opens."""
    benchmark = min(200, tb.most // 2)
    tb.ask(TASKLET, 0, 1, benchmark, benchmark)
    assert tb.ask(REPORT, 0, time=min(tb.most, 3 * benchmark)) == 0
    answers = [tb.ask(REPORT, 0, time=benchmark) for _ in range(60)]
    assert answers[0] == 0 and answers[-1] == 1 and answers == sorted(answers)
    assert tb.rows[0][2] == benchmark


@suite.cut((MANY, MANY, MANY), met="reset", pause_out=0.5)
def reset_opens_every_gate(tb: TB) -> Iterator[None]:
    """After a reset no GPU has a tasklet."""
    for gpu in range(tb.gpus):
        tb.ask(TASKLET, gpu, ALLREDUCE, 9, 9)
    yield
    for gpu in range(tb.gpus):
        assert tb.ask(ASK, gpu) == 1


@suite.measure({"ask": 1, "report": 1, "tasklet": 1})
def measure_full_throughput(tb: TB) -> tuple[int, int]:
    """One word a clock, the same GPU or not; one clock of latency: exactly."""
    for number in range(200):
        tb.ask(REPORT if number % 3 else ASK, number // 4 % tb.gpus, time=number & tb.most)
    return 1, 200


def traffic(tb: TB) -> int:
    """A hundred reports, of the GPUs in turn."""
    for number in range(100):
        tb.ask(REPORT, number % tb.gpus, time=number & tb.most)
    return 100


suite.standard({"report": traffic})
