"""GPUs: datasheet numbers and the cost methods of the kernels that models use.

The methods are vectorised: whole numbers, scalars or arrays that broadcast, in; seconds of the
broadcast shape out. Each is the time of one operation inside a CUDA graph with nothing else on
the GPU; what shares it is the engine's business. Each operation has an uncertainty band.

Left out: what the models in `gemm`, `attention`, `elementwise` and `experts` say they leave
out; clocks other than the part's own; memory that does not fit (see `memory_nbytes`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.gpu.attention import AttentionFit, attention_seconds, check_attention
from rackwright.devices.gpu.conv import ConvFit, check_conv, conv_seconds
from rackwright.devices.gpu.copies import copy_seconds, fill_seconds, in_place_seconds
from rackwright.devices.gpu.elementwise import activation_seconds, add_seconds, silu_mul_seconds
from rackwright.devices.gpu.experts import ExpertFit, MoeFit, expert_seconds, moe_seconds
from rackwright.devices.gpu.gemm import (
    DTYPE_BYTES,
    Fp32Fit,
    GemmFit,
    TypesFit,
    gemm_seconds,
)
from rackwright.devices.gpu.launch import launch_time
from rackwright.devices.gpu.norms import norm_seconds, softmax_seconds
from rackwright.devices.gpu.pieces import PiecesFit, is_cold
from rackwright.devices.gpu.power import load_watts, power_watts
from rackwright.devices.gpu.training import (
    batch_norm_seconds,
    optimizer_seconds,
    pool_seconds,
)
from rackwright.devices.part import Band, Fit, Part, fitted, quantity, text
from rackwright.errors import UnknownName, UsageError

__all__ = ["DTYPE_BYTES", "Gpu"]


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
    peak_fp32: float | None = quantity("flops", required=False)
    peak_fp8: float | None = quantity("flops", required=False)
    peak_int8: float | None = quantity("flops", required=False)
    tdp_watts: float = quantity("power", "tdp")
    idle_watts: float = quantity("power", "idle_power")
    copy_watts: float | None = quantity("power", "copy_power", required=False)
    decode_watts: float | None = quantity("power", "decode_power", required=False)
    prefill_watts: float | None = quantity("power", "prefill_power", required=False)
    matrix_watts: float | None = quantity("power", "matrix_power", required=False)
    matrix_fp8_watts: float | None = quantity("power", "matrix_fp8_power", required=False)
    eager_launch_time: float | None = quantity("time", "eager_launch", required=False)
    graph_node_time: float | None = quantity("time", "graph_node", required=False)
    sync_launch_time: float | None = quantity("time", "sync_launch", required=False)
    price_usd: float | None = quantity("money", "price", required=False)
    gemm: GemmFit = fitted(GemmFit)
    gemm_types: TypesFit = fitted(TypesFit)
    gemm_fp32: Fp32Fit = fitted(Fp32Fit)
    attention: AttentionFit = fitted(AttentionFit)
    conv: ConvFit = fitted(ConvFit)
    pieces: PiecesFit = fitted(PiecesFit)
    expert: ExpertFit = fitted(ExpertFit)
    moe: MoeFit = fitted(MoeFit)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """Data types it multiplies: those of its matrix units, and fp32 on CUDA cores; sorted."""
        return tuple(sorted(d for d in DTYPE_BYTES if getattr(self, f"peak_{d}") is not None))

    def peak_flops(self, dtype: str = "bf16") -> float:
        """Peak flop/s without sparsity, of matrix units but for fp32; raises `UnknownName`."""
        if dtype not in self.dtypes:
            raise UnknownName(f"data type of {self.name}", dtype, self.dtypes)
        peak: float = getattr(self, f"peak_{dtype}")
        return peak

    def power_watts(self, busy: float, work: str = "gemm_bf16") -> float:
        """Board power at a busy share of 0..1, a straight line from idle to `work` kept up.

        `work`: idle, copy, decode, prefill, gemm_bf16, gemm_fp8; matrix products unless told.
        Memory-bound work draws less.
        """
        return power_watts(self, busy, work)

    def energy_joules(self, work: str, seconds: npt.ArrayLike) -> Any:
        """Energy of the board over `seconds` of one kind of work (`power_watts`) kept up."""
        time = np.asarray(seconds, np.float64)
        if not (np.isfinite(time) & (time >= 0)).all():
            raise UsageError(f"seconds must be finite and >= 0, not {seconds!r}")
        return bare(load_watts(self, work) * time)

    def launch_time(self, kind: str = "graph_node") -> float:
        """Seconds to start a kernel: eager_back_to_back, graph_node or launch_and_sync."""
        return launch_time(self, kind)

    def gemm_time(self, m: Sizes, n: Sizes, k: Sizes, dtype: str = "bf16") -> Seconds:
        """y[m,n] = x[m,k] @ w[k,n], weights not in L2. An empty product takes no time."""
        self.peak_flops(dtype)  # refuses an unknown one
        return bare(gemm_seconds(self, dtype, *sizes(m=m, n=n, k=k)))

    def attention_time(self, batch: Sizes, heads: Sizes, kv_heads: Sizes, head_dim: Sizes,
                       q_len: Sizes, kv_len: Sizes, causal: bool = True,
                       dtype: str = "bf16", cache: str = "cold") -> Seconds:
        """Attention of one layer without its projections; the last query meets the last key.

        `heads` is a multiple of `kv_heads`. `cache`: keys and values of earlier tokens come
        from memory ("cold", as in a model whose layers follow each other) or are where the last
        call left them ("warm", as in a loop over one layer). Raises `UsageError`, also when
        `causal` and there are more queries than keys, and `UnknownName`.
        """
        peak, cold = self.peak_flops(dtype), is_cold(cache)
        shape = sizes(batch=batch, heads=heads, kv_heads=kv_heads, head_dim=head_dim,
                      q_len=q_len, kv_len=kv_len)
        check_attention(causal, *shape)
        return bare(attention_seconds(self, peak, DTYPE_BYTES[dtype], causal, cold, *shape))

    def expert_time(self, tokens: Sizes, hidden: Sizes, ffn: Sizes,
                    dtype: str = "bf16") -> Seconds:
        """ONE expert, unfused: gate and up product, SiLU, multiply, down product."""
        self.peak_flops(dtype)  # refuses an unknown one
        shape = sizes(tokens=tokens, hidden=hidden, ffn=ffn)
        return bare(expert_seconds(self, dtype, *shape))

    def moe_time(self, tokens_per_expert: Sizes, hidden: Sizes, ffn: Sizes,
                 dtype: str = "bf16") -> Seconds:
        """All experts of a layer, fused; the last axis of `tokens_per_expert` counts them.

        `hidden` and `ffn` are scalars or broadcast against the other axes. Experts without
        tokens cost nothing.
        """
        self.peak_flops(dtype)  # refuses an unknown one
        tokens, = sizes(tokens_per_expert=tokens_per_expert)
        if tokens.ndim == 0:
            raise UsageError("tokens_per_expert must have an axis of experts: give one number "
                             "for each, as in [120, 8, 0, 64]")
        _, h, f = sizes(layers=np.zeros(tokens.shape[:-1]), hidden=hidden, ffn=ffn)
        return bare(moe_seconds(self, dtype, tokens, h, f))

    def conv_time(self, batch: Sizes, channels_in: Sizes, channels_out: Sizes, height: Sizes,
                  width: Sizes, kernel: Sizes, stride: Sizes = 1, padding: Sizes | None = None,
                  dtype: str = "bf16", direction: str = "forward") -> Seconds:
        """A convolution with square kernels, channels last, or one of its gradients.

        `direction`: forward, backward_input or backward_weight; sizes are always those of the
        forward pass. `padding` is half the kernel unless told. Raises `UsageError`.
        """
        peak = self.peak_flops(dtype)
        pad = np.floor_divide(kernel, 2) if padding is None else padding
        shape = check_conv(direction, *sizes(
            batch=batch, channels_in=channels_in, channels_out=channels_out, height=height,
            width=width, kernel=kernel, stride=stride, padding=pad))
        return bare(conv_seconds(self, peak, DTYPE_BYTES[dtype], shape, direction))

    def batch_norm_time(self, pixels: Sizes, channels: Sizes, backward: bool = False,
                        dtype: str = "bf16") -> Seconds:
        """Batch norm in training over `pixels` (images x height x width), or its gradient."""
        p, c = sizes(pixels=pixels, channels=channels)
        return bare(batch_norm_seconds(self, p, c, self._width(dtype), backward))

    def pool_time(self, elements_in: Sizes, elements_out: Sizes, backward: bool = False,
                  dtype: str = "bf16") -> Seconds:
        """A max pool that keeps its indices, or its gradient."""
        full, pooled = sizes(elements_in=elements_in, elements_out=elements_out)
        return bare(pool_seconds(self, full, pooled, self._width(dtype), backward))

    def optimizer_time(self, parameters: Sizes, kind: str = "sgd") -> Seconds:
        """A step of SGD with momentum ("sgd") or Adam ("adam") over float32 weights."""
        count, = sizes(parameters=parameters)
        return bare(optimizer_seconds(self, count, kind))

    def copy_time(self, nbytes: Sizes, cache: str = "warm") -> Seconds:
        """A copy of `nbytes` from this GPU's memory to itself.

        `cache`, of all that follow: "warm", the memory was touched just before, or "cold".
        A multiple of 512 MiB is slower than its neighbours (`copies` says why).
        """
        n, = sizes(nbytes=nbytes)
        return bare(copy_seconds(self, n, is_cold(cache)))

    def in_place_time(self, nbytes: Sizes, cache: str = "warm") -> Seconds:
        """A kernel that reads and writes the same `nbytes`."""
        n, = sizes(nbytes=nbytes)
        return bare(in_place_seconds(self, n, is_cold(cache)))

    def fill_time(self, nbytes: Sizes, cache: str = "warm") -> Seconds:
        """A kernel that writes `nbytes` and reads none."""
        n, = sizes(nbytes=nbytes)
        return bare(fill_seconds(self, n, is_cold(cache)))

    def norm_time(self, tokens: Sizes, dim: Sizes, dtype: str = "bf16", kind: str = "layer",
                  cache: str = "warm") -> Seconds:
        """Norm over rows of `dim`; `kind`: layer or rms."""
        t, d = sizes(tokens=tokens, dim=dim)
        return bare(norm_seconds(self, kind, t, d, self._width(dtype), is_cold(cache)))

    def softmax_time(self, tokens: Sizes, dim: Sizes, dtype: str = "bf16",
                     cache: str = "warm") -> Seconds:
        """Softmax over rows of `dim`."""
        t, d = sizes(tokens=tokens, dim=dim)
        return bare(softmax_seconds(self, t, d, self._width(dtype), is_cold(cache)))

    def activation_time(self, tokens: Sizes, dim: Sizes, kind: str = "gelu",
                        dtype: str = "bf16", cache: str = "warm") -> Seconds:
        """An activation of tokens x dim elements; `kind`: gelu, relu or silu."""
        t, d = sizes(tokens=tokens, dim=dim)
        width = self._width(dtype)
        nbytes = width * t * d
        return bare(activation_seconds(self, kind, nbytes, width, 2 * nbytes, is_cold(cache)))

    def silu_mul_time(self, tokens: Sizes, dim: Sizes, dtype: str = "bf16",
                      cache: str = "warm") -> Seconds:
        """silu(a) * b over two inputs of `dim`: two kernels, five times the bytes of one."""
        t, d = sizes(tokens=tokens, dim=dim)
        width = self._width(dtype)
        return bare(silu_mul_seconds(self, width * t * d, width, is_cold(cache)))

    def add_time(self, tokens: Sizes, dim: Sizes, dtype: str = "bf16",
                 cache: str = "warm") -> Seconds:
        """a + b: one kernel, three times the bytes of one."""
        t, d = sizes(tokens=tokens, dim=dim)
        nbytes = self._width(dtype) * t * d
        return bare(add_seconds(self, nbytes, 3 * nbytes, is_cold(cache)))

    def band(self, operation: str) -> Band:
        """(class, median, p90) of the relative error of an operation's time.

        "calibrated" bands are errors on shapes left out of the fit, on the board measured;
        another board with other software differs by some 7 % more.
        """
        fits: dict[str, Fit] = {
            "activation": self.pieces, "add": self.pieces, "attention": self.attention,
            "batch_norm": self.pieces, "conv": self.conv, "copy": self.pieces,
            "optimizer": self.pieces, "pool": self.pieces,
            "expert": self.expert, "gemm": self.gemm, "gemm_fp32": self.gemm_fp32,
            "gemm_types": self.gemm_types, "moe": self.moe, "norm": self.pieces,
            "fill": self.pieces, "in_place": self.pieces, "silu_mul": self.pieces,
            "softmax": self.pieces}
        if operation not in fits:
            raise UnknownName("operation", operation, fits)
        return fits[operation].band

    def _width(self, dtype: str) -> int:
        self.peak_flops(dtype)  # refuses an unknown one
        return DTYPE_BYTES[dtype]
