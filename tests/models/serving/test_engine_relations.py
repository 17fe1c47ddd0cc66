"""How results must move when something changes, whatever the cost models say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.models.serving import ServingOptions, replay
from rackwright.models.serving.costs import Tables
from rackwright.models.serving.kernel import advance
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace


def scaled(table: Any, by: int) -> Any:
    return table._replace(exact_ps=table.exact_ps * by, grid_ps=table.grid_ps * by)


def test_a_faster_machine_is_earlier_by_its_factor(small: Callable[..., Any],
                                                   made: Callable[..., RequestTrace]) -> None:
    """All at once, so that no arrival depends on speed: four times slower is four times later."""
    trace = made([(0, 20 + 13 * i % 200, 3 + i % 7) for i in range(30)])
    fast = small(trace, pages=60, frontend_ps=0)
    fixed = fast.fixed
    slow = small(trace, pages=60, frontend_ps=0, host_ps=4 * fixed.host_ps,
                 sequence_ps=4 * fixed.sequence_ps, gap_ps=4 * fixed.gap_ps,
                 launch_ps=4 * fixed.launch_ps,
                 tables=Tables(*(scaled(table, 4) for table in fixed.tables)))
    first, second = drive(advance, fast), drive(advance, slow)
    steps = int(first.work.steps[0])
    assert second.work.steps[0] == steps
    # means of contexts are rounded to a ps in each of 32 layers
    late = np.abs(second.requests.finish_ps - 4 * first.requests.finish_ps)
    assert (late <= 4 * 32 * 4 * steps).all()


@pytest.mark.parametrize("option", ["step_host_time", "sequence_host_time"])
def test_less_host_time_is_never_later_in_the_mean(dgx: Fabric, busy_trace: RequestTrace,
                                                   option: str) -> None:
    found = [replay(dgx, busy_trace, ServingOptions.checked({
        option: value, "async_scheduling": False})).metrics
             for value in ("0us", "100us", "2ms")]
    assert found[0]["latency_mean_s"] < found[1]["latency_mean_s"] < found[2]["latency_mean_s"]


def test_more_memory_never_runs_fewer(small: Callable[..., Any], made: Callable[..., RequestTrace]
                                      ) -> None:
    trace = made([(0, 64, 40)] * 40)
    ends = [drive(advance, small(trace, pages=pages)) for pages in (16, 30, 60, 120, 1000)]
    means = [float(end.work.sums[1]) / int(end.control.now_ps[0]) for end in ends]
    assert means == sorted(means)
    lasts = [int(end.control.now_ps[0]) for end in ends]
    assert lasts == sorted(lasts, reverse=True)
    assert ends[0].work.preemptions[0] >= ends[-1].work.preemptions[0] == 0


def test_more_running_requests_more_throughput(dgx: Fabric, made: Callable[..., RequestTrace]
                                               ) -> None:
    trace = made([(0, 64, 60)] * 64)
    found = [replay(dgx, trace, ServingOptions.checked({"max_num_seqs": cap})).metrics
             for cap in (1, 4, 16, 64)]
    rates = [each["throughput_tokens_per_s"] for each in found]
    gaps = [each["itl_mean_s"] for each in found]
    assert rates == sorted(rates) and gaps == sorted(gaps)
    assert rates[-1] > 8 * rates[0]


def test_tensor_parallel_shortens_steps_and_loads_links(dgx: Fabric, made: Callable[..., Any]
                                                        ) -> None:
    trace = made([(0, 200, 20)] * 8)
    one, four = (replay(dgx, trace, ServingOptions.checked({"tensor_parallel": ranks}))
                 for ranks in (1, 4))
    assert four.metrics["itl_mean_s"] < one.metrics["itl_mean_s"]
    assert four.metrics["kv_pages"] > 4 * one.metrics["kv_pages"]
    assert not one.link_utilisation and "exchange" not in one.breakdown
    assert len(four.device_utilisation) == 4 and four.breakdown["exchange"] > 0
    assert all(0 < share <= 1 for share in four.link_utilisation.values())
    assert any("h0/gpu0->" in name for name in four.link_utilisation)


def test_smaller_chunks_spare_decodes_and_delay_prompts(dgx: Fabric, made: Callable[..., Any]
                                                        ) -> None:
    """A long prompt among decodes: the longest gap falls with the budget, its own wait rises."""
    trace = made([(0, 50, 60)] * 8 + [(100_000, 16_000, 5)])
    small, large = (replay(dgx, trace, ServingOptions.checked({"max_num_batched_tokens": tokens}))
                    .metrics for tokens in (512, 16_384))
    assert small["ttft_p99_s"] > large["ttft_p99_s"]
    assert small["itl_p99_s"] < large["itl_p99_s"]


def test_launches_bind_short_steps_without_graphs(dgx: Fabric, made: Callable[..., RequestTrace]
                                                  ) -> None:
    """One request, so that nothing is padded; eight GPUs, so that kernels are short."""
    plain, eager = (replay(dgx, made([(0, 100, 20)]), ServingOptions.checked(
        {"tensor_parallel": 8, "cuda_graphs": graphs})) for graphs in (True, False))
    assert eager.metrics["itl_mean_s"] > plain.metrics["itl_mean_s"]
    assert eager.metrics["steps_graph"] == 0 < plain.metrics["steps_graph"]
    assert eager.breakdown["kernel launches"] > 0 and "kernel launches" not in plain.breakdown


def test_overlap_hides_host_time(dgx: Fabric, busy_trace: RequestTrace) -> None:
    plain, overlapped = (replay(dgx, busy_trace, ServingOptions.checked(
        {"async_scheduling": ahead})).metrics for ahead in (False, True))
    assert overlapped["itl_mean_s"] < plain["itl_mean_s"] - 500e-6


def test_a_shared_prefix_spares_prompts(dgx: Fabric, made: Callable[..., RequestTrace]) -> None:
    trace = made([(i * 1000, 900, 8) for i in range(40)])
    without, shared = (replay(dgx, trace, ServingOptions.checked(
        {"shared_prefix_tokens": tokens})).metrics for tokens in (0, 800))
    assert without["prompt_tokens_computed"] == 40 * 900
    assert shared["prompt_tokens_computed"] == 40 * 100
    assert shared["ttft_mean_s"] < without["ttft_mean_s"]


def test_skewed_experts_cost_more_with_expert_parallelism(dgx: Fabric, busy_trace: RequestTrace
                                                          ) -> None:
    even, skewed = (replay(dgx, busy_trace, ServingOptions.checked({
        "model": "mixtral-8x7b", "tensor_parallel": 4, "expert_parallel": True,
        "routing_skew": skew})).metrics for skew in (1.0, 0.5))
    assert skewed["ttft_mean_s"] > even["ttft_mean_s"]


def test_frontend_time_shifts_first_tokens(dgx: Fabric, made: Callable[..., RequestTrace]) -> None:
    trace = made([(0, 100, 10)])
    near, far = (replay(dgx, trace, ServingOptions.checked({"frontend_time": time})).metrics
                 for time in ("0us", "50ms"))
    assert far["ttft_mean_s"] - near["ttft_mean_s"] == pytest.approx(50e-3, rel=1e-9)
    assert far["itl_mean_s"] == pytest.approx(near["itl_mean_s"], rel=1e-9)


def test_prompts_computed_elsewhere(dgx: Fabric, made: Callable[..., RequestTrace]) -> None:
    """The first token takes one decode step, and the pages are taken all the same."""
    trace = made([(0, 4000, 20)])
    here, elsewhere = (replay(dgx, trace, ServingOptions.checked({"prefilled": there})).metrics
                       for there in (False, True))
    assert elsewhere["prompt_tokens_computed"] == 0 and elsewhere["steps_decode_only"] == 20
    assert elsewhere["ttft_mean_s"] < here["ttft_mean_s"] / 3
    assert elsewhere["kv_use_max"] == here["kv_use_max"]


def test_more_experts_a_token_cost_more(dgx: Fabric, made: Callable[..., RequestTrace]) -> None:
    trace = made([(0, 50, 20)] * 4)
    times = [replay(dgx, trace, ServingOptions.checked({
        "model": "mixtral-8x7b", "tensor_parallel": 2, "top_k": top_k})).metrics["itl_mean_s"]
        for top_k in (1, 2, 4, 0)]
    assert times[0] < times[1] < times[2]
    assert times[3] == times[1]
