"""Layer profiles from cost methods: relations that hold for any GPU, and a profiled step."""

from __future__ import annotations

from collections import defaultdict
from importlib import resources

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError
from rackwright.models.training import network, profile_of
from rackwright.models.training.samples import make_samples
from rackwright.traces import sample_path
from rackwright.traces.pytorch_profiler import read_step


@pytest.fixture(scope="module")
def vgg():
    return profile_of(network("vgg16"), catalog.gpu("h100-sxm"), [1, 16, 4])


def test_layers_parameters_and_batches(vgg):
    assert int(vgg.parameters.sum()) == 138_357_544 and vgg.batches.tolist() == [16, 4, 1]
    assert vgg.is_chain and vgg.forward_times is not None
    assert vgg.configuration(0)[1]["out_channels"] == 64


def test_more_samples_take_longer_and_backward_takes_time(vgg):
    assert (np.diff(vgg.times.sum(axis=0)) < 0).all()  # batches fall
    assert (vgg.times >= vgg.forward_times).all()


def test_branches_stay():
    profile = profile_of(network("inception_v3"), catalog.gpu("a100-sxm-40"), [2])
    assert not profile.is_chain and profile.kinds.count("concat") == 11


def test_a_faster_gpu_is_faster(vgg):
    slower = profile_of(network("vgg16"), catalog.gpu("a100-sxm-40"), [16, 4, 1])
    assert (slower.times.sum(axis=0) > vgg.times.sum(axis=0)).all()


@pytest.mark.parametrize(("name", "of", "batch", "within"), [
    ("vgg16_bf16_1gpu_b16", "vgg16", 16, 0.08), ("resnet50_bf16_1gpu_b16", "resnet50", 16, 0.08)])
def test_against_a_profiled_step(name, of, batch, within):
    """The kernels of all layers together, and of convolutions and products."""
    path = resources.files("rackwright.devices") / "measured" / "h100-sxm-training" / "profiles"
    step = read_step(str(path / f"{name}.json.gz"))
    ours = profile_of(network(of), catalog.gpu("h100-sxm"), [batch])
    seen, made = defaultdict(float), defaultdict(float)
    for layer in step.layers:
        seen[layer.kind] += layer.forward_time + layer.backward_time
    for kind, time in zip(ours.kinds, ours.times[:, 0], strict=True):
        made[kind] += time
    assert sum(made.values()) == pytest.approx(sum(seen.values()), rel=within)
    for kind in ("conv", "linear"):
        assert made[kind] == pytest.approx(seen[kind], rel=0.2)


def test_what_cannot_be_asked():
    graph, gpu = network("vgg16"), catalog.gpu("h100-sxm")
    with pytest.raises(UsageError, match="expected whole numbers of 1 or more"):
        profile_of(graph, gpu, [])
    with pytest.raises(UnknownName, match="data type of training"):
        profile_of(graph, gpu, [1], dtype="fp8")


@pytest.mark.slow
def test_samples_are_generated_again_to_the_same_bytes(tmp_path):
    for path in make_samples(tmp_path):
        assert path.read_bytes() == sample_path(path.stem).read_bytes()
