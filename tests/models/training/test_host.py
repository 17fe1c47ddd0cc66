"""What eager PyTorch costs the host: counted operations, costs that add up."""

from __future__ import annotations

import pytest

from rackwright.errors import UnknownName
from rackwright.models.training import network
from rackwright.models.training.host import EXCHANGE, HOST_PACE, host_time, operations_of


def test_operations_of_networks():
    assert operations_of(network("resnet50")) == {
        "batch_norm": 53, "relu": 49, "conv1": 36, "conv3": 17, "sum": 16, "pool": 2, "linear": 1,
        "loss": 1, "step": 1}
    assert operations_of(network("vgg16")) == {
        "conv3_bias": 13, "relu": 15, "pool": 5, "linear": 3, "dropout": 2, "loss": 1, "step": 1}
    assert operations_of(network("gpt2"))["linear_tokens"] == 4 * 12 + 1


@pytest.mark.parametrize("name", ["resnet50", "vgg16", "inception_v3", "gpt2", "vit_b16"])
@pytest.mark.parametrize("dtype", ["bf16", "tf32"])
def test_parts_add_up_and_scale_with_the_pace(name, dtype):
    graph = network(name)
    one = host_time(graph, dtype)
    assert one.total == one.forward + one.backward + one.optimizer + one.exchange
    assert one.exchange == 0 and min(one.forward, one.backward, one.optimizer) > 0
    twice = host_time(graph, dtype, pace=2 * HOST_PACE)
    assert twice.total == pytest.approx(2 * one.total)


def test_an_exchange_costs_what_its_parts_do():
    graph = network("vgg16")
    one, two = host_time(graph, "bf16", buckets=6, pace=1.0), host_time(graph, "bf16", pace=1.0)
    step, tensor, bucket, _ = EXCHANGE
    assert one.exchange == pytest.approx(1e-6 * (step + 32 * tensor + 6 * bucket))
    assert one.forward == two.forward and one.total == pytest.approx(two.total + one.exchange)


def test_autocast_costs_more_than_tf32_and_adam_more_than_sgd():
    graph = network("resnet50")
    assert host_time(graph, "bf16").total > 1.15 * host_time(graph, "tf32").total
    assert host_time(graph, "bf16", "adam").optimizer > host_time(graph, "bf16").optimizer


def test_what_has_no_measured_cost():
    with pytest.raises(UnknownName, match="data type of training 'fp8'"):
        host_time(network("vgg16"), "fp8")
    with pytest.raises(UnknownName, match="optimizer 'lion'"):
        host_time(network("vgg16"), "bf16", "lion")
