"""Measure re-ranking batches on a real GPU with PyTorch, for the card of this folder.

``PYTHONPATH=src python3 models/hyperrag/measure.py --out DIR`` needs PyTorch and a CUDA device, and
of this package `measuring`, so that it runs where the package is not installed. It builds decoders
of the three shapes with random bf16 weights and times, each as one CUDA graph of the whole decoder:

* ``full``: prefill of documents and query, causal attention; what no reuse costs;
* ``suffix``: the query's tokens against keys and values that lie in GPU memory;
* ``load``: the documents' slots from pinned host memory, one copy a document, back to back;
* ``overlap``: both in turn over two buffers: a batch's load runs beside the suffix before it.

A slot holds document and query (the query's part is padding), contiguous, so that a document is
one copy. Every layer: RMS norm, fused projection, rotary embedding in eager kernels, scaled dot
product attention, output projection, sum, RMS norm, gate and up product, activation, down product,
sum. Left out: embedding, final norm and head, tokenising, host time of launches. Clocks and power
limits are never touched. Times are in microseconds: medians, with (p90 - p10) / median beside them.
"""

from __future__ import annotations

import importlib
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

__all__ = ["CASES", "COLUMNS", "Case", "Decoder", "measure"]

COLUMNS = ("model", "mode", "documents", "document_tokens", "query_tokens", "nbytes", "time_us",
           "spread", "samples")
MOST_SAMPLES = 35
BUDGET = 0.6       # s of replays a case, beyond the first five


class Dims(NamedTuple):
    """A decoder: blocks, hidden, FFN width, heads, KV heads, width of a head, activation."""

    blocks: int
    hidden: int
    ffn: int
    heads: int
    kv_heads: int
    head_dim: int
    gelu: bool


# the shapes of models/llm/catalog, repeated so that this file needs nothing else
DIMS = {
    "gemma-2b": Dims(18, 2048, 16384, 8, 1, 256, True),
    "minicpm-2b-layerwise": Dims(40, 2304, 5760, 36, 36, 64, False),
    "llama-8b": Dims(32, 4096, 14336, 32, 8, 128, False),
}


class Case(NamedTuple):
    model: str
    mode: str
    documents: int
    document_tokens: int
    query_tokens: int


def _cases() -> Iterator[Case]:
    for model in DIMS:
        for documents, document, query in ((8, 256, 32), (20, 128, 32), (20, 320, 44),
                                           (20, 512, 64), (32, 256, 64), (50, 256, 32),
                                           (100, 256, 32), (100, 512, 32)):
            yield Case(model, "full", documents, document, query)
            yield Case(model, "suffix", documents, document, query)
        for documents, document, query in ((8, 256, 32), (20, 128, 32), (20, 320, 44),
                                           (20, 512, 64), (50, 256, 32)):
            yield Case(model, "load", documents, document, query)
            yield Case(model, "overlap", documents, document, query)


CASES = tuple(_cases())


class Decoder(Layers):
    """Random weights of one shape, and the passes over it."""

    def __init__(self, torch: Any, dims: Dims) -> None:
        super().__init__(torch, dims)
        self.dims = dims

    def angles(self, first: int, tokens: int) -> tuple[Any, Any]:
        """Cosines and sines of positions, shaped to broadcast over documents and heads."""
        cos, sin = self.turns(first, tokens)
        return cos[None, :, None], sin[None, :, None]

    def rotate(self, x: Any, cos: Any, sin: Any) -> Any:
        a, b = x.chunk(2, dim=-1)
        return self.torch.cat([self.torch.addcmul(a * cos, b, sin, value=-1),
                               self.torch.addcmul(b * cos, a, sin)], dim=-1)

    def run(self, x: Any, attend: Callable[[int, Any, Any, Any], Any], angles: Any) -> Any:
        """All layers over hidden states x[documents, tokens, hidden]."""
        functional, d = self.torch.nn.functional, self.dims
        for number, (qkv, out, gate_up, down) in enumerate(self.layers):
            y = functional.linear(functional.rms_norm(x, (d.hidden,), self.norm), qkv)
            y = y.view(*x.shape[:2], d.heads + 2 * d.kv_heads, d.head_dim)
            turned = self.rotate(y[:, :, :d.heads + d.kv_heads], *angles)
            q, k = turned[:, :, :d.heads], turned[:, :, d.heads:]
            heads = attend(number, q, k, y[:, :, d.heads + d.kv_heads:])
            x = x + functional.linear(heads.transpose(1, 2).reshape(*x.shape[:2], -1), out)
            gate, up = functional.linear(functional.rms_norm(x, (d.hidden,), self.norm),
                                         gate_up).chunk(2, dim=-1)
            act = functional.gelu(gate) if d.gelu else functional.silu(gate)
            x = x + functional.linear(act * up, down)
        return x

    def full(self, documents: int, tokens: int) -> Callable[[], Any]:
        x, angles = self.normal(documents, tokens, self.dims.hidden), self.angles(0, tokens)

        def attend(number: int, q: Any, k: Any, v: Any) -> Any:
            return self.dot_product(q, k, v, is_causal=True)
        return lambda: self.run(x, attend, angles)

    def slots(self, documents: int, tokens: int, pinned: bool = False) -> Any:
        """Keys and values: [document, layer, key or value, token, head, width]."""
        d = self.dims
        shape = (documents, d.blocks, 2, tokens, d.kv_heads, d.head_dim)
        if pinned:
            return self.torch.zeros(shape, dtype=self.torch.bfloat16, pin_memory=True)
        return self.torch.zeros(shape, dtype=self.torch.bfloat16, device="cuda").normal_()

    def suffix(self, slots: Any, query: int) -> Callable[[], Any]:
        documents, total = slots.shape[0], slots.shape[3]
        x, angles = self.normal(documents, query, self.dims.hidden), self.angles(total - query,
                                                                                query)
        mask = importlib.import_module("torch.nn.attention.bias").causal_lower_right(query, total)

        def attend(number: int, q: Any, k: Any, v: Any) -> Any:
            mine = slots[:, number]
            mine[:, 0, total - query:].copy_(k)
            mine[:, 1, total - query:].copy_(v)
            return self.dot_product(q, mine[:, 0], mine[:, 1], attn_mask=mask)
        return lambda: self.run(x, attend, angles)


def measure(torch: Any, decoder: Decoder, case: Case) -> dict[str, Any]:
    """One row of the table."""
    tokens = case.document_tokens + case.query_tokens
    d = decoder.dims
    nbytes = case.documents * tokens * 2 * d.kv_heads * d.head_dim * 2 * d.blocks
    if case.mode == "full":
        times = _times(torch, captured(torch, decoder.full(case.documents, tokens)).replay)
    elif case.mode == "suffix":
        slots = decoder.slots(case.documents, tokens)
        times = _times(torch, captured(torch, decoder.suffix(slots, case.query_tokens)).replay)
    else:
        times = _streams(torch, decoder, case, tokens)
    return {**case._asdict(), "nbytes": nbytes, **summary(times)}


def _streams(torch: Any, decoder: Decoder, case: Case, tokens: int) -> list[float]:
    """Microseconds of a load, or of a batch while the next one is loaded."""
    buffers = [decoder.slots(case.documents, tokens) for _ in range(2)]
    source = decoder.slots(case.documents, tokens, pinned=True)

    def load(buffer: Any) -> None:
        for slot, document in zip(buffer, source, strict=True):
            slot.copy_(document, non_blocking=True)
    if case.mode == "load":
        return _times(torch, lambda: load(buffers[0]))
    graphs = [captured(torch, decoder.suffix(buffer, case.query_tokens)) for buffer in buffers]
    copies, products = torch.cuda.Stream(), torch.cuda.Stream()
    loaded, computed = ([torch.cuda.Event() for _ in range(2)] for _ in range(2))
    rounds = 12
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(rounds)]
    for number in range(rounds):
        this = number % 2
        with torch.cuda.stream(copies):
            if number > 1:
                copies.wait_event(computed[this])
            load(buffers[this])
            loaded[this].record(copies)
        with torch.cuda.stream(products):
            products.wait_event(loaded[this])
            graphs[this].replay()
            computed[this].record(products)
            marks[number].record(products)
    torch.cuda.synchronize()
    return [a.elapsed_time(b) * 1e3 for a, b in zip(marks[3:], marks[4:], strict=False)]


def _times(torch: Any, work: Callable[[], Any]) -> list[float]:
    return replay_times(torch, work, warm=2, seconds=BUDGET, most=MOST_SAMPLES)


def main() -> None:
    told = script(budget=200.0)
    measure_cases(told, CASES, lambda model: Decoder(told.torch, DIMS[model]),
                  lambda decoder, case: measure(told.torch, decoder, case), COLUMNS,
                  "h100-sxm.csv.gz")


if __name__ == "__main__":
    main()
