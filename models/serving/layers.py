"""What one step costs on one GPU of the engine, from the device models; seconds.

`linear_time`: everything whose cost depends on the number of tokens alone: projections, norms,
rotary positions, the write to the KV cache, feed-forward networks, shared experts, the router.
Norms and activations are fused kernels (a residual sum goes with its norm, and moves its bytes).
`expert_time`: routed experts, as a fused layer. `decode_time`, `chunk_time`: attention of one
block. `head_time`: the last norm, the language-model head and the sampler, on the rows that sample.
`launches`: kernels of a block.

A chunk of a prompt is its own causal triangle plus a rectangle over what came before, both as
prefills: serving stacks run one kernel for both, unlike the "extend" of the device models, which
is that of another library. With a window, the chunk is at most a band as wide as the window.

Latent attention: in a decode all heads read one vector a token (keys and values are the same
bytes), and no faster than the products would run; a prefill is ordinary attention of as many
key-value heads as query heads. No such kernel was measured: assumed. Up-projection of earlier
chunks is left out.

Experts stored in mxfp4 are costed in bf16 with the time of reading weights in proportion to their
bytes, and never below the time of the products themselves (assumed: no such kernel was measured).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rackwright.devices import Gpu
from rackwright.models.llm import WEIGHT_BITS, LlmShape

__all__ = ["chunk_time", "decode_time", "expert_seconds", "head_time", "launches", "linear_time",
           "sampler_time"]

MANY = 64           # sequences of a batch that fills the GPU
FULL_ROWS = 4096    # rows of an expert that hide its weights' reading
LOGIT_BYTES = 4     # the sampler works on float32

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def linear_time(gpu: Gpu, shape: LlmShape, ranks: int, tokens: Ints) -> Array:
    """All blocks' work on `tokens` rows but attention, routed experts and exchange."""
    block = _attention_sides(gpu, shape, ranks, tokens)
    time = shape.blocks * block + gpu.copy_time(tokens * shape.token_bytes)
    if shape.experts == 1:
        time = time + shape.expert_blocks * ffn_time(gpu, shape, ranks, tokens, shape.ffn)
    else:
        time = time + shape.expert_blocks * gpu.gemm_time(tokens, shape.experts, shape.hidden,
                                                          dtype=shape.dtype)
    time = time + shape.expert_blocks * ffn_time(gpu, shape, ranks, tokens, shape.shared_ffn)
    return np.asarray(
        time + shape.dense_blocks * ffn_time(gpu, shape, ranks, tokens, shape.dense_ffn))


def _attention_sides(gpu: Gpu, shape: LlmShape, ranks: int, tokens: Ints) -> Array:
    """Norms, projections, rotary positions and the write to the KV cache of one block."""
    kind = _math(shape.attention_dtype or shape.dtype)
    time = 2 * _sum_and_norm(gpu, shape, tokens)
    for n, k in shape.projections(ranks):
        time = time + gpu.gemm_time(tokens, n, k, dtype=kind)
    heads = -(-shape.heads // ranks)
    rotated = (heads + -(-shape.kv_heads // ranks)) * shape.head_dim
    if shape.latent:
        rotated = heads * shape.rope_dim
        time = time + 2 * gpu.norm_time(tokens, shape.q_rank, dtype=shape.dtype, kind="rms")
    if shape.qk_norm:
        time = time + gpu.norm_time(tokens * (rotated // shape.head_dim), shape.head_dim,
                                    dtype=shape.dtype, kind="rms")
    return np.asarray(time + gpu.in_place_time(tokens * rotated * shape.dtype_bytes)
                      + gpu.copy_time(tokens * shape.rank_kv_bytes(ranks)))


def _sum_and_norm(gpu: Gpu, shape: LlmShape, tokens: Ints) -> Array:
    """A norm, with the residual stream read and written beside it."""
    norm = gpu.norm_time(tokens, shape.hidden, dtype=shape.dtype, kind="rms")
    stream = gpu.in_place_time(tokens * shape.token_bytes) - gpu.in_place_time(1)
    return np.asarray(norm + np.maximum(stream, 0.0))


def ffn_time(gpu: Gpu, shape: LlmShape, ranks: int, tokens: Ints, width: int) -> Array:
    """One dense feed-forward network: two products and one fused activation."""
    if width == 0:
        return np.zeros(np.shape(tokens))
    kind = _math(shape.attention_dtype or shape.dtype)
    own, into = -(-width // ranks), shape.ffn_matrices - 1
    # three times the bytes of one half: as an addition of two rows
    return np.asarray(gpu.gemm_time(tokens, into * own, shape.hidden, dtype=kind)
                      + gpu.add_time(tokens, own, dtype=shape.dtype)
                      + gpu.gemm_time(tokens, shape.hidden, own, dtype=kind))


def expert_seconds(gpu: Gpu, shape: LlmShape, tokens: Ints, width: int) -> Array:
    """One block's routed experts; the last axis of `tokens` counts experts of `width`."""
    stored = shape.expert_dtype or shape.dtype
    kind = _math(stored)
    time = np.asarray(gpu.moe_time(tokens, shape.hidden, width, dtype=kind))
    if WEIGHT_BITS[stored] == WEIGHT_BITS[kind]:
        return time
    fixed = gpu.moe_time(np.array([1]), 8, 8, dtype=kind)
    one = gpu.moe_time(np.array([FULL_ROWS]), shape.hidden, width, dtype=kind)
    two = gpu.moe_time(np.array([2 * FULL_ROWS]), shape.hidden, width, dtype=kind)
    products = tokens.sum(axis=-1) * ((two - one) / FULL_ROWS)
    read = (time - fixed) * (WEIGHT_BITS[stored] / WEIGHT_BITS[kind])
    return np.asarray(np.where(time > 0, np.minimum(time, fixed + np.maximum(read, products)), 0.0))


def decode_time(gpu: Gpu, shape: LlmShape, ranks: int, batch: Ints, context: Ints) -> Array:
    """Attention of one block for `batch` requests with `context` tokens each."""
    heads = -(-shape.heads // ranks)
    if not shape.latent:
        return np.asarray(gpu.attention_time(batch, heads, -(-shape.kv_heads // ranks),
                                             shape.head_dim, 1, context, dtype=shape.dtype))
    row = shape.kv_rank + shape.rope_dim
    read = gpu.attention_time(batch, heads, 1, row // 2, 1, context, dtype=shape.dtype)
    products = gpu.gemm_time(batch * heads, context, row + shape.kv_rank, dtype=shape.dtype)
    return np.asarray(np.maximum(read, products))


def chunk_time(gpu: Gpu, shape: LlmShape, ranks: int, queries: Ints, before: Ints, *,
               window: int = 0, batch: int = 1) -> Array:
    """Attention of one block for a chunk of `queries` after `before` cached tokens.

    With `batch`, the share of each of so many equal chunks in one kernel.
    """
    heads, kv_heads = -(-shape.heads // ranks), -(-shape.kv_heads // ranks)
    dim = (shape.head_dim + shape.value_dim) // 2 if shape.latent else shape.head_dim

    def prefill(keys: Ints | int, causal: bool) -> Array:
        return np.asarray(gpu.attention_time(batch, heads, kv_heads, dim, queries, keys,
                                             causal=causal, dtype=shape.dtype))

    floor = gpu.attention_time(batch, heads, kv_heads, dim, 2, 2, causal=False, dtype=shape.dtype)
    seen = np.minimum(before, window) if window else before
    time = prefill(queries, True) + np.maximum(prefill(seen, False) - floor, 0.0)
    if window:
        time = np.where(queries > window, np.minimum(time, prefill(window, False)), time)
    return np.asarray(np.where(queries > 0, time, 0.0) / batch)


def head_time(gpu: Gpu, shape: LlmShape, ranks: int, rows: Ints, greedy: bool) -> Array:
    """From the last block's output to a token, for `rows` requests, without the gathering."""
    return np.asarray(
        _sum_and_norm(gpu, shape, rows)
        + gpu.gemm_time(rows, -(-shape.vocab // ranks), shape.hidden, dtype=shape.dtype)
        + sampler_time(gpu, shape, rows, greedy))


def sampler_time(gpu: Gpu, shape: LlmShape, rows: Ints, greedy: bool, temperature: bool = True
                 ) -> Array:
    """From logits to tokens, kernel by kernel: conversion to float32, then the largest; or, drawing
    without top-k and top-p: temperature, softmax, exponential noise, quotient, the largest."""
    count = rows * shape.vocab
    logits = count * LOGIT_BYTES
    kind = "fp32" if "fp32" in gpu.dtypes else shape.dtype
    one_row = np.where(rows > 0, gpu.softmax_time(1, shape.vocab, dtype=kind), 0.0)
    convert = gpu.copy_time(count * (LOGIT_BYTES + shape.dtype_bytes) // 2)
    # reading all is as long as copying half; one row is as long as one row's softmax
    largest = np.maximum(gpu.copy_time(logits // 2), one_row)
    if greedy:
        return np.asarray(convert + largest)
    draw = gpu.softmax_time(rows, shape.vocab, dtype=kind) + gpu.fill_time(logits) \
        + gpu.add_time(rows, shape.vocab, dtype=kind)
    if temperature:
        draw = draw + gpu.in_place_time(logits)
    return np.asarray(convert + draw + largest)


def launches(shape: LlmShape, ranks: int) -> int:
    """Kernels that one forward pass launches."""
    attention = 2 + len(shape.projections()) + 3 + shape.qk_norm + 2 * shape.latent
    # a network: two products and an activation; experts: gate, top-k, alignment, two grouped
    # products, activation, reduction
    inside = (3 if shape.experts == 1 else 7) + (3 if shape.shared_ffn else 0)
    return shape.blocks * (attention + (2 if ranks > 1 else 0)) \
        + shape.expert_blocks * inside + 3 * shape.dense_blocks


def _math(stored: str) -> str:
    """The type of the products of weights stored as `stored`."""
    return "bf16" if stored == "mxfp4" else stored
