"""HyperRAG-style re-ranking with stored keys and values (after arXiv 2504.02921)."""

from __future__ import annotations

from rackwright.models.hyperrag.options import HyperragOptions
from rackwright.models.hyperrag.workload import replay
from rackwright.models.registry import Model
from rackwright.traces.documents_file import read_documents

__all__ = ["MODEL", "HyperragOptions", "replay"]

MODEL = Model(
    name="hyperrag",
    title="HyperRAG-style: re-ranking with stored document keys and values (RAG)",
    options=HyperragOptions,
    replay=replay,
    read_trace=read_documents,
    baselines={name: {"variant": name} for name in (
        "no_reuse", "gpu_only", "no_overlap", "no_compression", "dram_only", "encoder",
        "no_rerank")},
    headline=("throughput_queries_per_s", "latency_p50_s", "latency_p99_s", "hit_ratio",
              "documents_computed", "energy_gpu_per_query_j"),
    sample_topology="dgx-a100",
    sample_trace="documents_zipf",
    captions={
        "hyperrag": "keys and values of documents stored in 8 bits, caches warm; re-ranker, sizes "
                    "and popularity are stand-ins, since the published set-up is not known",
        "no_reuse": "the same re-ranker computes every document",
        "gpu_only": "prefixes kept in GPU memory alone, bf16",
        "no_overlap": "a batch is loaded only when the one before it is done",
        "no_compression": "kept and moved as bf16",
        "dram_only": "kept in host memory alone",
        "encoder": "an encoder re-ranker, for throughput only: its answers are worse",
        "no_rerank": "documents go to the generator as they were found"},
)
