"""All-reduces of a tensor group: the engine's own kernel for small messages, NCCL's for others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright import topologies
from rackwright.models.llm import shape
from rackwright.models.serving import ServingOptions, replay
from rackwright.models.serving.exchange import SIZES, TIMES, all_reduce, slowest
from rackwright.models.serving.placement import place
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace

BYTES = np.array([0, 512, 4096, 16_384, 32_768, 262_144, 1 << 20, 1 << 22, 1 << 26])


def placed_on(fabric: Fabric, ranks: int) -> Any:
    return place(fabric, shape("llama-3-8b"), ServingOptions.checked({"tensor_parallel": ranks}))


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_never_slower_than_nccl_and_equal_beyond_its_sizes(dgx: Fabric, ranks: int) -> None:
    placed = placed_on(dgx, ranks)
    own, nccl = (all_reduce(dgx, placed, BYTES, kernel) for kernel in (True, False))
    assert (own <= nccl).all() and (own[BYTES > SIZES[-1]] == nccl[BYTES > SIZES[-1]]).all()
    assert (nccl == slowest("all_reduce", dgx, placed, BYTES)).all()
    assert own[2] == pytest.approx(TIMES[ranks][1])   # published, at a size of the table


def test_other_parts_and_other_groups_take_nccl(dgx: Fabric) -> None:
    a100 = topologies.compile(topologies.dgx("a100-sxm-80", hosts=1))
    two = topologies.compile(topologies.dgx("h100-sxm", hosts=2, gpus=2))
    for fabric, ranks in ((a100, 4), (two, 4)):
        placed = placed_on(fabric, ranks)
        assert (all_reduce(fabric, placed, BYTES, True)
                == slowest("all_reduce", fabric, placed, BYTES)).all()
    assert not all_reduce(dgx, placed_on(dgx, 1), BYTES, True).any()


def test_single_streams_gain_and_prompts_do_not(dgx: Fabric) -> None:
    trace = RequestTrace(np.zeros(1), np.array([4000]), np.array([20]))
    own, nccl = (replay(dgx, trace, ServingOptions.checked({
        "model": "llama-3-70b", "tensor_parallel": 4, "custom_all_reduce": kernel})).metrics
        for kernel in (True, False))
    assert own["itl_mean_s"] < nccl["itl_mean_s"] - 0.5e-3   # 160 of them, 5 us each
    assert own["ttft_mean_s"] == pytest.approx(nccl["ttft_mean_s"], rel=1e-3)
