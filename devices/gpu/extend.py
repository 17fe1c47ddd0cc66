"""Extend: new queries, more than one, at the end of a longer cache; causal.

Models the kernel that PyTorch has for it (FlashAttention 2, written for the A100): a block of
threads for 128 query rows of a head, two blocks on an SM, nothing packed. When blocks of 64 rows
would fill less than 0.8 of the places on the SMs, it splits the keys instead: the fewest parts that
fill the last wave of blocks well, each a whole number of tiles of keys, joined by a second kernel.
Products and softmax take their time one after the other, so that it reaches 40 % of an H100's
peak. Memory runs beside it.

Blocks with a head_dim above 192 always have 64 rows, which an H100's shared memory holds twice (an
A100's kernel keeps 128: not told apart here), and walk slower by a fitted factor: fewer rows share
what is read of a key.

Leaves out: other stacks' kernels (those of FlashAttention 3 come close to `prefill`), paging.

Sources: `fits`. Block sizes and the rule for splits are those of the published source
(flash_api.cpp, flash_fwd_launch_template.h as PyTorch carries them); where the rule searches for
the best fill, the first of one, two or three waves that are FILL full is taken here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.attention_tiles import is_wide
from rackwright.devices.gpu.pieces import found_in_l2, soft_maximum

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["extend_seconds"]

ROWS, SPLIT_ROWS = 128, 64  # query rows of a block
WIDEST_LONG = 192           # head_dim beyond which blocks have SPLIT_ROWS: two of 128 find no room
RESIDENT = 2                # blocks of an SM
ENOUGH = 0.8                # of the places filled: keys are not split
FILL = 0.82                 # of a wave: 0.85 of the best there is, which is 0.97 or so
PARTIAL_NBYTES = 8          # a partial sum is written and read once, in float32


def extend_seconds(gpu: Gpu, peak: float, width: int, cold: bool, batch: Floats, heads: Floats,
                   kv_heads: Floats, head_dim: Floats, q_len: Floats, kv_len: Floats) -> Floats:
    """Seconds of an extend; all sizes are at least 1."""
    fit = gpu.attention
    slots = RESIDENT * gpu.sms
    wide = is_wide(head_dim) > 0
    tile = np.where(wide, 64.0, np.where(head_dim > 64, 128.0, 256.0))  # keys
    tiles = np.ceil(kv_len / tile)
    parts = _parts(batch * heads * np.ceil(q_len / SPLIT_ROWS) / slots, tiles)
    split = parts > 1
    rows = np.where(split | (head_dim > WIDEST_LONG), SPLIT_ROWS, ROWS)
    blocks = batch * heads * np.ceil(q_len / rows) * parts
    longest = np.ceil(tiles / parts) * tile
    average = longest * (1 - np.maximum(q_len - rows, 0.0) / 2 / kv_len)
    pace = (fit.extend_softmax_clocks / gpu.clock_hz
            + 4 * ROWS * head_dim * gpu.sms / (peak * fit.extend_math_share)) * (rows / ROWS)
    pace = pace * np.where(blocks > gpu.sms, fit.extend_pair, 1.0) \
        * np.where(wide, fit.extend_wide_pace, 1.0)
    math = ((np.ceil(blocks / slots) - 1) * average + longest) * pace
    memory = _memory(gpu, width, cold, batch, heads, kv_heads, head_dim, q_len, kv_len)
    partial = PARTIAL_NBYTES * parts * batch * heads * q_len * head_dim
    join = np.where(split, fit.extend_split_time + partial / fit.join_bandwidth, 0.0)
    return fit.extend_floor_time + soft_maximum(math, memory) + join


def _parts(fill: Floats, tiles: Floats) -> Floats:
    """Parts that keys of `tiles` are split into, when blocks fill `fill` of the places."""
    parts = np.ones_like(fill)
    for waves in (3, 2, 1):
        enough = np.ceil(FILL * waves / fill)
        parts = np.where(enough * fill <= waves, enough, parts)
    parts = np.minimum(np.where(fill < ENOUGH, parts, 1.0), tiles)
    each = np.ceil(tiles / parts)  # a part more must make parts shorter
    return np.where(np.ceil(tiles / each) == parts, parts,
                    np.ceil(tiles / np.maximum(each - 1, 1.0)))


def _memory(gpu: Gpu, width: int, cold: bool, batch: Floats, heads: Floats, kv_heads: Floats,
            head_dim: Floats, q_len: Floats, kv_len: Floats) -> Floats:
    """Seconds to read queries, keys and values, and to write the result."""
    fit = gpu.attention
    older = 2 * width * batch * kv_heads * head_dim * (kv_len - q_len)
    nbytes = older + 2 * width * batch * head_dim * (kv_heads + heads) * q_len
    held = (nbytes - older if cold else nbytes) * found_in_l2(gpu, nbytes, fit.l2_reach)
    return held / (gpu.pieces.read_per_clock * gpu.clock_hz * gpu.sms) \
        + (nbytes - held) / (gpu.memory_bandwidth * fit.memory_share)
