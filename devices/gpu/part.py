"""GPUs: datasheet numbers and the cost methods of the kernels that models use.

The methods are vectorised: whole numbers, scalars or arrays that broadcast, in; seconds of the
broadcast shape out. Each is the time of one operation inside a CUDA graph with nothing else on
the GPU; what shares it is the engine's business. Each operation has an uncertainty band.

Left out: what the models in `gemm`, `attention`, `elementwise` and `experts` say they leave
out; clocks other than the part's own; memory that does not fit (see `memory_nbytes`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.gpu.attention import AttentionFit, attention_seconds, check_attention
from rackwright.devices.gpu.elementwise import (
    PiecesFit,
    copy_seconds,
    in_place_seconds,
    kernel_seconds,
    norm_seconds,
)
from rackwright.devices.gpu.experts import ExpertFit, MoeFit, expert_seconds, moe_seconds
from rackwright.devices.gpu.gemm import GemmFit, gemm_seconds
from rackwright.devices.part import Band, Fit, Part, fitted, quantity, text
from rackwright.errors import UnknownName, UsageError

__all__ = ["DTYPE_BYTES", "Gpu"]

DTYPE_BYTES = {"bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "tf32": 4}


@dataclass(frozen=True, kw_only=True)
class Gpu(Part):
    """One GPU. `nvlink`, `nvswitch`, `pcie` name the parts that connect it ("" for none)."""

    nvlink: str = text("")
    nvswitch: str = text("")
    pcie: str = text("")
    sms: int = quantity("count")
    clock_hz: float = quantity("frequency", "boost_clock")
    memory_nbytes: int = quantity("bytes", "memory")
    memory_bandwidth: float = quantity("bandwidth")
    l2_nbytes: int = quantity("bytes", "l2")
    peak_fp16: float = quantity("flops")
    peak_bf16: float | None = quantity("flops", required=False)
    peak_tf32: float | None = quantity("flops", required=False)
    peak_fp8: float | None = quantity("flops", required=False)
    peak_int8: float | None = quantity("flops", required=False)
    tdp_watts: float = quantity("power", "tdp")
    idle_watts: float = quantity("power", "idle_power")
    copy_watts: float | None = quantity("power", "copy_power", required=False)
    matrix_watts: float | None = quantity("power", "matrix_power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)
    gemm: GemmFit = fitted(GemmFit)
    attention: AttentionFit = fitted(AttentionFit)
    pieces: PiecesFit = fitted(PiecesFit)
    expert: ExpertFit = fitted(ExpertFit)
    moe: MoeFit = fitted(MoeFit)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Data types that its matrix units take, sorted."""
        return tuple(sorted(d for d in DTYPE_BYTES if getattr(self, f"peak_{d}") is not None))

    def peak_flops(self, dtype: str = "bf16") -> float:
        """Peak matrix flop/s without sparsity; raises `UnknownName`."""
        if dtype not in self.dtypes:
            raise UnknownName(f"data type of {self.name}", dtype, self.dtypes)
        peak: float = getattr(self, f"peak_{dtype}")
        return peak

    def power_watts(self, busy: float) -> float:
        """Board power at a busy share of 0..1, a straight line from idle to matrix products.

        Memory-bound work draws less: `copy_watts` where it was measured.
        """
        if not 0 <= busy <= 1:
            raise UsageError(f"busy must be a share from 0 to 1, not {busy!r}")
        return self.idle_watts + busy * ((self.matrix_watts or self.tdp_watts) - self.idle_watts)

    def gemm_time(self, m: Sizes, n: Sizes, k: Sizes, dtype: str = "bf16") -> Seconds:
        """y[m,n] = x[m,k] @ w[k,n], weights not in L2. An empty product takes no time."""
        peak = self.peak_flops(dtype)
        return bare(gemm_seconds(self, peak, DTYPE_BYTES[dtype], *sizes(m=m, n=n, k=k)))

    def attention_time(self, batch: Sizes, heads: Sizes, kv_heads: Sizes, head_dim: Sizes,
                       q_len: Sizes, kv_len: Sizes, causal: bool = True,
                       dtype: str = "bf16") -> Seconds:
        """Attention of one layer without its projections; the last query meets the last key.

        `heads` is a multiple of `kv_heads`. Raises `UsageError`, also when `causal` and there
        are more queries than keys.
        """
        peak = self.peak_flops(dtype)
        shape = sizes(batch=batch, heads=heads, kv_heads=kv_heads, head_dim=head_dim,
                      q_len=q_len, kv_len=kv_len)
        check_attention(causal, *shape)
        return bare(attention_seconds(self, peak, DTYPE_BYTES[dtype], causal, *shape))

    def expert_time(self, tokens: Sizes, hidden: Sizes, ffn: Sizes,
                    dtype: str = "bf16") -> Seconds:
        """ONE expert, unfused: gate and up product, SiLU, multiply, down product."""
        peak = self.peak_flops(dtype)
        shape = sizes(tokens=tokens, hidden=hidden, ffn=ffn)
        return bare(expert_seconds(self, peak, DTYPE_BYTES[dtype], *shape))

    def moe_time(self, tokens_per_expert: Sizes, hidden: Sizes, ffn: Sizes,
                 dtype: str = "bf16") -> Seconds:
        """All experts of a layer, fused; the last axis of `tokens_per_expert` counts them.

        `hidden` and `ffn` are scalars or broadcast against the other axes. Experts without
        tokens cost nothing.
        """
        peak = self.peak_flops(dtype)
        tokens, = sizes(tokens_per_expert=tokens_per_expert)
        if tokens.ndim == 0:
            raise UsageError("tokens_per_expert must have an axis of experts: give one number "
                             "for each, as in [120, 8, 0, 64]")
        _, h, f = sizes(layers=np.zeros(tokens.shape[:-1]), hidden=hidden, ffn=ffn)
        return bare(moe_seconds(self, peak, DTYPE_BYTES[dtype], tokens, h, f))

    def copy_time(self, nbytes: Sizes) -> Seconds:
        """A copy of `nbytes` from this GPU's memory to itself."""
        n, = sizes(nbytes=nbytes)
        return bare(copy_seconds(self, n))

    def in_place_time(self, nbytes: Sizes) -> Seconds:
        """A kernel that reads and writes the same `nbytes`."""
        n, = sizes(nbytes=nbytes)
        return bare(in_place_seconds(self, n))

    def norm_time(self, tokens: Sizes, dim: Sizes, dtype: str = "bf16") -> Seconds:
        """Layer norm over rows of `dim`."""
        t, d = sizes(tokens=tokens, dim=dim)
        return bare(norm_seconds(self, t, d, self._width(dtype)))

    def silu_mul_time(self, tokens: Sizes, dim: Sizes, dtype: str = "bf16") -> Seconds:
        """silu(a) * b over two inputs of `dim`: two kernels, five times the bytes of one."""
        t, d = sizes(tokens=tokens, dim=dim)
        return bare(kernel_seconds(self, 5 * self._width(dtype) * t * d, kernels=2))

    def add_time(self, tokens: Sizes, dim: Sizes, dtype: str = "bf16") -> Seconds:
        """a + b: one kernel, three times the bytes of one."""
        t, d = sizes(tokens=tokens, dim=dim)
        return bare(kernel_seconds(self, 3 * self._width(dtype) * t * d))

    def band(self, operation: str) -> Band:
        """(class, median, p90) of the relative error of an operation's time.

        "calibrated" bands are errors on shapes left out of the fit, on the board measured;
        another board with other software differs by some 7 % more.
        """
        fits: dict[str, Fit] = {
            "add": self.pieces, "attention": self.attention, "copy": self.pieces,
            "expert": self.expert, "gemm": self.gemm, "moe": self.moe, "norm": self.pieces,
            "silu_mul": self.pieces}
        if operation not in fits:
            raise UnknownName("operation", operation, fits)
        return fits[operation].band

    def _width(self, dtype: str) -> int:
        self.peak_flops(dtype)  # refuses an unknown one
        return DTYPE_BYTES[dtype]
