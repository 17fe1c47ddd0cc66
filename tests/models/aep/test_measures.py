"""Batches, queues, stalls and cost: against the timeline and against identities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.models.aep import AepOptions, replay
from rackwright.models.aep.barrier import advance_barrier
from rackwright.models.aep.kernel import advance
from rackwright.models.aep.measures import batch_metrics
from rackwright.models.aep.state import grow
from rackwright.models.aep.watch import Watch
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace

POLICIES = ("defrag", "flfs", "ep_ideal")


@pytest.mark.parametrize("policy", POLICIES)
def test_batches_are_those_of_the_timeline(dgx: Fabric, busy_trace: RequestTrace,
                                           state_of: Callable[..., Any], policy: str) -> None:
    run: Any = advance_barrier if policy == "ep_ideal" else advance
    more: Any = grow
    end = drive(run, state_of(dgx, busy_trace, policy=policy, timeline_spans=500_000), grow=more)
    kept, counts = int(end.spans.count[0]), end.watch.batches
    label, amount = end.spans.label[:kept], end.spans.amount[:kept]
    # a barrier's experts share a span a GPU; its ideal sampler takes no time
    for kind in ((0,) if policy == "ep_ideal" else (0, 1, 2)):
        expected = np.bincount(amount[label == kind], minlength=counts.shape[1])
        assert np.array_equal(counts[kind], expected)
    visits = int(busy_trace.output_tokens.sum()) * 32
    assert (counts[1] * np.arange(counts.shape[1])).sum() == visits


@pytest.mark.parametrize("policy", POLICIES)
def test_percentiles_are_numpy_s(dgx: Fabric, busy_trace: RequestTrace, policy: str) -> None:
    options = AepOptions.checked({"policy": policy, "timeline_spans": 500_000})
    found = replay(dgx, busy_trace, options)
    assert found.spans is not None
    sizes = found.spans.amount[found.spans.label == 0]
    for share in (0.1, 0.5, 0.9, 0.99):
        assert found.metrics[f"attention_batch_p{share * 100:.0f}_tokens"] == np.quantile(
            sizes, share, method="inverted_cdf")


def test_no_step_no_percentile() -> None:
    empty = Watch(np.zeros((3, 4), np.int64), np.zeros((1, 2, 2), np.int64), np.zeros(1, np.int64))
    assert batch_metrics(empty) == {}


def test_queues_are_what_waits(dgx: Fabric, busy_trace: RequestTrace,
                               state_of: Callable[..., Any]) -> None:
    """What waits at a snapshot never exceeds what is inside, and is all of it but the rest."""
    end = drive(advance, state_of(dgx, busy_trace), grow=grow)
    inside = end.snapshots.counts[:, 2]
    waiting = end.watch.queued.sum(axis=(1, 2))
    assert end.watch.taken[0] == len(inside)
    assert (waiting <= inside).all() and waiting.max() > 0


@pytest.mark.parametrize("policy", POLICIES)
def test_stalls_are_the_rest_of_utilisation(dgx: Fabric, busy_trace: RequestTrace, policy: str
                                            ) -> None:
    found = replay(dgx, busy_trace, AepOptions.checked({"policy": policy}))
    busy = list(found.device_utilisation.values())
    assert found.metrics["gpu_stall_share"] == pytest.approx(1 - np.mean(busy))
    if policy != "ep_ideal":
        sides = [found.metrics[name] for name in ("attention_idle_share", "expert_idle_share")]
        assert np.mean(sides) == pytest.approx(found.metrics["gpu_stall_share"])


def test_cost_counts_gpu_hours(dgx: Fabric, busy_trace: RequestTrace) -> None:
    """8 GPUs at $3.60 are $8 in 1000 s."""
    free = replay(dgx, busy_trace, AepOptions())
    paid = replay(dgx, busy_trace, AepOptions.checked({"gpu_hour_price": "$3.60"}))
    assert "gpu_hour_price" in free.undefined["cost_per_million_tokens_usd"]
    per_token = 8 * 3.60 / 3600 / paid.metrics["throughput_tokens_per_s"]
    assert paid.metrics["cost_per_million_tokens_usd"] == pytest.approx(per_token * 1e6)


@pytest.mark.parametrize("policy", POLICIES)
def test_energy_lies_between_idle_and_full_load(dgx: Fabric, busy_trace: RequestTrace,
                                                policy: str) -> None:
    from rackwright.devices import catalog

    metrics = replay(dgx, busy_trace, AepOptions.checked({"policy": policy})).metrics
    board = catalog.gpu("a100-sxm-80")
    low, high = (8 * board.power_watts(busy) * metrics["makespan_s"] for busy in (0.0, 1.0))
    assert low < metrics["energy_gpu_j"] < high


@pytest.mark.parametrize(("top_k", "cap"), [(1, 0), (2, 0), (3, 0), (1, 3), (2, 3)])
def test_every_picosecond_of_a_request_is_spent_somewhere(
        dgx: Fabric, busy_trace: RequestTrace, state_of: Callable[..., Any], top_k: int, cap: int
        ) -> None:
    """Queues, steps, messages and joins add up to the time from admission to the last token."""
    end = drive(advance, state_of(dgx, busy_trace, top_k=top_k, attention_batch_cap=cap,
                                  expert_batch_cap=cap), grow=grow)
    queue, service, network, join = end.gpus.spent
    parts = queue[1] + service[1] + network.sum() + join.sum()
    inside = (end.requests.finish_ps - end.requests.admitted_ps).sum()
    assert queue[0] + service[0] + parts / top_k == pytest.approx(inside, rel=1e-12)


@pytest.mark.parametrize("policy", POLICIES)
def test_steps_by_size_are_all_steps(dgx: Fabric, busy_trace: RequestTrace, policy: str) -> None:
    options = AepOptions.checked({"policy": policy, "timeline_spans": 500_000})
    found = replay(dgx, busy_trace, options)
    assert found.spans is not None
    sizes = found.spans.amount[found.spans.label == 0]
    curve = found.series["attention_batch_steps"]
    edges = np.array([*curve.x, 2 * curve.x[-1]])
    assert curve.x == tuple(2.0 ** i for i in range(len(curve.x)))
    assert curve.y == tuple(np.histogram(sizes, edges - 0.5)[0])


def test_curves_over_time_have_the_means_of_the_metrics(dgx: Fabric, busy_trace: RequestTrace
                                                        ) -> None:
    found = replay(dgx, busy_trace, AepOptions())
    span = busy_trace.arrival_time[-1] - busy_trace.arrival_time[0]
    for name in ("attention_queue_tokens", "expert_queue_tokens", "sampler_queue_tokens",
                 "running_requests"):
        curve = found.series[name]
        assert len(curve.x) == len(curve.y) == 64 and curve.x_name == "time_s"
        assert 0 < curve.x[0] < curve.x[-1] < span
    queued = np.array(found.series["attention_queue_tokens"].y) + found.series[
        "sampler_queue_tokens"].y
    # the last of the 129 looks is in no bin
    assert queued.mean() == pytest.approx(found.metrics["attention_queue_mean_tokens"], rel=0.05)
    assert max(found.series["running_requests"].y) <= len(busy_trace)


def test_a_barrier_has_no_queues_to_draw(dgx: Fabric, busy_trace: RequestTrace) -> None:
    found = replay(dgx, busy_trace, AepOptions.checked({"policy": "ep_ideal"}))
    assert set(found.series) == {"running_requests", "attention_batch_steps",
                                 "expert_batch_steps", "sampler_batch_steps"}


@pytest.mark.parametrize("policy", POLICIES)
def test_completions_count_the_last_quarter(dgx: Fabric, busy_trace: RequestTrace, policy: str
                                            ) -> None:
    """All 120 requests arrive within 0.11 s, before the first has ended."""
    found = replay(dgx, busy_trace, AepOptions.checked({"policy": policy}))
    assert 0 <= found.metrics["completion_ratio"] < 1
    alone = replay(dgx, busy_trace.first(1), AepOptions.checked({"policy": policy}))
    assert alone.metrics["completion_ratio"] == 0
