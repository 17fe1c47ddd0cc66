"""What the scripts that measure GPUs for the systems' cards share: layers, timing, tables.

A script stands in a system's folder and is run by ``PYTHONPATH=src python3 models/NAME/measure.py
--out DIR``, on a machine with PyTorch and a CUDA device; of this package it needs this module,
whose imports are Python's own. PyTorch is handed in as `torch`. Clocks and power limits are never
touched. Left out: what is measured, and every number of it, which the scripts say. Times in
microseconds unless named otherwise.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import importlib
import io
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

__all__ = ["Case", "Dims", "Layers", "Script", "captured", "measure_cases", "replay_times",
           "script", "summary", "write_table"]

SEED = 17


class Dims(Protocol):
    """The shape of a decoder's layers, as one GPU holds them."""

    @property
    def blocks(self) -> int: ...
    @property
    def hidden(self) -> int: ...
    @property
    def ffn(self) -> int: ...
    @property
    def heads(self) -> int: ...
    @property
    def kv_heads(self) -> int: ...
    @property
    def head_dim(self) -> int: ...


class Case(Protocol):
    """What makes one row of a table."""

    @property
    def model(self) -> str: ...


C = TypeVar("C", bound=Case)
B = TypeVar("B")


class Layers:
    """Random bf16 weights of a decoder's layers (a step's time does not depend on them)."""

    def __init__(self, torch: Any, dims: Dims) -> None:
        self.torch = torch
        self.random = torch.Generator(device="cuda").manual_seed(SEED)
        d = dims
        self.gqa = d.heads != d.kv_heads
        self.half = d.head_dim // 2
        self.width = (d.heads + 2 * d.kv_heads) * d.head_dim
        self.layers = [tuple(self.normal(*shape) * shape[-1] ** -0.5 for shape in (
            (self.width, d.hidden), (d.hidden, d.heads * d.head_dim), (2 * d.ffn, d.hidden),
            (d.hidden, d.ffn))) for _ in range(d.blocks)]
        self.norm = torch.ones(d.hidden, dtype=torch.bfloat16, device="cuda")

    def normal(self, *shape: int) -> Any:
        return self.torch.randn(shape, dtype=self.torch.bfloat16, device="cuda",
                                generator=self.random)

    def turns(self, first: int, tokens: int) -> tuple[Any, Any]:
        """Cosines and sines of positions, [tokens, half of a head]."""
        torch, half = self.torch, self.half
        rates = 10_000.0 ** -(torch.arange(half, device="cuda") / half)
        turns = torch.arange(first, first + tokens, device="cuda")[:, None] * rates
        return turns.cos().bfloat16(), turns.sin().bfloat16()

    def dot_product(self, q: Any, k: Any, v: Any, **mask: Any) -> Any:
        """Attention of [..., tokens, heads, width]; the result has heads before tokens."""
        q, k, v = (each.transpose(1, 2) for each in (q, k, v))
        return self.torch.nn.functional.scaled_dot_product_attention(
            q, k, v, enable_gqa=self.gqa, **mask)


def captured(torch: Any, step: Callable[[], Any]) -> Any:
    """A CUDA graph of `step`, which has run once before."""
    stream = torch.cuda.Stream()
    torch.cuda.synchronize()  # what the step reads was made on another stream
    with torch.cuda.stream(stream), torch.no_grad():
        step()
        stream.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            step()
    return graph


def replay_times(torch: Any, work: Callable[[], Any], *, warm: int, seconds: float, most: int
                 ) -> list[float]:
    """Times of runs of `work`, back to back, behind `warm` runs that do not count.

    Five runs, then more up to `most` as long as all of them took less than `seconds`.
    """
    for _ in range(warm):
        work()
    torch.cuda.synchronize()
    times: list[float] = []
    while len(times) < 5 or (sum(times) < seconds * 1e6 and len(times) < most):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        work()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1e3)
    return times


def summary(times: Iterable[float]) -> dict[str, Any]:
    """The median, (p90 - p10) / median, and how many.

    >>> summary([1.0, 4.0, 2.0, 3.0])
    {'time_us': 2.5, 'spread': 1.2, 'samples': 4}
    """
    ordered = sorted(times)
    count = len(ordered)
    median = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    spread = (ordered[(9 * count - 1) // 10] - ordered[count // 10]) / median
    return {"time_us": round(median, 2), "spread": round(spread, 4), "samples": count}


class Script(NamedTuple):
    """What a script was told. `budget`: seconds after which it begins nothing new."""

    torch: Any
    out: Path
    budget: float


def script(budget: float) -> Script:
    """Reads ``--out DIR --budget SECONDS``, makes the folder, and loads PyTorch."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=budget, help="seconds, then stop")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)  # now, not when all is measured
    return Script(importlib.import_module("torch"), given.out, given.budget)


def measure_cases(told: Script, cases: Iterable[C], build: Callable[[str], B],
                  measure: Callable[[B, C], Mapping[str, Any]], columns: Sequence[str],
                  file: str) -> None:
    """Write a row for each of `cases`, those of a model together, after every case anew.

    `build` makes what a model's cases are measured on; only one lives at a time. A case that
    PyTorch refuses (out of memory) is printed and left out.
    """
    torch, rows = told.torch, list[Mapping[str, Any]]()
    started, built, model = time.monotonic(), None, ""
    for case in cases:
        if time.monotonic() - started > told.budget:
            print(f"stopped before {case}")
            break
        if built is None or case.model != model:
            built = None
            torch.cuda.empty_cache()
            built, model = build(case.model), case.model
        try:
            rows.append(measure(built, case))
            print(list(rows[-1].values()), round(time.monotonic() - started, 1), flush=True)
        except RuntimeError as problem:  # out of memory: the other cases are worth having
            print(f"{case}: {str(problem)[:300]}", flush=True)
        torch.cuda.empty_cache()
        write_table(rows, columns, told.out / file, torch)


def write_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], path: Path, torch: Any
                ) -> None:
    """The table, its first lines saying on what it was measured; equal rows, equal bytes."""
    text = io.StringIO()
    text.write(f"# device: {torch.cuda.get_device_name(0)}\n")
    text.write(f"# software: PyTorch {torch.__version__}, CUDA {torch.version.cuda}\n")
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
        packed.write(text.getvalue().encode())
