"""Measure the kernels of a re-ranking batch one kind at a time, to tell where its time goes.

``PYTHONPATH=src python3 models/hyperrag/measure_pieces.py --out DIR`` needs PyTorch and a CUDA
device; it uses `measure` beside it. Each row is one kind of kernel of a whole decoder (all layers,
other buffers for each where the decoder has them), in a CUDA graph:

* ``products``: the four products; ``norm``: two RMS norms; ``sum``: two sums;
* ``rotary``: the embedding's kernels over strided halves; ``activation``: of the gate, and its
  product with the other half;
* ``write``: the new keys and values into the slots; ``attention``: over the slots, or in a prefill;
* ``compact``: the same attention over keys and values that are contiguous for each layer.

Columns as in `measure`; `query_tokens` are the new tokens, with 0 `document_tokens` for a prefill.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from typing import Any

from rackwright.models.measuring import captured, replay_times, script, summary, write_table

__all__ = ["BATCHES", "PIECES"]

# documents, tokens of a document at hand, new tokens
BATCHES = ((8, 256, 32), (20, 320, 44), (50, 256, 32), (100, 512, 32),
           (8, 0, 288), (20, 0, 364), (50, 0, 288))
SECONDS = 0.06     # of replays of a piece, beyond the first five
PIECES = ("products", "norm", "sum", "rotary", "activation", "write", "attention", "compact")


def pieces(torch: Any, decoder: Any, documents: int, before: int, new: int
           ) -> dict[str, Callable[[], Any]]:
    """Kind -> all layers' kernels of it."""
    d, functional = decoder.dims, torch.nn.functional
    x = decoder.normal(documents, new, d.hidden)
    heads = decoder.normal(documents, new, d.heads * d.head_dim)
    wide = decoder.normal(documents, new, 2 * d.ffn)
    half = decoder.normal(documents, new, d.ffn)
    y = decoder.normal(documents, new, (d.heads + 2 * d.kv_heads) * d.head_dim)
    y = y.view(documents, new, -1, d.head_dim)
    turned, v = y[:, :, :d.heads + d.kv_heads], y[:, :, d.heads + d.kv_heads:]
    angles = decoder.angles(before, new)
    done = decoder.rotate(turned, *angles)
    q, k = done[:, :, :d.heads], done[:, :, d.heads:]

    def products() -> None:
        for qkv, out, gate_up, down in decoder.layers:
            functional.linear(x, qkv)
            functional.linear(heads, out)
            functional.linear(x, gate_up)
            functional.linear(half, down)

    def act() -> None:
        gate, up = wide.chunk(2, dim=-1)
        (functional.gelu(gate) if d.gelu else functional.silu(gate)) * up

    def each(work: Callable[[], Any], times: int = 1) -> Callable[[], None]:
        def run() -> None:
            for _ in range(times * d.blocks):
                work()
        return run
    found: dict[str, Callable[[], Any]] = {
        "products": products, "norm": each(lambda: functional.rms_norm(
            x, (d.hidden,), decoder.norm), 2),
        "sum": each(lambda: x + x, 2), "rotary": each(lambda: decoder.rotate(turned, *angles)),
        "activation": each(act)}
    if before == 0:
        found["attention"] = each(lambda: decoder.dot_product(q, k, v, is_causal=True))
        return found
    slots = decoder.slots(documents, before + new)
    mask = importlib.import_module("torch.nn.attention.bias").causal_lower_right(new, before + new)

    def write() -> None:
        for number in range(d.blocks):
            slots[:, number, 0, before:].copy_(k)
            slots[:, number, 1, before:].copy_(v)

    def attention() -> None:
        for number in range(d.blocks):
            decoder.dot_product(q, slots[:, number, 0], slots[:, number, 1], attn_mask=mask)
    rows = torch.zeros((d.blocks, 2, documents, before + new, d.kv_heads, d.head_dim),
                       dtype=torch.bfloat16, device="cuda").normal_()

    def compact() -> None:
        for number in range(d.blocks):
            decoder.dot_product(q, rows[number, 0], rows[number, 1], attn_mask=mask)
    return {**found, "write": write, "attention": attention, "compact": compact}


def main() -> None:
    torch, out, budget = script(budget=100.0)
    base: Any = importlib.import_module("measure")
    started, table = time.monotonic(), []
    for model, dims in base.DIMS.items():
        decoder = base.Decoder(torch, dims)
        for batch in BATCHES:
            if time.monotonic() - started > budget:
                print(f"stopped before {model} {batch}")
                break
            for kind, work in pieces(torch, decoder, *batch).items():
                times = replay_times(torch, captured(torch, work).replay, warm=2,
                                     seconds=SECONDS, most=base.MOST_SAMPLES)
                table.append({"model": model, "mode": kind, "documents": batch[0],
                              "document_tokens": batch[1], "query_tokens": batch[2],
                              "nbytes": 0, **summary(times)})
                print(list(table[-1].values()), flush=True)
            torch.cuda.empty_cache()
        del decoder
        torch.cuda.empty_cache()
        write_table(table, base.COLUMNS, out / "pieces-h100-sxm.csv.gz", torch)


if __name__ == "__main__":
    main()
