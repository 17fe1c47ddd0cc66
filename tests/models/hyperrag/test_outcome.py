"""What a replay reports, by name and beside its baselines."""

from __future__ import annotations

import math

import pytest

from rackwright import run
from rackwright.models import registry
from rackwright.models.hyperrag import MODEL
from rackwright.replays import Replays


@pytest.fixture(scope="module")
def sample() -> Replays:
    return run.replay_baselines("hyperrag", clients=64)


def test_it_is_registered_with_its_sample(sample: Replays) -> None:
    assert "hyperrag" in registry.names()
    assert set(sample.baselines) == set(MODEL.baselines)
    assert set(MODEL.captions) == {"hyperrag", *MODEL.baselines}


def test_every_metric_is_finite_and_every_headline_is_known(sample: Replays) -> None:
    for found in sample:
        assert all(math.isfinite(value) for value in found.metrics.values())
        assert all(name in found.metrics or name in found.undefined for name in MODEL.headline)
        assert math.isclose(sum(found.breakdown.values()), 1.0)
        assert found.metrics["documents"] == found.metrics["documents_loaded"] \
            + found.metrics["documents_computed"] or found.label == "no_rerank"


def test_reuse_is_ahead_of_no_reuse_and_of_its_parts(sample: Replays) -> None:
    rates = {found.label: found.metrics["throughput_queries_per_s"] for found in sample}
    assert rates["hyperrag"] > 2 * rates["no_reuse"]
    assert rates["hyperrag"] > rates["gpu_only"] > rates["no_reuse"]
    assert rates["hyperrag"] > rates["no_overlap"]
    assert rates["no_rerank"] > 10 * rates["hyperrag"]


def test_the_limit_is_named_with_its_tier() -> None:
    found = run.replay("hyperrag", "lovelock", clients=64, model="minicpm-2b-layerwise",
                       compression="none")
    assert found.bottleneck.kind == "link"
    assert "loads end with the KV servers" in found.bottleneck.text
    assert found.metrics["loads_ended_remote_share"] > 0.9
    shares = [found.metrics[f"loads_ended_{tier}_share"] for tier in ("dram", "nvme", "remote")]
    assert math.isclose(sum(shares), 1.0)
    assert found.metrics["crossover_bandwidth_bytes_per_s"] > 0


def test_stand_ins_are_marked_and_changes_are_the_users() -> None:
    found = run.replay("hyperrag", clients=8, depth=3)
    kinds = {each.name: each.kind for each in found.parameters}
    assert kinds["depth"] == "chosen" and kinds["dram_cache"] == "stand-in"
    assert any("HyperRAG-style" in note for note in found.notes)


def test_an_overload_is_said() -> None:
    found = run.replay("hyperrag", variant="no_reuse")
    assert found.metrics["throughput_queries_per_s"] < found.metrics["offered_queries_per_s"] / 2
    assert any("overloaded" in note for note in found.notes)
    assert not any("overloaded" in note for note in run.replay("hyperrag").notes)
