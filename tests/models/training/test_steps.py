"""Predicted steps against measured ones of ours, and what any prediction must satisfy.

Fitted: ResNet-50, bf16, eager, one GPU, 1 to 4 samples (the pace of each host); ResNet-50 on two
GPUs as a graph (SLOWED_SHARE); single kernels of the packaged profiles. Everything else was never
fitted to; operations of the host were measured by themselves.
"""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.calibrate.packaged import training_folder
from rackwright.calibrate.predict_training import (
    held_errors,
    host_pace,
    packaged_hosts,
    predicted_steps,
    repeatability,
    row_errors,
    shared_batch_errors,
)
from rackwright.calibrate.training_plan import read_training
from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError
from rackwright.models.training import network, step_times
from rackwright.models.training.host import HOST_PACE
from rackwright.models.training.steps import buckets_of


@pytest.fixture(scope="module")
def rows():
    return read_training(training_folder("h100-sxm") / "training.csv.gz")


@pytest.fixture(scope="module")
def images(rows):
    return [row for row in rows if row.point.network in ("resnet50", "vgg16")]


@pytest.fixture(scope="module")
def found(images):
    """Predictions of the bf16 rows."""
    return predicted_steps("h100-sxm", [row.point for row in images if row.point.dtype == "bf16"],
                           host_pace(images))


@pytest.fixture(scope="module")
def hosts():
    return packaged_hosts("h100-sxm")


@pytest.fixture(scope="module")
def errors_of(hosts):
    """Errors of all rows, by the name of the host's run."""
    return row_errors("h100-sxm", hosts)


def _errors(rows, found, limit, choose):
    return np.array([found[row.point][0] / row.step_time - 1 for row in rows
                     if row.point in found and found[row.point][1] == limit
                     and choose(row.point)])


def test_steps_that_the_gpu_decides_are_within_ten_per_cent(images, found):
    errors = _errors(images, found, "gpu", lambda point: point.dtype == "bf16")
    assert len(errors) == 33 and np.median(np.abs(errors)) < 0.08
    assert np.percentile(np.abs(errors), 90) < 0.16


@pytest.mark.parametrize(("gpus", "within"), [(1, 0.08), (2, 0.10)])
def test_vgg16_was_held_out(images, found, gpus, within):
    errors = _errors(images, found, "gpu", lambda point: (point.network, point.gpus, point.dtype)
                     == ("vgg16", gpus, "bf16"))
    assert len(errors) >= 8 and np.median(np.abs(errors)) < within


def test_tf32_steps(errors_of):
    errors = np.array([one.error for some in errors_of.values() for one in some
                       if one.point.dtype == "tf32" and one.limit == "gpu"])
    assert len(errors) == 36 and np.median(np.abs(errors)) < 0.10


def test_a_host_that_slows_down_is_as_bad_as_stated(images, found):
    """The first host became slower by a third after the three points of its pace."""
    errors = _errors(images, found, "host", lambda point: point.set == "held"
                     and point.dtype == "bf16")
    assert len(errors) == 20 and 0.20 < np.median(np.abs(errors)) < 0.30
    fitted = _errors(images, found, "host", lambda point: point.set == "fit")
    assert len(fitted) == 3 and np.median(np.abs(fitted)) < 0.10


def test_a_steady_host_is_within_ten_per_cent(errors_of):
    """All held points of the second host: images and sequences, both types, one and two GPUs."""
    errors = {one.limit: one for one in held_errors(
        errors_of["second"] + errors_of["second, again"])}
    assert (errors["host"].rows, errors["gpu"].rows) == (43, 46)
    assert errors["host"].median < 0.07 and errors["gpu"].median < 0.07
    assert abs(errors["host"].bias) < 0.01


def test_steps_of_a_global_batch(errors_of):
    """ResNet-50 and VGG-16 with 32, 64 or 128 images on one or two GPUs, all four runs."""
    errors = {(one.gpus, one.mode): one for one in shared_batch_errors(
        [one for some in errors_of.values() for one in some])}
    assert (errors[1, "all"].rows, errors[2, "all"].rows) == (30, 32)
    assert all(one.median < 0.08 for one in errors.values())
    assert errors[1, "all"].median < 0.07 and errors[2, "all"].median < 0.07


def test_how_far_a_second_run_is_off(hosts):
    first, again, second, later = (host.rows for host in hosts)
    assert repeatability(first, again, "graph") == (pytest.approx(0.0018, abs=0.0005), 6)
    assert repeatability(first, again, "eager") == (pytest.approx(0.159, abs=0.005), 36)
    assert repeatability(second, later, "eager") == (pytest.approx(0.015, abs=0.002), 12)
    assert repeatability(first, later, "graph") == (pytest.approx(0.004, abs=0.001), 10)
    assert repeatability(first, second, "eager") == (pytest.approx(0.316, abs=0.005), 66)


def test_memory_is_not_time_and_batches_are_monotone(images):
    h100 = catalog.gpu("h100-sxm")
    times = step_times(network("resnet50"), h100, [1, 2, 4, 8, 16], mode="graph")
    assert (np.diff(times.step_time) > 0).all() and (times.exposed_time == 0).all()
    eager = step_times(network("resnet50"), h100, [1, 2, 4, 8, 16])
    assert (eager.step_time >= times.step_time).all()
    assert eager.step_time[0] == eager.host_time and times.launches == eager.launches
    slow = step_times(network("resnet50"), h100, [1], host_pace=2 * HOST_PACE)
    assert slow.step_time[0] == pytest.approx(2 * eager.step_time[0])
    assert slow.compute_time[0] == eager.compute_time[0]


def test_two_gpus_take_longer_than_one_and_less_than_without_overlap(fabric):
    h100, ranks = catalog.gpu("h100-sxm"), ["h0/gpu0", "h0/gpu1"]
    graph = network("vgg16")
    one = step_times(graph, h100, [16], mode="graph")
    two = step_times(graph, h100, [16], mode="graph", fabric=fabric, ranks=ranks)
    from rackwright.topologies import collective_time

    alone = collective_time("all_reduce", 4 * 138_357_544, fabric, ranks)
    assert one.step_time[0] < two.step_time[0] < one.step_time[0] + 2.2 * alone
    assert two.launches > one.launches


def test_buckets_hold_every_gradient_once():
    tensors = [(0, 100), (0, 7_000_000), (1, 5), (2, 30_000_000), (3, 9), (4, 300_000)]
    buckets = buckets_of(tensors)
    assert [pair for bucket in buckets for pair in bucket] == tensors[::-1]
    sizes = [4 * sum(size for _, size in bucket) for bucket in buckets]
    assert sizes[0] >= 1 << 20 and all(size >= 25 << 20 for size in sizes[1:-1])


def test_what_cannot_be_asked():
    h100 = catalog.gpu("h100-sxm")
    with pytest.raises(UnknownName, match="mode of training"):
        step_times(network("vgg16"), h100, [1], mode="lazy")
    with pytest.raises(UsageError, match="without a fabric"):
        step_times(network("vgg16"), h100, [1], ranks=["h0/gpu0", "h0/gpu1"])
    with pytest.raises(UsageError, match="host_pace = 0"):
        step_times(network("vgg16"), h100, [1], host_pace=0.0)
    with pytest.raises(UsageError, match="1 or more"):
        step_times(network("vgg16"), h100, [0])
