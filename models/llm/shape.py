"""`LlmShape`: dimensions of a transformer, dense or with experts, and what follows from them.

Counts parameters, bytes of weights and bytes of keys and values; knows nothing of devices or time.
A dense model has one expert, which every token visits. Blocks may differ in three ways: the first
`dense_blocks` have one wide feed-forward network instead of experts; `window_blocks` see only the
last `window` tokens (a sliding window, or a chunk of that length: the same bytes at most); every
other difference between blocks is left out. So are biases, norms' weights, vision towers and extra
heads for speculation: together under 1 % of the parameters of the models in the catalog.

Latent attention (`kv_rank` > 0, DeepSeek's MLA): a token's keys and values are one vector of
``kv_rank + rope_dim`` elements, the same for all heads, so tensor parallelism cannot divide it.

Widths are in elements, sizes in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["WEIGHT_BITS", "LlmShape"]

# bits of a stored weight; mxfp4: 4 bits and one 8-bit scale for 32 weights (OCP Microscaling
# Formats specification 1.0, section 5.2). Scales of fp8 checkpoints (one float32 for 128 x 128
# weights) are left out: 0.02 %.
WEIGHT_BITS = {"fp32": 32.0, "bf16": 16.0, "fp16": 16.0, "fp8": 8.0, "int8": 8.0, "mxfp4": 4.25}


@dataclass(frozen=True)
class LlmShape:
    """One model. All counts are per model, `hidden` and `ffn` are widths in elements.

    `dtype`, `dtype_bytes`: activations, keys and values. `experts`: of a block, 1 for a dense
    model; `experts_per_token`: of them a token visits; `shared_ffn`: width of what every token
    visits besides. `dense_blocks`, `dense_ffn`: first blocks without experts. `ffn_matrices`: 3
    with a gate, 2 without. `window`, `window_blocks`: see the module. `head_dim`: of queries and
    keys. `q_rank`, `kv_rank`, `rope_dim`, `value_dim`: latent attention. `attention_dtype`,
    `expert_dtype`: how these weights are stored ("" for `dtype`). `vocab`: 0 when the catalog does
    not know it: such a model cannot generate. `tied`: the head shares the embedding's weights.
    """

    name: str
    blocks: int
    hidden: int
    ffn: int
    experts: int
    heads: int
    kv_heads: int
    head_dim: int
    dtype: str
    dtype_bytes: int
    source: str
    experts_per_token: int = 1
    shared_ffn: int = 0
    dense_blocks: int = 0
    dense_ffn: int = 0
    ffn_matrices: int = 3
    window: int = 0
    window_blocks: int = 0
    qk_norm: bool = False
    q_rank: int = 0
    kv_rank: int = 0
    rope_dim: int = 0
    value_dim: int = 0
    attention_dtype: str = ""
    expert_dtype: str = ""
    vocab: int = 0
    tied: bool = False

    @property
    def latent(self) -> bool:
        """True with latent attention."""
        return self.kv_rank > 0

    @property
    def qkv_width(self) -> int:
        """Outputs of the fused query, key and value projection (not of latent attention)."""
        return (self.heads + 2 * self.kv_heads) * self.head_dim

    @property
    def attention_bits(self) -> float:
        """Bits of a weight of the projections and of dense feed-forward networks."""
        return WEIGHT_BITS[self.attention_dtype or self.dtype]

    @property
    def expert_bits(self) -> float:
        """Bits of a weight of an expert."""
        return WEIGHT_BITS[self.expert_dtype or self.dtype]

    @property
    def projection_weights(self) -> int:
        """Weights of one block's attention projections."""
        return sum(n * k for n, k in self.projections())

    def projections(self, ranks: int = 1) -> tuple[tuple[int, int], ...]:
        """(outputs, inputs) of the products around attention on one of `ranks` tensor ranks.

        Key-value heads fewer than ranks are repeated; low-rank projections are on every rank.
        """
        heads = -(-self.heads // ranks)
        if not self.latent:
            kv_heads = -(-self.kv_heads // ranks)
            return (((heads + 2 * kv_heads) * self.head_dim, self.hidden),
                    (self.hidden, heads * self.head_dim))
        nope = self.head_dim - self.rope_dim
        down = self.q_rank + self.kv_rank + self.rope_dim
        return ((down, self.hidden), (heads * self.head_dim, self.q_rank),
                (heads * (nope + self.value_dim), self.kv_rank),
                (self.hidden, heads * self.value_dim))

    @property
    def attention_bytes(self) -> int:
        """Weights of one block's attention (projections and router), bytes."""
        return _bytes(self.projection_weights, self.attention_bits) \
            + self.hidden * self.experts * self.dtype_bytes

    @property
    def expert_bytes(self) -> int:
        """Weights of one expert of one block (gate, up and down matrices), bytes."""
        return _bytes(self.ffn_matrices * self.hidden * self.ffn, self.expert_bits)

    @property
    def dense_bytes(self) -> int:
        """Dense feed-forward networks of the first blocks and shared experts, all blocks, bytes."""
        weights = self.dense_blocks * self.dense_ffn + self.expert_blocks * self.shared_ffn
        return _bytes(self.ffn_matrices * self.hidden * weights, self.attention_bits)

    @property
    def expert_blocks(self) -> int:
        """Blocks with experts (all of a dense model: its one expert)."""
        return self.blocks - self.dense_blocks

    @property
    def vocab_bytes(self) -> int:
        """Embedding and head, bytes."""
        return (1 if self.tied else 2) * self.vocab * self.hidden * self.dtype_bytes

    @property
    def parameters(self) -> int:
        """Weights of the whole model, without biases and norms."""
        router = self.hidden * self.experts if self.experts > 1 else 0
        inside = self.ffn_matrices * self.hidden
        return (self.blocks * self.projection_weights
                + self.expert_blocks * (self.experts * inside * self.ffn + router
                                        + inside * self.shared_ffn)
                + self.dense_blocks * inside * self.dense_ffn
                + (1 if self.tied else 2) * self.vocab * self.hidden)

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of one token over all blocks, bytes."""
        return self.kv_bytes_per_block * self.blocks

    @property
    def kv_bytes_per_block(self) -> int:
        """Keys and values of one token in one block, bytes."""
        return self.rank_kv_bytes(1)

    def rank_kv_bytes(self, ranks: int) -> int:
        """Of them on each of `ranks` tensor ranks."""
        if self.latent:
            return (self.kv_rank + self.rope_dim) * self.dtype_bytes
        return 2 * -(-self.kv_heads // ranks) * self.head_dim * self.dtype_bytes

    @property
    def token_bytes(self) -> int:
        """A hidden state on the wire, bytes."""
        return self.hidden * self.dtype_bytes


def _bytes(weights: int, bits: float) -> int:
    """Whole bytes; every product here is exact."""
    return int(weights * bits / 8)
