"""The system as `replay("training")` sees it."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.errors import UsageError
from rackwright.models import registry
from rackwright.models.training import MODEL, execution_of, network
from rackwright.run import replay_baselines
from rackwright.traces import sample


def test_the_sample_with_its_baselines():
    found = replay_baselines("training")
    system, baselines = found.result, found.baselines
    assert registry.get("training") is MODEL and set(baselines) == set(MODEL.baselines)
    times = {name: result.metrics["step_time_s"] for name, result in baselines.items()}
    assert times["ideal_network"] < system.metrics["step_time_s"] < times["no_overlap"]
    for result in found:
        assert sum(result.breakdown.values()) == pytest.approx(1.0)
        assert set(MODEL.headline) <= set(result.metrics)
        assert all(0 <= share <= 1 for share in result.link_utilisation.values())
    assert system.spans is not None and (np.diff(system.spans.start_ps) >= 0).all()
    assert "computation" in system.bottleneck.text


def test_the_sample_is_made_from_a_network():
    trace = sample("training_gpt2")
    assert len(trace.ranks) == 8 and trace.groups["tp0.0"] == (0, 1)
    weights = [node for node in trace.ranks[0] if node.name == "optimizer"]
    assert len(weights) == 1


def test_all_data_copies_do_the_same_work():
    trace = execution_of(network("resnet50"), catalog.gpu("h100-sxm"), 8, data=3)
    assert trace.ranks[0] == trace.ranks[1] == trace.ranks[2]
    reduced = sum(node.whole("comm_size") for node in trace.ranks[0] if node.type == "COMM_COLL")
    assert reduced == 4 * 25_557_032


def test_layouts_that_cannot_be():
    graph, gpu = network("vgg16"), catalog.gpu("h100-sxm")
    with pytest.raises(UsageError, match="5 samples in 2 micro-batches"):
        execution_of(graph, gpu, 5, micro_batches=2)
    with pytest.raises(UsageError, match="data = 0"):
        execution_of(graph, gpu, 4, data=0)
