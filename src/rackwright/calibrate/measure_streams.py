"""Measuring two streams of work that share one GPU, with and without priorities.

Each stream replays a CUDA graph of its own work again and again, at most DEPTH replays queued, so
that neither ever waits for the host; both run all the time that is measured. Works: ``gemm`` of
size^3 in bf16 and ``copy`` of size bytes (operands rotate through four times L2), ``norm`` over
size rows of NORM_DIM, ``resnet50`` one training step of a batch. Graphs of short works hold about
1 ms. The time of a work is the median interval between ends of its graph, over the works in it.
Priority "high" gives the first stream a higher priority than the second, "equal" the same.

A second stream that is starved, so that fewer than two of its graphs end in LONGEST, has 0 in
`second_us` and `second_samples`. Leaves out: processes of their own, partitions, more streams.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rackwright.calibrate.resnet import training_step
from rackwright.calibrate.tables import Point
from rackwright.calibrate.timing import GRAPH_TIME, MOST_NODES, rotation, sample

__all__ = ["StreamBench"]

DEPTH = 2               # replays queued in a stream
WARM, LEAST, LONGEST = 0.1, 0.3, 2.0  # s: unmeasured, then measured at least and at most
ENOUGH = 20             # intervals of each stream that end a measurement after LEAST
HIGH, LOW = -1, 0       # priorities of CUDA streams: lower numbers go first
NORM_DIM = 8192
SEED = 13               # of the operands
Step = Callable[[int], object]


@dataclass
class Lane:
    """A stream that replays one graph of `works`; `ended`: end events, oldest first.

    `step` holds the operands, whose memory the graph reads.
    """

    torch: Any
    stream: Any
    graph: Any
    works: int
    step: Step
    waiting: deque[Any] = field(default_factory=deque)
    ended: list[Any] = field(default_factory=list)

    def serve(self) -> None:
        """Take note of what has ended; queue another replay when there is room."""
        while self.waiting and self.waiting[0].query():
            self.ended.append(self.waiting.popleft())
        if len(self.waiting) < DEPTH:
            event = self.torch.cuda.Event(enable_timing=True)
            with self.torch.cuda.stream(self.stream):
                self.graph.replay()
                event.record()
            self.waiting.append(event)

    def times_us(self) -> list[float]:
        """Microseconds of a work, one number for each interval between ends."""
        return [float(a.elapsed_time(b)) * 1e3 / self.works
                for a, b in zip(self.ended, self.ended[1:], strict=False)]


class StreamBench:
    """Measures the table `streams`."""

    def __init__(self, torch: Any) -> None:
        self.torch = torch
        self.l2 = int(torch.cuda.get_device_properties(0).L2_cache_size)
        self.random = torch.Generator(device="cuda").manual_seed(SEED)
        self.made: dict[tuple[str, int, int, int], tuple[Any, Any, int, Step]] = {}

    def streams(self, point: Point) -> dict[str, float]:
        torch = self.torch
        first, first_size, second, second_size = point.values[1:]
        with torch.inference_mode(mode=False), torch.enable_grad():
            lanes = [self._lane(str(first), int(first_size), 0,
                                HIGH if point["priority"] == "high" else LOW)]
            if second != "none":
                lanes.append(self._lane(str(second), int(second_size), 1, LOW))
            _serve(torch, lanes)
        times = [lane.times_us() for lane in lanes] + [[]]
        other = sample(times[1]) if len(times[1]) > 0 else {"time_us": 0.0, "samples": 0}
        return sample(times[0]) | {"second_us": other["time_us"],
                                   "second_samples": other["samples"]}

    def _lane(self, work: str, size: int, place: int, priority: int) -> Lane:
        """A graph runs with the priority of the stream that it was captured from."""
        key = work, size, place, priority
        if key not in self.made:
            stream = self.torch.cuda.Stream(priority=priority)
            self.made[key] = (stream, *self._captured(work, size, stream))
        return Lane(self.torch, *self.made[key])

    def _captured(self, work: str, size: int, stream: Any) -> tuple[Any, int, Step]:
        torch = self.torch
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            step, sets = self._work(work, size)
            for i in range(4):
                step(i % sets)
            stream.synchronize()
            works = 1 if work == "resnet50" else self._count(step, sets, stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=stream):
                for i in range(works):
                    step(i % sets)
        torch.cuda.synchronize()
        return graph, works, step

    def _count(self, step: Step, sets: int, stream: Any) -> int:
        """Works of about GRAPH_TIME, timed in a first graph of whole rounds of the sets."""
        torch = self.torch
        trial = max(sets, 16)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            for i in range(trial):
                step(i % sets)
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        for _ in range(3):
            begin.record(stream)
            graph.replay()
            end.record(stream)
        stream.synchronize()
        once = float(begin.elapsed_time(end)) * 1e-3 / trial
        return min(max(round(GRAPH_TIME / once), 1), MOST_NODES)

    def _work(self, work: str, size: int) -> tuple[Step, int]:
        """A step over operands i, and how many sets of them rotate."""
        torch = self.torch
        if work == "resnet50":
            train = training_step(torch, size)
            return lambda i: train(), 1
        if work == "norm":
            rows, weight = self._normal(size, NORM_DIM), self._normal(NORM_DIM)
            norm = torch.nn.functional.layer_norm
            return lambda i: norm(rows, (NORM_DIM,), weight, weight), 1
        if work == "copy":
            sets = min(rotation(self.l2, 2 * size), 64)
            a = [self._normal(size // 2) for _ in range(sets)]
            b = [torch.empty_like(one) for one in a]
            return lambda i: b[i].copy_(a[i]), sets
        sets = min(rotation(self.l2, 2 * size * size), 64)
        x, w = self._normal(size, size), [self._normal(size, size).t() for _ in range(sets)]
        return lambda i: torch.mm(x, w[i]), sets

    def _normal(self, *shape: int) -> Any:
        return self.torch.randn(shape, dtype=self.torch.bfloat16, device="cuda",
                                generator=self.random)


def _serve(torch: Any, lanes: Sequence[Lane]) -> None:
    """Keep all lanes busy until each has ended often enough; the warm time's ends are dropped."""
    begin = time.perf_counter()
    while time.perf_counter() - begin < WARM:
        for lane in lanes:
            lane.serve()
    for lane in lanes:
        lane.ended.clear()
    begin, done = time.perf_counter(), False
    while not done:
        for lane in lanes:
            lane.serve()
        spent = time.perf_counter() - begin
        done = spent > LONGEST or (spent > LEAST and all(len(lane.ended) > ENOUGH
                                                         for lane in lanes))
    torch.cuda.synchronize()
