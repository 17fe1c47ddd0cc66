"""Kernels that a layer launches in training, forward and backward, and their times on a GPU.

PyTorch without fusion, channels last, one kernel after another. bf16: autocast, so weights are cast
to bf16 forward and their gradients back to float32; norms of sequences, sums beside a float32
stream and the loss run in float32. tf32: everything in float32, products and convolutions on the
TF32 units. A layer whose output feeds several others adds up their gradients.

Leaves out: memory that runs out, fused optimizers of other kinds, dropout's random numbers beyond
their bytes, what cuDNN's choice of kernel does (`devices.gpu.conv`).

Sources: cost methods of the `Gpu`, and `kernel_costs`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod, sqrt

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.gpu.conv import NARROW, ConvShape, conv_seconds
from rackwright.devices.gpu.part import DTYPE_BYTES, Gpu
from rackwright.devices.gpu.training import batch_norm_times
from rackwright.errors import UnknownName
from rackwright.models.training.kernel_costs import (
    ATTENTION_BACKWARD,
    BIAS_PER_CLOCK,
    CLEAR_TIME,
    JOIN_PER_CLOCK,
    MASTER,
    POOL_OUT_TIME,
    POOL_SMS_HZ,
    POOL_TAP_TIME,
    SCALE_SUM_SHARE,
    TURN_PER_CLOCK,
    UNPOOL_TIME,
    Work,
    bias_sum,
    product,
)
from rackwright.models.training.layers import Graph, Layer, layers_of

__all__ = ["DTYPES", "Kernels", "graph_kernels", "layer_kernels"]

DTYPES = ("bf16", "tf32")


@dataclass
class Kernels:
    """Seconds of kernels, arrays over batches, in the order of launching."""

    forward: list[Floats] = field(default_factory=list)
    backward: list[Floats] = field(default_factory=list)


def layer_kernels(layer: Layer, gpu: Gpu, batch: Floats, dtype: str = "bf16", *,
                  first: bool = False, consumers: int = 1) -> Kernels:
    """Kernels of `layer` at `batch` samples (an array). Raises UnknownName.

    `first`: its input needs no gradient; `consumers`: layers that take its output.
    """
    if dtype not in DTYPES:
        raise UnknownName("data type of training", dtype, DTYPES)
    work = Work(gpu, dtype, np.asarray(batch, np.float64), layer, first)
    found = Kernels()
    _OF_KIND[layer.kind](work, found)
    wide = MASTER if len(layer.shape_out) == 2 else work.width  # sequences keep float32 sums
    for _ in range(consumers - 1):  # gradients of its consumers are added up first
        found.backward.insert(0, work.touch(3 * wide * work.out()))
    return found


def graph_kernels(graph: Graph, gpu: Gpu, batch: Floats, dtype: str = "bf16") -> list[Kernels]:
    """Kernels of all layers of a network, in order; equal layers are costed once."""
    made: dict[tuple[Layer, bool, int], Kernels] = {}
    found = []
    for place, layer in enumerate(layers_of(graph)):
        key = layer, place == 0, max(graph.out_degree(place), 1)
        if key not in made:
            made[key] = layer_kernels(layer, gpu, batch, dtype, first=key[1], consumers=key[2])
        found.append(made[key])
    return found


def _cast_weights(work: Work, found: Kernels) -> None:
    """Weights to bf16 forward; their gradients to float32 backward, after the others."""
    if not work.half:
        return
    for size in work.layer.tensors:
        found.forward.append(work.touch((2 + MASTER) * size))
        found.backward.append(work.uncast(size))


def _conv(work: Work, found: Kernels) -> None:
    layer, gpu = work.layer, work.gpu
    one = np.ones_like(work.batch)
    pixels_in, pixels_out = prod(layer.shape_in[1:]), prod(layer.shape_out[1:])
    shape = ConvShape(work.batch, one * layer.shape_in[0], one * layer.shape_out[0],
                      work.batch * pixels_in, work.batch * pixels_out,
                      one * sqrt(prod(layer.kernel)), one * max(layer.stride))
    peak, width = gpu.peak_flops(work.dtype), DTYPE_BYTES[work.dtype]
    biased = len(layer.tensors) > 1
    if work.first and work.half:  # the images arrive in float32
        found.forward.append(work.touch((2 + MASTER) * work.batch * layer.elements_in))
    casts = Kernels()
    _cast_weights(work, casts)
    found.forward += casts.forward
    narrow = layer.shape_in[0] < NARROW  # inputs and weights are padded, each after a clearing
    clear = [CLEAR_TIME + 0 * work.batch] * (3 if narrow else 1) if max(layer.kernel) > 1 else []
    found.forward += [*clear, conv_seconds(gpu, peak, width, shape, "forward")]
    if biased:
        found.forward.append(work.slow(work.out(), BIAS_PER_CLOCK))
    if not work.first:
        found.backward += [*clear, conv_seconds(gpu, peak, width, shape, "backward_input")]
    found.backward += [*clear, conv_seconds(gpu, peak, width, shape, "backward_weight")]
    if biased:
        found.backward += [CLEAR_TIME + 0 * work.batch, bias_sum(work)]
    found.backward += casts.backward


def _linear(work: Work, found: Kernels) -> None:
    layer = work.layer
    rows = work.batch * prod(layer.shape_in[:-1])
    inputs, outputs = layer.shape_in[-1], layer.shape_out[-1]
    casts = Kernels()
    _cast_weights(work, casts)
    found.forward += casts.forward
    sequence = len(layer.shape_in) == 2
    if work.half and sequence and layer.name in ("qkv", "up", "logits"):
        # a norm before it ran in float32: its output is cast, and the gradient back
        found.forward.append(work.touch((2 + MASTER) * work.batch * layer.elements_in))
        casts.backward.insert(0, work.uncast(work.batch * layer.elements_in))
    found.forward.append(product(work, rows, outputs, inputs))
    if not work.first:
        found.backward.append(product(work, rows, inputs, outputs))
    found.backward.append(product(work, outputs, inputs, rows))
    if len(layer.tensors) > 1:
        found.backward.append(bias_sum(work))
    if not layer.tensors:  # shared weights: cast as the others, and their gradients added up
        size = inputs * outputs
        found.forward.insert(0, work.touch((2 + MASTER) * size * work.half))
        found.backward.append(work.touch((2 + 2 * MASTER) * size))
    found.backward += casts.backward


def _batch_norm(work: Work, found: Kernels) -> None:
    channels = work.layer.shape_in[0]
    pixels = work.batch * prod(work.layer.shape_in[1:])
    one, wide = 0 * work.batch + channels, work.width
    found.forward += [work.touch(16), *batch_norm_times(work.gpu, pixels, one, wide, False)]
    clear, sums, _, apply = batch_norm_times(work.gpu, pixels, one, wide, True)
    found.backward += [clear, sums, apply]


def _layer_norm(work: Work, found: Kernels) -> None:
    """In float32 under autocast too; backward: the input's gradient, then that of the weights."""
    rows, dim = work.batch * work.layer.shape_in[0], work.layer.shape_in[1]
    found.forward.append(work.gpu.norm_time(rows, dim, "fp32"))
    sums = 2 * MASTER * work.out() / (work.gpu.memory_bandwidth * SCALE_SUM_SHARE)
    found.backward += [work.touch(3 * MASTER * work.out()), sums / 2, sums / 2]


def _relu(work: Work, found: Kernels) -> None:
    found.forward.append(work.touch(2 * work.width * work.out()))
    found.backward.append(work.touch(3 * work.width * work.out()))


def _gelu(work: Work, found: Kernels) -> None:
    tokens, dim = work.batch * work.layer.shape_in[0], work.layer.shape_in[1]
    found.forward.append(work.gpu.activation_time(tokens, dim, "gelu",
                                                  "bf16" if work.half else "fp32"))
    found.backward.append(work.touch(3 * work.width * work.out()))


def _dropout(work: Work, found: Kernels) -> None:
    found.forward.append(work.touch((2 * work.width + 1) * work.out()))
    found.backward.append(work.touch((2 * work.width + 1) * work.out()))


def _pool(work: Work, found: Kernels) -> None:
    full, small = work.batch * work.layer.elements_in, work.out()
    if work.layer.pooled == "average":
        found.forward.append(work.touch(work.width * (full + small)))
        found.backward.append(work.touch(work.width * (full + small)))
        return
    dtype = "bf16" if work.half else "tf32"
    taps, apart = prod(work.layer.kernel), work.layer.kernel == work.layer.stride
    scale = POOL_SMS_HZ / (work.gpu.sms * work.gpu.clock_hz)
    floor = work.gpu.pieces.floor_time
    found.forward.append(floor + scale * small * (POOL_OUT_TIME + taps * POOL_TAP_TIME))
    found.backward += [work.touch(work.width * full), floor + scale * full * UNPOOL_TIME
                       if apart else work.gpu.pool_time(full, small, True, dtype)]


def _add(work: Work, found: Kernels) -> None:
    """A sum needs no kernel backward. That of sequences is kept in float32."""
    sequence = len(work.layer.shape_in) == 2
    widths = 2 * MASTER + work.width if sequence else 3 * work.width
    found.forward.append(work.touch(widths * work.out()))
    if sequence and work.half:
        found.backward.append(work.touch((2 + MASTER) * work.out()))


def _attention(work: Work, found: Kernels) -> None:
    layer = work.layer
    tokens, dim = layer.shape_out
    time = work.gpu.attention_time(work.batch, layer.heads, layer.heads, dim // layer.heads,
                                   tokens, tokens, layer.causal, "bf16", "warm")
    found.forward.append(time)
    found.backward += [work.touch(2 * work.width * work.out()), ATTENTION_BACKWARD * time,
                       work.slow(work.out(), TURN_PER_CLOCK),
                       work.slow(3 * work.out(), JOIN_PER_CLOCK)]


def _embedding(work: Work, found: Kernels) -> None:
    """Rows looked up and added; gradients go into zeroed tables."""
    table = MASTER * sum(work.layer.tensors)
    found.forward += [work.touch(2 * MASTER * work.out()), work.touch(3 * MASTER * work.out())]
    found.backward += [work.touch(table), work.touch(3 * MASTER * work.out()),
                       work.touch(2 * MASTER * work.out())]


def _loss(work: Work, found: Kernels) -> None:
    """Log-softmax in float32 and the choice of the right class, some of them tiny."""
    elements = work.batch * work.layer.elements_in
    if work.half:
        found.forward.append(work.touch((2 + MASTER) * elements))
        found.backward.append(work.touch((2 + MASTER) * elements))
    found.forward += [work.touch(2 * MASTER * elements), work.touch(16 * work.batch)]
    found.backward += [work.touch(MASTER * elements), work.touch(16 * work.batch),
                       work.touch(3 * MASTER * elements)]


def _moved(work: Work, found: Kernels) -> None:
    """Copies of outputs side by side; a view costs nothing."""
    if work.layer.kind == "concat":
        found.forward.append(work.touch(2 * work.width * work.out()))
        found.backward.append(work.touch(2 * work.width * work.out()))


_OF_KIND: dict[str, Callable[[Work, Kernels], None]] = {
    "add": _add, "attention": _attention, "batch_norm": _batch_norm, "concat": _moved,
    "conv": _conv, "dropout": _dropout, "embedding": _embedding, "flatten": _moved, "gelu": _gelu,
    "layer_norm": _layer_norm, "linear": _linear, "loss": _loss, "pool": _pool, "relu": _relu}
