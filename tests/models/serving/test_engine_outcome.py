"""What a replay reports: metrics, series, energy, money, bottleneck, spans."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rackwright
from rackwright.engine.driver import drive
from rackwright.errors import Interrupted
from rackwright.models import serving
from rackwright.models.serving import (
    ServingOptions,
    batch_histogram,
    prepare,
    replay,
    series,
)
from rackwright.models.serving.kernel import advance
from rackwright.topologies.fabric import Fabric
from rackwright.traces import RequestTrace, Uniform, generate_requests


@pytest.fixture(scope="module")
def steady() -> RequestTrace:
    return generate_requests(20.0, 60.0, seed=1, input_tokens=Uniform(100, 200),
                             output_tokens=Uniform(50, 100))


def test_metrics_agree_with_each_other(dgx: Fabric, steady: RequestTrace) -> None:
    found = replay(dgx, steady, ServingOptions.checked({"gpu_hour_price": "$3.60"}))
    m = found.metrics
    assert m["requests_finished"] == len(steady) and m["stable"] == 1.0
    assert m["input_tokens"] == steady.input_tokens.sum()
    assert m["tokens"] == steady.output_tokens.sum()
    assert m["ttft_p50_s"] <= m["ttft_p90_s"] <= m["ttft_p99_s"] < m["latency_p50_s"]
    assert m["tpot_mean_s"] == pytest.approx(m["itl_mean_s"], rel=0.02)
    # dollars a second over tokens a second
    assert m["cost_per_million_tokens_usd"] == pytest.approx(
        1e-3 / m["throughput_tokens_per_s"] * 1e6)
    assert m["energy_gpu_j"] == pytest.approx(m["energy_gpu_per_token_j"] * m["tokens"])
    gpu: Any = dgx.device("h0/gpu0")
    assert gpu.idle_watts < m["energy_gpu_j"] / m["makespan_s"] < gpu.tdp_watts
    assert sum(found.breakdown.values()) == pytest.approx(1.0)
    assert set(found.device_utilisation) == {"h0/gpu0"}
    assert not found.bottleneck.saturated
    assert "cost_per_million_tokens_usd" in replay(dgx, steady.first(2), ServingOptions()).undefined


def test_series_and_histogram(dgx: Fabric, steady: RequestTrace) -> None:
    state = drive(advance, prepare(dgx, steady, ServingOptions())[0])
    over, sizes = series(state), batch_histogram(state)
    assert {len(one.x) for one in over.values()} == {len(one.y) for one in over.values()} == {129}
    assert over["waiting_requests"].x_name == "time_s"
    assert over["waiting_requests"].x[-1] == pytest.approx(steady.span_time, rel=1e-6)
    assert (np.diff(over["handed_out_tokens"].y) >= 0).all()
    assert 0 < max(over["kv_use_share"].y) <= 1
    assert 0 < max(over["running_requests"].y) <= len(steady)
    assert int((sizes * np.arange(len(sizes))).sum()) >= steady.output_tokens.sum()
    assert sizes.sum() == state.work.steps[0]


@pytest.mark.parametrize(("settings", "answers", "resource"), [
    ({"gpu_memory_utilization": 0.3}, 100, "KV cache"), ({"max_num_seqs": 8}, 100,
                                                         "running requests"),
    ({}, 2, "linear layers")])
def test_the_bottleneck_is_named(dgx: Fabric, settings: dict[str, Any], answers: int,
                                 resource: str) -> None:
    trace = generate_requests(120.0, 30.0, seed=1, input_tokens=Uniform(400, 800),
                              output_tokens=Uniform(answers // 2, answers))
    found = replay(dgx, trace, ServingOptions.checked(settings))
    assert found.bottleneck.resource == resource
    assert found.bottleneck.saturated and found.metrics["overloaded"] == 1.0
    assert any(note.startswith("overload") for note in found.notes)


def test_a_closed_loop_has_windows(dgx: Fabric, made: Callable[..., RequestTrace]) -> None:
    found = replay(dgx, made([(0, 64, 50)] * 400), ServingOptions.checked({"concurrency": 10}))
    assert found.metrics["stable"] == 1.0
    assert found.metrics["active_steady_requests"] == pytest.approx(10, rel=0.1)
    assert found.metrics["running_max"] <= 10


def test_spans_cover_the_device_time(dgx: Fabric, steady: RequestTrace) -> None:
    found = replay(dgx, steady.first(50), ServingOptions())
    spans = found.spans
    assert spans is not None and spans.dropped == 0
    assert len(spans.label) == found.metrics["steps"]
    assert (spans.start_ps[1:] >= spans.end_ps[:-1]).all()


def test_through_the_front_door(dgx: Fabric, steady: RequestTrace) -> None:
    found = rackwright.replay("serving", dgx, steady.first(100), model="qwen3-30b-a3b")
    assert found.system == "serving" and set(found.headline) <= set(found.metrics) | set(
        found.undefined)
    assert found.inputs.tables.keys() >= {"linear", "experts", "decode"}
    assert found.bands["moe"][0] in ("calibrated", "derived", "assumed")


def test_an_interruption_keeps_what_is_done(dgx: Fabric, steady: RequestTrace) -> None:
    def stop(done: float, total: float, text: str) -> None:
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        replay(dgx, steady, ServingOptions(), progress=stop)
    partial: Any = caught.value.partial
    assert not partial.complete and 0 < partial.metrics["tokens"] < steady.output_tokens.sum()


def test_the_model_card_names_everything(dgx: Fabric, steady: RequestTrace) -> None:
    """Every metric and every parameter, by itself or as a family (`ttft_*`)."""
    card = (Path(serving.__file__).parent / "README.md").read_text()
    found = replay(dgx, steady.first(40), ServingOptions.checked({"gpu_hour_price": "$2"}))
    names = {*found.metrics, *found.undefined, *(each.name for each in found.parameters)}

    def named(name: str) -> bool:
        parts = name.split("_")
        return any(f"`{text}`" in card for text in
                   (name, *("_".join(parts[:n]) + "_*" for n in range(1, len(parts)))))

    assert sorted(name for name in names if not named(name)) == []
    kinds = {each.kind for each in found.parameters}
    assert kinds <= {"assumed", "chosen", "fitted", "measured", "stand-in"}


def test_a_changed_parameter_is_the_users(dgx: Fabric, steady: RequestTrace) -> None:
    kinds = [next(each.kind for each in replay(dgx, steady.first(3), ServingOptions.checked(
        {"step_host_time": time})).parameters if each.name == "step_host_time")
        for time in ("700us", "300us")]
    assert kinds == ["assumed", "chosen"]
