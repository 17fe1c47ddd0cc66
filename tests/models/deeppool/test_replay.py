"""Replays from the outside: baselines, directions of what-ifs, metrics that add up, jobs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from rackwright import run, topologies
from rackwright.errors import Interrupted
from rackwright.models.deeppool import MODEL, DeeppoolOptions, replay
from rackwright.models.deeppool import workload as workload_module
from rackwright.topologies.fabric import Fabric
from rackwright.traces import JobTrace, LayerProfile, sample

SHORT: dict[str, Any] = {"iterations": 40, "warm_iterations": 15, "timeline_spans": 500}


@pytest.fixture(scope="module")
def dgx() -> Fabric:
    return topologies.compile(topologies.preset("dgx-a100"))


@pytest.fixture(scope="module")
def vgg() -> LayerProfile:
    return sample("profile_vgg16")  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def variants(dgx: Fabric, vgg: LayerProfile) -> Mapping[str, Mapping[str, float]]:
    found = run.replay_baselines("deeppool", dgx, vgg, **SHORT)
    return {"system": found.result.metrics,
            **{name: one.metrics for name, one in found.baselines.items()}}


def metrics(dgx: Fabric, profile: LayerProfile, **settings: Any) -> Mapping[str, float]:
    return run.replay("deeppool", dgx, profile, **{**SHORT, **settings}).metrics


def test_the_system_leads_in_cluster_throughput(variants: Mapping[str, Mapping[str, float]]
                                                ) -> None:
    found = {name: one["cluster_throughput_gpus"] for name, one in variants.items()}
    assert found["system"] == max(found.values())
    assert found["system"] > 1.2 * found["data_parallel"]
    assert found["dp_with_bg"] > found["data_parallel"]
    assert found["one_gpu"] == pytest.approx(1.0)


def test_baselines_without_background_have_none(variants: Mapping[str, Mapping[str, float]]
                                                ) -> None:
    for name in ("data_parallel", "burst_parallel_alone", "model_wide", "one_gpu"):
        assert variants[name]["bg_speedup"] == 0
        assert variants[name]["fg_slowdown"] == pytest.approx(1)
    assert variants["partitioned"]["fg_slowdown"] == pytest.approx(1)
    assert variants["partitioned"]["bg_speedup"] == 4
    assert variants["naive_sharing"]["fg_slowdown"] > 1.5


def test_shares_of_gpu_time_add_up(variants: Mapping[str, Mapping[str, float]]) -> None:
    for one in variants.values():
        shares = [one[f"gpu_share_{name}"] for name in ("fg_only", "bg_only", "both", "idle")]
        assert sum(shares) == pytest.approx(1.0)


def test_data_parallel_takes_what_the_planner_says(variants: Mapping[str, Mapping[str, float]]
                                                   ) -> None:
    one = variants["data_parallel"]
    assert one["iteration_s"] == pytest.approx(one["data_parallel_iteration_s"], abs=1e-10)


def test_without_limit_no_plan_is_slower_than_data_parallel(dgx: Fabric) -> None:
    for name in ("profile_vgg16", "profile_inception_v3", "profile_wide_resnet101_2"):
        one = metrics(dgx, sample(name), amplification_limit=0.0, variant="burst_parallel_alone")
        assert one["plan_iteration_s"] <= one["data_parallel_iteration_s"] * (1 + 1e-12)


def test_the_gate_in_the_nic_admits_no_gradients(dgx: Fabric, vgg: LayerProfile) -> None:
    for gate in ("host", "nic"):
        one = metrics(dgx, vgg, gate=gate, variant="dp_with_bg")
        assert one["gate_admitted_beside_gradients"] == 0


def test_adding_nics_help_data_parallel_most_on_slow_networks(dgx: Fabric, vgg: LayerProfile
                                                              ) -> None:
    gains = []
    for rate in ("10Gbps", "100Gbps", "400Gbps"):
        ring, nic = (metrics(dgx, vgg, variant="data_parallel", network="flat", bandwidth=rate,
                             gradients=gradients)["iteration_s"] for gradients in ("ring", "nic"))
        gains.append(ring / nic)
    assert gains == sorted(gains, reverse=True)
    assert gains[0] == pytest.approx(1.75, rel=0.05) and gains[2] > 1


def test_a_result_names_the_blocks_that_it_used(dgx: Fabric, vgg: LayerProfile) -> None:
    found = [set(run.replay("deeppool", dgx, vgg, gate=gate, gradients=gradients, **SHORT
                            ).inputs.tables)
             for gate, gradients in (("host", "library"), ("nic", "ring"), ("nic", "nic"))]
    assert found == [set(), {"bg_gate.v"}, {"bg_gate.v", "reduce_add.v"}]


def test_one_adder_is_slower_than_the_network(dgx: Fabric, vgg: LayerProfile) -> None:
    """16 lanes at 250 MHz take 16 GB/s, a third of 400 Gb/s."""
    one, four = (metrics(dgx, vgg, variant="data_parallel", network="flat", bandwidth="400Gbps",
                         gradients="nic", nic_adders=count) for count in (1, 4))
    sums = [each["iteration_s"] - four["iteration_s"] for each in (one, four)]
    nbytes = 4 * float(vgg.parameters.sum())
    assert sums[0] == pytest.approx(nbytes / 16e9 - nbytes / 50e9, rel=1e-6)


def test_buckets_hide_gradients(dgx: Fabric, vgg: LayerProfile) -> None:
    late, early = (metrics(dgx, vgg, variant="data_parallel", bucket=size)["iteration_s"]
                   for size in ("0B", "25MiB"))
    assert early < late


def test_a_faster_network_never_slows_the_plan(dgx: Fabric, vgg: LayerProfile) -> None:
    times = [metrics(dgx, vgg, variant="burst_parallel_alone", amplification_limit=0.0,
                     network="flat", bandwidth=rate)["plan_iteration_s"]
             for rate in ("10Gbps", "100Gbps", "2Tbps", "10Tbps")]
    assert times == sorted(times, reverse=True)


def test_a_measured_h100_slows_the_foreground_within_the_gate(vgg: LayerProfile) -> None:
    fabric = topologies.compile(topologies.preset("dgx-h100"))
    result = run.replay("deeppool", fabric, vgg, **SHORT)
    assert any(row.name == "sharing" and row.value.startswith("h100") for row in result.parameters)
    free = run.replay("deeppool", fabric, vgg, variant="naive_sharing", **SHORT)
    assert result.metrics["fg_slowdown"] < 1.2 < free.metrics["fg_slowdown"]


def test_gpus_that_a_small_batch_leaves_are_for_the_background(vgg: LayerProfile) -> None:
    fabric = topologies.compile(topologies.preset("dgx-a100"))
    one = metrics(fabric, vgg, global_batch=4, variant="dp_with_bg")
    assert one["plan_gpus"] == 4
    assert one["bg_speedup"] > 4 * 0.9


def test_equal_replays_are_equal_and_seeds_have_no_effect(dgx: Fabric, vgg: LayerProfile) -> None:
    texts = {run.replay("deeppool", dgx, vgg, seed=seed, **SHORT).metrics["iteration_s"]
             for seed in (0, 0, 7)}
    assert len(texts) == 1


def test_the_timeline_has_every_kind_of_span(dgx: Fabric, vgg: LayerProfile) -> None:
    spans = run.replay("deeppool", dgx, vgg, **SHORT).spans
    assert spans is not None and spans.tracks[0] == "h0/gpu0"
    assert {spans.labels[one] for one in set(spans.label.tolist())} == {
        "background", "compute", "re-shard", "gradients"}
    assert (spans.end_ps >= spans.start_ps).all() and (np.diff(spans.start_ps) >= 0).all()


def test_an_interruption_hands_back_what_is_done(dgx: Fabric, vgg: LayerProfile,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(done: float, total: float, text: str) -> None:
        if done >= 1:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as problem:
        replay(dgx, vgg, DeeppoolOptions(iterations=50_000, timeline_spans=0), progress=stop)
    partial = problem.value.partial
    assert not partial.complete and math.isfinite(partial.metrics["iteration_s"])
    assert workload_module.replay is replay


def jobs(count: int = 12) -> JobTrace:
    return sample("jobs_mixed").first(count)  # type: ignore[no-any-return]


def test_jobs_share_a_cluster(dgx: Fabric) -> None:
    found = {variant: run.replay("deeppool", dgx, jobs(), variant=variant, **SHORT)
             for variant in ("burst_parallel", "data_parallel", "partitioned")
             if variant != "partitioned"}
    for result in found.values():
        one = result.metrics
        assert one["jobs_finished"] == one["jobs"] == 12
        shares = [one[name] for name in one if name.startswith("gpu_share_")]
        assert sum(shares) == pytest.approx(1.0)
        assert one["cluster_throughput_gpus"] <= 8
    system, parallel = (found[name].metrics for name in ("burst_parallel", "data_parallel"))
    assert system["bg_wait_mean_s"] <= parallel["bg_wait_mean_s"]
    assert system["fg_slowdown_mean"] >= parallel["fg_slowdown_mean"] == pytest.approx(1.0)


def test_a_stopped_job_trace_says_how_far_it_got(dgx: Fabric) -> None:
    def stop(done: float, total: float, text: str) -> None:
        if "jobs at" in text and done >= 3:
            raise KeyboardInterrupt

    options = DeeppoolOptions(iterations=40, warm_iterations=15)
    with pytest.raises(Interrupted, match="of 12 jobs") as problem:
        replay(dgx, jobs(), options, progress=stop)
    assert problem.value.partial.metrics["jobs_finished"] >= 3


def test_every_baseline_is_a_variant() -> None:
    for changed in MODEL.baselines.values():
        DeeppoolOptions.checked(dict(changed))
    assert set(MODEL.captions) == {"deeppool", *MODEL.baselines}
