"""The closed forms of a re-ranker's cache, with an efficiency for all of a GPU's work.

``eta`` x peak is what products reach; suffixes and attention have their own where given. The replay
uses none of this: it takes times from the device models and crosses the fabric's links. These forms
are what its results are held against, and what the rows of kind `check` compute.

Seconds, bytes, flop/s. Parameters are those of the blocks: embedding and head are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from rackwright.models.llm import LlmShape

__all__ = ["ClosedForm", "che_hit_ratio", "ideal_gain", "kv_bytes", "parameters"]


def parameters(shape: LlmShape, layers: int = 0) -> int:
    """Weights of `layers` blocks (0: all): projections and the feed-forward network."""
    inside = shape.ffn_matrices * shape.hidden * shape.ffn
    return (layers or shape.blocks) * (shape.projection_weights + inside)


def kv_bytes(shape: LlmShape, layers: int = 0) -> int:
    """Keys and values of one token in bf16, `layers` blocks (0: all)."""
    return shape.kv_bytes_per_block * (layers or shape.blocks)


def ideal_gain(document_tokens: float, query_tokens: float) -> float:
    """Speed-up with loads that take no time: tokens of a pair over those of its query."""
    return (document_tokens + query_tokens) / query_tokens


@dataclass(frozen=True)
class ClosedForm:
    """`documents` of `document_tokens` with a query of `query_tokens` on a GPU of `flops` flop/s
    x `eta`; `share`: stored bytes over those of bf16. `layers`: 0 for all."""

    shape: LlmShape
    documents: int
    document_tokens: int
    query_tokens: int
    flops: float
    eta: float = 0.5
    suffix_eta: float | None = None
    attention_eta: float | None = None
    share: float = 1.0
    layers: int = 0

    @property
    def base_time(self) -> float:
        """Everything computed."""
        tokens = self.documents * (self.document_tokens + self.query_tokens)
        return tokens * 2 * parameters(self.shape, self.layers) / (self.eta * self.flops)

    @property
    def suffix_time(self) -> float:
        """The queries' tokens, with attention to the documents'."""
        shape, layers = self.shape, self.layers or self.shape.blocks
        tokens = self.documents * self.query_tokens
        attention = tokens * self.document_tokens * 4 * shape.heads * shape.head_dim * layers
        products = tokens * 2 * parameters(shape, self.layers)
        return (products / ((self.suffix_eta or self.eta) * self.flops)
                + attention / ((self.attention_eta or self.eta) * self.flops))

    @property
    def load_nbytes(self) -> float:
        """Keys and values of all documents as they are stored."""
        return (self.documents * self.document_tokens * kv_bytes(self.shape, self.layers)
                * self.share)

    def load_time(self, bandwidth: float) -> float:
        """Without the tier's latency."""
        return self.load_nbytes / bandwidth

    def reuse_time(self, bandwidth: float, misses: int = 0) -> float:
        """Steady state of loads that overlap; a miss costs its part of everything computed."""
        return (max(self.load_time(bandwidth), self.suffix_time)
                + misses * self.base_time / self.documents)

    def gain(self, bandwidth: float, misses: int = 0) -> float:
        """Speed-up over computing everything."""
        return self.base_time / self.reuse_time(bandwidth, misses)

    @property
    def crossover_bandwidth(self) -> float:
        """Bytes/s above which loading beats computing, documents much longer than queries."""
        return (kv_bytes(self.shape, self.layers) * self.share * self.eta * self.flops
                / (2 * parameters(self.shape, self.layers)))


def che_hit_ratio(shares: object, capacity: int) -> float:
    """Che's approximation of the hit ratio of an LRU cache of `capacity` documents.

    `shares`: chance of each document in a draw, draws independent. Solves
    ``sum(1 - exp(-p t)) = capacity`` for t by bisection; the hit ratio is
    ``sum(p (1 - exp(-p t)))``. Source: Che, Tung, Wang, IEEE JSAC 20(7), 2002 (recalled, not
    checked).
    """
    import numpy as np

    chance = np.asarray(shares, np.float64)
    if capacity >= len(chance):
        return 1.0
    low, high = 0.0, 1.0
    while float(-np.expm1(-chance * high).sum()) < capacity:
        high *= 2.0
    for _ in range(80):
        middle = (low + high) / 2
        held = float(-np.expm1(-chance * middle).sum())
        low, high = (middle, high) if held < capacity else (low, middle)
    return float((chance * -np.expm1(-chance * high)).sum())
