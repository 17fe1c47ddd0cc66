"""Prefill: queries against the keys of their own sequence, or against all of another's.

Models one block of threads for BLOCK query rows of a head and one block on an SM at a time (key and
value heads are shared by reading, not by packing: grouped heads save nothing but memory). A block
starts, then walks its keys in tiles: the products at a share of the peak, plus a softmax that the
products do not hide, so that a small head_dim reaches less of the peak. Causal blocks walk up to
their last query and pay for the mask. Up to one block for each SM, the longest decides; beyond,
blocks of one length run in whole waves, and causal ones fill each other's gaps but for a tail.

Math kept up for long lowers the clock: the board reaches its power limit. Power grows with the
share of the peak and of the memory's bandwidth that are reached, and as the clock to the power of
2.5 (assumed): beyond the limit the clock falls as the inverse of the 2.5th root.

Leaves out: how long the board takes to heat up (short bursts run up to 10 % faster), serving
stacks' host time.

Sources: `fits`; BLOCK and one block on an SM are inferred from the steps of the measured times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.attention_tiles import tile_width
from rackwright.devices.gpu.pieces import found_in_l2, soft_maximum

if TYPE_CHECKING:
    from rackwright.devices.gpu.part import Gpu

__all__ = ["prefill_seconds"]

BLOCK = 128      # query rows and keys of a tile
WIDE = 128       # head_dim for which `wide_time` is given
CLOCK_POWER = 2.5
MEMORY_POWER = 0.35  # watts at full bandwidth over those of math at the full peak and clock: 525 to
                     # 1,500, from decoding at 618 W (measured) and prefills that slow down by 1.2


def prefill_seconds(gpu: Gpu, peak: float, width: int, causal: bool, cold: bool, batch: Floats,
                    heads: Floats, kv_heads: Floats, head_dim: Floats, q_len: Floats,
                    kv_len: Floats) -> Floats:
    """Seconds of a prefill; all sizes are at least 1."""
    fit = gpu.attention
    waves = batch * heads * np.ceil(q_len / BLOCK) / gpu.sms
    longest = np.ceil(kv_len / BLOCK) * BLOCK
    tile = tile_width(head_dim)
    math = 4 * BLOCK * tile * gpu.sms / (peak * fit.math_share)
    pace = fit.softmax_clocks / gpu.clock_hz + math
    start = (fit.block_clocks + causal * fit.mask_clocks) / gpu.clock_hz
    alone = start + longest * pace
    if causal:  # on average, half of the keys before the last queries are hidden
        average = longest - np.maximum(q_len - BLOCK, 0.0) / 2
        many = np.minimum(waves * (start + average * pace) + fit.tail_share * alone,
                          np.ceil(waves) * alone)
    else:
        average, many = longest, np.ceil(waves) * alone
    body = np.where(waves > 1, many, alone)
    floor = fit.prefill_floor_time + fit.wide_time * tile / WIDE
    memory = _memory(gpu, width, cold, batch, heads, kv_heads, head_dim, q_len, kv_len)
    power = (waves * average * math + MEMORY_POWER * memory) / (floor + body)
    return floor + soft_maximum(body * _slowdown(power / fit.power_share), memory)


def _slowdown(busy: Floats) -> Floats:
    """How much longer math takes at `busy` times what the power limit allows at full clock."""
    cube = busy * busy * busy
    return (1 + cube * cube) ** (1 / (6 * CLOCK_POWER))  # 1 well below, the root above


def _memory(gpu: Gpu, width: int, cold: bool, batch: Floats, heads: Floats, kv_heads: Floats,
            head_dim: Floats, q_len: Floats, kv_len: Floats) -> Floats:
    """Seconds to read queries, keys and values, and to write the result."""
    fit = gpu.attention
    row = width * batch * head_dim
    nbytes = 2 * row * (kv_heads * kv_len + heads * q_len)
    older = 2 * row * kv_heads * np.maximum(kv_len - q_len, 0.0) if cold else 0.0
    held = (nbytes - older) * found_in_l2(gpu, nbytes, fit.l2_reach)
    return held / (gpu.pieces.read_per_clock * gpu.clock_hz * gpu.sms) \
        + (nbytes - held) / (gpu.memory_bandwidth * fit.memory_share)
