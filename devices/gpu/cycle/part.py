"""A GPU whose kernels are run block by block: ``catalog.gpu(name, fidelity="cycle")``.

Every cost method has its arguments and units from `Gpu`. Products, convolutions, copies, norms and
batch norms are one stream of kernels, run alone; what has no description as blocks (attention,
experts, pools ...) keeps its closed form. `run` is what the closed forms cannot say: several
streams side by side, see `run_streams`.

Leaves out: what `run`, `place` and `share` leave out. A call takes tens of microseconds a point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.gpu.cycle import kernels as made
from rackwright.devices.gpu.cycle.run import StreamRun, run_streams
from rackwright.devices.gpu.cycle.work import GpuKernel
from rackwright.devices.gpu.part import Gpu

__all__ = ["CycleGpu"]


@dataclass(frozen=True, kw_only=True)
class CycleGpu(Gpu):
    """The numbers of a `Gpu` under the model of thread blocks."""

    def run(self, streams: Sequence[Sequence[GpuKernel]], **options: Any) -> StreamRun:
        """`run_streams` on this GPU's SMs."""
        return run_streams(self.sms, streams, **options)

    def gemm_time(self, m: Sizes, n: Sizes, k: Sizes, dtype: str = "bf16") -> Seconds:
        return self._each(
            lambda shape: [made.gemm_kernel(self, shape[0], shape[1], shape[2], dtype)],
            super().gemm_time(m, n, k, dtype), m=m, n=n, k=k)

    def conv_time(self, batch: Sizes, channels_in: Sizes, channels_out: Sizes, height: Sizes,
                  width: Sizes, kernel: Sizes, stride: Sizes = 1, padding: Sizes | None = None,
                  dtype: str = "bf16", direction: str = "forward") -> Seconds:
        pad = np.floor_divide(kernel, 2) if padding is None else padding
        closed = super().conv_time(batch, channels_in, channels_out, height, width, kernel, stride,
                                   pad, dtype, direction)
        return self._each(lambda shape: [made.conv_kernel(self, shape, dtype, direction)], closed,
                          batch=batch, channels_in=channels_in, channels_out=channels_out,
                          height=height, width=width, kernel=kernel, stride=stride, padding=pad)

    def copy_time(self, nbytes: Sizes, cache: str = "warm") -> Seconds:
        return self._each(lambda shape: [made.copy_kernel(self, shape[0], cache)],
                          super().copy_time(nbytes, cache), nbytes=nbytes)

    def norm_time(self, tokens: Sizes, dim: Sizes, dtype: str = "bf16", kind: str = "layer",
                  cache: str = "warm") -> Seconds:
        return self._each(
            lambda shape: [made.norm_kernel(self, shape[0], shape[1], dtype, kind, cache)],
            super().norm_time(tokens, dim, dtype, kind, cache), tokens=tokens, dim=dim)

    def batch_norm_time(self, pixels: Sizes, channels: Sizes, backward: bool = False,
                        dtype: str = "bf16") -> Seconds:
        return self._each(
            lambda shape: made.batch_norm_kernels(self, shape[0], shape[1], backward, dtype),
            super().batch_norm_time(pixels, channels, backward, dtype), pixels=pixels,
            channels=channels)

    def _each(self, kernels: Callable[[list[int]], list[GpuKernel]], closed: Seconds,
              **shape: Sizes) -> Seconds:
        """Seconds of one stream of the kernels of every point; what takes no time is not run."""
        arrays = sizes(**shape)
        found = np.zeros(arrays[0].shape)
        todo = np.broadcast_to(np.asarray(closed) > 0, found.shape)
        for place in np.ndindex(found.shape):
            if todo[place]:
                found[place] = self.run([kernels([int(one[place]) for one in arrays])]).end_time
        return bare(found)
