"""What cannot run is refused before the first event, in words that say what to change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rackwright import topologies
from rackwright.devices import catalog
from rackwright.errors import (
    DoesNotFit,
    InputError,
    OptionsError,
    RackwrightError,
    TopologyError,
    UnknownName,
)
from rackwright.models.serving import ServingOptions, replay
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace


def refusal(kind: type[RackwrightError], fabric: Fabric, trace: RequestTrace, **settings: Any
            ) -> str:
    with pytest.raises(kind) as caught:
        replay(fabric, trace, ServingOptions.checked(settings))
    return str(caught.value)


@pytest.fixture(scope="module")
def one(made: Callable[..., RequestTrace]) -> RequestTrace:
    return made([(0, 100, 4)])


def test_a_model_too_large_gives_the_sum(dgx: Fabric, one: RequestTrace) -> None:
    text = refusal(DoesNotFit, dgx, one, model="llama-3-70b")
    assert text == ("llama-3-70b does not fit: each of 1 h100-sxm would hold 141.1 GB of weights "
                    "and 2 GiB of activations, but 90% of its memory is 72 GB; raise "
                    "tensor_parallel, or use GPUs with more memory or a smaller model")


def test_it_fits_with_more_gpus(dgx: Fabric, one: RequestTrace) -> None:
    options = ServingOptions.checked({"model": "llama-3-70b", "tensor_parallel": 4})
    assert replay(dgx, one, options).metrics["tokens"] == 4.0


def test_a_request_beyond_the_cache(dgx: Fabric, made: Callable[..., RequestTrace]) -> None:
    text = refusal(DoesNotFit, dgx, made([(0, 10, 4), (5, 900_000, 4)]))
    assert text.startswith("request 2 of made (900000 + 4 tokens) needs 56251 pages of KV cache; ")
    assert text.endswith("raise tensor_parallel or gpu_memory_utilization, use GPUs with more "
                         "memory, or leave the request out")


def test_too_few_gpus(one: RequestTrace) -> None:
    fabric = topologies.compile(topologies.dgx("h100-sxm", hosts=1, gpus=2, nics=0))
    assert refusal(TopologyError, fabric, one, tensor_parallel=4) == (
        "the topology is too small: GPUs in it: 2; tensor_parallel is 4")


def test_mixed_gpus(one: RequestTrace) -> None:
    graph = topologies.dgx("h100-sxm", hosts=1, gpus=4, nics=0)
    graph.nodes["h0/gpu1"]["device"] = catalog.gpu("h200-sxm")
    text = refusal(TopologyError, topologies.compile(graph), one, tensor_parallel=2)
    assert "h0/gpu0 ... h0/gpu1 are h100-sxm, h200-sxm" in text


@pytest.mark.parametrize(("settings", "words"), [
    ({"tensor_parallel": 3}, "tensor_parallel is 3, which does not divide the 32 heads"),
    ({"model": "qwen2.5-7b", "tensor_parallel": 7}, "neither divides the 4 key-value heads"),
    ({"model": "mixtral-8x7b", "tensor_parallel": 16, "expert_parallel": True},
     "8 experts of mixtral-8x7b cannot be shared evenly by 16 GPUs"),
    ({"model": "mixtral-8x7b", "top_k": 9}, "top_k is 9; mixtral-8x7b has 8 experts in a block")])
def test_impossible_splits(dgx: Fabric, one: RequestTrace, settings: dict[str, Any], words: str
                           ) -> None:
    assert words in refusal(OptionsError, dgx, one, **settings)


def test_a_model_that_cannot_generate(dgx: Fabric, one: RequestTrace) -> None:
    assert refusal(InputError, dgx, one, model="llama-8b") == (
        "the catalog knows no vocabulary of llama-8b, so it cannot generate tokens; choose another "
        "model")


def test_an_unknown_model(dgx: Fabric, one: RequestTrace) -> None:
    assert "Did you mean 'llama-3-8b'" in refusal(UnknownName, dgx, one, model="llama-3-8c")


def test_fp8_weights_need_fp8_units(one: RequestTrace) -> None:
    fabric = topologies.compile(topologies.dgx("a100-sxm-80", hosts=2))
    text = refusal(UnknownName, fabric, one, model="deepseek-v3", tensor_parallel=16)
    assert "fp8" in text and "a100-sxm-80" in text


@pytest.mark.parametrize(("option", "value", "words"), [
    ("tensor_parallel", 0, "tensor_parallel = 0: expected integer >= 1"),
    ("gpu_memory_utilization", 1.5, "expected number > 0 and <= 1"),
    ("step_host_time", 700, "step_host_time: not a time: 700"),
    ("sampling", "beam", "sampling = 'beam': expected greedy | random"),
    ("gpu_hour_price", 2.5, "gpu_hour_price"),
    ("max_seqs", 5, "unknown option 'max_seqs'; did you mean 'max_num_seqs'?")])
def test_options_out_of_range(option: str, value: Any, words: str) -> None:
    with pytest.raises(OptionsError) as caught:
        ServingOptions.checked({option: value})
    assert words in str(caught.value)
