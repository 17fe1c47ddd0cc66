"""Messages: two phases, metadata between hosts, and dispatch by a smart NIC."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.models.aep import AepOptions, replay
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace


@pytest.fixture(scope="module")
def two_hosts() -> Fabric:
    return topologies.compile(topologies.preset("p4d:hosts=2"))


def seconds(fabric: Fabric, trace: RequestTrace, **options: Any) -> float:
    return replay(fabric, trace, AepOptions.checked(options)).metrics["latency_mean_s"]


def test_a_nic_replaces_the_set_up_of_each_message(dgx: Fabric, single: RequestTrace) -> None:
    """4 tokens, 32 blocks, a message there and one back; one part in each."""
    host, nic = seconds(dgx, single), seconds(dgx, single, dispatch="nic")
    assert host - nic == pytest.approx(4 * 32 * 2 * (60e-6 - 5e-6 - 4e-9), abs=1e-11)


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_a_nic_takes_its_share_of_the_host_s_time(dgx: Fabric, single: RequestTrace,
                                                  share: float) -> None:
    whole, part = (seconds(dgx, single, dispatch="nic", nic_host_share=each)
                   for each in (0.0, share))
    assert whole - part == pytest.approx(4 * 32 * share * (540e-6 + 2.3e-6), abs=1e-9)


def test_the_block_serves_one_part_at_a_time(dgx: Fabric) -> None:
    """Eight equal requests at once on one GPU: with 1 ms a part, the block sets the pace."""
    trace = RequestTrace(np.zeros(8), np.full(8, 16), np.full(8, 1), "eight", "made here")
    options = {"dispatch": "nic", "attention_gpus": 1, "attention_fixed_time": "0us",
               "nic_token_time": "1ms"}
    found = replay(dgx, trace, AepOptions.checked(options))
    # every block: eight parts leave the attention GPU one after the other
    assert found.metrics["makespan_s"] > 32 * 8 * 1e-3
    assert found.breakdown["network"] > 0.9


def test_metadata_between_hosts_costs_more(two_hosts: Fabric, single: RequestTrace) -> None:
    """Attention on one host, experts on the other: every message crosses."""
    split = {"attention_gpus": 8}
    near, far = (seconds(two_hosts, single, message_remote_time=each, **split)
                 for each in ("0us", "10us"))
    assert far - near == pytest.approx(4 * 32 * 2 * 10e-6, abs=1e-11)


def test_within_a_host_it_does_not(dgx: Fabric, busy_trace: RequestTrace) -> None:
    assert seconds(dgx, busy_trace) == seconds(dgx, busy_trace, message_remote_time="10us")


def test_experts_across_a_network_take_longer(two_hosts: Fabric, busy_trace: RequestTrace
                                              ) -> None:
    """Half of every host each keeps half of the messages on NVLink."""
    shares = [replay(two_hosts, busy_trace, AepOptions.checked(split)).breakdown["network"]
              for split in ({}, {"attention_gpus": 8})]
    assert shares[1] > shares[0]
