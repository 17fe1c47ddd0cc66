"""One stream alone takes what the closed forms say: to BOUND, over a sweep of every kernel."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.gpu.conv import DIRECTIONS
from rackwright.devices.gpu.cycle import (
    CycleGpu,
    gemm_kernel,
    optimizer_kernels,
    run_streams,
    streaming_kernel,
    tiled_kernel,
)
from rackwright.errors import UsageError

BOUND = 0.001
PARTS = ("h100-sxm", "a100-sxm-80")


@pytest.fixture(scope="module", params=PARTS)
def pair(request):
    return (catalog.gpu(request.param), catalog.gpu(request.param, fidelity="cycle"))


def test_the_catalog_gives_it():
    gpu = catalog.gpu("h100-sxm", fidelity="cycle")
    assert isinstance(gpu, CycleGpu) and gpu.name == "h100-sxm"


def test_products(pair):
    closed, cycle = pair
    m = np.array([1, 16, 100, 512, 3000, 16384])[:, None]
    n, k = np.array([(1024, 1024), (4096, 14336), (128, 65536), (50304, 768), (8, 4096)]).T
    assert cycle.gemm_time(m, n, k) == pytest.approx(closed.gemm_time(m, n, k), rel=BOUND)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_convolutions(pair, direction):
    closed, cycle = pair
    batch = np.array([1, 16, 64])[:, None]
    layers = np.array([(3, 64, 224, 7, 2), (64, 64, 56, 3, 1), (64, 256, 56, 1, 1),
                       (1024, 2048, 14, 1, 2), (512, 512, 7, 3, 1)]).T
    shape = (batch, layers[0], layers[1], layers[2], layers[2], layers[3], layers[4])
    assert cycle.conv_time(*shape, direction=direction) == pytest.approx(
        closed.conv_time(*shape, direction=direction), rel=BOUND)


@pytest.mark.parametrize("cache", ["warm", "cold"])
def test_copies(pair, cache):
    closed, cycle = pair
    nbytes = 2 ** np.arange(4, 32, 2)
    assert cycle.copy_time(nbytes, cache) == pytest.approx(closed.copy_time(nbytes, cache),
                                                           rel=BOUND)


def test_norms(pair):
    closed, cycle = pair
    tokens, dim = np.array([1, 64, 1024, 16384])[:, None], np.array([1024, 8192])
    assert cycle.norm_time(tokens, dim) == pytest.approx(closed.norm_time(tokens, dim), rel=BOUND)
    for backward in (False, True):
        assert cycle.batch_norm_time(49 * tokens, dim // 8, backward) == pytest.approx(
            closed.batch_norm_time(49 * tokens, dim // 8, backward), rel=BOUND)


def test_an_optimizer_step(pair):
    closed, cycle = pair
    steps = optimizer_kernels(closed, 25_000_000)
    assert cycle.run([steps]).end_time == pytest.approx(closed.optimizer_time(25_000_000),
                                                        rel=BOUND)


def test_scalars_arrays_and_nothing(pair):
    closed, cycle = pair
    assert isinstance(cycle.copy_time(4096), float) and cycle.copy_time(0) == 0
    assert cycle.copy_time(np.array([[0, 4096]])).shape == (1, 2)
    with pytest.raises(UsageError, match="m must be whole numbers"):
        cycle.gemm_time(-1, 2, 3)


def test_what_has_no_blocks_keeps_its_closed_form(pair):
    closed, cycle = pair
    assert cycle.attention_time(8, 32, 8, 128, 1, 2048) == closed.attention_time(8, 32, 8, 128, 1,
                                                                                2048)
    assert cycle.band("conv") == closed.band("conv")


@pytest.mark.parametrize("tiles", [1, 5, 131, 132, 133, 1000, 10 ** 6])
@pytest.mark.parametrize("memory", [0.0, 0.4, 0.8, 1.0])
def test_any_tiles_take_the_time_that_they_are_made_for(tiles, memory):
    one = tiled_kernel(132, 1e-4, memory * 1e-4, tiles)
    assert run_streams(132, [[one]]).end_time == pytest.approx(1e-4, rel=BOUND)


@pytest.mark.parametrize("blocks", [1, 5, 131, 1000, 10 ** 6])
@pytest.mark.parametrize("room", [1 / 16, 1 / 3, 0.5, 0.7, 1.0])
@pytest.mark.parametrize("memory", [0.0, 0.4, 1.0])
def test_any_pass_takes_the_time_that_it_is_made_for(blocks, room, memory):
    one = streaming_kernel(132, 1e-4, memory * 1e-4, blocks, room=room)
    assert run_streams(132, [[one]]).end_time == pytest.approx(1e-4, rel=BOUND)


def test_a_product_holds_whole_sms_and_a_small_one_few_of_them():
    gpu = catalog.gpu("h100-sxm")
    large, small = gemm_kernel(gpu, 8192, 8192, 8192), gemm_kernel(gpu, 128, 128, 512)
    assert large.room == 1 and large.blocks == gpu.sms < large.tiles
    assert small.blocks < gpu.sms / 4
