"""Many trainings on one cluster: who gets which GPUs, and when each ends.

Foreground jobs wait in line, in order of arrival, for a free block of GPUs, which is theirs to the
end. Background jobs take a GPU each, at every arrival and end anew, in order of arrival and the
fastest places first: GPUs without foreground job (alone), else those of a block, at the speed that
the multiplexer leaves there. A foreground job with background work on any GPU of its block goes at
its multiplexed speed, as if all had some: the slower end.

Between events every job goes on at a steady speed. Moving a background job costs nothing. What it
leaves out: that background work of other models is cut differently; checkpoints; failures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Cluster", "Ended", "FastJob", "SlowJob", "run_jobs"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Show = Callable[[float, int], None]


@dataclass(frozen=True)
class FastJob:
    """A foreground job. `alone_rate`, `shared_rate`: samples/s; `one_rate`: on one GPU; `speeds`:
    of background work on each GPU of its block.
    """

    number: int
    arrival: float
    samples: float
    alone_rate: float
    shared_rate: float
    one_rate: float
    speeds: Floats


@dataclass(frozen=True)
class SlowJob:
    """A background job; `rate`: samples/s alone on a GPU."""

    number: int
    arrival: float
    samples: float
    rate: float


@dataclass(frozen=True)
class Cluster:
    """`blocks`: first GPUs of the foreground's blocks, of `size` GPUs each; `beside`: whether
    background work may run on GPUs of a foreground job; `shared`: GPUs open to background work.
    """

    gpus: int
    blocks: Sequence[int]
    size: int
    beside: bool
    shared: npt.NDArray[np.bool_]


@dataclass
class Ended:
    """When jobs started and ended (s; -1: not), where foreground jobs ran, and GPU-seconds."""

    start: Floats
    end: Floats
    block: Ints
    now: float = 0.0
    fg_gpu_time: float = 0.0        # GPUs of running foreground jobs
    shared_gpu_time: float = 0.0    # GPUs that have both
    fg_work: float = 0.0            # work done, in seconds of a GPU alone
    bg_work: float = 0.0
    loaded_time: float = 0.0        # until the last arrival
    loaded_work: float = 0.0        # done until then
    gpu_busy: Floats = field(default_factory=lambda: np.zeros(0))
    left: dict[int, float] = field(default_factory=dict)


@dataclass
class _Running:
    job: FastJob
    block: int
    left: float
    rate: float


def run_jobs(fast: Sequence[FastJob], slow: Sequence[SlowJob], cluster: Cluster, ended: Ended,
             show: Show | None = None) -> Ended:
    """Run all jobs to their ends; `ended` holds what is known should it be interrupted."""
    return _Loop(fast, slow, cluster, ended).run(show)


class _Loop:
    """The events of one run."""

    def __init__(self, fast: Sequence[FastJob], slow: Sequence[SlowJob], cluster: Cluster,
                 ended: Ended) -> None:
        self.fast, self.slow = list(fast), list(slow)
        self.cluster, self.ended = cluster, ended
        ended.gpu_busy = np.zeros(cluster.gpus)
        self.running: dict[int, _Running] = {}
        self.active: list[SlowJob] = []
        self.left: dict[int, float] = ended.left
        self.next_fast = self.next_slow = 0
        self.waiting: list[FastJob] = []
        self.speeds = np.zeros(0)
        self.places = np.zeros(0, np.int64)

    def run(self, show: Show | None) -> Ended:
        done = 0
        while True:
            self._arrive()
            self._place()
            following = self._next_time()
            if following == np.inf:
                return self.ended
            self._pass(following)
            done += self._end()
            if show:
                show(self.ended.now, done)

    def _arrive(self) -> None:
        now = self.ended.now
        while self.next_fast < len(self.fast) and self.fast[self.next_fast].arrival <= now:
            self.waiting.append(self.fast[self.next_fast])
            self.next_fast += 1
        while self.next_slow < len(self.slow) and self.slow[self.next_slow].arrival <= now:
            arrived = self.slow[self.next_slow]
            self.active.append(arrived)
            self.left[arrived.number] = arrived.samples
            self.next_slow += 1

    def _place(self) -> None:
        """Foreground first, then background jobs to the fastest places that are left."""
        for block in self.cluster.blocks:
            if self.waiting and block not in self.running:
                job = self.waiting.pop(0)
                self.running[block] = _Running(job, block, job.samples, job.alone_rate)
                self.ended.start[job.number] = self.ended.now
                self.ended.block[job.number] = block
        speed = np.where(self.cluster.shared, 1.0, 0.0)
        for block, run in self.running.items():
            inside = slice(block, block + self.cluster.size)
            speed[inside] = run.job.speeds * self.cluster.shared[inside] * self.cluster.beside
        order = np.argsort(-speed, kind="stable")[:len(self.active)]
        self.places = order[speed[order] > 0]
        self.speeds = speed[self.places]
        used = np.zeros(self.cluster.gpus, bool)
        used[self.places] = True
        for block, run in self.running.items():
            beside = bool(used[block:block + self.cluster.size].any())
            run.rate = run.job.shared_rate if beside else run.job.alone_rate
        for placed in self.active[:len(self.places)]:
            if self.ended.start[placed.number] < 0:
                self.ended.start[placed.number] = self.ended.now

    def _next_time(self) -> float:
        now = self.ended.now
        times = [now + run.left / run.rate for run in self.running.values()]
        times += [now + self.left[job.number] / (job.rate * float(speed))
                  for job, speed in zip(self.active, self.speeds, strict=False)]
        times += [jobs[at].arrival for jobs, at in ((self.fast, self.next_fast),
                                                    (self.slow, self.next_slow)) if at < len(jobs)]
        return max(min(times), now) if times else np.inf

    def _pass(self, following: float) -> None:
        ended = self.ended
        elapsed = following - ended.now
        busy = np.zeros(self.cluster.gpus)
        for run in self.running.values():
            finishes = ended.now + run.left / run.rate <= following
            ended.fg_work += (run.left if finishes else run.rate * elapsed) / run.job.one_rate
            run.left = 0.0 if finishes else run.left - run.rate * elapsed
            busy[run.block:run.block + self.cluster.size] = 1.0
        ended.fg_gpu_time += float(busy.sum()) * elapsed
        ended.shared_gpu_time += float(busy[self.places].sum()) * elapsed
        busy[self.places] = 1.0
        ended.gpu_busy += busy * elapsed
        for job, speed in zip(self.active, self.speeds.tolist(), strict=False):
            left, rate = self.left[job.number], job.rate * speed
            finishes = ended.now + left / rate <= following
            ended.bg_work += (left / job.rate if finishes else speed * elapsed)
            self.left[job.number] = 0.0 if finishes else left - rate * elapsed
        ended.now = following
        if self.next_fast + self.next_slow < len(self.fast) + len(self.slow):
            ended.loaded_time, ended.loaded_work = following, ended.fg_work + ended.bg_work

    def _end(self) -> int:
        """Take away what has nothing left; how many jobs that were."""
        ended, before = self.ended, len(self.running) + len(self.active)
        for block, run in list(self.running.items()):
            if run.left <= 0:
                ended.end[run.job.number] = ended.now
                del self.running[block]
        for job in self.active:
            if self.left[job.number] <= 0:
                ended.end[job.number] = ended.now
        self.active = [job for job in self.active if self.left[job.number] > 0]
        return before - len(self.running) - len(self.active)
