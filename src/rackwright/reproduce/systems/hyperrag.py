"""HyperRAG (arXiv 2504.02921): what simulates the rows of its targets.toml.

Nothing here is evidence about the paper, whose set-up is not known: rows are our own closed forms,
directions, and one load-bound configuration (`CHOSEN`) among those of `GRID`. hyp-2 (answer
quality) is not modelled, so nothing simulates it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from rackwright import run, topologies, traces
from rackwright.errors import ModelFault
from rackwright.models.hyperrag.caches import LRU, cache_insert, cache_touch, new_caches
from rackwright.models.hyperrag.formulas import ClosedForm, che_hit_ratio, ideal_gain, kv_bytes
from rackwright.models.llm import shape
from rackwright.reproduce.context import Context
from rackwright.topologies.fabric import Fabric

__all__ = ["CHOSEN", "GRID", "SIMULATIONS", "gain_of"]

GEMMA, MINICPM = "gemma-2b", "minicpm-2b-layerwise"
PCIE, NETWORK, DRIVE = 25e9, 12.5e9, 7e9      # bytes/s, the sheet's stand-ins
A100 = 312e12
# machine, re-ranker, compression: what hyp-1's configuration was chosen among
GRID = [(machine, model, compression)
        for machine in ("dgx-a100", "dgx-h100", "p4d", "lovelock")
        for model in (GEMMA, MINICPM, "llama-8b") for compression in ("none", "int8", "int4")]
CHOSEN = ("dgx-h100", MINICPM, "int8")


def form(model: str, share: float = 1.0) -> ClosedForm:
    return ClosedForm(shape(model), 100, 256, 32, A100, share=share)


def machine_of(context: Context, name: str) -> Fabric:
    return context.once(("machine", name), lambda: topologies.compile(topologies.preset(name)))


def corpus(context: Context) -> traces.DocumentTrace:
    """400 queries of 50 of 5,000 documents, Zipf 0.9."""
    return context.once("corpus", lambda: traces.generate_documents(
        100.0, 400, documents=5000, per_query=50, seed=1))


def replayed(context: Context, machine: str, model: str, compression: str, variant: str
             ) -> tuple[float, str]:
    """(queries/s, kind of the bottleneck) with 64 clients."""
    def simulate() -> tuple[float, str]:
        context.progress(f"{variant} of {model}, {compression}, on {machine}")
        found = run.replay("hyperrag", machine_of(context, machine), corpus(context), model=model,
                           compression=compression, variant=variant, clients=64,
                           dram_cache="900GB", timeline_spans=0)
        return found.metrics["throughput_queries_per_s"], found.bottleneck.kind
    return context.once(("replay", machine, model, compression, variant), simulate)


def gain_of(context: Context, machine: str, model: str, compression: str) -> tuple[float, str]:
    """(gain over no reuse, kind of the bottleneck) of a configuration of `GRID`."""
    rate, kind = replayed(context, machine, model, compression, "reuse")
    return rate / replayed(context, machine, model, "none", "no_reuse")[0], kind


def load_bound_gain(context: Context) -> float:
    """The gain of the configuration named in hyp-1."""
    gain, kind = gain_of(context, *CHOSEN)
    if kind != "link":
        raise ModelFault(f"hyp-1's configuration is not bound by loads any longer, but by {kind}")
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
    """The smallest of the ratios of successive values: above 1, none falls."""
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


SIMULATIONS: Mapping[str, Callable[[Context], float]] = {
    "hyp-1": load_bound_gain,
    "hyp-3": lambda _: ideal_gain(256, 32),
    "hyp-4/gemma": lambda _: form(GEMMA).crossover_bandwidth,
    "hyp-4/minicpm": lambda _: form(MINICPM).crossover_bandwidth,
    "hyp-5/base": lambda _: form(GEMMA).base_time,
    "hyp-5/suffix": lambda _: form(GEMMA).suffix_time,
    "hyp-5/load PCIe": lambda _: form(GEMMA).load_time(PCIE),
    "hyp-5/load network": lambda _: form(GEMMA).load_time(NETWORK),
    "hyp-5/load drive": lambda _: form(GEMMA).load_time(DRIVE),
    "hyp-6/PCIe": lambda _: form(MINICPM).gain(PCIE),
    "hyp-6/network": lambda _: form(MINICPM, 0.5).gain(NETWORK),
    "hyp-6/drive": lambda _: form(MINICPM).gain(DRIVE),
    "hyp-7/gemma": lambda _: float(kv_bytes(shape(GEMMA))),
    "hyp-7/minicpm": lambda _: float(kv_bytes(shape(MINICPM))),
    "hyp-7/corpus gemma": lambda _: 256e6 * kv_bytes(shape(GEMMA)),
    "hyp-7/corpus minicpm": lambda _: 256e6 * kv_bytes(shape(MINICPM)),
    "hyp-8/hits": lambda _: smallest_step([
        one_gpu(small(), dram_cache=size, start="cold") for size in ("0B", "3GB", "9GB", "40GB")]),
    "hyp-8/compression": lambda _: smallest_step([
        one_gpu(small(), compression=each) for each in ("none", "int8", "int4")]),
    "hyp-8/bandwidth": lambda _: smallest_step([
        one_gpu(small(), pcie=each) for each in ("gen3-x16", "gen4-x16", "gen5-x16")]),
    "hyp-8/query": lambda _: gains_by_query(),
    "hyp-9": lambda _: che_difference(),
    "hyp-10": lambda _: sample_in_range(),
}
