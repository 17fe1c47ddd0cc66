"""Timing of GPU work by replays of a CUDA graph.

An operation is captured again and again into one graph, over as many sets of operands as L2 must
not hold, until the graph takes about GRAPH_TIME. The graph is replayed for `warm_time`, then for
`measure_time` with an event between replays; the time of an operation is the median replay over
the operations in it. The board works without a pause, so long products run at the clock that the
power limit leaves them. Clocks and power limits are never touched.

Leaves out: host time (a graph has little), the first call, contention.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["GraphTimer", "rotation", "sample"]

GRAPH_TIME = 1e-3  # s; the gap between two replays, a few us, is then below 1 %
MOST_NODES = 1024
LEAST_SAMPLES, MOST_SAMPLES = 5, 60


def rotation(l2_nbytes: int, nbytes: int) -> int:
    """Sets of `nbytes` that together are four times what L2 holds: 2 to 512."""
    return min(max(math.ceil(4 * l2_nbytes / max(nbytes, 1)), 2), 512)


def sample(times_us: Sequence[float]) -> dict[str, float]:
    """Median, spread and count of times in microseconds."""
    ordered = sorted(times_us)
    count = len(ordered)
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    low, high = ordered[count // 10], ordered[(9 * (count - 1) + 9) // 10]
    return {"time_us": median, "spread": (high - low) / median, "samples": count}


@dataclass
class GraphTimer:
    """`torch`: the module. Times in seconds."""

    torch: Any
    warm_time: float = 0.03
    measure_time: float = 0.05

    def __call__(self, step: Callable[[int], object], sets: int = 1) -> dict[str, float]:
        """Time `step(i)`, which works on operands i of `sets`."""
        stream = self.torch.cuda.Stream()
        stream.wait_stream(self.torch.cuda.current_stream())
        with self.torch.cuda.stream(stream):
            step(0)
            step(sets - 1)
            stream.synchronize()
            once = self._elapsed(lambda: step(0), 2)
            nodes = _nodes(once, sets)
            graph = self._capture(step, sets, nodes, stream)
            whole = self._elapsed(graph.replay, 2)
            if whole < GRAPH_TIME / 2 and nodes < MOST_NODES:  # launches had hidden the kernel
                nodes = _nodes(whole / nodes, sets)
                graph = self._capture(step, sets, nodes, stream)
                whole = self._elapsed(graph.replay, 2)
            return sample([time / nodes for time in self._replays(graph, whole)])

    def _capture(self, step: Callable[[int], object], sets: int, nodes: int, stream: Any) -> Any:
        graph = self.torch.cuda.CUDAGraph()
        with self.torch.cuda.graph(graph, stream=stream):
            for node in range(nodes):
                step(node % sets)
        return graph

    def _elapsed(self, work: Callable[[], object], times: int) -> float:
        """Seconds of the last of `times` runs of `work` on the current stream."""
        for _ in range(times):
            begin, end = self._event(), self._event()
            begin.record()
            work()
            end.record()
        end.synchronize()
        return max(float(begin.elapsed_time(end)) * 1e-3, 1e-6)

    def _replays(self, graph: Any, whole: float) -> list[float]:
        """Microseconds of each of the measured replays."""
        for _ in range(max(math.ceil(self.warm_time / whole), 1)):
            graph.replay()
        count = min(max(math.ceil(self.measure_time / whole), LEAST_SAMPLES), MOST_SAMPLES)
        events = [self._event() for _ in range(count + 1)]
        events[0].record()
        for event in events[1:]:
            graph.replay()
            event.record()
        events[-1].synchronize()
        return [float(a.elapsed_time(b)) * 1e3 for a, b in zip(events, events[1:], strict=False)]

    def _event(self) -> Any:
        return self.torch.cuda.Event(enable_timing=True)


def _nodes(once: float, sets: int) -> int:
    """Operations of a graph: whole rounds of the sets, about GRAPH_TIME, at most MOST_NODES."""
    rounds = max(math.ceil(GRAPH_TIME / (once * sets)), 1)
    return min(rounds * sets, max(MOST_NODES // sets, 1) * sets)
