"""Attention of one layer: which of three kernels runs, and their coefficients.

One query for each sequence is a `decode`; as many queries as keys, or queries that see every key,
a `prefill`; more than one query at the end of a longer cache, an `extend`: PyTorch runs another,
older kernel there, which takes almost twice as long as a prefill's. The heads, not the batch, are
told apart by nothing but their number: what a serving stack adds (paging, writes to the cache, a
ragged batch: give its mean) is left out.

Keys and values that were there before (all of a decode, those ahead of the new queries in an
extend) are "cold", in HBM, as in a model whose layers follow each other, or "warm", where the last
call left them: in L2, as far as they fit. What is computed now comes from L2 as far as it fits.

Sources: coefficients fitted to rows of set "fit" of `measured/<part>/attention.csv.gz`, all in
bf16; other types scale with their width and peak.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.decode import decode_seconds
from rackwright.devices.gpu.extend import extend_seconds
from rackwright.devices.gpu.prefill import prefill_seconds
from rackwright.devices.part import Fit
from rackwright.errors import UsageError

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["AttentionFit", "attention_seconds", "check_attention"]

CHUNK = 8192  # shapes costed together: their temporaries stay in a processor's cache


@dataclass(frozen=True, kw_only=True)
class AttentionFit(Fit):
    """Coefficients of the three kernels, each with a launch floor of its own.

    `l2_reach`: as in `pieces`, for keys and values.

    Decode. `memory_share`: of HBM's bandwidth; `memory_time`: seconds before HBM answers;
    `start_clocks`: start and end of a block, for each element of head_dim; `key_clocks`: of a block
    for each key; `walk_per_clock`: bytes a clock that one block draws; `exposed_share`: of the
    shorter one of a block's time and the memory's, for one tile, that adds to the longer;
    `split_time`: seconds of the kernel that joins the parts of split keys, `part_time` more for
    each part.

    Prefill. `math_share`: of the peak, between softmaxes; `softmax_clocks`: of a block of query
    rows for each key; `block_clocks`: start and end of a block, `mask_clocks` more when causal;
    `tail_share`: of the longest block, when there are more blocks than SMs, that no other block
    hides; `wide_time`: seconds of the floor that grow with head_dim, at 128; `power_share`: share
    of the peak, kept up for long, beyond which the power limit lowers the clock.

    Extend. `extend_math_share`, `extend_softmax_clocks`, `extend_split_time` likewise;
    `extend_pair`: time of two blocks on an SM over that of one; `extend_wide_pace`: of a block with
    a head_dim above 128, beyond its larger share of the math. `join_bandwidth`: bytes/s
    at which parts of split keys are written and joined, in decodes and extends.
    """

    l2_reach: float
    join_bandwidth: float
    floor_time: float
    memory_share: float
    memory_time: float
    start_clocks: float
    key_clocks: float
    walk_per_clock: float
    exposed_share: float
    split_time: float
    part_time: float
    prefill_floor_time: float
    wide_time: float
    math_share: float
    softmax_clocks: float
    block_clocks: float
    mask_clocks: float
    tail_share: float
    power_share: float
    extend_floor_time: float
    extend_math_share: float
    extend_softmax_clocks: float
    extend_pair: float
    extend_split_time: float
    extend_wide_pace: float


def check_attention(causal: bool, *shape: Floats) -> None:
    """Raise `UsageError` for heads that form no groups, or queries that would see no key.

    `shape`: batch, heads, kv_heads, head_dim, q_len, kv_len.
    """
    heads, kv_heads, q_len, kv_len = (_lean(shape[place]) for place in (1, 2, 4, 5))
    odd = np.where(kv_heads > 0, heads % np.maximum(kv_heads, 1), heads) != 0
    if odd.any():
        heads, kv_heads, odd = np.broadcast_arrays(heads, kv_heads, odd)
        raise UsageError(f"heads must be a multiple of kv_heads, not {heads[odd].flat[0]:g} over "
                         f"{kv_heads[odd].flat[0]:g}")
    if not causal:
        return
    lonely = (q_len > kv_len) & (kv_len > 0)
    if lonely.any():
        q_len, kv_len, lonely = np.broadcast_arrays(q_len, kv_len, lonely)
        raise UsageError(f"causal attention of q_len {q_len[lonely].flat[0]:g} over kv_len "
                         f"{kv_len[lonely].flat[0]:g}: some queries would see no key; kv_len "
                         "counts all keys, the new ones included")


def attention_seconds(gpu: Gpu, peak: float, width: int, causal: bool, cold: bool,
                      *shape: Floats) -> Floats:
    """Seconds of one layer's attention; 0 when there is nothing to do.

    `shape`: batch, heads, kv_heads, head_dim, q_len, kv_len, of one shape.
    """
    lean = [_lean(size) for size in shape]
    found = np.empty(shape[0].size)
    for begin in range(0, len(found), CHUNK):
        part = slice(begin, begin + CHUNK)
        found[part] = _seconds(gpu, peak, width, causal, cold,
                               *(size[part] if size.ndim else size for size in lean))
    return found.reshape(shape[0].shape)


def _lean(size: Floats) -> Floats:
    """One value where a broadcast repeats it, else all of them in a row."""
    return size[(0,) * size.ndim] if size.size and not any(size.strides) else size.reshape(-1)


def _seconds(gpu: Gpu, peak: float, width: int, causal: bool, cold: bool, *shape: Floats
             ) -> Floats:
    """Each shape by its kernel; sizes of nothing are costed as 1 and struck out at the end."""
    empty = np.logical_not(shape[0])
    for size in shape[1:]:
        empty = empty | (size == 0)
    some = empty.any()
    if some:
        shape = tuple(np.maximum(size, 1.0) for size in shape)
    q_len, kv_len = shape[4], shape[5]
    decodes = q_len <= 1
    extends = (q_len > 1) & (q_len < kv_len) & causal
    kernels: tuple[tuple[npt.NDArray[np.bool_], Callable[..., Floats]], ...] = (
        (decodes, partial(decode_seconds, gpu, width, cold)),
        (extends, partial(extend_seconds, gpu, peak, width, cold)),
        (~(decodes | extends), partial(prefill_seconds, gpu, peak, width, causal, cold)))
    time = np.zeros(np.broadcast_shapes(*(size.shape for size in shape)))
    for here, kernel in kernels:
        if here.all():
            time = kernel(*shape)
        elif here.any():
            time[here] = kernel(*(size[here] if size.ndim else size for size in shape))
    return np.where(empty, 0.0, time) if some else time
