"""Attention kernels: prefill and decode in one formula.

Models a kernel whose thread blocks each take BLOCK query rows of one key-value head (the query
heads of a group are packed into rows) and walk the keys: math over padded causal tiles, a
prologue for every block, a tail as long as a share of the longest block. Memory runs beside it:
keys and values once for each key-value head, queries and outputs; a working set inside L2 comes
from L2. With fewer blocks than SMs the keys are split when that is faster, at the cost of a
combining step. A wave of blocks costs a little more than its bytes.

The cache is taken to be where the last call left it (small ones in L2), as measured. Leaves out:
paging, the cache's writes, softmax that does not hide behind the products (small head_dim),
ragged batches (give their mean), serving stacks' host time.

Sources: coefficients fitted to `h100_x1/attention.csv` (see `fitting`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.elementwise import stream_seconds
from rackwright.devices.part import Fit
from rackwright.errors import UsageError

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["AttentionFit", "attention_seconds", "check_attention"]

BLOCK = 128      # query rows and keys of a tile, usual for head_dim 64 and 128
LEAST_ROWS = 16  # rows of the smallest matrix instruction


@dataclass(frozen=True, kw_only=True)
class AttentionFit(Fit):
    """Coefficients of `attention_seconds`.

    `math_share`, `memory_share`: of the peaks. `block_clocks`: prologue of a block. `tail_share`:
    share of the longest block that no other block hides. `wave_time`: seconds a wave of blocks
    adds to its bytes. `split_time`: the combining step. `stream_per_clock`: bytes a clock that
    one SM draws when it walks its keys alone.
    """

    floor_time: float
    math_share: float
    block_clocks: float
    tail_share: float
    memory_share: float
    wave_time: float
    split_time: float
    stream_per_clock: float


def check_attention(causal: bool, batch: Floats, heads: Floats, kv_heads: Floats,
                    head_dim: Floats, q_len: Floats, kv_len: Floats) -> None:
    """Raise `UsageError` for heads that form no groups, or queries that would see no key."""
    odd = np.where(kv_heads > 0, heads % np.maximum(kv_heads, 1), heads) != 0
    if odd.any():
        raise UsageError(f"heads must be a multiple of kv_heads, not {heads[odd].flat[0]:g} over "
                         f"{kv_heads[odd].flat[0]:g}")
    lonely = (q_len > kv_len) & (kv_len > 0)
    if causal and lonely.any():
        raise UsageError(f"causal attention of q_len {q_len[lonely].flat[0]:g} over kv_len "
                         f"{kv_len[lonely].flat[0]:g}: some queries would see no key; kv_len "
                         "counts all keys, the new ones included")


def attention_seconds(gpu: Gpu, peak: float, width: int, causal: bool, batch: Floats,
                      heads: Floats, kv_heads: Floats, head_dim: Floats, q_len: Floats,
                      kv_len: Floats) -> Floats:
    """Seconds of one layer's attention; 0 when there is nothing to do."""
    fit = gpu.attention
    rows = q_len * heads / np.maximum(kv_heads, 1)  # rows of a key-value head, group packed
    blocks = batch * kv_heads * np.ceil(rows / BLOCK)
    average, longest = _blocks(gpu, peak, causal, head_dim, rows, q_len, kv_len)
    walk = 2 * width * kv_len * head_dim  # bytes of the keys and values that a block walks
    nbytes = batch * (kv_heads * walk + 2 * width * heads * q_len * head_dim)
    stream = stream_seconds(gpu, nbytes, nbytes, fit.memory_share)
    waves = np.ceil(blocks / gpu.sms)
    spread = blocks / gpu.sms * average
    math = np.maximum(spread + fit.tail_share * longest, longest)
    alone = waves * walk / (fit.stream_per_clock * gpu.clock_hz)
    whole = np.maximum(math, np.maximum(stream, alone))
    split = np.where(blocks < gpu.sms, np.maximum(spread, stream) + fit.split_time, np.inf)
    time = fit.floor_time + fit.wave_time * waves + np.minimum(whole, split)
    return np.where(nbytes * rows * kv_len > 0, time, 0.0)


def _blocks(gpu: Gpu, peak: float, causal: bool, head_dim: Floats, rows: Floats, q_len: Floats,
            kv_len: Floats) -> tuple[Floats, Floats]:
    """Seconds of math of the average block and of the longest, on one SM."""
    fit = gpu.attention
    tiles = np.ceil(kv_len / BLOCK)
    # A block sees the keys up to its last query. Over all blocks, half of the q_len keys before
    # the last one are hidden on average, less half a tile of padding.
    hidden = causal * np.maximum(q_len - q_len * BLOCK / np.maximum(rows, BLOCK), 0) / 2 / BLOCK
    height = np.minimum(np.ceil(rows / LEAST_ROWS) * LEAST_ROWS, BLOCK)
    tile = 4 * height * BLOCK * head_dim * gpu.sms / (peak * fit.math_share)
    prologue = fit.block_clocks / gpu.clock_hz
    return (tiles - hidden) * tile + prologue, tiles * tile + prologue
