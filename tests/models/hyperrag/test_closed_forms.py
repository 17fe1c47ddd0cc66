"""The sheet's closed forms, and replays so small that their times are a sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.models.hyperrag.formulas import ClosedForm, ideal_gain, kv_bytes, parameters
from rackwright.models.hyperrag.report import link_bytes
from rackwright.models.llm import shape
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace

BARE = {"ann_time": "0s", "dram_latency_time": "0s", "hbm_cache": "0B", "compression": "none"}


def one_query(documents: int, tokens: int = 512, query: int = 32) -> DocumentTrace:
    return DocumentTrace(np.zeros(1), np.array([query]), np.array([0, documents]),
                         np.arange(documents), np.full(documents, tokens))


def test_sizes_of_the_public_configs() -> None:
    assert kv_bytes(shape("gemma-2b")) == 18_432
    assert kv_bytes(shape("minicpm-2b-layerwise")) == 368_640
    assert parameters(shape("gemma-2b")) == pytest.approx(1.98e9, rel=0.01)
    assert parameters(shape("minicpm-2b-layerwise")) == pytest.approx(2.44e9, rel=0.01)
    assert kv_bytes(shape("minicpm-2b-layerwise"), 8) == 368_640 // 5


def test_gain_without_loads_is_that_of_the_tokens() -> None:
    """Attention apart, which the ideal leaves out."""
    form = ClosedForm(shape("gemma-2b"), 100, 256, 32, 312e12, attention_eta=1e9)
    assert form.gain(1e30) == pytest.approx(ideal_gain(256, 32), rel=1e-6)


def test_gain_crosses_one_at_the_crossover_bandwidth() -> None:
    form = ClosedForm(shape("minicpm-2b-layerwise"), 100, 100_000, 1, 312e12, attention_eta=1e9)
    assert form.gain(form.crossover_bandwidth) == pytest.approx(1.0, rel=1e-3)


def test_misses_cost_their_part_of_everything() -> None:
    form = ClosedForm(shape("gemma-2b"), 100, 256, 32, 312e12)
    assert form.reuse_time(25e9, 100) >= form.base_time
    assert form.gain(25e9, 10) < form.gain(25e9)


def test_one_batch_is_loaded_then_computed(box: Fabric, run: Callable[..., Any]) -> None:
    """8 slots over one route: bytes over its slowest link, its latency, the suffixes' table."""
    made, state, found = run(box, one_query(8), **BARE)
    nbytes = 8 * 512 * 18_432
    path = box.route("h0/mem", "h0/gpu0")
    load = nbytes / float(box.links.bandwidth[list(path)].min())
    latency = int(box.links.latency_ps[list(path)].sum())
    suffix = int(table2_ps(state.fixed.suffix, 8, 32.0))
    expected = load * 1e12 + latency + suffix
    assert int(state.queries.finish_ps[0]) == pytest.approx(expected, abs=2)
    assert found.metrics["loaded_dram_bytes"] == nbytes
    assert link_bytes(made.placed, state)[list(path)].tolist() == [nbytes] * len(path)


def test_a_cold_cache_computes_and_writes_everything(box: Fabric, run: Callable[..., Any]) -> None:
    _, state, found = run(box, one_query(8), start="cold", **BARE)
    full = int(table2_ps(state.fixed.full, 8, 544.0))
    assert int(state.queries.finish_ps[0]) == full
    assert found.metrics["documents_computed"] == 8
    assert found.metrics["written_dram_bytes"] == 8 * 512 * 18_432


def test_compression_moves_less_and_costs_conversions(box: Fabric,
                                                      run: Callable[..., Any]) -> None:
    _, state, found = run(box, one_query(8), **{**BARE, "compression": "int8"})
    assert found.metrics["slot_bytes"] == 512 * 18_432 * (0.5 + 1 / 64)
    convert = int(table1_ps(state.fixed.convert, 8))
    assert convert > 0 and state.counts.spent[4] == convert


def test_nothing_kept_is_the_baseline_to_the_picosecond(box: Fabric, small: DocumentTrace,
                                                        run: Callable[..., Any]) -> None:
    nothing = {**BARE, "dram_cache": "0B", "nvme_cache": "0B"}
    reuse = run(box, small, **nothing)
    baseline = run(box, small, variant="no_reuse", **nothing)
    assert reuse.state.queries.finish_ps.tolist() == baseline.state.queries.finish_ps.tolist()


def test_all_in_gpu_memory_gains_what_the_tables_say(box: Fabric, small: DocumentTrace,
                                                     run: Callable[..., Any]) -> None:
    """No load, no miss: full batches over suffix batches, at the same load."""
    options = {**BARE, "clients": 8, "batch_documents": 12}
    reuse = run(box, small, **{**options, "hbm_cache": "4GiB", "prefill_layout": "static"})
    base = run(box, small, variant="no_reuse", prefill_layout="static", **options)
    assert reuse.metrics["hit_ratio_hbm"] == 1.0
    gain = reuse.metrics["throughput_queries_per_s"] / base.metrics["throughput_queries_per_s"]
    fixed = reuse.state.fixed
    longest = int(small.query_tokens.max())
    table = (int(table2_ps(fixed.full, 12, 512.0 + longest))
             / int(table2_ps(fixed.suffix, 12, float(longest))))
    assert gain == pytest.approx(table, rel=1e-6)


def test_an_exit_layer_stores_and_runs_less(box: Fabric, run: Callable[..., Any]) -> None:
    layerwise = {**BARE, "model": "minicpm-2b-layerwise"}
    whole, part = (run(box, one_query(4), exit_layer=layers, **layerwise)
                   for layers in (0, 20))
    assert part.metrics["slot_bytes"] * 2 == whole.metrics["slot_bytes"]
    assert part.metrics["suffix_batch_s"] == pytest.approx(whole.metrics["suffix_batch_s"] / 2)
