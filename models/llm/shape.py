"""`LlmShape`: dimensions of a decoder with mixture-of-experts layers, read from TOML.

Counts parameters and bytes; knows nothing of devices or time. Vocabulary and embeddings are left
out: the systems that use it place them elsewhere.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from rackwright.errors import CatalogError, UnknownName

__all__ = ["LlmShape", "shape", "shape_names"]

_FOLDER = Path(__file__).parent / "catalog"


@dataclass(frozen=True)
class LlmShape:
    """One model. All counts are per model, `hidden` and `ffn` are widths in elements."""

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

    @property
    def qkv_width(self) -> int:
        """Outputs of the fused query, key and value projection."""
        return (self.heads + 2 * self.kv_heads) * self.head_dim

    @property
    def attention_bytes(self) -> int:
        """Weights of one block's attention (projections and router), bytes."""
        width = self.qkv_width + self.heads * self.head_dim + self.experts
        return self.hidden * width * self.dtype_bytes

    @property
    def expert_bytes(self) -> int:
        """Weights of one expert of one block (gate, up and down matrices), bytes."""
        return 3 * self.hidden * self.ffn * self.dtype_bytes

    @property
    def kv_bytes_per_token(self) -> int:
        """Keys and values of one token over all blocks, bytes."""
        return 2 * self.kv_heads * self.head_dim * self.dtype_bytes * self.blocks

    @property
    def token_bytes(self) -> int:
        """A hidden state on the wire, bytes."""
        return self.hidden * self.dtype_bytes


def shape_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@functools.cache
def shape(name: str) -> LlmShape:
    """The model called `name`; raises `UnknownName`, or `CatalogError` for a bad file."""
    path = _FOLDER / f"{name}.toml"
    if name not in shape_names():
        raise UnknownName("language model", name, shape_names())
    values = tomllib.loads(path.read_text())["model"]
    known = {field.name for field in fields(LlmShape)}
    if set(values) != known:
        raise CatalogError(f"keys {sorted(set(values) ^ known)} are unknown or missing", place=path)
    return LlmShape(**values)
