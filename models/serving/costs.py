"""Step times of the serving engine as cost tables, for its compiled loop.

Tables by tokens are exact at every number of tokens up to 8,192, attention is interpolated; the
largest relative error of each is measured and reported. The experts of a step's tokens are drawn
once (`ExponentialRouting`): a step of n tokens routes the first n of a fixed list, so that every
step of a size costs the same; the mean over `SAMPLES` lists is taken. With expert parallelism the
rank with the most work counts.

Two tables bound attention over the chunks of a step: a chunk alone on the GPU, and its share of a
GPU full of such chunks; a step takes the longest chunk, or all shares, whichever is more. Both
count queries, and tokens before them, in whole tiles of `TILE`, as the device's prefill does;
what that leaves out is measured too, at `PROBES`.

Exchange: two all-reduces a block of the tensor group (`exchange`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.cost_table import (
    CostTable1,
    CostTable2,
    build_table1,
    build_table2,
    content_hash,
    table2_ps,
)
from rackwright.models.llm import LlmShape
from rackwright.models.serving.exchange import all_reduce, slowest
from rackwright.models.serving.layers import (
    MANY,
    chunk_time,
    decode_time,
    expert_seconds,
    head_time,
    linear_time,
)
from rackwright.models.serving.options import ServingOptions
from rackwright.models.serving.placement import Placement
from rackwright.topologies.fabric import Fabric
from rackwright.traces.routing import ExponentialRouting
from rackwright.traces.routing_trace import draw_rows

__all__ = ["Costs", "Tables", "build_costs"]

EXACT_TOKENS = 8192
EXACT_BATCH = 1024
SAMPLES = 2
TILE = 128        # rows and keys of the device model's prefill
PROBES = (2, 3, 16, 50, 100, 127, 129, 200, 300, 511, 513, 700, 1000, 1500, 3000, 6000, 12_000)
LOGIT_BYTES = 2   # logits are gathered in the model's type

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Tables(NamedTuple):
    """Picoseconds. By tokens, all blocks: `linear`, `experts`, `exchange`; by rows: `head`; of one
    block: `decode` by batch and mean context, the others by tiles of queries and of tokens before
    them."""

    linear: CostTable1
    experts: CostTable1
    exchange: CostTable1
    head: CostTable1
    decode: CostTable2
    alone: CostTable2
    packed: CostTable2
    window_alone: CostTable2
    window_packed: CostTable2


class Costs(NamedTuple):
    """The tables, and the largest relative error of each one's interpolation."""

    tables: Tables
    errors: dict[str, float]

    def hashes(self) -> dict[str, str]:
        """Table -> content hash."""
        return {name: content_hash(getattr(self.tables, name)) for name in Tables._fields}


def build_costs(fabric: Fabric, placed: Placement, shape: LlmShape, options: ServingOptions, *,
                most_running: int, most_chunk: int, most_context: int, seed: int) -> Costs:
    """Tables for up to `most_running` requests of up to `most_context` tokens."""
    gpu, ranks, tokens = placed.gpu, placed.ranks, placed.limits.tokens
    loads = _Loads(shape, options, tokens, seed)
    found: dict[str, Any] = {
        "linear": _by_tokens(lambda n: linear_time(gpu, shape, ranks, n), tokens),
        "experts": _by_tokens(lambda n: loads.seconds(placed, n), tokens),
        "exchange": _by_tokens(
            lambda n: 2 * shape.blocks * all_reduce(fabric, placed, n * shape.token_bytes,
                                                    options.custom_all_reduce), tokens),
        "head": build_table1(
            lambda n: head_time(gpu, shape, ranks, n, options.sampling == "greedy")
            + slowest("all_gather", fabric, placed, n * shape.vocab * LOGIT_BYTES),
            min(EXACT_BATCH, most_running), most_running),
        "decode": build_table2(lambda n, y: decode_time(gpu, shape, ranks, n, y),
                               min(EXACT_BATCH, most_running), most_running, most_context,
                               y_per_octave=16),
    }
    most = min(tokens, most_chunk)
    for name, window, batch in (("alone", 0, 1), ("packed", 0, MANY),
                                ("window_alone", shape.window, 1),
                                ("window_packed", shape.window, MANY)):
        if name.startswith("window") and not shape.window:
            found[name] = found[name.removeprefix("window_")]  # never read
            continue
        found[name] = _chunks(partial(chunk_time, gpu, shape, ranks, window=window, batch=batch),
                              most, most_context)
    used = [name for name in Tables._fields if shape.window or not name.startswith("window")]
    return Costs(Tables(*(found[name][0] for name in Tables._fields)),
                 {name: found[name][1] for name in used})


def _by_tokens(seconds: Callable[[Ints], Array], most: int) -> tuple[CostTable1, float]:
    return build_table1(seconds, min(EXACT_TOKENS, most), most)


def _chunks(seconds: Callable[[Ints, Ints], Array], most: int, most_context: int
            ) -> tuple[CostTable2, float]:
    """A table by tiles, and its largest relative error, the rounding up to tiles included."""
    tiles, before = -(-most // TILE), -(-most_context // TILE)
    table, error = build_table2(lambda n, y: seconds(TILE * n, TILE * y), tiles, tiles, before,
                                y_per_octave=16)
    probes = np.array([probe for probe in PROBES if probe <= most] or [2], np.int64)
    earlier = np.array([0, *(probe for probe in PROBES if probe <= most_context)], np.int64)
    true = seconds(probes[:, None], earlier) * 1e12
    told = np.array([[table2_ps.function(table, -(-n // TILE), -(-y // TILE)) for y in earlier]
                     for n in probes])
    return table, max(error, float(np.max(np.abs(told - true) / np.maximum(true, 1.0))))


class _Loads:
    """How many of the first n tokens of fixed lists visit each expert."""

    def __init__(self, shape: LlmShape, options: ServingOptions, tokens: int, seed: int) -> None:
        self.shape, self.split = shape, options.expert_parallel
        self.counts = np.zeros((SAMPLES, tokens + 1, shape.experts), np.int64)
        if shape.experts == 1:
            return
        routing = ExponentialRouting(SAMPLES, shape.experts, shape.experts_per_token,
                                     options.routing_skew, seed)
        each = np.arange(tokens, dtype=np.int64)
        chosen = np.zeros((tokens, shape.experts_per_token), np.int64)
        for sample in range(SAMPLES):
            draw_rows(routing.weights, shape.experts_per_token, seed, each, each,
                      np.full(tokens, sample), chosen)
            rows = np.repeat(each + 1, shape.experts_per_token)
            np.add.at(self.counts[sample], (rows, chosen.ravel()), 1)
        np.cumsum(self.counts, axis=1, out=self.counts)

    def seconds(self, placed: Placement, tokens: Ints) -> Array:
        """All blocks' routed experts for so many tokens, on the rank with the most work."""
        shape, ranks = self.shape, placed.ranks
        if shape.experts == 1:
            return np.zeros(np.shape(tokens))
        width = shape.ffn if self.split else -(-shape.ffn // ranks)
        parts = ranks if self.split else 1
        total = np.zeros(np.shape(tokens))
        for sample in range(SAMPLES):
            loads = self.counts[sample][tokens].reshape(
                *np.shape(tokens), parts, shape.experts // parts)
            total = total + expert_seconds(placed.gpu, shape, loads, width).max(axis=-1)
        return np.asarray(shape.expert_blocks / SAMPLES * total)
