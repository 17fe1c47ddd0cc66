"""What a layer's configuration says: its kind, its parameters, what it puts out for a sample.

Operators as public layer profiles name them (conv2d, ReLU2d, maxPool2d, linear, flatten,
ResnetBottleneck, adAvgPool2d, ...). A convolution counts its weights and one bias a channel; a
bottleneck the weights of its convolutions, without its batch norms, as for a planner that
exchanges gradients of weights. Unknown operators raise ValueError.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

__all__ = ["LayerFacts", "layer_facts"]

EXPANSION = 4  # channels of a bottleneck's end over its planes (He et al., arXiv 1512.03385)
Config = dict[str, Any]
Shape = tuple[int, ...]


class LayerFacts(NamedTuple):
    """Kind, parameters, and the dimensions of one sample's output."""

    kind: str
    parameters: int
    output: Shape


def layer_facts(operator: str, config: Config, dims: Shape) -> LayerFacts:
    """The facts of a layer that takes `dims`. Raises ValueError in words for a person."""
    if operator not in _FACTS:
        raise ValueError(f"unknown operator {operator!r}; known: {', '.join(sorted(_FACTS))}")
    if not dims or min(dims) < 1:
        raise ValueError(f"input dimensions {list(dims)}; expected whole numbers of 1 or more")
    try:
        facts = _FACTS[operator](config, dims)
    except KeyError as problem:
        raise ValueError(f"{operator} without {problem.args[0]!r}") from None
    if min(facts.output) < 1 or facts.parameters < 0:
        raise ValueError(f"{operator} of {list(dims)} has no output")
    return facts


def _conv(config: Config, dims: Shape) -> LayerFacts:
    inputs, outputs = _whole(config, "in_channels"), _whole(config, "out_channels")
    _expect(dims, inputs)
    kernel = _pair(config, "kernel_size")
    return LayerFacts("conv", inputs * outputs * kernel[0] * kernel[1] + outputs,
                      (outputs, *_window(config, dims)))


def _pool(config: Config, dims: Shape) -> LayerFacts:
    return LayerFacts("pool", 0, (dims[0], *_window(config, dims)))


def _adaptive(config: Config, dims: Shape) -> LayerFacts:
    return LayerFacts("pool", 0, (dims[0], _whole(config, "output_height"),
                                  _whole(config, "output_width")))


def _same(kind: str) -> Callable[[Config, Shape], LayerFacts]:
    return lambda config, dims: LayerFacts(kind, 0, dims)


def _batch_norm(config: Config, dims: Shape) -> LayerFacts:
    return LayerFacts("batch_norm", 2 * dims[0], dims)


def _linear(config: Config, dims: Shape) -> LayerFacts:
    inputs, outputs = _whole(config, "in_features"), _whole(config, "out_features")
    _expect((dims[-1],), inputs)
    bias = outputs if config.get("bias", True) is True else 0
    return LayerFacts("linear", inputs * outputs + bias, (*dims[:-1], outputs))


def _flatten(config: Config, dims: Shape) -> LayerFacts:
    return LayerFacts("flatten", 0, (prod(dims),))


def _bottleneck(config: Config, dims: Shape) -> LayerFacts:
    """1 x 1, 3 x 3, 1 x 1, and a 1 x 1 shortcut where the shape changes."""
    inputs, planes = _whole(config, "inplanes"), _whole(config, "planes")
    _expect(dims, inputs)
    width = planes * _whole(config, "base_width") // 64 * _whole(config, "groups")
    stride, ends = config.get("stride", 1), EXPANSION * planes
    if not isinstance(stride, int) or isinstance(stride, bool) or stride < 1:
        raise ValueError(f"stride {stride!r}; expected a whole number of 1 or more")
    weights = inputs * width + 9 * width * width + width * ends
    if "downsampleParams" in config:
        weights += inputs * ends
    return LayerFacts("bottleneck", weights, (ends, *(-(-side // stride) for side in dims[1:])))


_FACTS: dict[str, Callable[[Config, Shape], LayerFacts]] = {
    "ResnetBottleneck": _bottleneck, "ReLU1d": _same("relu"), "ReLU2d": _same("relu"),
    "adAvgPool2d": _adaptive, "avgPool2d": _pool, "maxPool2d": _pool, "batchNorm2d": _batch_norm,
    "concat": _same("concat"), "conv2d": _conv, "flatten": _flatten, "linear": _linear}


def _window(config: Config, dims: Shape) -> Shape:
    """Sides after a window of kernel_size, stride and padding."""
    if len(dims) != 3:
        raise ValueError(f"dimensions {list(dims)}; expected [channels,height,width]")
    kernel, padding, stride = (_pair(config, key) for key in ("kernel_size", "padding", "stride"))
    if min(kernel) < 1 or min(stride) < 1:
        raise ValueError(f"kernel {list(kernel)}, stride {list(stride)}; expected 1 or more")
    return tuple((side + 2 * pad - width) // step + 1 for side, width, pad, step
                 in zip(dims[1:], kernel, padding, stride, strict=True))


def _whole(config: Config, key: str) -> int:
    value = config[key]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1 << 31:
        raise ValueError(f"{key} {value!r}; expected a whole number of 1 or more")
    return value


def _pair(config: Config, key: str) -> tuple[int, int]:
    """A number for both sides, or one each."""
    value = config[key]
    pair = value if isinstance(value, list) else [value, value]
    good = all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 1 << 31
               for one in pair)
    if len(pair) != 2 or not good:
        raise ValueError(f"{key} {value!r}; expected a whole number or two")
    return pair[0], pair[1]


def _expect(dims: Shape, channels: int) -> None:
    if dims[0] != channels:
        raise ValueError(f"input dimensions {list(dims)} for {channels} input channels")
