"""Convolutions: what their product is, what they cost against each other, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.arguments import sizes
from rackwright.devices.gpu.conv import (
    DIRECTIONS,
    SPLIT_PIXELS,
    check_conv,
    conv_product,
    conv_tiles,
)
from rackwright.errors import UnknownName, UsageError

GPU = catalog.gpu("h100-sxm")
LAYER = (16, 256, 256, 14, 14, 3)


def shape_of(batch, inputs, outputs, height, width, kernel, stride=1, padding=None,
             direction="forward"):
    pad = kernel // 2 if padding is None else padding
    return check_conv(direction, *sizes(a=batch, b=inputs, c=outputs, d=height, e=width, f=kernel,
                                        g=stride, h=pad))


@pytest.mark.parametrize(("size", "kernel", "stride", "padding", "out"), [
    (224, 7, 2, 3, 112), (56, 3, 2, 1, 28), (56, 1, 2, 0, 28), (7, 3, 1, 1, 7), (7, 7, 1, 0, 1)])
def test_pixels_of_the_output(size, kernel, stride, padding, out):
    assert shape_of(2, 8, 8, size, size, kernel, stride, padding).pixels_out == 2 * out ** 2


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
def test_all_directions_do_the_same_multiplications(direction, stride, kernel):
    """Every output pixel meets every tap once, whichever operand the gradient is for."""
    shape = shape_of(4, 64, 128, 56, 56, kernel, stride, (kernel - 1) // 2)
    rows, columns, inner = conv_product(shape, direction)
    exact = shape.pixels_out * 64 * 128 * kernel ** 2
    assert rows * columns * inner == pytest.approx(exact, rel=0.08)  # rims: an even kernel's


def test_height_and_width_may_differ():
    wide, tall = GPU.conv_time(8, 64, 64, 28, 112, 3), GPU.conv_time(8, 64, 64, 112, 28, 3)
    assert wide == tall == pytest.approx(GPU.conv_time(8, 64, 64, 56, 56, 3))


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_arrays_are_their_members(direction):
    batch, kernel = np.array([[1], [16], [64]]), np.array([1, 3])
    both = GPU.conv_time(batch, 128, 128, 28, 28, kernel, direction=direction)
    assert both.shape == (3, 2)
    assert both[1, 1] == GPU.conv_time(16, 128, 128, 28, 28, 3, direction=direction)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_more_images_take_less_time_only_where_the_library_begins_to_split(direction):
    """As measured: the gradient over 12,544 pixels takes 25 us, over 50,176 39 us."""
    batch = np.arange(1, 257)
    times = GPU.conv_time(batch, 128, 128, 28, 28, 3, direction=direction)
    first = np.flatnonzero(batch * 28 ** 2 >= SPLIT_PIXELS)[0]
    falls = set(np.flatnonzero(np.diff(times) < 0) + 1)
    assert falls == ({first} if direction == "backward_weight" else set())


@pytest.mark.parametrize("empty", [(0, 64, 64), (4, 0, 64), (4, 64, 0)])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_no_work_takes_no_time(direction, empty):
    assert GPU.conv_time(*empty, 28, 28, 3, direction=direction) == 0


def test_a_faster_memory_helps_a_layer_of_few_channels_and_hardly_one_of_many():
    other = catalog.gpu("h200-sxm")
    few, many = (64, 64, 256, 56, 56, 1), (64, 512, 512, 28, 28, 3)
    assert GPU.conv_time(*few) / other.conv_time(*few) > 1.2
    assert GPU.conv_time(*many) / other.conv_time(*many) < 1.08


def test_activations_that_fit_l2_come_from_there():
    small, large = (conv_tiles(GPU, GPU.peak_flops(), 2, shape_of(batch, 64, 256, 56, 56, 1),
                               "forward")[2] for batch in (1, 64))
    weights = 2 * 64 * 256
    assert small == pytest.approx(weights, rel=0.05)
    assert large == pytest.approx(64 * 2 * 56 ** 2 * (64 + 256), rel=0.02)


def test_a_narrow_input_is_slow_for_its_multiplications():
    narrow, wide = GPU.conv_time(64, 3, 64, 224, 224, 7, 2), GPU.conv_time(64, 64, 64, 224, 224, 7,
                                                                           2)
    assert narrow > 2 * wide * 3 / 64


@pytest.mark.parametrize(("change", "message"), [
    ({"kernel": 9, "padding": 0, "height": 7}, "a kernel of 9 does not fit a height of 7 padded"),
    ({"stride": 0}, "stride must be 1 or more, not 0"), ({"kernel": 0}, "kernel must be 1 or more"),
    ({"batch": -1}, "batch must be whole numbers >= 0")])
def test_what_is_refused(change, message):
    shape = dict(batch=1, channels_in=8, channels_out=8, height=14, width=14, kernel=3) | change
    with pytest.raises(UsageError, match=message):
        GPU.conv_time(**shape)


def test_an_unknown_direction_lists_what_there_is():
    with pytest.raises(UnknownName, match="backward_input"):
        GPU.conv_time(*LAYER, direction="backwards")
