"""Decode: one query of each sequence against its cache.

Models blocks of threads that each walk the keys of one key-value head, with the query heads of its
group packed into the rows of the smallest matrix instruction (a group of more than 16 takes several
blocks, which find their keys in L2). Two blocks fit on an SM. A block starts, then walks at a pace
of its own, or at that of the memory when all of them together ask for more. When the blocks fill at
most half of the SMs, keys are split over more blocks, if that is faster; a second kernel joins the
parts. Waves of blocks follow each other; the last one may leave SMs idle.

A head_dim above 128 takes a tile twice as wide: one block fits on an SM, with no room to load
ahead, so that each tile's keys, then its values, wait for memory. A head_dim between two tiles'
widths is as slow as the wider one, but for memory.

Leaves out: paging, writes to the cache; head_dim beyond 256 is not measured.

Sources: `fits`; two blocks an SM, splitting from half of the SMs down and tiles of 128 keys are
inferred from the steps of the measured times, as are one wide block an SM and its waits: no
coefficient was fitted to heads wider than 128 (`measured/h100-sxm/wide-heads`). Widths of tiles are
in the kernels' names. One configuration with a group of more than 16 query heads was measured (48
over 1, held back): its errors are two to three times those of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.attention_tiles import is_wide, tile_width
from rackwright.devices.gpu.pieces import found_in_l2, soft_maximum

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["decode_seconds"]

LEAST_ROWS = 16  # rows of the smallest matrix instruction
TILE_KEYS = 128  # of a part of split keys, at least
RESIDENT = 2     # blocks of an SM, one of wide heads
LOADS = 2        # keys, then values, of a tile
PARTIAL_NBYTES = 8  # a partial sum is written and read once, in float32


def decode_seconds(gpu: Gpu, width: int, cold: bool, batch: Floats, heads: Floats,
                   kv_heads: Floats, head_dim: Floats, q_len: Floats, kv_len: Floats) -> Floats:
    """Seconds of decoding; all sizes are at least 1, `q_len` is 1."""
    fit = gpu.attention
    tiles = np.ceil(heads / kv_heads / LEAST_ROWS)
    blocks = batch * kv_heads * tiles
    nbytes = 2 * width * batch * kv_heads * kv_len * head_dim
    missed = 1.0 if cold else 1 - found_in_l2(gpu, nbytes, fit.l2_reach)
    key_nbytes = 2 * width * head_dim
    wide = is_wide(head_dim)
    resident = RESIDENT - wide
    pace = fit.key_clocks / gpu.clock_hz + (
        2 * width * tile_width(head_dim) / (fit.walk_per_clock * gpu.clock_hz)) \
        + wide * LOADS * fit.memory_time * missed / TILE_KEYS
    supply = key_nbytes / tiles * (
        missed / (gpu.memory_bandwidth * fit.memory_share)
        + (1 - missed) / (gpu.pieces.read_per_clock * gpu.clock_hz * gpu.sms))
    start = fit.start_clocks * head_dim / gpu.clock_hz
    time = _waves(gpu, blocks, kv_len, start, pace, supply, resident)
    parts = np.minimum(np.floor(resident * gpu.sms / blocks), np.ceil(kv_len / TILE_KEYS))
    split = (2 * blocks <= gpu.sms) & (parts > 1)
    if split.any():
        parts = np.where(split, parts, 1.0)
        partial = PARTIAL_NBYTES * parts * batch * heads * head_dim
        joined = fit.split_time + fit.part_time * parts + partial / fit.join_bandwidth \
            + _waves(gpu, blocks * parts, kv_len / parts, start, pace, supply, resident)
        time = np.where(split, np.minimum(time, joined), time)
    return fit.floor_time + start + fit.memory_time * missed + time


def _waves(gpu: Gpu, blocks: Floats, keys: Floats, start: Floats, pace: Floats, supply: Floats,
           resident: Floats) -> Floats:
    """Seconds of `blocks` that walk `keys` each, in whole tiles, after the start of the first.

    `pace`: seconds that a block takes for a key; `supply`: that memory takes for a key of one.
    Blocks of an SM start one after the other and walk side by side. Of the first tile, the
    memory's time does not hide wholly behind the block's, nor the other way round.
    """
    slots = resident * gpu.sms
    waves = blocks / slots
    whole = np.floor(waves)
    rest = waves - whole
    tiles = np.ceil(keys / TILE_KEYS)
    walk, fed = tiles * TILE_KEYS * pace, keys * supply * slots
    some = np.minimum(whole, 1.0)  # the first block of the first wave has started
    late = start * (some + (rest > 1 / resident))
    last = np.where(rest > 0, soft_maximum(late + walk, rest * fed), 0.0)
    hidden = np.minimum(walk, np.where(rest > 0, rest, 1.0) * fed) / tiles
    return some * soft_maximum((resident - 1) * start + walk, fed) \
        + (whole - some) * soft_maximum(resident * start + walk, fed) + last \
        + gpu.attention.exposed_share * hidden
