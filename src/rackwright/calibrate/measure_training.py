"""Measuring training steps: one GPU, or data parallel over several, eager or as a CUDA graph.

A step is forward, loss, backward and the optimizer (SGD with momentum; fused AdamW for gpt2), on
the same random samples again. bf16: autocast, weights in float32; tf32: float32 with TF32 products
and convolutions. Images are channels last. Several GPUs: `DistributedDataParallel` as it comes
(buckets of 25 MB, buffers broadcast every forward), one process a GPU, NCCL as the environment has
it. Times are the host's, over blocks of steps that end with a synchronisation; between blocks the
board pauses for less than a millisecond.

Run it with ``PYTHONPATH=src python3 -m rackwright.calibrate.measure_training --out DIR``: it needs
Python, NumPy and PyTorch only. `--traces` also writes PyTorch profiler traces of a few points.
"""

from __future__ import annotations

import gc
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

from rackwright.calibrate import networks
from rackwright.calibrate.crew import serve
from rackwright.calibrate.eager_plan import ChainPoint
from rackwright.calibrate.measure_eager import EagerBench, Probe
from rackwright.calibrate.resnet import network as resnet50
from rackwright.calibrate.training_plan import TrainingPoint

__all__ = ["TrainingBench", "Worker"]

WARM_STEPS, GRAPH_STEPS = 6, 12    # unmeasured; data-parallel graphs need 11 before the capture
BLOCKS, BLOCK_TIME = 7, 0.1        # blocks of steps of about so many seconds
ISSUES = 7                         # steps whose issue alone is timed
SEED = 17
TRACED = (("resnet50", "bf16", 16), ("vgg16", "bf16", 16), ("gpt2", "bf16", 4),
          ("vit_b16", "bf16", 16), ("resnet50", "tf32", 16), ("vgg16", "tf32", 16))


class TrainingBench:
    """Measures points on GPU `rank` of `count`; ranks beyond a point's GPUs do nothing."""

    def __init__(self, torch: Any, rank: int, groups: dict[int, Any], traces: Path | None) -> None:
        self.torch, self.rank, self.groups, self.traces = torch, rank, groups, traces
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        self.chains = EagerBench(torch, rank, self._parallel)
        self.probe: Probe | None = None

    def __call__(self, point: TrainingPoint | ChainPoint) -> dict[str, float]:
        """The values of a row, on the first GPU."""
        if isinstance(point, ChainPoint):
            return self.chains(point)
        self.probe = self.probe or Probe(self.torch)
        if self.rank >= point.gpus:
            return {}
        torch = self.torch
        torch.manual_seed(SEED)
        torch.cuda.reset_peak_memory_stats()
        try:
            return self._measured(point)
        finally:
            gc.collect()
            torch.cuda.empty_cache()

    def _measured(self, point: TrainingPoint) -> dict[str, float]:
        torch = self.torch
        stream = torch.cuda.Stream() if point.mode == "graph" else None
        with torch.cuda.stream(stream) if stream else nullcontext():
            step = self._step(point)
            for _ in range(GRAPH_STEPS if stream else WARM_STEPS):
                step()
            torch.cuda.synchronize()
        work: Callable[[], object] = step
        if stream:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
                step()
            work = graph.replay
            work()
        times, probe = self._blocks(work, point.gpus)
        host = self._issue(work)
        if self.traces and not stream and (point.network, point.dtype, point.batch) in TRACED:
            self._trace(work, point)
        times.sort()
        median = times[len(times) // 2]
        return {"time_us": median * 1e6, "spread": (times[-1] - times[0]) / median,
                "samples": len(times), "host_us": host * 1e6,
                "peak_mib": torch.cuda.max_memory_allocated() / 2 ** 20, "probe_us": probe * 1e6}

    def _blocks(self, work: Callable[[], object], gpus: int) -> tuple[list[float], float]:
        """Seconds of a step, a number a block, and the median probe of the slowest host process
        between them; all GPUs agree on the steps of a block."""
        once = self._agreed(self._elapsed(work, 2), gpus)
        count = min(max(round(BLOCK_TIME / once), 2), 40)
        times, probes = [], []
        for _ in range(BLOCKS):
            times.append(self._elapsed(work, count))
            if self.probe:
                probes.append(self.probe())
        return times, self._agreed(sorted(probes)[len(probes) // 2], gpus) if probes else 0.0

    def _elapsed(self, work: Callable[[], object], count: int) -> float:
        self.torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(count):
            work()
        self.torch.cuda.synchronize()
        return (time.perf_counter() - begin) / count

    def _issue(self, work: Callable[[], object]) -> float:
        times = []
        for _ in range(ISSUES):
            self.torch.cuda.synchronize()
            begin = time.perf_counter()
            work()
            times.append(time.perf_counter() - begin)
        self.torch.cuda.synchronize()
        return sorted(times)[ISSUES // 2]

    def _agreed(self, value: float, gpus: int) -> float:
        if gpus == 1:
            return value
        torch = self.torch
        largest = torch.full((1,), value, dtype=torch.float64, device="cuda")
        torch.distributed.all_reduce(largest, op=torch.distributed.ReduceOp.MAX,
                                     group=self.groups[gpus])
        return float(largest.item())

    def _step(self, point: TrainingPoint) -> Callable[[], object]:
        torch = self.torch
        half = point.dtype == "bf16"
        model, samples, labels = self._model(point)
        if point.gpus > 1:
            model = self._parallel(model, point.gpus)
        descent = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True,
                                    capturable=point.mode == "graph") \
            if point.network == "gpt2" else \
            torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, foreach=True)
        loss_of = torch.nn.functional.cross_entropy

        def step() -> object:
            descent.zero_grad(set_to_none=True)
            with torch.autocast("cuda", dtype=torch.bfloat16, enabled=half):
                out = model(samples)
                loss = loss_of(out.flatten(0, -2) if out.dim() > 2 else out, labels)
            loss.backward()
            descent.step()
            return loss
        return step

    def _parallel(self, model: Any, gpus: int, bucket_mb: float | None = None) -> Any:
        return self.torch.nn.parallel.DistributedDataParallel(
            model, device_ids=[self.rank], process_group=self.groups[gpus],
            bucket_cap_mb=bucket_mb)

    def _model(self, point: TrainingPoint) -> tuple[Any, Any, Any]:
        torch, batch = self.torch, point.batch
        if point.network == "gpt2":
            tokens = torch.randint(networks.VOCABULARY, (batch, networks.TOKENS), device="cuda")
            return networks.gpt2(torch).cuda(), tokens, tokens.flatten()
        make = {"resnet50": resnet50, "vgg16": networks.vgg16, "vit_b16": networks.vit_b16}
        last = torch.channels_last
        images = torch.randn(batch, 3, 224, 224, device="cuda").to(memory_format=last)
        labels = torch.randint(networks.CLASSES, (batch,), device="cuda")
        model = make[point.network](torch).cuda().to(memory_format=last)
        return model, images, labels

    def _trace(self, work: Callable[[], object], point: TrainingPoint) -> None:
        """A profiler trace of one step after two others; all GPUs of a point take part."""
        torch = self.torch
        profiler = torch.profiler
        with profiler.profile(
                activities=[profiler.ProfilerActivity.CPU, profiler.ProfilerActivity.CUDA],
                schedule=profiler.schedule(wait=1, warmup=2, active=1), record_shapes=True
        ) as found:
            for _ in range(4):
                work()
                torch.cuda.synchronize()
                found.step()
        if self.rank == 0 and self.traces:
            name = f"{point.network}_{point.dtype}_{point.gpus}gpu_b{point.batch}.json.gz"
            found.export_chrome_trace(str(self.traces / name))


def _work(rank: int, count: int, store: str, connection: Any, traces: Path | None = None) -> None:
    """A process of the crew."""
    import torch  # type: ignore[import-not-found,unused-ignore]

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's business
    torch.cuda.set_device(rank)
    dist = torch.distributed
    dist.init_process_group("nccl", init_method=f"file://{store}", rank=rank, world_size=count,
                            timeout=timedelta(seconds=180), device_id=torch.device("cuda", rank))
    groups = {count: dist.group.WORLD}
    for gpus in (2, 4):
        if gpus < count:
            groups[gpus] = dist.new_group(list(range(gpus)))
    serve(connection, TrainingBench(torch, rank, groups, traces))  # type: ignore[arg-type]


class Worker:
    """`_work` with a folder of traces; picklable, for spawned processes."""

    def __init__(self, traces: Path | None) -> None:
        self.traces = traces

    def __call__(self, rank: int, count: int, store: str, connection: Any) -> None:
        _work(rank, count, store, connection, self.traces)


def main() -> int:
    """Measure; returns the exit code."""
    from rackwright.calibrate.training_session import main as measure

    return measure()


if __name__ == "__main__":
    sys.exit(main())
