"""Messages: two phases, metadata between hosts, and dispatch by a smart NIC."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.errors import OptionsError
from rackwright.models.aep import AepOptions, replay
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace


@pytest.fixture(scope="module")
def two_hosts() -> Fabric:
    return topologies.compile(topologies.preset("p4d:hosts=2"))


def seconds(fabric: Fabric, trace: RequestTrace, **options: Any) -> float:
    return replay(fabric, trace, AepOptions.checked(options)).metrics["latency_mean_s"]


# PCIe of dgx-a100 to its NICs (205 ns) and a ConnectX-6 (600 ns) at both ends, and 2 cycles
ANNOUNCED = 2 * (205e-9 + 600e-9) + 2 / 250e6


def test_a_nic_replaces_the_set_up_of_each_message(dgx: Fabric, single: RequestTrace) -> None:
    """4 tokens, 32 blocks, a message there and one back; one part, so one cycle, in each."""
    host, nic = seconds(dgx, single), seconds(dgx, single, dispatch="nic")
    assert host - nic == pytest.approx(4 * 32 * 2 * (60e-6 - ANNOUNCED - 4e-9), abs=1e-11)


@pytest.mark.parametrize("clock", ["125MHz", "500MHz"])
def test_cycles_take_the_time_of_the_clock(dgx: Fabric, single: RequestTrace, clock: str) -> None:
    """3 cycles a message: 2 through the block, 1 for its part."""
    whole, other = (seconds(dgx, single, dispatch="nic", nic_clock=each)
                    for each in ("250MHz", clock))
    period = {"125MHz": 8e-9, "500MHz": 2e-9}[clock]
    assert other - whole == pytest.approx(4 * 32 * 2 * 3 * (period - 4e-9), abs=1e-11)


def test_the_user_s_times_come_before_the_measured_ones(dgx: Fabric, single: RequestTrace) -> None:
    measured, own = (seconds(dgx, single, dispatch="nic", **each)
                     for each in ({}, {"nic_message_time": "5us", "nic_token_time": "40ns"}))
    assert own - measured == pytest.approx(4 * 32 * 2 * (5e-6 - ANNOUNCED + 36e-9), abs=1e-11)


@pytest.mark.parametrize(("policy", "attention", "expert"), [
    ("defrag", 43, 42), ("mtfs", 35, 34), ("flfs", 35, 34)])
def test_a_pick_in_the_nic_is_added_to_every_step(dgx: Fabric, single: RequestTrace, policy: str,
                                                  attention: int, expert: int) -> None:
    """uqueue_score's cycles (33x1 and 32x2) and PCIe there and back; 4 samplers pick too."""
    host, nic = (seconds(dgx, single, dispatch="nic", policy=policy, scoring=each)
                 for each in ("host", "nic"))
    pcie = 2 * 205e-9
    steps = 4 * 33 * (pcie + attention / 250e6) + 4 * 32 * (pcie + expert / 250e6)
    assert nic - host == pytest.approx(steps, abs=1e-10)


def test_a_result_says_which_cycles_it_used(dgx: Fabric, single: RequestTrace) -> None:
    found = replay(dgx, single, AepOptions.checked({"dispatch": "nic", "scoring": "nic"}))
    known = {one.name: one for one in found.parameters}
    assert known["nic_message_time"].value == "1.618 us"
    assert known["nic_token_time"].basis.startswith("token_dispatch 8x2, cycles of its RTL: 1 a")
    assert "uqueue_score 33x1 and 32x2" in known["scoring"].basis
    assert {"token_dispatch.v", "uqueue_score.v"} <= found.tables.keys()


@pytest.mark.parametrize(("options", "words"), [
    ({"scoring": "nic"}, "scoring=nic needs dispatch=nic"),
    ({"scoring": "nic", "dispatch": "nic", "policy": "group"}, "not by group"),
    ({"scoring": "nic", "dispatch": "nic", "look_ahead": 9}, "set look_ahead to 8 at most"),
    ({"dispatch": "nic", "top_k": 8}, "has EXPERTS 8 and K 8; there are 2x1, 8x2, 64x4; set nic_"),
])
def test_what_no_measured_block_does_is_refused(dgx: Fabric, single: RequestTrace,
                                                options: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionsError, match=words):
        seconds(dgx, single, **options)


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
