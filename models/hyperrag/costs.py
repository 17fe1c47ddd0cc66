"""Times of a batch's steps from the device models, as cost tables.

Each block runs, in eager kernels, RMS norm, the fused projection, the rotary embedding (four
half-wide sums and a copy), attention, the output projection, a sum, RMS norm, the gate and up
product, the activation and its product with the other half, the down product and a sum. A suffix
also writes its own keys and values behind the document's. An encoder (two matrices in its
feed-forward network) has layer norms, GELU, no rotary embedding, and every token sees all.

Kernels over halves of a tensor, and into slots, cannot be vectorised: they pass so many elements a
clock, whatever the memory could do. PyTorch indexes with 32 bits, so that a copy into slots which
span more than 2 GiB becomes several launches, by halving.

Left out: embedding, final norm, the head (one column at one position), launches outside a CUDA
graph.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices import Gpu
from rackwright.devices.cost_table import CostTable1, CostTable2, build_table1, build_table2
from rackwright.devices.cost_table import content_hash as table_hash
from rackwright.models.llm import LlmShape

__all__ = ["STRIDED_PER_CLOCK", "Costs", "block_time", "build_costs", "strided_time", "suffix_time"]

# FITTED: elements that an SM passes in a clock, in an eager kernel that is not vectorised. The mean
# over rotary embeddings and activations of gemma-2b and llama-8b in measured/pieces-h100-sxm.csv.gz
# with at least 500 tokens; minicpm and all whole batches (measured/h100-sxm.csv.gz) are held out.
STRIDED_PER_CLOCK = 1.35
SPAN_NBYTES = 1 << 31    # of 32-bit indices

Floats = npt.NDArray[np.float64]


class Costs(NamedTuple):
    """`suffix`: (documents, query tokens); `full`: (documents, tokens of a pair); `convert`:
    documents quantised or the reverse. ps. `error`: the largest of their interpolation."""

    suffix: CostTable2
    full: CostTable2
    convert: CostTable1
    error: float

    def hashes(self) -> dict[str, str]:
        """Table -> content hash."""
        return {name: table_hash(getattr(self, name)) for name in ("suffix", "full", "convert")}


def block_time(gpu: Gpu, shape: LlmShape, documents: Any, queries: Any, keys: Any) -> Floats:
    """Seconds of one block over `documents` with `queries` new tokens each that see `keys`."""
    tokens = np.asarray(documents) * np.asarray(queries)
    encoder = shape.ffn_matrices == 2
    kind, dtype = "layer" if encoder else "rms", shape.dtype
    time: Floats = (
        2 * gpu.norm_time(tokens, shape.hidden, dtype=dtype, kind=kind)
        + gpu.gemm_time(tokens, shape.qkv_width, shape.hidden, dtype=dtype)
        + gpu.attention_time(documents, shape.heads, shape.kv_heads, shape.head_dim, queries,
                             keys, causal=not encoder, dtype=dtype)
        + gpu.gemm_time(tokens, shape.hidden, shape.heads * shape.head_dim, dtype=dtype)
        + 2 * gpu.add_time(tokens, shape.hidden, dtype=dtype)
        + gpu.gemm_time(tokens, (shape.ffn_matrices - 1) * shape.ffn, shape.hidden, dtype=dtype)
        + _activation(gpu, shape, tokens)
        + gpu.gemm_time(tokens, shape.hidden, shape.ffn, dtype=dtype))
    if encoder:
        return time
    turned = (shape.heads + shape.kv_heads) * shape.head_dim
    rotary: Floats = 4 * strided_time(gpu, tokens * (turned // 2)) \
        + strided_time(gpu, tokens * turned)
    return time + rotary


def strided_time(gpu: Gpu, elements: Any, launches: Any = 1) -> Floats:
    """An eager kernel over `elements` that do not lie side by side."""
    each = elements / (STRIDED_PER_CLOCK * gpu.clock_hz * gpu.sms)
    return np.asarray(np.where(elements > 0, launches * gpu.copy_time(1) + each, 0.0))


def suffix_time(gpu: Gpu, shape: LlmShape, documents: Any, queries: Any, keys: Any) -> Floats:
    """`block_time` with keys and values of the documents at hand, those of the query written."""
    written = np.asarray(documents) * np.asarray(queries) * shape.kv_heads * shape.head_dim
    span = np.asarray(documents) * keys * float(shape.kv_bytes_per_token)
    launches = np.exp2(np.ceil(np.log2(np.maximum(span / SPAN_NBYTES, 1.0))))
    time: Floats = block_time(gpu, shape, documents, queries, keys) \
        + 2 * strided_time(gpu, written, launches)
    return time


def _activation(gpu: Gpu, shape: LlmShape, tokens: Any) -> Floats:
    """GELU in encoders and in Gemma, SiLU elsewhere; gated but in encoders."""
    if shape.ffn_matrices == 2:
        return np.asarray(gpu.activation_time(tokens, shape.ffn, "gelu", dtype=shape.dtype))
    halves = 2 * strided_time(gpu, np.asarray(tokens) * shape.ffn)
    if shape.name.startswith("gemma"):
        smooth = gpu.activation_time(tokens, shape.ffn, "gelu", dtype=shape.dtype) \
            + gpu.add_time(tokens, shape.ffn, dtype=shape.dtype)
    else:
        smooth = gpu.silu_mul_time(tokens, shape.ffn, dtype=shape.dtype)
    return np.asarray(np.maximum(halves, smooth))


def build_costs(gpu: Gpu, shape: LlmShape, layers: int, *, batch: int, query_tokens: int,
                keys: int, slot_tokens: int, slot_nbytes: int, share: float) -> Costs:
    """Tables for up to `batch` documents, queries of `query_tokens`, pairs of `slot_tokens` more.

    `keys`: tokens of a document that a suffix attends to. `slot_nbytes`: keys and values of a
    document in bf16; `share`: stored bytes over those, 1 for no conversion.
    """
    def suffix(documents: Any, queries: Any) -> Any:
        return layers * suffix_time(gpu, shape, documents, queries, queries + keys)

    def full(documents: Any, tokens: Any) -> Any:
        return layers * block_time(gpu, shape, documents, tokens, tokens)

    def convert(documents: Any) -> Any:
        # one stream that reads one format and writes the other: as a copy of their mean
        each = int(slot_nbytes * (1 + share) / 2)
        return np.where(share < 1, gpu.copy_time(documents * each, cache="cold"), 0.0)

    fine = 1024  # points an octave: every length up to 1476, products go by steps
    suffixes, error_s = build_table2(suffix, batch, batch, query_tokens, y_per_octave=fine)
    fulls, error_f = build_table2(full, batch, batch, slot_tokens + query_tokens,
                                  y_per_octave=fine)
    converts, error_c = build_table1(convert, batch, batch)
    return Costs(suffixes, fulls, converts, max(error_s, error_f, error_c))
