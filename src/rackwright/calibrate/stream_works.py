"""The works of the table `streams` as kernels of the cycle-approximate GPU, and what it predicts.

A ResNet-50 training step is the kernels that PyTorch launches for `resnet.training_step`, in their
order: casts of weights, convolutions, batch norms, activations, sums at the ends of blocks, the
classifier, their gradients, SGD. Times alone come from the cost models; nothing here is fitted.

Leaves out: which library kernel runs (so splits of products and their sums), cuDNN's copies of
padded inputs, semaphores, a few kernels of the loss beyond their number.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rackwright.calibrate.measure_streams import NORM_DIM
from rackwright.calibrate.resnet import CLASSES, GROWTH, SIZE, STAGES
from rackwright.calibrate.tables import Point
from rackwright.devices.gpu.cycle import (
    GpuKernel,
    batch_norm_kernels,
    bytes_kernel,
    conv_kernel,
    copy_kernel,
    gemm_kernel,
    norm_kernel,
    optimizer_kernels,
    pass_kernel,
    run_streams,
    small_kernel,
)
from rackwright.devices.gpu.part import Gpu

__all__ = ["predict_streams", "resnet_layers", "resnet_step", "stream_kernels"]

WIDTH, MASTER = 2, 4     # bytes of an element: bf16, and float32 for weights
LOSS_KERNELS = 10        # between the classifier and its gradients
LAP_TIME = 1e-3          # s; shorter works are repeated to a lap of about this
LAPS, LONGEST = 3, 0.5   # laps of each stream, and the most virtual seconds


class Layer(NamedTuple):
    """A convolution with its batch norm: channels in and out, height of the input, kernel, stride;
    whether a ReLU follows it, and whether a block's sum does."""

    inputs: int
    outputs: int
    size: int
    kernel: int
    stride: int
    relu: bool
    sums: bool

    @property
    def weights(self) -> int:
        return self.inputs * self.outputs * self.kernel ** 2

    @property
    def result(self) -> int:
        """Height of the output, padded by half the kernel."""
        return -(-self.size // self.stride)


def predict_streams(gpu: Gpu, point: Point) -> tuple[float, float]:
    """Seconds of the first and the second stream's work (0 when there is none, inf for one that
    never ends) of a point of `streams`."""
    works = [(str(point["first"]), int(point.values[2]))]
    if point["second"] != "none":
        works.append((str(point["second"]), int(point.values[4])))
    laps = [_lap(gpu, *work) for work in works]
    ranks = [0, 1 if point["priority"] == "high" else 0][:len(works)]
    run = run_streams(gpu.sms, [kernels * times for kernels, times in laps], priorities=ranks,
                      laps=LAPS, loop=True, until=LONGEST)
    times = [run.lap_time(at) / repeats for at, (_, repeats) in enumerate(laps)]
    return times[0], times[1] if len(times) > 1 else 0.0


@functools.lru_cache(maxsize=64)
def _lap(gpu: Gpu, work: str, size: int) -> tuple[tuple[GpuKernel, ...], int]:
    """Kernels of a work, and how often they make a lap."""
    kernels = stream_kernels(gpu, work, size)
    alone = run_streams(gpu.sms, [kernels]).end_time
    return tuple(kernels), max(round(LAP_TIME / alone), 1)


def stream_kernels(gpu: Gpu, work: str, size: int) -> list[GpuKernel]:
    """The kernels of one work of `measure_streams`."""
    if work == "resnet50":
        return resnet_step(gpu, size)
    if work == "gemm":
        return [gemm_kernel(gpu, size, size, size)]
    if work == "copy":
        return [copy_kernel(gpu, size, "cold")]
    return [norm_kernel(gpu, size, NORM_DIM)]


def resnet_step(gpu: Gpu, batch: int) -> list[GpuKernel]:
    """One training step."""
    layers = list(resnet_layers())
    weights = sum(layer.weights + 2 * layer.outputs for layer in layers)
    weights += (layers[-1].outputs + 1) * CLASSES
    forward = [kernel for layer in layers for kernel in _forward(gpu, batch, layer)]
    backward = [kernel for layer in reversed(layers) for kernel in _backward(gpu, batch, layer)]
    return [bytes_kernel(gpu, (MASTER + WIDTH) * 3 * SIZE ** 2 * batch), *forward,
            *_classifier(gpu, batch, layers[-1]), *backward, *optimizer_kernels(gpu, weights)]


def resnet_layers() -> Iterator[Layer]:
    """In the order of the forward pass; a block's shortcut comes before its last sum."""
    yield Layer(3, 64, SIZE, 7, 2, relu=True, sums=False)
    channels, size = 64, SIZE // 4
    for width, blocks, stride in STAGES:
        for place in range(blocks):
            step = stride if place == 0 else 1
            yield Layer(channels, width, size, 1, 1, relu=True, sums=False)
            yield Layer(width, width, size, 3, step, relu=True, sums=False)
            if place == 0:
                yield Layer(channels, GROWTH * width, size, 1, step, relu=False, sums=False)
            yield Layer(width, GROWTH * width, size // step, 1, 1, relu=True, sums=True)
            channels, size = GROWTH * width, size // step


def _forward(gpu: Gpu, batch: int, layer: Layer) -> Iterator[GpuKernel]:
    pixels = batch * layer.result ** 2
    active = WIDTH * pixels * layer.outputs
    yield _cast(gpu, layer.weights)
    yield _conv(gpu, batch, layer, "forward")
    yield small_kernel(gpu)
    yield from batch_norm_kernels(gpu, pixels, layer.outputs)
    if layer.sums:
        yield bytes_kernel(gpu, 3 * active)
    if layer.relu:
        yield bytes_kernel(gpu, 2 * active)
    if layer.kernel == 7:
        yield _pool(gpu, batch, layer, backward=False)


def _backward(gpu: Gpu, batch: int, layer: Layer) -> Iterator[GpuKernel]:
    pixels = batch * layer.result ** 2
    active = WIDTH * pixels * layer.outputs
    if layer.kernel == 7:
        yield _pool(gpu, batch, layer, backward=True)
    if layer.relu:
        yield bytes_kernel(gpu, 3 * active)
    yield from batch_norm_kernels(gpu, pixels, layer.outputs, backward=True)
    if layer.inputs > 3:
        yield _conv(gpu, batch, layer, "backward_input")
    yield _conv(gpu, batch, layer, "backward_weight")
    yield _cast(gpu, layer.weights)
    if layer.sums:  # the gradients of the block's two ways meet at its start
        yield bytes_kernel(gpu, 3 * active)


@functools.lru_cache(maxsize=512)
def _conv(gpu: Gpu, batch: int, layer: Layer, direction: str) -> GpuKernel:
    return conv_kernel(gpu, (batch, layer.inputs, layer.outputs, layer.size, layer.size,
                             layer.kernel, layer.stride, layer.kernel // 2), "bf16", direction)


def _cast(gpu: Gpu, weights: int) -> GpuKernel:
    """Between weights in float32, which no cache holds, and bf16."""
    nbytes = (MASTER + WIDTH) * weights
    return pass_kernel(gpu, float(gpu.copy_time(nbytes // 2, "cold")), nbytes)


def _pool(gpu: Gpu, batch: int, layer: Layer, backward: bool) -> GpuKernel:
    full = batch * layer.result ** 2 * layer.outputs
    return pass_kernel(gpu, float(gpu.pool_time(full, full // 4, backward)), WIDTH * 2 * full)


def _classifier(gpu: Gpu, batch: int, last: Layer) -> Sequence[GpuKernel]:
    """Average, product, loss, and their gradients."""
    features, active = last.outputs, WIDTH * batch * last.result ** 2 * last.outputs
    cast = _cast(gpu, features * CLASSES)
    return [bytes_kernel(gpu, active), cast, gemm_kernel(gpu, batch, CLASSES, features),
            *[small_kernel(gpu)] * LOSS_KERNELS, gemm_kernel(gpu, batch, features, CLASSES),
            gemm_kernel(gpu, CLASSES, features, batch), cast, bytes_kernel(gpu, active)]
