"""A packet pipeline in closed form: parse, match, offload, DMA, egress in one clock.

Models, for each stage: `width` (bytes a cycle), `interval_cycles` (least cycles between two
packets, its II), `depth_cycles` (from a packet's head going in until it comes out), whether it
needs the `whole` packet before it starts, and how many packets wait before it at most (`slots`).
A stage is held for ``max(interval, ceil((bytes + overhead) / width))`` cycles; one that is
`paced` from outside (the line, PCIe) rounds up to a tick, a sixteenth of a cycle. It takes a
packet only when the next stage has a free slot (credits that return in no time).

Exact: the time of a packet that meets no other, and the rate of back-to-back packets of one size,
which is the slowest stage's, or that of a loop of too few slots. Under Poisson arrivals of one
size only the slowest stage's queue counts, whatever the order of stages (known of tandem queues
with constant service), so the wait is M/D/1's. `pipeline` replays it cycle by cycle.

Leaves out: waiting for an edge between domains of other clocks, reordering, stages in parallel.
Units: cycles of the one clock, ticks inside; seconds where a name says time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.nic.cores import md1_wait
from rackwright.errors import UsageError

__all__ = ["TICKS", "Pipeline", "Stage"]

I64 = npt.NDArray[np.int64]
TICKS = 16  # of a cycle
MOST_SLOTS = 1 << 16
_EPS = 1e-9  # of a cycle: 64 bytes at 64 bytes a cycle are one cycle whatever the rounding


@dataclass(frozen=True)
class Stage:
    """One stage; `width` None for one that looks at headers only."""

    name: str
    depth_cycles: int
    interval_cycles: int = 1
    width: float | None = None
    overhead_nbytes: int = 0
    whole: bool = False
    slots: int = 64
    paced: bool = False

    def __post_init__(self) -> None:
        for name, least in (("depth_cycles", 1), ("interval_cycles", 1), ("slots", 1),
                            ("overhead_nbytes", 0)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise UsageError(f"stage {self.name!r}: {name} must be a whole number, {least} or "
                                 f"more, not {value!r}")
        if self.slots > MOST_SLOTS:
            raise UsageError(f"stage {self.name!r}: slots must be at most {MOST_SLOTS}, not "
                             f"{self.slots}")
        if self.width is not None and not (math.isfinite(self.width) and self.width > 0):
            raise UsageError(f"stage {self.name!r}: width must be bytes a cycle above 0, not "
                             f"{self.width!r}")

    def held_ticks(self, n: Floats) -> Floats:
        """Ticks for which a packet of `n` bytes holds the stage."""
        least = float(TICKS * self.interval_cycles)
        if self.width is None:
            return np.full_like(n, least)
        grain = 1 if self.paced else TICKS
        cycles = (n + self.overhead_nbytes) / self.width
        return np.asarray(np.maximum(least, grain * np.ceil(cycles * (TICKS / grain) - _EPS)))


@dataclass(frozen=True)
class Pipeline:
    """Stages in the order in which packets pass them. The clock's period is rounded to whole
    picoseconds. Raises `UsageError` for no stage, or a clock that is none."""

    stages: tuple[Stage, ...]
    clock_hz: float

    def __post_init__(self) -> None:
        if not self.stages:
            raise UsageError("a pipeline has one stage at least")
        if not (math.isfinite(self.clock_hz) and 1e6 <= self.clock_hz <= 1e11):
            raise UsageError(f"clock_hz={self.clock_hz!r}: a clock is from 1e6 to 1e11 Hz")

    @property
    def period_ps(self) -> int:
        """Whole picoseconds of a cycle."""
        return round(1e12 / self.clock_hz)

    @property
    def tick_time(self) -> float:
        """Seconds of a tick."""
        return self.period_ps / TICKS * 1e-12

    def held_ticks(self, nbytes: Sizes) -> I64:
        """Ticks for which each stage is held, shape (stages, *shape of nbytes)."""
        n, = sizes(nbytes=nbytes)
        return np.stack([stage.held_ticks(n) for stage in self.stages]).astype(np.int64)

    def latency_time(self, nbytes: Sizes) -> Seconds:
        """Seconds from a packet's arrival at a clock edge until its tail has left, alone."""
        _, tail = _alone(self, self.held_ticks(nbytes))
        return bare(np.asarray(tail * self.tick_time, np.float64))

    def packet_rate(self, nbytes: Sizes) -> Seconds:
        """Packets/s, back to back, all of `nbytes`."""
        return bare(1 / (self.tick_time * self._spacing(nbytes)))

    def bandwidth(self, nbytes: Sizes) -> Seconds:
        """Bytes/s of back-to-back packets of `nbytes`."""
        n, = sizes(nbytes=nbytes)
        return bare(np.asarray(n * self.packet_rate(nbytes)))

    def bottleneck(self, nbytes: int) -> str:
        """The stage that limits packets of `nbytes`, or "slots before STAGE"."""
        held = self.held_ticks(nbytes)
        loops = [float(ticks) for ticks in _loops(self, held)]
        if loops and max(loops) > float(held.max()):
            return f"slots before {self.stages[1 + loops.index(max(loops))].name}"
        return self.stages[int(np.argmax(held))].name

    def wait_time(self, nbytes: int, load: float) -> float:
        """Mean seconds of waiting, Poisson arrivals at `load` (0..1) of `packet_rate`."""
        return md1_wait(1 / float(self.packet_rate(nbytes)), load)

    def _spacing(self, nbytes: Sizes) -> Floats:
        """Ticks between back-to-back packets: the slowest stage or loop of slots."""
        held = self.held_ticks(nbytes)
        found: Floats = held.max(axis=0).astype(np.float64)
        for ticks in _loops(self, held):
            found = np.maximum(found, ticks)
        return found


def _alone(pipeline: Pipeline, held: I64) -> tuple[I64, I64]:
    """Ticks at which head and tail of a packet that is alone leave the last stage."""
    head = tail = np.zeros(held.shape[1:], np.int64)
    for stage, ticks in zip(pipeline.stages, held, strict=True):
        start = tail if stage.whole else head
        end = np.maximum(start + ticks, tail)
        head, tail = start + TICKS * stage.depth_cycles, end + TICKS * stage.depth_cycles
    return head, tail


def _loops(pipeline: Pipeline, held: I64) -> list[Floats]:
    """Least ticks a packet that the slots before each stage but the first allow.

    A slot is taken when the stage upstream starts a packet and freed when this one does. That
    takes the depth upstream; before a stage that wants whole packets also the time of the tail,
    which may go back over several stages, whose slots then all count.
    """
    stages, found = pipeline.stages, list[Floats]()
    for place in range(1, len(stages)):
        worst = np.zeros(held.shape[1:])
        for first in range(place - 1, -1, -1):
            worst = np.maximum(worst, _loop(stages, held, first, place))
            if not stages[place].whole or stages[first].whole:
                break
        found.append(worst)
    return found


def _loop(stages: Sequence[Stage], held: I64, first: int, place: int) -> Floats:
    ticks = TICKS * sum(stage.depth_cycles for stage in stages[first:place])
    slots = sum(stage.slots for stage in stages[first + 1:place + 1])
    tail = held[first] if stages[place].whole else np.zeros(held.shape[1:])
    return np.asarray((ticks + tail) / slots)
