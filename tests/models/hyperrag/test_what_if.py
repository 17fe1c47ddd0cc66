"""Where keys and values become bf16 again, who picks the top k, which way loads take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rackwright import topologies
from rackwright.errors import UnknownName
from rackwright.models.hyperrag import HyperragOptions
from rackwright.models.hyperrag.blocks import dequantiser, top_k_selector
from rackwright.models.hyperrag.report import link_bytes
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace

REMOTE = {"hbm_cache": "0B", "model": "minicpm-2b-layerwise", "clients": 4}
SHARE = 0.5 + 1 / 64


@pytest.fixture(scope="module")
def two_hosts() -> Fabric:
    """A host that re-ranks and one that serves keys and values from its memory."""
    return topologies.compile(topologies.preset("dgx-a100:hosts=2"))


def bytes_on(found: Any, kind: str, fabric: Fabric) -> float:
    """Bytes of loads on the links into GPUs (pcie) or on the wire (ethernet)."""
    total = 0.0
    for number, nbytes in enumerate(link_bytes(found.made.placed, found.state)):
        if number >= len(fabric.link_names) or fabric.link_kinds[number] != kind:
            continue
        head = fabric.nodes[fabric.link_heads[number]]
        if kind == "ethernet" and "nic" in head or kind == "pcie" and "gpu" in head:
            total += nbytes
    return total


def test_a_dequantiser_in_the_nic_widens_pcie_not_the_wire(pod: Fabric, small: DocumentTrace,
                                                           run: Callable[..., Any]) -> None:
    gpu, nic = (run(pod, small, dequantiser=place, **REMOTE) for place in ("gpu", "nic"))
    assert bytes_on(gpu, "ethernet", pod) == bytes_on(nic, "ethernet", pod)
    assert bytes_on(gpu, "pcie", pod) == bytes_on(gpu, "ethernet", pod)
    assert bytes_on(nic, "pcie", pod) == pytest.approx(bytes_on(gpu, "pcie", pod) / SHARE,
                                                       rel=1e-6)
    assert nic.state.counts.spent[4] == 0 < gpu.state.counts.spent[4]


def test_the_wire_still_limits_with_a_fast_dequantiser(pod: Fabric, small: DocumentTrace,
                                                       run: Callable[..., Any]) -> None:
    """And a slow one limits instead."""
    gpu = run(pod, small, **REMOTE).metrics["throughput_queries_per_s"]
    fast, slow = (run(pod, small, dequantiser="nic", nic_dequantiser_bandwidth=rate, **REMOTE)
                  for rate in ("100GB/s", "2GB/s"))
    assert fast.metrics["throughput_queries_per_s"] == pytest.approx(gpu, rel=0.05)
    assert slow.metrics["throughput_queries_per_s"] < gpu / 2
    assert "dequantiser" in slow.outcome.bottleneck.resource


def test_top_k_in_the_nic_sends_fewer_texts(pod: Fabric, small: DocumentTrace,
                                            run: Callable[..., Any]) -> None:
    host = run(pod, small, **REMOTE).metrics["text_bytes_per_query"]
    nic = run(pod, small, topk="nic", top_k=3, **REMOTE).metrics["text_bytes_per_query"]
    assert nic == pytest.approx(host * 3 / 12)
    assert host == pytest.approx(12 * 4 * float(small.document_tokens.mean()))


def test_loads_bounce_by_host_memory_or_go_straight(two_hosts: Fabric, small: DocumentTrace,
                                                    run: Callable[..., Any]) -> None:
    remote = {**REMOTE, "kv_servers": 1, "dram_cache": "0B"}
    bounced = run(two_hosts, small, **remote)
    straight = run(two_hosts, small, gpu_direct=True, **remote)
    assert bounced.metrics["hit_ratio_remote"] == straight.metrics["hit_ratio_remote"] == 1.0
    used = {link.split("->")[-1] for link in bounced.outcome.link_utilisation}
    assert "h0/mem" in used
    assert "h0/mem" not in {link.split("->")[-1] for link in straight.outcome.link_utilisation}


def test_bounced_documents_stay_in_host_memory(two_hosts: Fabric, small: DocumentTrace,
                                               run: Callable[..., Any]) -> None:
    """Cold host memory, warm server: the second look at a document finds it on the host."""
    found = run(two_hosts, small, kv_servers=1, **REMOTE)
    assert found.metrics["hit_ratio_dram"] == 1.0  # the warm pass left everything there
    tight = run(two_hosts, small, kv_servers=1, dram_cache="3GB", **REMOTE)
    assert 0 < tight.metrics["hit_ratio_dram"] < 1
    assert tight.metrics["hit_ratio_dram"] + tight.metrics["hit_ratio_remote"] == 1.0


def test_batches_of_a_query_may_spread(dgx: Fabric, small: DocumentTrace,
                                       run: Callable[..., Any]) -> None:
    options = {"batch_documents": 3, "clients": 1}
    together = run(dgx, small, **options).metrics["latency_mean_s"]
    apart = run(dgx, small, dispatch="batch", **options).metrics["latency_mean_s"]
    assert apart < 0.6 * together


def test_the_generator_comes_after_everything(box: Fabric, small: DocumentTrace,
                                              run: Callable[..., Any]) -> None:
    plain, later = (run(box, small, variant="no_rerank", generator_time=time)
                    for time in ("0s", "1s"))
    gap = later.state.queries.finish_ps - plain.state.queries.finish_ps
    assert set(gap.tolist()) == {10**12}


def test_gpus_spread_over_the_servers_adapters(two_hosts: Fabric, small: DocumentTrace,
                                               run: Callable[..., Any]) -> None:
    found = run(two_hosts, small, **{**REMOTE, "clients": 16}, kv_servers=1, dram_cache="0B")
    used = [link for link in found.outcome.link_utilisation if link.endswith("->s0")]
    assert len(used) >= 3


def test_blocks_are_as_fast_as_their_measured_cycles(pod: Fabric, small: DocumentTrace,
                                                     run: Callable[..., Any]) -> None:
    """32 values a cycle at 250 MHz are 16 GB/s of bf16, 64 of four bits 32 GB/s."""
    for compression, wanted in (("int8", 16e9), ("int4", 32e9)):
        found = run(pod, small, dequantiser="nic", topk="nic", compression=compression, **REMOTE)
        known = {each.name: each for each in found.outcome.parameters}
        block = known["nic_dequantiser_bandwidth"]
        assert block.kind == "measured" and "cycles of its RTL" in block.basis
        assert dequantiser(HyperragOptions.checked({"compression": compression})
                           ).per_second == pytest.approx(wanted)
        assert known["topk_scores_per_s"].kind == "measured"


def test_blocks_side_by_side_add_up() -> None:
    one, four = (dequantiser(HyperragOptions.checked({"nic_dequantisers": count}))
                 for count in (1, 4))
    assert four.per_second == 4 * one.per_second
    assert four.basis.startswith("4 x kv_dequant int8x32")


def test_without_a_block_the_rate_is_assumed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, geometry: str) -> Any:
        raise UnknownName("block", name, ())
    monkeypatch.setattr("rackwright.models.hyperrag.blocks.timing", missing)
    rate = dequantiser(HyperragOptions())
    assert (rate.per_second, rate.kind) == (16e9, "assumed")
    assert "there is no kv_dequant" in rate.basis
    assert top_k_selector(10).kind == "assumed"


def test_a_rate_of_the_users_comes_first() -> None:
    rate = dequantiser(HyperragOptions.checked({"nic_dequantiser_bandwidth": "5GB/s"}))
    assert (rate.per_second, rate.kind) == (5e9, "chosen")


def test_more_winners_than_a_block_keeps_take_a_larger_one_or_none() -> None:
    assert "topk_stream 16:" in top_k_selector(16).basis
    assert "topk_stream 100:" in top_k_selector(17).basis
    assert top_k_selector(101).kind == "assumed"
