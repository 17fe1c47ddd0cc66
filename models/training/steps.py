"""What one data-parallel training step takes: kernels, the host that launches them, gradients.

The GPU runs the kernels of `kernels` one after another: forward, backward from the last layer to
the first, the optimizer. With several GPUs, PyTorch's DistributedDataParallel: each gradient is
scaled into a bucket when it is ready; a bucket that is full is reduced in a stream of its own, one
after another, beside the backward pass, which that slows (SLOWED_SHARE); at its end what is left is
waited for, the sums are copied back, the optimizer runs. "eager": the host issues every operation
(`host`), and the longer of host and GPU counts. "graph": a CUDA graph of the whole step; the host
does nothing.

Leaves out: input pipelines, stragglers. Units: seconds, bytes.

Sources: DistributedDataParallel as in its documentation (buckets of 25 MB, the first of 1 MB);
SLOWED_SHARE: fitted, see below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.part import Gpu
from rackwright.errors import UnknownName, UsageError
from rackwright.models.training.host import BUFFERS, HOST_PACE, HostTime, host_time
from rackwright.models.training.kernel_costs import MASTER, update_kernels
from rackwright.models.training.kernels import graph_kernels
from rackwright.models.training.layers import Graph, layers_of
from rackwright.models.training.networks import tensors_of

__all__ = ["MODES", "StepTimes", "buckets_of", "step_times"]

MODES = ("eager", "graph")
# Of a reduction's time beside kernels, by how much they end later: it holds SMs and memory. Fitted:
# ResNet-50, bf16, graph, two GPUs, 4 points.
SLOWED_SHARE = 0.8
BUCKET, FIRST_BUCKET = 25 << 20, 1 << 20


@dataclass(frozen=True)
class StepTimes:
    """Arrays over batches. `step_time` = what a step takes; `compute_time`: its kernels on one
    GPU, `exposed_time`: gradients waited for; `host_time`: issuing it all eagerly, `host` by what
    costs it; `launches`: kernels."""

    step_time: Floats
    compute_time: Floats
    exposed_time: Floats
    host_time: float
    launches: int
    host: HostTime


def step_times(graph: Graph, gpu: Gpu, batches: Sequence[int], *, dtype: str = "bf16",
               mode: str = "eager", optimizer: str = "sgd", fabric: Any = None,
               ranks: Sequence[str] = (), in_switch: bool = True,
               host_pace: float = HOST_PACE) -> StepTimes:
    """A step at `batches` samples on each GPU.

    `ranks`: GPUs of `fabric` (two or more) that exchange gradients; none: one GPU. `in_switch`:
    see topologies.collective_time. `host_pace`: how slow your host is, see `host`. Raises
    UnknownName and UsageError.
    """
    if mode not in MODES:
        raise UnknownName("mode of training", mode, MODES)
    if not 0 < host_pace < np.inf:
        raise UsageError(f"host_pace = {host_pace}: expected a number above 0")
    if ranks and fabric is None:
        raise UsageError("ranks without a fabric; give the compiled fabric that holds them")
    batch = np.asarray(batches, np.float64)
    if batch.ndim != 1 or not len(batch) or (batch < 1).any():
        raise UsageError(f"batches {batches!r}: expected whole numbers of 1 or more")
    none = np.zeros_like(batch)
    kernels = graph_kernels(graph, gpu, batch, dtype)
    forward = sum((time for one in kernels for time in one.forward), none)
    backward = [sum(one.backward, none) for one in kernels]
    launches = sum(len(one.forward) + len(one.backward) for one in kernels)
    update = update_kernels([size for _, size in tensors_of(graph)], gpu, optimizer)
    compute = forward + sum(backward, none) + sum(update)
    launches += len(update)
    exposed, extra = none, 0
    if len(ranks) > 1:
        done, extra = _exchanged(graph, gpu, backward, fabric, ranks, in_switch)
        exposed = forward + done + sum(update) - compute
    buckets = len(buckets_of(tensors_of(graph))) if len(ranks) > 1 else 0
    host = host_time(graph, dtype, optimizer, buckets, host_pace)
    step = compute + exposed
    if mode == "eager":
        step = np.maximum(step, host.total)
    return StepTimes(step, compute, exposed, host.total, launches + extra, host)


def buckets_of(tensors: Sequence[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """(layer, weights) of each bucket, in the order in which gradients come.

    >>> [len(bucket) for bucket in buckets_of([(0, 10_000_000), (1, 10), (2, 300_000)])]
    [1, 2]
    """
    found: list[list[tuple[int, int]]] = [[]]
    held, limit = 0, FIRST_BUCKET
    for layer, size in reversed(tensors):
        found[-1].append((layer, size))
        held += MASTER * size
        if held >= limit:
            found.append([])
            held, limit = 0, BUCKET
    return [bucket for bucket in found if bucket]


def _exchanged(graph: Graph, gpu: Gpu, backward: list[Floats], fabric: Any, ranks: Sequence[str],
               in_switch: bool) -> tuple[Floats, int]:
    """(seconds from the start of the backward pass until gradients are back, launches more)."""
    from rackwright.topologies import collective_time

    tensors = tensors_of(graph)
    buckets = buckets_of(tensors)
    layers = layers_of(graph)
    last = {number: min(layer for layer, _ in bucket) for number, bucket in enumerate(buckets)}
    clock, free = np.zeros_like(backward[0]), np.zeros_like(backward[0])
    waiting, reductions = 0, 0.0
    for place in range(len(layers) - 1, -1, -1):
        clock = clock + backward[place]
        clock = clock + sum(_copy(gpu, size) for size in layers[place].tensors)
        while waiting < len(buckets) and last[waiting] >= place:
            nbytes = MASTER * sum(size for _, size in buckets[waiting])
            reduced = collective_time("all_reduce", nbytes, fabric, ranks, in_switch=in_switch)
            free = np.maximum(free, clock) + reduced
            waiting, reductions = waiting + 1, reductions + reduced
    beside = reductions - np.clip(free - clock, 0.0, reductions)
    clock, free = clock + SLOWED_SHARE * beside, free + SLOWED_SHARE * beside
    back = sum(_copy(gpu, size) for _, size in tensors)
    norms = sum(layer.kind == "batch_norm" for layer in layers)
    buffers = BUFFERS * norms
    spread = collective_time("broadcast", 4 * sum(2 * layer.shape_in[0] for layer in layers
                                                  if layer.kind == "batch_norm"), fabric, ranks)
    before = spread + buffers * gpu.launch_time("graph_node") if norms else 0.0
    launches = 2 * len(tensors) + len(buckets) + buffers + (1 if norms else 0)
    return np.maximum(clock, free) + back + before, launches


def _copy(gpu: Gpu, size: int) -> float:
    """A gradient into its bucket, or back."""
    return float(gpu.copy_time(MASTER * size))
