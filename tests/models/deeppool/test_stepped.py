"""The multiplexer against a simulation in small steps of time that knows no events.

Every lane, in each step of a microsecond, does a microsecond's worth of what it can at the speed
of the moment. Ends are found a step late at most, so iterations agree to steps, and background work
to the pieces that the gate lets in a lap earlier or later.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from rackwright.models.deeppool.multiplexer import Mux, multiplex
from rackwright.models.deeppool.sharing import Sharing
from rackwright.models.deeppool.timeline import Segment, Timeline

STEP = 1e-6
SHARING = Sharing("made", np.array([0.2, 1.0]), np.array([1.6, 1.3]), np.array([0.8, 0.4]))
COMPUTE, RECEIVE, SUMS, FREE = 1, 12, 16, 32


@functools.cache
def pair(fullness: float) -> tuple[float, float]:
    """Slowdown and background speed."""
    at = np.array([fullness])
    return float(SHARING.slowdowns(at)[0]), float(SHARING.speeds(at)[0])


@dataclass
class Lane:
    """What a GPU does now."""

    work: list[Segment]
    at: int = 0
    left: float = 0.0
    since: float = 0.0
    running: bool = False
    arrived: bool = False
    piece: float = 0.0
    done: float = 0.0
    benchmark: dict[int, float] = field(default_factory=dict)
    recent: dict[int, float] = field(default_factory=dict)


class Stepped:
    """The timeline's GPUs, one lane each; `present`: whether background work is there."""

    def __init__(self, timeline: Timeline, mux: Mux, present: bool) -> None:
        self.timeline, self.mux, self.present = timeline, mux, present
        self.lanes = [Lane([one for one in timeline.segments if one.gpus[0] <= gpu < one.gpus[1]])
                      for gpu in range(timeline.gpus)]
        self.posts = [0] * timeline.events
        self.ends: list[float] = []
        self.now = 0.0

    def needed(self, event: int) -> int:
        return sum(one.gpus[1] - one.gpus[0] for one in self.timeline.segments
                   if event in (one.post, one.meet))

    def start(self, lane: Lane) -> None:
        while not lane.running:
            one = lane.work[lane.at]
            if not lane.arrived:
                lane.arrived, lane.since = True, self.now
                if one.meet >= 0:
                    self.posts[one.meet] += 1
            lap = len(self.ends) + 1
            if any(event >= 0 and self.posts[event] < self.needed(event) * lap
                   for event in (one.meet, one.wait)):
                return
            if not one.flags & 8:
                lane.since = self.now
            lane.running, lane.left = True, one.time
            if one.time > 0 or not self.end(lane):
                return

    def end(self, lane: Lane) -> bool:
        """End what runs; False after the last operation of a lap."""
        one, took = lane.work[lane.at], self.now - lane.since
        known = lane.benchmark.setdefault(lane.at, took)
        old = lane.recent.get(lane.at, known)
        lane.recent[lane.at] = took if took > 1.1 * known else old + 0.1 * (took - old)
        if one.post >= 0:
            self.posts[one.post] += 1
        lane.running = lane.arrived = False
        lane.at += 1
        return lane.at < len(lane.work)

    def admits(self, lane: Lane) -> bool:
        one = lane.work[lane.at]
        known = lane.benchmark.get(lane.at, one.time)
        if one.flags & FREE:
            return True
        if one.flags & SUMS:
            return False
        if one.flags & 8 and known > 500e-6:
            return True
        return lane.recent.get(lane.at, known) <= 1.1 * known + 1e-12

    def lap(self) -> None:
        for lane in self.lanes:
            lane.at = 0
        while True:
            before = -1
            while before != (before := sum(self.posts) + sum(lane.at for lane in self.lanes)):
                for lane in self.lanes:        # a post may let others start
                    if lane.at < len(lane.work):
                        self.start(lane)
            if all(lane.at == len(lane.work) for lane in self.lanes):
                self.ends.append(self.now)
                return
            for lane in self.lanes:
                self.step(lane)
            self.now += STEP

    def step(self, lane: Lane) -> None:
        if self.present and lane.piece <= 0 and self.admits(lane):
            lane.piece = self.mux.piece_time
        one = lane.work[lane.at]
        shared = lane.piece > 0
        if shared:
            speed = self.mux.idle_share
            if lane.running and one.fullness:
                speed = pair(one.fullness)[1]
            lane.done += min(speed * STEP, lane.piece)
            lane.piece -= speed * STEP
        if lane.running:
            slow = pair(one.fullness)[0] if shared else 1.0
            lane.left -= STEP / slow
            if lane.left <= STEP * 1e-6:
                self.now += STEP
                self.end(lane)
                self.now -= STEP


def compute(time: float, gpus: tuple[int, int], fullness: float, post: int = -1) -> Segment:
    return Segment(1, COMPUTE, gpus, time, fullness, post=post)


def burst() -> Timeline:
    """All four GPUs, then the first alone, back to all, sums."""
    return Timeline((
        compute(400e-6, (0, 4), 0.7, post=0), Segment(2, RECEIVE, (0, 1), 40e-6, wait=0),
        compute(900e-6, (0, 1), 0.3), Segment(2, 4, (0, 1), 40e-6, post=1),
        Segment(2, 8, (0, 4), 0.0, wait=1), compute(500e-6, (0, 4), 0.5),
        Segment(3, SUMS, (0, 4), 300e-6, meet=2), Segment(4, FREE, (0, 4), 0.0, meet=3)), 4, 4)


def parallel() -> Timeline:
    return Timeline((
        compute(450e-6, (0, 2), 0.4), compute(350e-6, (0, 2), 0.9),
        Segment(3, SUMS, (0, 2), 200e-6, meet=0), Segment(4, FREE, (0, 2), 0.0, meet=1)), 2, 2)


@pytest.mark.parametrize("made", [burst, parallel])
@pytest.mark.parametrize("present", [False, True])
def test_small_steps_come_to_the_same(made: Callable[[], Timeline], present: bool) -> None:
    laps, warm = 44, 14
    mux = Mux(SHARING, 0.9, present=present, laps=laps, warm_laps=warm, piece_time=450e-6)
    found = multiplex(made(), mux)
    stepped = Stepped(made(), mux, present=False)
    stepped.lap()                              # benchmarks, alone
    stepped.present = present
    for _ in range(warm - 1):
        stepped.lap()
    begun, before = stepped.now, [lane.done for lane in stepped.lanes]
    for _ in range(laps - warm):
        stepped.lap()
    whole = stepped.now - begun
    assert whole / (laps - warm) == pytest.approx(found.iteration_time, rel=0.015)
    speeds = np.repeat(found.bg_speed, found.copies)
    done = [(lane.done - one) / whole for lane, one in zip(stepped.lanes, before, strict=True)]
    # one piece more or less at the ends of the window, and half of one in between
    assert done == pytest.approx(speeds.tolist(), abs=1.5 * mux.piece_time / whole)
    if not present:
        assert found.iteration_time == pytest.approx(whole / (laps - warm), abs=1e-9)
