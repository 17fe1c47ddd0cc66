"""Options of the HyperRAG-style replay and of its baselines.

The published set-up is not known (``README.md`` in this folder): every default that is no property
of a part is a stand-in of ours, frozen on 2026-11-22.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from rackwright.models.options import Bandwidth, Bytes, Options, Time, option

__all__ = ["COMPRESSION", "HyperragOptions", "Settings", "settings"]

# stored bytes over bf16's; below 1 with one fp16 scale for 64 elements, 1/64 more
COMPRESSION = {"none": 1.0, "int8": 0.5 + 1 / 64, "int4": 0.25 + 1 / 64}

Variant = Literal["reuse", "no_reuse", "no_rerank", "encoder", "gpu_only", "no_overlap",
                  "no_compression", "dram_only"]


class HyperragOptions(Options):
    """What can be varied about a replay."""

    variant: Variant = option(
        "reuse", "the system, a baseline (no_reuse, no_rerank, encoder, gpu_only: keys and values "
                 "in GPU memory alone, uncompressed) or the system without one of its parts")
    model: str = option("gemma-2b", "re-ranker, by its name in models/llm/catalog")
    exit_layer: int = option(0, "layers that a layer-wise re-ranker runs and stores; 0: all",
                             unit="layers", ge=0)
    encoder_model: str = option("xlm-roberta-large", "re-ranker of the variant encoder")
    slot_tokens: int = option(512, "tokens of a document's slot; longer documents are cut",
                              unit="tokens", ge=1, le=65_536)
    layout: Literal["static", "exact"] = option(
        "static", "static: whole slots are moved and attended to, one shape for every batch; "
                  "exact: a document's own tokens")
    prefill_layout: Literal["packed", "static"] = option(
        "packed", "documents that are computed, also without reuse: their own tokens, or padded "
                  "to the slot")
    compression: Literal["none", "int8", "int4"] = option(
        "int8", "stored keys and values; 8 and 4 bits with an fp16 scale for 64 elements")
    dequantiser: Literal["gpu", "nic"] = option(
        "gpu", "where what a KV server sends becomes bf16 again: with nic the wire carries "
               "compressed bytes, PCIe and the landing buffer bf16")
    nic_dequantisers: int = option(1, "blocks kv_dequant side by side in a NIC", unit="blocks",
                                   ge=1, le=64)
    nic_dequantiser_bandwidth: Bandwidth | None = option(
        None, "bf16 that the NIC's dequantiser puts out; none: by the measured cycles of the block "
              "kv_dequant at 250 MHz, or 16 GB/s without it")
    batch_documents: int = option(20, "documents of one query that run as a batch",
                                  unit="documents", ge=1, le=1024)
    depth: int = option(2, "batches of a GPU between the start of their load and their end; 1: no "
                           "overlap", unit="batches", ge=1, le=64)
    dispatch: Literal["query", "batch"] = option(
        "query", "what goes to the GPU with the fewest documents ahead: a whole query, or each of "
                 "its batches")
    eviction: Literal["lru", "clock"] = option("lru", "which document leaves a full tier")
    hbm_cache: Bytes = option("8GiB", "keys and values kept in each GPU's memory", ge=0)
    dram_cache: Bytes = option("512GiB", "kept in each host's memory", ge=0)
    nvme_cache: Bytes = option("2TiB", "kept on each host's own drives", ge=0)
    remote_cache: Bytes = option("16TiB", "kept on the KV servers together", ge=0)
    write_buffer: Bytes = option(
        "4GiB", "writes under way to a memory or drive; what would exceed it is not kept there",
        ge=0)
    kv_servers: int = option(0, "hosts with GPUs, from the last on, that only serve keys and "
                                "values; hosts without GPUs always do", unit="hosts", ge=0)
    gpu_direct: bool = option(
        False, "loads from drives and servers go straight to the GPU, not by the host's memory")
    start: Literal["warmed", "cold"] = option(
        "warmed", "caches before the first query: what passing the trace once leaves, or nothing")
    clients: int = option(0, "closed loop: so many queries at a time, the trace's times unused; 0: "
                             "queries arrive as the trace says", unit="clients", ge=0)
    ann_time: Time = option("5ms", "search of the index for one query, on a CPU core")
    ann_workers: int = option(64, "searches at a time", unit="cores", ge=1, le=4096)
    dram_latency_time: Time = option("10us", "set-up of a load from host memory")
    remote_latency_time: Time = option("30us", "request and set-up of a load from a KV server")
    batch_host_time: Time = option("0us", "host time of a batch that the GPU waits for")
    generator_time: Time = option("0s", "the answer's generation, beside everything else; off")
    top_k: int = option(10, "documents that go to the generator", unit="documents", ge=1)
    topk: Literal["host", "nic"] = option(
        "host", "who picks them: the host, after the texts of all came from the KV server, or the "
                "KV server's NIC, which sends only theirs")
    text_bytes_per_token: float = option(4.0, "text of a document, bytes a token", unit="B", ge=0)
    memory_share: float = option(0.9, "share of a GPU's memory for weights, buffers and cache",
                                 unit="1", gt=0, le=1)
    timeline_spans: int = option(20_000, "batches and loads kept for the timeline",
                                 unit="spans", ge=0, le=5_000_000)


class Settings(NamedTuple):
    """What a variant makes of the options."""

    reuse: bool          # documents are looked up
    rerank: bool         # documents are scored at all
    encoder: bool
    compression: str
    depth: int
    hbm_cache: int
    dram_cache: int
    nvme_cache: int
    remote_cache: int

    @property
    def share(self) -> float:
        """Stored bytes over those of bf16."""
        return COMPRESSION[self.compression]


_CACHES = ("hbm_cache", "dram_cache", "nvme_cache", "remote_cache")
_KEEPS = {"gpu_only": ("hbm_cache",), "dram_only": ("dram_cache",)}


def settings(options: HyperragOptions) -> Settings:
    """The options that a variant fixes, and the others as they are."""
    variant = options.variant
    reuse = variant not in ("no_reuse", "no_rerank", "encoder")
    plain = variant in ("no_compression", "gpu_only") or not reuse
    keeps = _KEEPS.get(variant, _CACHES) if reuse else ()
    return Settings(
        reuse, variant != "no_rerank", variant == "encoder",
        "none" if plain else options.compression, 1 if variant == "no_overlap" else options.depth,
        *(getattr(options, name) if name in keeps else 0 for name in _CACHES))
