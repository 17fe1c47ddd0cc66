"""Batch norm, pools and optimizer steps against the kernels of a measured ResNet-50 step.

Batches 8 and 32 are in no fit. A measured kernel's time is its own; in a graph it also has a gap.
"""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from rackwright.calibrate import measured_folder
from rackwright.calibrate.stream_works import resnet_layers
from rackwright.devices import catalog
from rackwright.devices.gpu.training import batch_norm_times
from rackwright.errors import UnknownName

GPU = catalog.gpu("h100-sxm")
GAP_US = 0.48
KINDS = {"norm_statistics": (1, False), "norm_running": (2, False), "norm_apply": (3, False),
         "norm_backward_reduce": (1, True), "norm_backward_apply": (3, True)}
MEDIAN, P90 = 0.09, 0.24


@pytest.fixture(scope="module")
def kernels():
    text = gzip.decompress(
        (measured_folder("h100-sxm") / "resnet50_kernels.csv.gz").read_bytes()).decode()
    return list(csv.DictReader(text.splitlines()))


def times(kernels, kind, batch):
    return np.array([float(row["time_us"]) + GAP_US for row in kernels
                     if row["kind"] == kind and row["batch"] == str(batch)]) * 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_batch_norms_of_batches_left_out(kernels, kind):
    place, backward = KINDS[kind]
    sizes = [np.array(column, np.float64) for column in zip(
        *((layer.result ** 2, layer.outputs) for layer in resnet_layers()), strict=True)]
    found = []
    for batch in (8, 32):
        predicted = batch_norm_times(GPU, batch * sizes[0], sizes[1], 2, backward)[place]
        found += list(np.sort(predicted) / np.sort(times(kernels, kind, batch)) - 1)
    assert np.median(np.abs(found)) < MEDIAN and np.percentile(np.abs(found), 90) < P90


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("batch", [8, 32])
def test_pools_of_batches_left_out(kernels, batch, backward):
    measured, = times(kernels, "pool_backward" if backward else "pool", batch)
    full = batch * 64 * 112 ** 2
    assert GPU.pool_time(full, full // 4, backward) == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize("batch", [8, 32])
def test_the_optimizer(kernels, batch):
    assert GPU.optimizer_time(25_557_032) == pytest.approx(
        times(kernels, "optimizer", batch).sum(), rel=0.03)


def test_the_parts_add_up():
    parts = batch_norm_times(GPU, np.asarray(50176.0), np.asarray(256.0), 2, False)
    assert GPU.batch_norm_time(50176, 256) == pytest.approx(float(np.sum(parts)))
    assert GPU.batch_norm_time(50176, 256) < GPU.batch_norm_time(50176, 256, dtype="tf32")


def test_nothing_takes_no_time():
    assert GPU.batch_norm_time(0, 64) == GPU.batch_norm_time(64, 0, backward=True) == 0
    assert GPU.pool_time(0, 0) == GPU.optimizer_time(0) == 0


def test_long_arrays_run_at_a_share_of_the_memorys_bandwidth():
    """Adam, fused, passes over seven arrays of float32; SGD as PyTorch does it over eight."""
    many = 10 ** 10
    adam, sgd = GPU.optimizer_time(many, "adam"), GPU.optimizer_time(many, "sgd")
    assert sgd / adam == pytest.approx(8 / 7, rel=1e-3)
    assert 0.6 < 7 * 4 * many / adam / GPU.memory_bandwidth < 0.9


def test_an_unknown_optimizer():
    with pytest.raises(UnknownName, match="adam"):
        GPU.optimizer_time(10, "adamw-8bit")
