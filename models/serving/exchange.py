"""All-reduces of a tensor group: NCCL's, or a kernel of the engine's own where that is faster.

vLLM and SGLang reduce small messages within a host by one kernel that reads the other GPUs' memory
over NVLink. Its times were not measured here: they are those published for an H100 in
sgl-project/sglang pull request 2904 (bf16, 2, 4 and 8 GPUs, 512 B to 1 MiB, launched without CUDA
graphs; of its two kernels the one that saves the copy of its input, as registered buffers do in
graphs). Between sizes the time is interpolated by the logarithm of the size; below, it is that of
the smallest. Where NCCL is faster, and beyond 1 MiB, NCCL's model counts.

Left out: other parts than H100 and H200 (NCCL's model counts), in-switch reduction, all-reduces
fused with norms.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.models.serving.placement import Placement
from rackwright.topologies.collectives import collective_time
from rackwright.topologies.fabric import Fabric

__all__ = ["all_reduce", "slowest"]

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SIZES = (512, 4096, 32_768, 262_144, 524_288, 1_048_576)
# ranks -> seconds; see the source above
TIMES = {2: (3.7e-6, 3.9e-6, 4.5e-6, 7.9e-6, 12.5e-6, 19.9e-6),
         4: (4.8e-6, 3.7e-6, 4.8e-6, 13.9e-6, 20.2e-6, 31.1e-6),
         8: (5.9e-6, 5.7e-6, 7.8e-6, 16.7e-6, 22.1e-6, 33.8e-6)}
PARTS = ("h100-sxm", "h200-sxm")


def all_reduce(fabric: Fabric, placed: Placement, nbytes: Ints, own_kernel: bool) -> Floats:
    """Seconds of one all-reduce of so many bytes in the slowest engine."""
    time = slowest("all_reduce", fabric, placed, nbytes)
    if not (own_kernel and placed.ranks in TIMES and placed.gpu.name in PARTS):
        return time
    for group in placed.groups:
        if len({fabric.host_of(gpu) for gpu in group}) > 1:
            return time
    size = np.log2(np.maximum(nbytes, 1))
    own = np.interp(size, np.log2(SIZES), TIMES[placed.ranks])
    return np.asarray(np.where((nbytes > 0) & (nbytes <= SIZES[-1]), np.minimum(own, time), time))


def slowest(operation: str, fabric: Fabric, placed: Placement, nbytes: Ints) -> Floats:
    """NCCL's time in the engine whose GPUs are joined worst: one table serves all."""
    if placed.ranks == 1:
        return np.zeros(np.shape(nbytes))
    times = [collective_time(operation, nbytes, fabric, ranks=group) for group in placed.groups]
    return np.asarray(np.maximum.reduce([np.asarray(time) for time in times]))
