"""Measuring collectives, transfers between GPUs, and copies over PCIe from several GPUs at once.

One process a GPU (`crew` starts them); each calls `CollectiveBench` with the same points in the
same order. A point's GPUs are the first so many of the host. Collectives and transfers go through
`torch.distributed` on NCCL, as the environment has set it (NCCL_NVLS_ENABLE and the like), in
bf16, on buffers that stay where they are: small messages sit in L2, as in nccl-tests.

`launch` "graph": a CUDA graph holds an operation many times; the median of its replays, over the
operations in it, is the time, so the host's launches do not show. "eager": the same operations
launched one by one from Python, back to back; at small sizes that is the host's time. Roots of
`broadcast` and `reduce` go round backwards, so that each operation starts on the GPU where the one
before ended: a fixed root would run ahead, and its time would be that of its own part alone.
Times are those of the first GPU; in `incast` and `outcast` it is the one that all others meet.

PCIe: all GPUs start together and copy several times; the time of one is that of the last to end.

Leaves out: several operations at once, several hosts, other data types. Sums in place overflow
after some tens of operations; what that does to the board's power was not looked at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from rackwright.calibrate.tables import Point
from rackwright.calibrate.timing import sample

__all__ = ["LARGEST", "CollectiveBench", "moves", "root"]

LARGEST = 2 ** 30          # bytes of the buffers
PCIE_LARGEST = 2 ** 28     # bytes of pinned host memory, each way
GRAPH_TIME, MEASURE_TIME = 1e-3, 25e-3  # s
GUESS_TIME, GUESS_BANDWIDTH = 12e-6, 150e9  # of one operation, for how many to measure
PCIE_TIME, PCIE_BANDWIDTH = 60e-3, 20e9  # s that the copies of a point take; bytes/s, for how many
ROUND = 8                  # operations come in rounds of so many, for the roots
EAGER_FLOOR = 60e-6        # s that Python takes for one operation, for the same


def root(turn: int, gpus: int) -> int:
    """The root of operation `turn`.

    >>> [root(turn, 4) for turn in range(5)]
    [0, 3, 2, 1, 0]
    """
    return -turn % gpus


def moves(pattern: str, gpus: int) -> list[tuple[int, int]]:
    """(sender, receiver) of a point-to-point pattern.

    >>> moves("incast", 3), moves("pairs", 4)
    ([(1, 0), (2, 0)], [(0, 1), (2, 3)])
    """
    if pattern in ("single", "pairs"):
        return [(gpu, gpu + 1) for gpu in range(0, gpus, 2)]
    if pattern in ("bidirectional", "ring"):
        return [(gpu, (gpu + 1) % gpus) for gpu in range(gpus)]
    others = range(1, gpus)
    return [(gpu, 0) if pattern == "incast" else (0, gpu) for gpu in others]


class CollectiveBench:
    """Measures the tables `collectives`, `p2p` and `pcie_multi` on one GPU of several.

    `groups`: number of GPUs -> the process group of the first so many. Raises ValueError for a
    point that needs more GPUs than there are.
    """

    def __init__(self, torch: Any, rank: int, groups: Mapping[int, Any]) -> None:
        self.torch, self.dist, self.rank, self.groups = torch, torch.distributed, rank, groups
        self._buffers: tuple[Any, Any] | None = None
        self._host: tuple[Any, Any] | None = None

    def __call__(self, point: Point) -> Mapping[str, float]:
        """The measured values on the first GPU; on the others nothing that matters."""
        if point.number("gpus") > max(self.groups):
            raise ValueError(f"needs {point['gpus']} GPUs; this host has {max(self.groups)}")
        if point.table == "pcie_multi":
            return self._pcie(point)
        if self.rank >= point.number("gpus"):
            return {}
        step = self._step(point)
        if point.table == "collectives" and point["launch"] == "eager":
            return self._eager(step, point.number("bytes"))
        return self._graph(step, point.number("bytes"))

    def _step(self, point: Point) -> Callable[[int], object]:
        """Operation number i of the point."""
        gpus, nbytes = point.number("gpus"), point.number("bytes")
        if point.table == "p2p":
            return self._transfers(moves(str(point["pattern"]), gpus), nbytes)
        return self._collective(str(point["op"]), gpus, nbytes)

    def _collective(self, op: str, gpus: int, nbytes: int) -> Callable[[int], object]:
        dist, group = self.dist, self.groups[gpus]
        source, target = (buffer[:nbytes // 2] for buffer in self._device())
        part = nbytes // 2 // gpus
        steps: dict[str, Callable[[int], object]] = {
            "all_reduce": lambda turn: dist.all_reduce(source, group=group),
            "all_gather": lambda turn: dist.all_gather_into_tensor(target, source[:part],
                                                                   group=group),
            "reduce_scatter": lambda turn: dist.reduce_scatter_tensor(target[:part], source,
                                                                      group=group),
            "all_to_all": lambda turn: dist.all_to_all_single(target, source, group=group),
            "broadcast": lambda turn: dist.broadcast(source, root(turn, gpus), group=group),
            "reduce": lambda turn: dist.reduce(source, root(turn, gpus), group=group)}
        return steps[op]

    def _transfers(self, pairs: list[tuple[int, int]], nbytes: int) -> Callable[[int], object]:
        dist = self.dist
        source, target = (buffer[:nbytes // 2] for buffer in self._device())
        mine = [(dist.isend, source, receiver) for sender, receiver in pairs
                if sender == self.rank]
        mine += [(dist.irecv, target, sender) for sender, receiver in pairs
                 if receiver == self.rank]

        def step(turn: int) -> None:
            for work in dist.batch_isend_irecv([dist.P2POp(*one) for one in mine]):
                work.wait()
        return step

    def _graph(self, step: Callable[[int], object], nbytes: int) -> Mapping[str, float]:
        """The number of operations follows from the size alone: all GPUs must agree on it."""
        torch, guess = self.torch, GUESS_TIME + nbytes / GUESS_BANDWIDTH
        nodes = min(max(round(GRAPH_TIME / guess), ROUND), 80) // ROUND * ROUND
        stream = torch.cuda.Stream()
        with torch.cuda.stream(stream):
            for turn in range(ROUND):  # connects; what is captured must not
                step(turn)
            stream.synchronize()
            graph = torch.cuda.CUDAGraph()
            # the watchdog of the process group asks for events meanwhile
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                for turn in range(nodes):
                    step(turn)
            count = min(max(round(MEASURE_TIME / guess / nodes), 5), 40)
            times = self._between_events(graph.replay, count, unmeasured=3)
        return sample([one / nodes for one in times])

    def _between_events(self, work: Callable[[], object], count: int, unmeasured: int
                        ) -> list[float]:
        """Microseconds of each of `count` runs of `work` on the current stream."""
        events = [self.torch.cuda.Event(enable_timing=True) for _ in range(count + 1)]
        for _ in range(unmeasured):
            work()
        events[0].record()
        for event in events[1:]:
            work()
            event.record()
        events[-1].synchronize()
        return [float(a.elapsed_time(b)) * 1e3 for a, b in zip(events, events[1:], strict=False)]

    def _eager(self, step: Callable[[int], object], nbytes: int) -> Mapping[str, float]:
        guess = EAGER_FLOOR + nbytes / GUESS_BANDWIDTH
        batch = min(max(round(GRAPH_TIME / guess / ROUND), 1), 8) * ROUND

        def work() -> None:
            for turn in range(batch):
                step(turn)
        times = self._between_events(work, min(max(round(MEASURE_TIME / guess / batch), 4), 12), 1)
        return sample([one / batch for one in times])

    def _pcie(self, point: Point) -> Mapping[str, float]:
        nbytes, gpus = point.number("bytes"), point.number("gpus")
        count = min(max(round(PCIE_TIME * PCIE_BANDWIDTH / nbytes), 4), 200)
        copies = self._copies(str(point["direction"]), nbytes)
        times = [self._together(copies, count, self.rank < gpus) for _ in range(5)]
        return sample(times[1:])

    def _copies(self, direction: str, nbytes: int) -> list[tuple[Any, Callable[[], object]]]:
        torch, (up, down) = self.torch, self._pinned()
        into, out = (buffer[:nbytes // 2] for buffer in self._device())
        up, down = up[:nbytes], down[:nbytes]
        into, out = into.view(torch.uint8), out.view(torch.uint8)
        ways: dict[str, Callable[[], object]] = {
            "h2d": lambda: into.copy_(up, non_blocking=True),
            "d2h": lambda: down.copy_(out, non_blocking=True)}
        return [(torch.cuda.Stream(), copy) for way, copy in ways.items()
                if direction in (way, "both")]

    def _together(self, copies: list[tuple[Any, Callable[[], object]]], count: int, active: bool
                  ) -> float:
        """Microseconds of one copy of the last GPU to end; the clock is the host's."""
        self._meet()
        begin = time.perf_counter()
        if active:
            for _ in range(count):
                for stream, copy in copies:
                    with self.torch.cuda.stream(stream):
                        copy()
            self.torch.cuda.synchronize()
        spent = (time.perf_counter() - begin) / count * 1e6
        return self._meet(spent if active else 0.0)

    def _meet(self, value: float = 0.0) -> float:
        """Waits for all; the largest `value`."""
        largest = self.torch.full((1,), value, dtype=self.torch.float64, device="cuda")
        self.dist.all_reduce(largest, op=self.dist.ReduceOp.MAX)
        return float(largest.item())

    def _device(self) -> tuple[Any, Any]:
        if self._buffers is None:
            torch = self.torch
            self._buffers = (
                torch.randn(LARGEST // 2, dtype=torch.bfloat16, device="cuda"),
                torch.zeros(LARGEST // 2, dtype=torch.bfloat16, device="cuda"))
        return self._buffers

    def _pinned(self) -> tuple[Any, Any]:
        if self._host is None:
            torch = self.torch
            up, down = (torch.ones(PCIE_LARGEST, dtype=torch.uint8, pin_memory=True)
                        for _ in range(2))
            self._host = up, down
        return self._host
