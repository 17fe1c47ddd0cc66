"""What-ifs by fabric and part: each changes what it should, in the right direction, nothing else.

Dispatch by a NIC is in `test_dispatch`, host times in `test_outcome`.
"""

from __future__ import annotations

from typing import Any

import pytest

from rackwright import topologies
from rackwright.models.aep import AepOptions, replay
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace

POLICIES = ("defrag", "ep_ideal")


def without_nvlink() -> Fabric:
    graph = topologies.dgx("a100-sxm-80", hosts=1)
    graph.remove_node("h0/nvswitch")
    return topologies.compile(graph)


def hosts(network: str, count: int = 2) -> Fabric:
    return topologies.compile(topologies.dgx("a100-sxm-40", hosts=count, nics=4, network=network))


def found(fabric: Fabric, trace: RequestTrace, policy: str, **options: Any) -> Outcome:
    return replay(fabric, trace, AepOptions.checked({"policy": policy, **options}))


def latency(fabric: Fabric, trace: RequestTrace, policy: str, **options: Any) -> float:
    return found(fabric, trace, policy, **options).metrics["latency_mean_s"]


@pytest.mark.parametrize("policy", POLICIES)
def test_pcie_is_slower_than_nvlink(dgx: Fabric, single: RequestTrace, policy: str) -> None:
    """One token's 8 KiB, there and back, 128 times: about a microsecond each."""
    more = latency(without_nvlink(), single, policy) - latency(dgx, single, policy)
    assert 128 * 2 * 0.2e-6 < more < 128 * 2 * 2e-6


@pytest.mark.parametrize("policy", POLICIES)
def test_a_slower_network_between_hosts_costs_time(single: RequestTrace, busy_trace: RequestTrace,
                                                   policy: str) -> None:
    """8 KiB take 2 us longer at 25 than at 100 Gb/s; links are busier for the same bytes."""
    fast, slow = (hosts(f"ethernet-{rate}g") for rate in (100, 25))
    # AEP's attention on one host, its experts on the other
    split = {"attention_gpus": 8} if policy == "defrag" else {}
    more = latency(slow, single, policy, **split) - latency(fast, single, policy, **split)
    assert 0.2e-6 * 128 < more < 2 * 128 * 2.5e-6
    busy = [sum(found(each, busy_trace, policy).link_utilisation.values())
            for each in (fast, slow)]
    assert busy[1] > 2 * busy[0]


def test_a_barrier_shows_a_slower_network_under_load(busy_trace: RequestTrace) -> None:
    """AEP may not: tokens that come later find larger batches."""
    fast, slow = (found(hosts(f"ethernet-{rate}g"), busy_trace, "ep_ideal") for rate in (100, 25))
    assert fast.metrics["itl_mean_s"] < slow.metrics["itl_mean_s"]
    assert fast.breakdown["network"] < slow.breakdown["network"]


def test_within_a_host_its_network_does_not_matter(single: RequestTrace) -> None:
    fast, slow = (found(hosts(f"ethernet-{rate}g", 1), single, "defrag", memory_share=1.0)
                  for rate in (100, 25))
    assert fast.metrics == slow.metrics


@pytest.mark.parametrize("policy", POLICIES)
def test_a_faster_gpu_shortens_its_own_time_only(dgx: Fabric, single: RequestTrace, policy: str
                                                 ) -> None:
    """An H100 for an A100; the host's time is the same, so AEP gains less of its latency."""
    free = dict.fromkeys(("attention_fixed_time", "attention_token_time", "expert_fixed_time",
                          "sampler_fixed_time", "sampler_token_time"), "0us")
    h100 = topologies.compile(topologies.dgx("h100-sxm", hosts=1))
    with_host = [found(each, single, policy).metrics["latency_mean_s"] for each in (dgx, h100)]
    without = [found(each, single, policy, **free).metrics["latency_mean_s"]
               for each in (dgx, h100)]
    assert without[1] < without[0]
    # 4 tokens, 32 blocks: the same host time on both
    assert with_host[0] - without[0] == pytest.approx(with_host[1] - without[1], abs=1e-9)


def test_a_derived_gpu_says_so(dgx: Fabric, single: RequestTrace) -> None:
    h100 = topologies.compile(topologies.dgx("h100-sxm", hosts=1))
    bands = [found(each, single, "defrag").bands["gemm"][0] for each in (dgx, h100)]
    assert bands == ["derived", "calibrated"]


def test_dispatch_by_a_nic_takes_the_set_up_out_of_the_network(dgx: Fabric,
                                                             busy_trace: RequestTrace) -> None:
    host, nic = (found(dgx, busy_trace, "defrag", dispatch=each) for each in ("host", "nic"))
    assert nic.breakdown["network"] < 0.3 * host.breakdown["network"]
