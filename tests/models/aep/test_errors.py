"""What cannot run is refused before the first event, in words that say what to change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright import run, topologies
from rackwright.devices import catalog
from rackwright.errors import (
    DoesNotFit,
    InputError,
    OptionsError,
    RackwrightError,
    TopologyError,
    TraceError,
    UnknownName,
    UsageError,
)
from rackwright.models.aep import AepOptions, replay
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace

BOTH = pytest.mark.parametrize("policy", ["defrag", "ep_ideal"])


def refusal(kind: type[RackwrightError], fabric: Fabric, trace: RequestTrace, seed: int = 0,
            **options: Any) -> str:
    """The message of the error of exactly this kind that a replay raises."""
    with pytest.raises(kind) as caught:
        replay(fabric, trace, AepOptions.checked(options), seed)
    assert type(caught.value) is kind
    return str(caught.value)


def machine(gpu: str, gpus: int) -> Fabric:
    return topologies.compile(topologies.dgx(gpu, hosts=1, gpus=gpus, nics=0))


def test_one_gpu_cannot_be_split(single: RequestTrace) -> None:
    assert refusal(TopologyError, machine("h200-sxm", 1), single) == (
        "the topology is too small: GPUs in it: 1; defrag needs a GPU for attention and another "
        "for experts")


@BOTH
def test_no_gpu(single: RequestTrace, policy: str) -> None:
    hosts = topologies.compile(topologies.star(4))
    text = refusal(TopologyError, hosts, single, policy=policy)
    assert f"GPUs in it: 0; {policy} needs a GPU" in text


def test_one_gpu_is_enough_for_the_barrier(single: RequestTrace) -> None:
    found = replay(machine("h200-sxm", 1), single, AepOptions.checked({"policy": "ep_ideal"}))
    assert found.metrics["tokens"] == 4.0 and found.breakdown["network"] > 0


@pytest.mark.parametrize("attention", [8, 9, 1000])
def test_attention_leaves_a_gpu_for_experts(dgx: Fabric, single: RequestTrace,
                                            attention: int) -> None:
    assert refusal(OptionsError, dgx, single, attention_gpus=attention) == (
        f"options of aep: attention_gpus is {attention}, but the topology has 8 GPUs and "
        "at least one must run experts: allowed are 1 to 7")


@pytest.mark.parametrize(("policy", "gpu", "experts"), [
    ("defrag", "h0/gpu1", "8 experts"), ("ep_ideal", "h0/gpu0", "4 experts and attention")])
def test_weights_that_do_not_fit_give_the_sum(single: RequestTrace, policy: str, gpu: str,
                                              experts: str) -> None:
    """Two boards of 40 GB: one would hold all experts, or each half of them and attention."""
    text = refusal(DoesNotFit, machine("a100-sxm-40", 2), single, policy=policy)
    weights = {"defrag": "84 GiB", "ep_ideal": "47.31 GB"}[policy]
    assert text.startswith(f"mixtral-8x7b-mqa does not fit: {gpu} (a100-sxm-40) would hold "
                           f"{weights} of weights ({experts} of each of 32 blocks), but 90% of "
                           "its memory is 36 GB")
    assert text.endswith("use more GPUs or a smaller model")


def test_the_sum_is_that_of_the_shape() -> None:
    """84 GiB: 8 experts of 32 blocks, 3 matrices of 4096 x 14336 in two bytes."""
    assert 8 * 32 * 3 * 4096 * 14336 * 2 == 84 * 2**30


def test_sixteen_experts_do_not_fit_where_eight_do(single: RequestTrace) -> None:
    forty = machine("a100-sxm-40", 8)
    replay(forty, single, AepOptions())
    assert "4 experts of each of 32 blocks" in refusal(DoesNotFit, forty, single,
                                                       model="mixtral-16x7b-mqa")


@BOTH
def test_a_request_beyond_the_kv_cache(dgx: Fabric, policy: str) -> None:
    """5 million tokens of 16 KiB are more than an 80 GB board."""
    trace = RequestTrace(np.zeros(2), np.array([10, 5_000_000]), np.array([4, 4]), "long", "here")
    text = refusal(DoesNotFit, dgx, trace, policy=policy)
    assert text.startswith("request 2 of long (5000000 + 4 tokens) needs 312501 KV-cache blocks; "
                           "a GPU has ")
    assert text.endswith("raise memory_share, use GPUs with more memory, or leave the request out")


def test_the_largest_request_that_fits_runs(dgx: Fabric) -> None:
    """The bound is the memory of a board, to the block."""
    usable = 0.9 * 80e9 - 32 * AEP_ATTENTION_BYTES
    blocks = int(usable // (16 * 16384))
    for over in (0, 1):
        trace = RequestTrace(np.zeros(1), np.array([16 * blocks - 1 + over]), np.array([1]),
                             "brim", "here")
        if over:
            assert f"needs {blocks + 1} KV-cache blocks; a GPU has {blocks} free" \
                in refusal(DoesNotFit, dgx, trace)
        else:
            assert replay(dgx, trace, AepOptions()).metrics["tokens"] == 1.0


# queries, one key and one value head, output, router: 4096 inputs or outputs each, two bytes
AEP_ATTENTION_BYTES = 4096 * ((32 + 2) * 128 + 32 * 128 + 8) * 2


@BOTH
def test_an_unknown_language_model(dgx: Fabric, single: RequestTrace, policy: str) -> None:
    text = refusal(UnknownName, dgx, single, model="mixtral-8x7b-mqaa", policy=policy)
    assert text.startswith("unknown language model 'mixtral-8x7b-mqaa'. Did you mean "
                           "'mixtral-8x7b-mqa'? Known: ")
    assert "mixtral-16x7b-mqa, " in text


@BOTH
def test_mixed_gpus(single: RequestTrace, policy: str) -> None:
    graph = topologies.dgx("h200-sxm", hosts=1, gpus=4, nics=0)
    graph.nodes["h0/gpu3"]["device"] = catalog.gpu("h100-sxm")
    text = refusal(TopologyError, topologies.compile(graph), single, policy=policy)
    assert text == "AEP needs equal GPUs: h0/gpu0 ... h0/gpu3 are h100-sxm, h200-sxm"


@BOTH
@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_out_of_range(dgx: Fabric, single: RequestTrace, policy: str, seed: int) -> None:
    assert refusal(UsageError, dgx, single, seed, policy=policy) == (
        f"routing: seed = {seed}; expected 0 to 2147483647")


@BOTH
def test_the_largest_seed_runs(dgx: Fabric, single: RequestTrace, policy: str) -> None:
    options = AepOptions.checked({"policy": policy})
    assert replay(dgx, single, options, 2**31 - 1).metrics["tokens"] == 4.0


def test_an_empty_selection_of_requests(single: RequestTrace) -> None:
    with pytest.raises(UsageError, match="the first 0 requests: at least 1 is needed"):
        single.first(0)
    with pytest.raises(TraceError, match="a trace without requests; at least 1 is expected"):
        RequestTrace(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))


def test_an_empty_name_is_no_model(dgx: Fabric, single: RequestTrace) -> None:
    assert refusal(UnknownName, dgx, single, model="").startswith("unknown language model ''. Kn")


def test_no_baseline_is_a_selection_too(dgx: Fabric, single: RequestTrace) -> None:
    found = run.replay_baselines("aep", dgx, single, names=[])
    assert found.baselines == {}


@pytest.mark.parametrize(("option", "value", "words"), [
    ("policy", "fifo", "policy = 'fifo': expected defrag | mtfs | flfs | group | ep_ideal | "
     "ep_same_host | "
     "ep_framework | ep_low_latency"),
    ("polisy", "mtfs", "unknown option 'polisy'; did you mean 'policy'?"),
    ("attention_gpus", -1, "attention_gpus = -1: expected integer >= 0"),
    ("top_k", 9, "top_k = 9: expected integer >= 1 and <= 8"),
    ("routing_skew", 0.0, "routing_skew = 0.0: expected number > 0 and <= 1"),
    ("routing_skew", float("nan"), "routing_skew = nan: expected number > 0 and <= 1"),
    ("message_time", 60, "message_time: not a time: 60; write a number with a unit"),
    ("message_time", "60", "message_time: not a time: '60'; write a number with a unit"),
    ("message_time", "-1us", "it must not be negative"),
    ("memory_share", 1.5, "memory_share = 1.5: expected number > 0 and <= 1"),
    ("timeline_spans", -1, "timeline_spans = -1: expected integer >= 0"),
])
def test_options_out_of_range(option: str, value: Any, words: str) -> None:
    with pytest.raises(OptionsError) as caught:
        AepOptions.checked({option: value})
    assert words in str(caught.value)


def test_all_wrong_options_are_listed_at_once() -> None:
    with pytest.raises(OptionsError) as caught:
        AepOptions.checked({"top_k": 0, "decay": 2.0, "model": 7})
    assert len(caught.value.faults) == 3


def test_every_refusal_is_the_users_to_mend(dgx: Fabric, single: RequestTrace) -> None:
    """Exit code 2 or 3: never that of a broken replay."""
    assert {kind.exit_code for kind in (OptionsError, DoesNotFit, TopologyError, TraceError)} \
        == {InputError.exit_code}
    assert UnknownName.exit_code == UsageError.exit_code == 2


@pytest.mark.parametrize("share", [0.01, 0.02])
def test_attention_weights_alone_may_be_too_much(dgx: Fabric, single: RequestTrace,
                                                 share: float) -> None:
    text = refusal(DoesNotFit, dgx, single, memory_share=share)
    assert "h0/gpu0 (a100-sxm-80) would hold 2.217 GB of weights (0 experts and attention" in text
    assert f"{share:.0%} of its memory is" in text


def test_dispatch_in_a_nic_needs_a_nic(single: RequestTrace) -> None:
    assert refusal(TopologyError, machine("h200-sxm", 2), single, dispatch="nic") == (
        "dispatch=nic needs a NIC: h0 has GPUs and no NIC; add one, or use dispatch=host")


def test_latent_attention_is_refused(dgx: Fabric, single: RequestTrace) -> None:
    message = refusal(InputError, dgx, single, model="deepseek-v3")
    assert message.startswith("deepseek-v3 has latent attention, which AEP does not model")
