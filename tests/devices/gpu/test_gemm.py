"""Matrix products: shapes in and out, bounds, order, and the measured GPU."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.devices import catalog
from rackwright.errors import UnknownName, UsageError

GPU = catalog.gpu("h100-sxm")
SIZE = st.integers(1, 20_000)


def roofline(gpu, m, n, k, width=2):
    """The other operand and the result may be in L2, the weights are not."""
    return np.maximum(2.0 * m * n * k / gpu.peak_bf16, width * k * n / gpu.memory_bandwidth)


@given(SIZE, SIZE, SIZE, st.sampled_from(catalog.names("gpu")))
@settings(max_examples=100, deadline=None)
def test_never_below_the_roofline(m, n, k, name):
    gpu = catalog.gpu(name)
    if "bf16" in gpu.dtypes:
        assert gpu.gemm_time(m, n, k) > roofline(gpu, m, n, k)


@given(SIZE, SIZE, SIZE, st.integers(0, 2), st.integers(1, 5000))
@settings(max_examples=100, deadline=None)
def test_a_larger_product_is_never_faster(m, n, k, axis, more):
    larger = [m, n, k]
    larger[axis] += more
    assert GPU.gemm_time(*larger) >= GPU.gemm_time(m, n, k)


def test_every_step_of_each_dimension_costs():
    x = np.arange(1, 4097)
    for time in (GPU.gemm_time(x, 4096, 4096), GPU.gemm_time(64, x, 4096),
                 GPU.gemm_time(64, 4096, x)):
        assert np.all(np.diff(time) >= 0)


def test_arrays_broadcast_and_equal_scalars():
    m, n = np.array([[1], [17], [4096]]), np.array([768, 6144])
    time = GPU.gemm_time(m, n, 4096)
    assert time.shape == (3, 2) and time.dtype == np.float64
    for i in range(3):
        for j in range(2):
            assert GPU.gemm_time(int(m[i, 0]), int(n[j]), 4096) == time[i, j]


def test_scalars_give_a_float_and_arrays_keep_their_shape():
    assert type(GPU.gemm_time(1, 2, 3)) is float
    assert GPU.gemm_time(np.zeros((0, 3), int), 2, 3).shape == (0, 3)
    assert GPU.gemm_time([5], 2, 3).shape == (1,)


@pytest.mark.parametrize("shape", [(0, 5, 5), (5, 0, 5), (5, 5, 0)])
def test_an_empty_product_takes_no_time(shape):
    assert GPU.gemm_time(*shape) == 0.0


def test_a_tiny_product_takes_the_launch_floor():
    assert GPU.gemm.floor_time < GPU.gemm_time(1, 1, 1) < GPU.gemm.floor_time + 1.5e-6


def test_narrower_types_are_not_slower():
    m = np.array([1, 128, 4096])
    times = [GPU.gemm_time(m, 8192, 8192, dtype) for dtype in ("fp8", "bf16", "tf32")]
    assert np.all(times[0] < times[1]) and np.all(times[1] < times[2])


def test_half_floats_draw_more_power_than_brain_floats():
    bf16, fp16 = (GPU.gemm_time([1, 8192], 8192, 8192, dtype) for dtype in ("bf16", "fp16"))
    assert fp16[0] == bf16[0] and 1.01 < fp16[1] / bf16[1] < 1.1


def test_a_type_of_cuda_cores_is_no_faster_than_their_peak():
    flops = 2 * 4096 ** 3
    assert 0.6 < flops / GPU.gemm_time(4096, 4096, 4096, "fp32") / GPU.peak_fp32 < 0.9


def test_unsplit_types_walk_a_long_k_alone():
    """int8 kernels split nothing: few columns of a long k take as long for 1 row as for 2048."""
    few, many = GPU.gemm_time([32, 2048], 128, 8192, "int8")
    assert few == pytest.approx(many, rel=0.01) and few > 2 * GPU.gemm_time(32, 128, 8192, "fp8")


@pytest.mark.parametrize("part, dtype, known", [
    ("h100-sxm", "fp4", "bf16, fp16, fp32, fp8, int8, tf32"),
    ("a100-sxm-80", "fp8", "bf16, fp16"),
    ("v100-sxm", "bf16", "fp16")])
def test_unknown_types_list_the_parts_own(part, dtype, known):
    with pytest.raises(UnknownName) as caught:
        catalog.gpu(part).gemm_time(1, 2, 3, dtype)
    assert f"unknown data type of {part} {dtype!r}" in str(caught.value)
    assert known in str(caught.value)


@pytest.mark.parametrize("shape, says", [
    ((-3, 5, 5), "m must be whole numbers >= 0, not -3"),
    ((5, 2.5, 5), "n must be whole numbers >= 0, not 2.5"),
    ((5, 5, float("nan")), "k must be whole numbers >= 0, not nan"),
    ((5, "six", 5), "n must be whole numbers >= 0, not 'six'"),
    ((True, 5, 5), "m must be whole numbers >= 0, not True"),
    ((2.0 ** 60, 5, 5), "m must be whole numbers"),
    (([1, 2], [1, 2, 3], 5), r"shapes do not broadcast: m (2,), n (3,), k ()"),
])
def test_wrong_sizes_name_the_argument(shape, says):
    with pytest.raises(UsageError) as caught:
        GPU.gemm_time(*shape)
    assert says in str(caught.value)


def test_twice_the_memory_bandwidth_halves_a_thin_product():
    fast = dataclasses.replace(GPU, memory_bandwidth=2 * GPU.memory_bandwidth)
    body = GPU.gemm_time(4, 16384, 16384) - GPU.gemm.floor_time
    assert fast.gemm_time(4, 16384, 16384) - GPU.gemm.floor_time == pytest.approx(body / 2, rel=.05)


def test_memory_bandwidth_does_not_matter_to_a_fat_product():
    fast = dataclasses.replace(GPU, memory_bandwidth=2 * GPU.memory_bandwidth)
    assert fast.gemm_time(8192, 8192, 8192) == pytest.approx(GPU.gemm_time(8192, 8192, 8192), .02)


def test_twice_the_math_halves_a_fat_product():
    fast = dataclasses.replace(GPU, peak_bf16=2 * GPU.peak_bf16,
                               gemm=dataclasses.replace(GPU.gemm, prologue_clocks=0.0,
                                                        load_per_clock=1e9))
    slow = dataclasses.replace(fast, peak_bf16=GPU.peak_bf16)
    # not quite: the shorter product loses less clock
    assert 0.44 < fast.gemm_time(8192, 8192, 8192) / slow.gemm_time(8192, 8192, 8192) < 0.51


def test_waves_show_when_tiles_just_exceed_the_sms():
    # 12 x 11 tiles of 128 x 128 fill 132 SMs; one column more begins a second wave, of which a
    # part is lost (`wave_loss`)
    columns = 128 * 11
    less, full, more = GPU.gemm_time(128 * 12, [columns - 1, columns, columns + 1], 16384)
    assert full - less < 0.001 * full and more > (1 + 0.5 * GPU.gemm.wave_loss) * full
    even = dataclasses.replace(GPU, gemm=dataclasses.replace(GPU.gemm, wave_loss=0.0))
    _, full, more = even.gemm_time(128 * 12, [columns - 1, columns, columns + 1], 16384)
    assert more < 1.1 * full


def test_a_short_burst_runs_at_a_higher_clock():
    short, long = GPU.gemm_time(1024, 4096, 4096), GPU.gemm_time(8192, 16384, 16384)
    rate = [2 * 1024 * 4096 * 4096 / short, 2 * 8192 * 16384 * 16384 / long]
    assert rate[0] > rate[1] and 0.60 < rate[1] / GPU.peak_bf16 < 0.72


@pytest.mark.parametrize("shape", [(512, 4096, 4096), (8192, 8192, 8192)])
def test_a_board_that_never_pauses_is_slower(shape):
    hard = dataclasses.replace(GPU, gemm=dataclasses.replace(GPU.gemm, pause_time=0.0))
    easy = dataclasses.replace(GPU, gemm=dataclasses.replace(GPU.gemm, pause_time=1.0))
    slow, stored, fast = (gpu.gemm_time(*shape) for gpu in (hard, GPU, easy))
    assert fast < stored < slow
    ideal = 2.0 * np.prod(shape) / GPU.peak_bf16
    assert slow - fast == pytest.approx(GPU.gemm.clock_loss * ideal, rel=0.01)


def test_operands_that_fit_l2_are_not_read_from_memory():
    """8 columns: the rows are nearly all the traffic, in L2 up to some 40 MB; so a faster memory
    helps many rows and hardly helps few."""
    m = np.array([2000, 40000])
    fast = dataclasses.replace(GPU, memory_bandwidth=2 * GPU.memory_bandwidth)
    gain = GPU.gemm_time(m, 8, 4096) / fast.gemm_time(m, 8, 4096)
    assert gain[0] < 1.05 and gain[1] > 1.5


def test_long_thin_products_are_split():
    # without splits one column tile of 64 would walk all of k at one SM's load rate
    alone = 2 * 65 * 16384 * 2 / (GPU.gemm.load_per_clock * GPU.clock_hz)
    assert GPU.gemm_time(1, 64, 2 * 16384) < GPU.gemm.floor_time + 0.5 * alone


def test_the_a100_meets_the_published_point_it_was_fitted_on():
    m, n, k = 6912, 16384, 2048
    rate = 2 * m * n * k / catalog.gpu("a100-sxm-80").gemm_time(m, n, k)
    assert rate == pytest.approx(267.9e12, rel=0.001)


def test_other_parts_scale_by_their_datasheets():
    h100, h200, a100 = (catalog.gpu(n) for n in ("h100-sxm", "h200-sxm", "a100-sxm-80"))
    thin = [gpu.gemm_time(1, 16384, 16384) for gpu in (h100, h200, a100)]
    assert thin[0] / thin[1] == pytest.approx(4800 / 3352, rel=0.03)
    assert thin[2] / thin[0] == pytest.approx(3352 / 2039, rel=0.03)
    assert h200.gemm_time(8192, 8192, 8192) == pytest.approx(h100.gemm_time(8192, 8192, 8192), .06)


def test_large_arrays_are_the_same_numbers():
    """Arrays are worked on in pieces; where one ends must not show."""
    m = np.arange(1, 5000)
    whole = GPU.gemm_time(m, 4096, 768)
    assert np.array_equal(whole[::7], GPU.gemm_time(m[::7], 4096, 768))
    assert GPU.gemm_time(int(m[2048]), 4096, 768) == whole[2048]
    grid = GPU.gemm_time(m[:3000].reshape(60, 50), 4096, 768)
    assert np.array_equal(grid.ravel(), whole[:3000])


def test_few_rows_in_fp32_wait_for_memory():
    """CUDA cores have thin tiles: padding one row to 64 would cost more than its weights."""
    assert GPU.gemm_time(1, 8192, 8192, "fp32") == pytest.approx(
        GPU.gemm_time(1, 8192, 8192, "tf32"), rel=0.05)


def test_a_layer_in_32_bit_floats_on_an_a100(foreign):
    """Classifiers of VGG-16 against a published profile (tensor cores, launched one by one)."""
    import csv
    import json

    path = foreign.parent / "papers" / "deeppool_profile_a100.csv"
    if not path.is_file():
        pytest.skip(f"no {path}")
    gpu, errors = catalog.gpu("a100-sxm-40"), []
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["model"] == "vgg" and row["layer"] == "linear":
                sizes = json.loads(row["params_json"])
                time = gpu.gemm_time(int(row["batch"]), sizes["out_features"],
                                     sizes["in_features"], "tf32")
                errors.append(time / (float(row["fw_us"]) * 1e-6) - 1)
    assert len(errors) == 21 and np.median(np.abs(errors)) < 0.2
    assert np.abs(errors[::3]).max() < 0.11  # 25088 x 4096: long enough to hide the launch
