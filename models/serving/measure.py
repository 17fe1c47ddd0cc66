"""Measure the GPU's part of a serving engine's steps with PyTorch, for the card of this folder.

``PYTHONPATH=src python3 models/serving/measure.py --out DIR`` needs PyTorch (with Triton) and a
CUDA device, and of this package `measuring`. It builds one rank of a decoder with random bf16
weights, as a serving stack runs it: fused residual norms, rotary embedding and gated activation (by
``torch.compile``, as vLLM's V1 engine does), a cache of keys and values for every layer, one CUDA
graph of a whole step:

* ``decode``: `rows` requests with `context` tokens each, one new token: embedding, all blocks,
  last norm;
* ``prefill``: a prompt of `context` tokens;
* ``head``: the language-model head and a random draw on `rows` rows: logits to float32, softmax,
  exponential noise, quotient, argmax.

Left out: paging (caches are contiguous), exchange between ranks, everything that the host does,
chunks behind earlier ones (PyTorch's kernel for these is no serving stack's). Clocks and power
limits are never touched. Times in microseconds: medians, with (p90 - p10) / median beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from rackwright.models.measuring import (
    Layers,
    captured,
    measure_cases,
    replay_times,
    script,
    summary,
)

__all__ = ["CASES", "COLUMNS", "DIMS", "Case", "Rank", "measure"]

COLUMNS = ("model", "ranks", "mode", "rows", "context", "time_us", "spread", "samples")
BUDGET = 0.5            # s of replays a case, beyond the first five
MOST_NBYTES = 44 << 30  # of keys and values


class Dims(NamedTuple):
    """One rank: ranks, blocks, hidden, FFN width, heads, KV heads, width of a head, vocabulary."""

    ranks: int
    blocks: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int


# the shapes of models/llm/catalog, repeated so that this file needs nothing else
DIMS = {
    "llama-3-8b": Dims(1, 32, 4096, 14336, 32, 8, 128, 128256),
    "llama-3-70b": Dims(4, 80, 8192, 7168, 16, 2, 128, 32064),
}


class Case(NamedTuple):
    model: str
    mode: str
    rows: int
    context: int


def _cases() -> Iterator[Case]:
    for model in DIMS:
        large = model == "llama-3-70b"
        for rows in (1, 8, 64, 256) if large else (1, 2, 4, 8, 16, 32, 64, 128, 256):
            for context in (1024, 4096) if large else (512, 1024, 2048, 4096):
                yield Case(model, "decode", rows, context)
            yield Case(model, "head", rows, 1)
        for tokens in (512, 2048, 8192) if large else (256, 512, 1024, 2048, 4096, 8192):
            yield Case(model, "prefill", 1, tokens)


CASES = tuple(_cases())


class Rank(Layers):
    """Random weights of one rank, and steps over them."""

    def __init__(self, torch: Any, dims: Dims) -> None:
        super().__init__(torch, dims)
        self.dims = dims
        self.embedding = self.normal(dims.vocab, dims.hidden)
        self.head = self.normal(dims.vocab, dims.hidden) * dims.hidden ** -0.5
        self.add_norm = torch.compile(self._add_norm)
        self.rotate = torch.compile(self._rotate)
        self.gate = torch.compile(self._gate)

    def _add_norm(self, x: Any, rest: Any) -> tuple[Any, Any]:
        rest = x + rest
        wide = rest.float()
        scale = self.torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-5)
        return (wide * scale).bfloat16() * self.norm, rest

    def _rotate(self, y: Any, cos: Any, sin: Any) -> tuple[Any, Any]:
        """Queries, and keys and values [2, tokens, heads, width]; keys and queries turned."""
        d = self.dims
        y = y.view(-1, d.heads + 2 * d.kv_heads, d.head_dim)
        turned, v = y[:, :d.heads + d.kv_heads], y[:, d.heads + d.kv_heads:]
        a, b = turned.chunk(2, dim=-1)
        turned = self.torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)
        return turned[:, :d.heads], self.torch.stack([turned[:, d.heads:], v])

    def _gate(self, y: Any) -> Any:
        gate, up = y.chunk(2, dim=-1)
        return self.torch.nn.functional.silu(gate) * up

    def angles(self, tokens: int) -> tuple[Any, Any]:
        cos, sin = self.turns(0, tokens)
        return cos[:, None], sin[:, None]

    def step(self, ids: Any, attend: Callable[[int, Any, Any], Any], angles: Any) -> Any:
        """Hidden states of `ids` after all blocks and the last norm."""
        functional = self.torch.nn.functional
        x = functional.embedding(ids, self.embedding)
        rest = self.torch.zeros_like(x)
        for number, (qkv, out, gate_up, down) in enumerate(self.layers):
            x, rest = self.add_norm(x, rest)
            q, kv = self.rotate(functional.linear(x, qkv), *angles)
            x = functional.linear(attend(number, q, kv), out)
            x, rest = self.add_norm(x, rest)
            x = functional.linear(self.gate(functional.linear(x, gate_up)), down)
        return self.add_norm(x, rest)[0]

    def decode(self, rows: int, context: int) -> Callable[[], Any]:
        torch, d = self.torch, self.dims
        cache = torch.empty((d.blocks, 2, rows, context, d.kv_heads, d.head_dim),
                            dtype=torch.bfloat16, device="cuda").normal_()
        ids, angles = torch.arange(rows, device="cuda"), self.angles(rows)

        def attend(number: int, q: Any, kv: Any) -> Any:
            mine = cache[number]
            mine[:, :, context - 1].copy_(kv)
            return self.dot_product(q[:, None], mine[0], mine[1]).view(rows, -1)
        return lambda: self.step(ids, attend, angles)

    def prefill(self, tokens: int) -> Callable[[], Any]:
        torch, d = self.torch, self.dims
        cache = torch.empty((d.blocks, 2, tokens, d.kv_heads, d.head_dim), dtype=torch.bfloat16,
                            device="cuda")
        ids, angles = torch.arange(tokens, device="cuda"), self.angles(tokens)

        def attend(number: int, q: Any, kv: Any) -> Any:
            cache[number].copy_(kv)
            found = self.dot_product(q[None], kv[0][None], kv[1][None], is_causal=True)
            return found.reshape(tokens, -1)
        return lambda: self.step(ids, attend, angles)

    def sample(self, rows: int) -> Callable[[], Any]:
        torch, x = self.torch, self.normal(rows, self.dims.hidden)

        def draw() -> Any:
            logits = torch.nn.functional.linear(x, self.head).float()
            noise = torch.empty_like(logits).exponential_()
            return logits.softmax(dim=-1).div_(noise).argmax(dim=-1)
        return draw

    def dot_product(self, q: Any, k: Any, v: Any, **mask: Any) -> Any:
        """As [..., tokens, heads, width]."""
        return super().dot_product(q, k, v, **mask).transpose(1, 2)


def measure(torch: Any, rank: Rank, case: Case) -> dict[str, Any]:
    """One row of the table."""
    work = {"decode": lambda: rank.decode(case.rows, case.context),
            "prefill": lambda: rank.prefill(case.context),
            "head": lambda: rank.sample(case.rows)}[case.mode]()
    times = replay_times(torch, captured(torch, work).replay, warm=3, seconds=BUDGET, most=40)
    return {"model": case.model, "ranks": rank.dims.ranks, "mode": case.mode, "rows": case.rows,
            "context": case.context, **summary(times)}


def fits(case: Case) -> bool:
    """Whether the case's keys and values fit beside the weights."""
    d = DIMS[case.model]
    row = 2 * d.blocks * d.kv_heads * d.head_dim * 2
    return case.mode != "decode" or case.rows * case.context * row <= MOST_NBYTES


def main() -> None:
    told = script(budget=200.0)
    measure_cases(told, filter(fits, CASES), lambda model: Rank(told.torch, DIMS[model]),
                  lambda rank, case: measure(told.torch, rank, case), COLUMNS, "h100-sxm.csv.gz")


if __name__ == "__main__":
    main()
