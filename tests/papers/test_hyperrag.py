"""HyperRAG's claims (arXiv 2504.02921) and our checks: the rows of models/hyperrag/targets.toml.

A row without `known_miss` must hold; one with it must not. ``pytest -rP
tests/papers/test_hyperrag.py`` prints every simulated value, and the gains of the load-bound
configurations among which hyp-1's was chosen. Nothing here is evidence about the paper: see the
card.
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rackwright.models.hyperrag
from rackwright import run, topologies, traces
from rackwright.models.hyperrag import HyperragOptions
from rackwright.models.hyperrag.caches import LRU, cache_insert, cache_touch, new_caches
from rackwright.models.hyperrag.formulas import (
    ClosedForm,
    che_hit_ratio,
    ideal_gain,
    kv_bytes,
)
from rackwright.models.llm import shape

FOLDER = Path(rackwright.models.hyperrag.__file__).parent
ROWS: list[dict[str, Any]] = tomllib.loads((FOLDER / "targets.toml").read_text())["row"]
KINDS = ("predicted", "fitted", "stand-in", "check")
GEMMA, MINICPM = "gemma-2b", "minicpm-2b-layerwise"
PCIE, NETWORK, DRIVE = 25e9, 12.5e9, 7e9      # bytes/s, the sheet's stand-ins
A100 = 312e12
# machine, re-ranker, compression: what hyp-1's configuration was chosen among
GRID = [(machine, model, compression)
        for machine in ("dgx-a100", "dgx-h100", "p4d", "lovelock")
        for model in (GEMMA, MINICPM, "llama-8b") for compression in ("none", "int8", "int4")]
CHOSEN = ("dgx-h100", MINICPM, "int8")


def name_of(row: dict[str, Any]) -> str:
    return f"{row['id']} {row['part']}" if "part" in row else str(row["id"])


def form(model: str, share: float = 1.0) -> ClosedForm:
    return ClosedForm(shape(model), 100, 256, 32, A100, share=share)


@functools.cache
def machine_of(name: str) -> Any:
    return topologies.compile(topologies.preset(name))


@functools.cache
def corpus() -> traces.DocumentTrace:
    """400 queries of 50 of 5,000 documents, Zipf 0.9."""
    return traces.generate_documents(100.0, 400, documents=5000, per_query=50, seed=1)


@functools.cache
def replayed(machine: str, model: str, compression: str, variant: str) -> tuple[float, str]:
    """(queries/s, kind of the bottleneck) with 64 clients."""
    options = HyperragOptions.from_settings({
        "model": model, "compression": compression, "variant": variant, "clients": 64,
        "dram_cache": "900GB", "timeline_spans": 0})
    values = {name: getattr(options, name) for name in options.model_fields_set}
    found = run.replay("hyperrag", machine_of(machine), corpus(), **_texts(values))
    return found.metrics["throughput_queries_per_s"], found.bottleneck.kind


def _texts(values: dict[str, Any]) -> dict[str, Any]:
    """Quantities are given as text."""
    return {name: f"{value}B" if name == "dram_cache" else value
            for name, value in values.items()}


def gain_of(machine: str, model: str, compression: str) -> tuple[float, str]:
    rate, kind = replayed(machine, model, compression, "reuse")
    return rate / replayed(machine, model, "none", "no_reuse")[0], kind


def load_bound_gain() -> float:
    for each in GRID:
        gain, kind = gain_of(*each)
        if kind == "link":
            print(f"load-bound: {', '.join(each)}: {gain:.2f}"
                  f"{'  <- the row' if each == CHOSEN else ''}")
    gain, kind = gain_of(*CHOSEN)
    assert kind == "link"
    return gain


def one_gpu(trace: traces.DocumentTrace, pcie: str = "gen4-x16", **settings: Any) -> float:
    """Queries/s of one A100 with host memory alone."""
    fabric = topologies.compile(topologies.pcie_box("a100-pcie-80", gpus=1, nics=0, drives=0,
                                                    switches=0, pcie=pcie))
    options = {"model": MINICPM, "hbm_cache": "0B", "clients": 8, **settings}
    return run.replay("hyperrag", fabric, trace, **options).metrics["throughput_queries_per_s"]


def small(query: int = 32) -> traces.DocumentTrace:
    return traces.generate_documents(50.0, 60, documents=300, per_query=20, seed=2,
                                     query_tokens=traces.Uniform(query, query))


def smallest_step(values: list[float]) -> float:
    print([round(value, 3) for value in values])
    return min(later / earlier for earlier, later in pairwise(values))


def gains_by_query() -> float:
    def gain(tokens: int) -> float:
        reuse, base = (one_gpu(small(tokens), model=GEMMA, variant=variant)
                       for variant in ("reuse", "no_reuse"))
        return reuse / base
    return smallest_step([gain(tokens) for tokens in (64, 32, 16)])


def che_difference() -> float:
    worst = 0.0
    for skew in (0.8, 0.95, 1.1):
        shares = traces.zipf_shares(1000, skew)
        draws = np.random.default_rng(4).choice(1000, 40_000, p=shares).tolist()
        for capacity in (20, 100, 500):
            caches, hits = new_caches(np.array([capacity]), 1000), 0
            for number, document in enumerate(draws):
                slot = int(caches.where[0, document])
                if slot >= 0:
                    cache_touch(caches, LRU, 0, slot)
                    hits += number >= 10_000
                else:
                    cache_insert(caches, LRU, 0, document)
            worst = max(worst, abs(hits / 30_000 - che_hit_ratio(shares, capacity)))
    return worst


def sample_in_range() -> float:
    trace = traces.sample("documents_zipf")
    documents = (trace.document_tokens >= 128) & (trace.document_tokens <= 512)
    queries = (trace.query_tokens >= 24) & (trace.query_tokens <= 64)
    return float(min(documents.mean(), queries.mean()))


MEASURES: dict[str, Callable[[], float]] = {
    "hyp-1": load_bound_gain,
    "hyp-2": lambda: math.nan,
    "hyp-3": lambda: ideal_gain(256, 32),
    "hyp-4 gemma": lambda: form(GEMMA).crossover_bandwidth,
    "hyp-4 minicpm": lambda: form(MINICPM).crossover_bandwidth,
    "hyp-5 base": lambda: form(GEMMA).base_time,
    "hyp-5 suffix": lambda: form(GEMMA).suffix_time,
    "hyp-5 load PCIe": lambda: form(GEMMA).load_time(PCIE),
    "hyp-5 load network": lambda: form(GEMMA).load_time(NETWORK),
    "hyp-5 load drive": lambda: form(GEMMA).load_time(DRIVE),
    "hyp-6 PCIe": lambda: form(MINICPM).gain(PCIE),
    "hyp-6 network": lambda: form(MINICPM, 0.5).gain(NETWORK),
    "hyp-6 drive": lambda: form(MINICPM).gain(DRIVE),
    "hyp-7 gemma": lambda: float(kv_bytes(shape(GEMMA))),
    "hyp-7 minicpm": lambda: float(kv_bytes(shape(MINICPM))),
    "hyp-7 corpus gemma": lambda: 256e6 * kv_bytes(shape(GEMMA)),
    "hyp-7 corpus minicpm": lambda: 256e6 * kv_bytes(shape(MINICPM)),
    "hyp-8 hits": lambda: smallest_step([
        one_gpu(small(), dram_cache=size, start="cold") for size in ("0B", "3GB", "9GB", "40GB")]),
    "hyp-8 compression": lambda: smallest_step([
        one_gpu(small(), compression=each) for each in ("none", "int8", "int4")]),
    "hyp-8 bandwidth": lambda: smallest_step([
        one_gpu(small(), pcie=each) for each in ("gen3-x16", "gen4-x16", "gen5-x16")]),
    "hyp-8 query": gains_by_query,
    "hyp-9": che_difference,
    "hyp-10": sample_in_range,
}


def bounds(row: dict[str, Any]) -> tuple[float, float]:
    """What the row allows, both ends included."""
    if "tolerance" in row:
        return (row["published"] * (1 - row["tolerance"]),
                row["published"] * (1 + row["tolerance"]))
    return row.get("low", -np.inf), row.get("high", np.inf)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_row(row: dict[str, Any]) -> None:
    simulated = MEASURES[name_of(row)]()
    low, high = bounds(row)
    state = "holds" if low <= simulated <= high else "misses"
    said = f"{name_of(row)}: published {row.get('published', 'none')}, allowed {low:.4g} to " \
           f"{high:.4g} {row['unit']}, simulated {simulated:.4g}: {state}"
    print(said)
    assert state == ("misses" if "known_miss" in row else "holds"), said


def test_every_claim_has_its_row() -> None:
    assert {row["id"] for row in ROWS} == {f"hyp-{number}" for number in range(1, 11)}
    assert [name_of(row) for row in ROWS] == list(MEASURES)


@pytest.mark.parametrize("row", ROWS, ids=name_of)
def test_a_row_says_what_is_allowed(row: dict[str, Any]) -> None:
    known = {"id", "part", "figure", "claim", "configuration", "published", "unit", "tolerance",
             "low", "high", "kind", "known_miss"}
    assert set(row) <= known and {"figure", "claim", "configuration", "unit"} <= set(row)
    assert row["kind"] in KINDS
    assert row["kind"] in ("stand-in", "check")  # the published set-up is not known
    assert ("tolerance" in row) != ("low" in row or "high" in row)
    low, high = bounds(row)
    assert low <= high


def test_the_model_reads_none_of_it() -> None:
    for path in FOLDER.rglob("*.py"):
        assert "targets" not in path.read_text(), path


def test_the_card_shows_every_row_and_every_miss() -> None:
    card = (FOLDER / "README.md").read_text()
    for row in ROWS:
        lines = [line for line in card.splitlines() if line.startswith(f"| {name_of(row)} |")]
        assert len(lines) == 1, name_of(row)
        assert f"| {row['kind']} |" in lines[0]
        assert ("MISS" in lines[0]) == ("known_miss" in row), lines[0]
