"""Measure the GPU's part of a serving engine's steps with PyTorch, for the card of this folder.

``python3 models/serving/measure.py --out DIR`` needs PyTorch (with Triton) and a CUDA device,
nothing else of this package. It builds one rank of a decoder with random bf16 weights, as a serving
stack runs it: fused residual norms, rotary embedding and gated activation (by ``torch.compile``, as
vLLM's V1 engine does), a cache of keys and values for every layer, one CUDA graph of a whole step:

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

import argparse
import csv
import gzip
import importlib
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["CASES", "COLUMNS", "DIMS", "Case", "Rank", "measure"]

COLUMNS = ("model", "ranks", "mode", "rows", "context", "time_us", "spread", "samples")
BUDGET = 0.5            # s of replays a case, beyond the first five
MOST_NBYTES = 44 << 30  # of keys and values
SEED = 17


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


class Rank:
    """Random weights of one rank, and steps over them."""

    def __init__(self, torch: Any, dims: Dims) -> None:
        self.torch, self.dims = torch, dims
        self.random = torch.Generator(device="cuda").manual_seed(SEED)
        d = dims
        self.width = (d.heads + 2 * d.kv_heads) * d.head_dim
        self.layers = [tuple(self.normal(*shape) * shape[-1] ** -0.5 for shape in (
            (self.width, d.hidden), (d.hidden, d.heads * d.head_dim), (2 * d.ffn, d.hidden),
            (d.hidden, d.ffn))) for _ in range(d.blocks)]
        self.embedding = self.normal(d.vocab, d.hidden)
        self.head = self.normal(d.vocab, d.hidden) * d.hidden ** -0.5
        self.norm = torch.ones(d.hidden, dtype=torch.bfloat16, device="cuda")
        self.add_norm = torch.compile(self._add_norm)
        self.rotate = torch.compile(self._rotate)
        self.gate = torch.compile(self._gate)

    def normal(self, *shape: int) -> Any:
        return self.torch.randn(shape, dtype=self.torch.bfloat16, device="cuda",
                                generator=self.random)

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
        torch, half = self.torch, self.dims.head_dim // 2
        rates = 10_000.0 ** -(torch.arange(half, device="cuda") / half)
        turns = torch.arange(tokens, device="cuda")[:, None] * rates
        return turns.cos().bfloat16()[:, None], turns.sin().bfloat16()[:, None]

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
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        return self.torch.nn.functional.scaled_dot_product_attention(
            q, k, v, enable_gqa=True, **mask).transpose(1, 2)


def measure(torch: Any, rank: Rank, case: Case) -> dict[str, Any]:
    """One row of the table."""
    work = {"decode": lambda: rank.decode(case.rows, case.context),
            "prefill": lambda: rank.prefill(case.context),
            "head": lambda: rank.sample(case.rows)}[case.mode]()
    times = _replays(torch, _graph(torch, work).replay)
    return {"model": case.model, "ranks": rank.dims.ranks, "mode": case.mode, "rows": case.rows,
            "context": case.context, **_summary(times)}


def fits(case: Case) -> bool:
    """Whether the case's keys and values fit beside the weights."""
    d = DIMS[case.model]
    row = 2 * d.blocks * d.kv_heads * d.head_dim * 2
    return case.mode != "decode" or case.rows * case.context * row <= MOST_NBYTES


def _graph(torch: Any, step: Callable[[], Any]) -> Any:
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()  # what the step reads was made on another stream
    with torch.cuda.stream(stream), torch.no_grad():
        step()
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            step()
    return graph


def _replays(torch: Any, work: Callable[[], Any]) -> list[float]:
    """Microseconds of each of some runs of `work`, back to back."""
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    times: list[float] = []
    while len(times) < 5 or (sum(times) < BUDGET * 1e6 and len(times) < 40):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e3)
    return times


def _summary(times: list[float]) -> dict[str, Any]:
    ordered = sorted(times)
    count = len(ordered)
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    spread = (ordered[(9 * count - 1) // 10] - ordered[count // 10]) / median
    return {"time_us": round(median, 2), "spread": round(spread, 4), "samples": count}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=200.0, help="seconds, then stop")
    given = parser.parse_args()
    torch = importlib.import_module("torch")
    started, rows = time.monotonic(), []
    rank, built = None, ""
    for case in filter(fits, CASES):
        if time.monotonic() - started > given.budget:
            print(f"stopped before {case}")
            break
        if case.model != built:
            rank = None
            torch.cuda.empty_cache()
            rank, built = Rank(torch, DIMS[case.model]), case.model
        assert rank is not None
        try:
            rows.append(measure(torch, rank, case))
            print(list(rows[-1].values()), round(time.monotonic() - started, 1), flush=True)
        except RuntimeError as problem:  # out of memory: the other cases are worth having
            print(f"{case}: {str(problem)[:300]}", flush=True)
        torch.cuda.empty_cache()
        write(rows, given.out / "h100-sxm.csv.gz", torch)


def write(rows: list[dict[str, Any]], path: Path, torch: Any) -> None:
    """The table, its first lines saying on what it was measured; equal rows, equal bytes."""
    text = io.StringIO()
    text.write(f"# device: {torch.cuda.get_device_name(0)}\n")
    text.write(f"# software: PyTorch {torch.__version__}, CUDA {torch.version.cuda}\n")
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


if __name__ == "__main__":
    main()
