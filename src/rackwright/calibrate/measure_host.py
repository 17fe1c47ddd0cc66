"""Measuring launches, copies over PCIe, and power.

Launches: an addition of one element, back to back from Python, as a node of a graph, and with a
synchronisation each. PCIe: copies on a stream with an event between them; "both" copies up and
down at once on two streams, several in a row, and its time is that of a pair. Pageable copies
block the host and are timed by its clock. Power: `nvidia-smi` reads board power and clocks every
0.2 s while a load runs for LOAD_TIME, the first SETTLE_TIME left out; medians. Nothing is set or
reset.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from rackwright.calibrate.tables import Point
from rackwright.calibrate.timing import GraphTimer, sample

__all__ = ["HostBench", "smi"]

LOAD_TIME, SETTLE_TIME, EVERY = 4.5, 1.5, 0.2  # s
COPIES_TIME = 0.15  # s that the copies of one point take together
QUERY = "power.draw,clocks.sm,clocks.mem,temperature.gpu"


def smi(query: str) -> list[str]:
    """What `nvidia-smi` says of the first GPU, value by value, without units."""
    done = subprocess.run(["nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader,nounits",
                           "--id=0"], capture_output=True, text=True, check=True, timeout=30)
    return [word.strip() for word in done.stdout.strip().split(",")]


class HostBench:
    """Measures the tables `launch`, `pcie` and `power`."""

    def __init__(self, torch: Any, timer: GraphTimer) -> None:
        self.torch, self.timer = torch, timer

    def launch(self, point: Point) -> dict[str, float]:
        one = self.torch.ones(1, device="cuda")
        if point["kind"] == "graph_node":
            return self.timer(lambda i: one.add_(1))
        together = 1000 if point["kind"] == "eager_back_to_back" else 1
        times = [self._host_time(lambda: one.add_(1), together)
                 for _ in range(20 if together > 1 else 2000)]
        return sample(times[len(times) // 10:])

    def _host_time(self, work: Callable[[], object], together: int) -> float:
        """Microseconds of one of `together` calls, the last one's end awaited."""
        begin = time.perf_counter()
        for _ in range(together):
            work()
        self.torch.cuda.synchronize()
        return (time.perf_counter() - begin) / together * 1e6

    def pcie(self, point: Point) -> dict[str, float]:
        nbytes, = point.numbers()
        direction, torch = point["direction"], self.torch
        pinned = point["host_memory"] == "pinned"
        host = torch.ones(nbytes, dtype=torch.uint8, pin_memory=pinned)  # every page touched
        device = torch.zeros(nbytes, dtype=torch.uint8, device="cuda")
        if direction == "both":
            other = torch.ones(nbytes, dtype=torch.uint8, pin_memory=True)
            back = torch.zeros(nbytes, dtype=torch.uint8, device="cuda")
            return self._pairs(lambda: device.copy_(host, non_blocking=True),
                               lambda: other.copy_(back, non_blocking=True), nbytes)
        into, out = (device, host) if direction == "h2d" else (host, device)
        count = _copies(nbytes)
        if not pinned:
            times = [self._host_time(lambda: into.copy_(out), 1) for _ in range(count // 4 + 9)]
            return sample(times[3:])
        return self._stream_times(lambda: into.copy_(out, non_blocking=True), count)

    def _stream_times(self, copy: Callable[[], object], count: int) -> dict[str, float]:
        """One copy between two events; all are queued behind a busy GPU, so no launch shows."""
        torch, count = self.torch, min(count, 400)
        events = [torch.cuda.Event(enable_timing=True) for _ in range(count + 1)]
        for _ in range(3):
            copy()
        torch.cuda._sleep(20_000_000)  # clocks, some 10 ms
        events[0].record()
        for event in events[1:]:
            copy()
            event.record()
        torch.cuda.synchronize()
        return sample([float(a.elapsed_time(b)) * 1e3
                       for a, b in zip(events, events[1:], strict=False)])

    def _pairs(self, up: Callable[[], object], down: Callable[[], object], nbytes: int
               ) -> dict[str, float]:
        torch, batch = self.torch, max(min(_copies(nbytes) // 8, 32), 1)
        streams = [torch.cuda.Stream(), torch.cuda.Stream()]

        def once() -> float:
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            torch.cuda._sleep(4_000_000)
            begin.record()
            for stream, work in zip(streams, (up, down), strict=True):
                stream.wait_event(begin)
                with torch.cuda.stream(stream):
                    for _ in range(batch):
                        work()
                torch.cuda.current_stream().wait_stream(stream)
            end.record()
            torch.cuda.synchronize()
            return float(begin.elapsed_time(end)) * 1e3 / batch
        return sample([once() for _ in range(8)][1:])

    def power(self, point: Point) -> dict[str, float]:
        stop, seen = threading.Event(), []

        def watch() -> None:
            while not stop.wait(EVERY):
                seen.append((time.perf_counter(), [float(word) for word in smi(QUERY)]))
        work = self._load(str(point["load"]))
        begin = time.perf_counter()
        watcher = threading.Thread(target=watch)
        watcher.start()
        while time.perf_counter() - begin < LOAD_TIME:
            work()
            self.torch.cuda.synchronize()
        stop.set()
        watcher.join()
        rows = [values for when, values in seen if when - begin > SETTLE_TIME]
        middle = [sorted(column)[len(rows) // 2] for column in zip(*rows, strict=True)]
        return dict(zip(("watts", "sm_mhz", "memory_mhz", "celsius"), middle, strict=True)
                    ) | {"samples": len(rows)}

    def _load(self, load: str) -> Callable[[], object]:
        torch = self.torch
        if load == "idle":
            return lambda: time.sleep(0.1)
        step = self._step(load)

        def work() -> None:
            for _ in range(50):
                step()
        torch.cuda.synchronize()
        return work

    def _step(self, load: str) -> Callable[[], object]:
        torch = self.torch

        def normal(*shape: int) -> Any:
            return torch.randn(shape, dtype=torch.bfloat16, device="cuda")
        if load == "copy":
            a, b = normal(2 ** 30), normal(2 ** 30)
            return lambda: b.copy_(a)
        if load in ("gemm_bf16", "gemm_fp8"):
            x, w = normal(8192, 8192), normal(8192, 8192).t()
            if load == "gemm_bf16":
                return lambda: torch.mm(x, w)
            x8, w8 = x.to(torch.float8_e4m3fn), w.to(torch.float8_e4m3fn)
            one = torch.ones((), device="cuda")
            return lambda: torch._scaled_mm(x8, w8, one, one, out_dtype=torch.bfloat16,
                                            use_fast_accum=True)
        attend = torch.nn.functional.scaled_dot_product_attention
        length = 4096
        q = normal(*((4, 32, length, 128) if load == "prefill" else (64, 32, 1, 128)))
        k, v = (normal(q.shape[0], 32, length, 128) for _ in range(2))
        return lambda: attend(q, k, v, is_causal=load == "prefill")


def _copies(nbytes: int) -> int:
    """Copies that take about COPIES_TIME at 50 GB/s and 5 us each: 6 to 2000."""
    return min(max(int(COPIES_TIME / (5e-6 + nbytes / 50e9)), 6), 2000)
