"""What must not hurt does not: capacity, compression, faster links, shorter queries."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace, Uniform, generate_documents

LOAD_BOUND = {"model": "minicpm-2b-layerwise", "hbm_cache": "0B", "nvme_cache": "0B", "clients": 8}


def rate(found: Any) -> float:
    return float(found.metrics["throughput_queries_per_s"])


def rising(values: list[float], by: float = 1e-9) -> bool:
    return all(later >= earlier * (1 - by) for earlier, later in pairwise(values))


def test_more_hits_more_throughput(box: Fabric, small: DocumentTrace,
                                   run: Callable[..., Any]) -> None:
    runs = [run(box, small, start="cold", **LOAD_BOUND, dram_cache=size)
            for size in ("0B", "2GiB", "6GiB", "24GiB")]
    ratios = [each.metrics["hit_ratio"] for each in runs]
    assert rising(ratios) and ratios[-1] > ratios[0]
    assert rising([rate(each) for each in runs])


def test_smaller_stores_are_faster_when_loads_limit(box: Fabric, small: DocumentTrace,
                                                    run: Callable[..., Any]) -> None:
    rates = [rate(run(box, small, compression=each, **LOAD_BOUND))
             for each in ("none", "int8", "int4")]
    assert rising(rates) and rates[-1] > 1.5 * rates[0]


@pytest.mark.parametrize("model", ["gemma-2b", "minicpm-2b-layerwise"])
def test_faster_pcie_never_hurts(small: DocumentTrace, run: Callable[..., Any],
                                 model: str) -> None:
    rates = []
    for lanes in ("gen3-x16", "gen4-x16", "gen5-x16"):
        fabric = topologies.compile(topologies.pcie_box("a100-pcie-80", gpus=1, nics=0, drives=0,
                                                        switches=0, pcie=lanes))
        rates.append(rate(run(fabric, small, **{**LOAD_BOUND, "model": model})))
    assert rising(rates)
    assert (rates[-1] > 1.5 * rates[0]) == (model != "gemma-2b")


def test_shorter_queries_are_scored_sooner(box: Fabric, run: Callable[..., Any]) -> None:
    rates = []
    for tokens in (128, 64, 32, 16):
        trace = generate_documents(50.0, 30, documents=100, per_query=10, seed=1,
                                   query_tokens=Uniform(tokens, tokens))
        rates.append(rate(run(box, trace, clients=4)))
    assert rising(rates) and rates[-1] > 2 * rates[0]


def test_gpus_behind_one_switch_share_it(small: DocumentTrace, run: Callable[..., Any]) -> None:
    """Two GPUs, load-bound: a root each is nearly twice as fast as one root for both."""
    rates = []
    for switches in (1, 2):
        fabric = topologies.compile(topologies.pcie_box(
            "a100-pcie-80", gpus=2, nics=0, drives=0, switches=switches, pcie="gen3-x16"))
        rates.append(rate(run(fabric, small, **{**LOAD_BOUND, "compression": "none"})))
    assert 1.6 < rates[1] / rates[0] < 2.1


def test_a_faster_network_serves_a_pod(small: DocumentTrace, run: Callable[..., Any]) -> None:
    rates = []
    for network in ("ethernet-25g", "ethernet-100g", "ethernet-200g"):
        fabric = topologies.compile(topologies.lovelock(
            accelerators=1, storage=2, compute=0, drives=4, network=network))
        rates.append(rate(run(fabric, small, model="minicpm-2b-layerwise", hbm_cache="0B",
                              clients=8)))
    assert rising(rates) and rates[1] > 2 * rates[0]


def test_padding_costs_what_it_moves(box: Fabric, small: DocumentTrace,
                                     run: Callable[..., Any]) -> None:
    static = run(box, small, **LOAD_BOUND)
    exact = run(box, small, layout="exact", **LOAD_BOUND)
    lengths = small.document_tokens
    assert static.metrics["padding_ratio"] == pytest.approx(512 / float(np.mean(lengths)), rel=1e-6)
    assert exact.metrics["padding_ratio"] == 1.0
    assert rate(exact) > rate(static)
