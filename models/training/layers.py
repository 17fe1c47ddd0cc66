"""Layers of a network, and the builder that puts them into a graph.

A network is a `networkx.DiGraph`: nodes 0, 1, ... in the order of execution, each with a `layer`
(`Layer`); edges carry activations. Shapes are those of ONE sample, without the batch: (channels,
height, width) of images, (tokens, width) of sequences. Flops count a multiplication and an addition
each, forward, for one sample.

Leaves out: layers that this project's networks do not have (grouped convolutions, recurrences).
Units: elements, flops.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["KINDS", "Builder", "Layer", "layers_of"]

KINDS = ("add", "attention", "batch_norm", "concat", "conv", "dropout", "embedding", "flatten",
         "gelu", "layer_norm", "linear", "loss", "pool", "relu")
Shape = tuple[int, ...]
Graph = Any  # nx.DiGraph, which is imported where a graph is made


@dataclass(frozen=True)
class Layer:
    """One layer; `kernel`, `stride`, `padding` are (height, width) of windows, else zeros.

    `tensors`: its weight tensors, parameters in all `parameters`; `heads` of an attention; `pooled`
    "max" or "average"; `causal`: of an attention.
    """

    name: str
    kind: str
    shape_in: Shape
    shape_out: Shape
    parameters: int = 0
    tensors: tuple[int, ...] = ()
    flops: int = 0
    kernel: tuple[int, int] = (0, 0)
    stride: tuple[int, int] = (0, 0)
    padding: tuple[int, int] = (0, 0)
    heads: int = 0
    pooled: str = ""
    causal: bool = False

    @property
    def elements_in(self) -> int:
        return prod(self.shape_in)

    @property
    def elements_out(self) -> int:
        return prod(self.shape_out)

    @property
    def configuration(self) -> str:
        """``operator{json}[dims]``, as public layer profiles write it."""
        operator, facts = _configuration(self)
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
        return f"{operator}{text}[{','.join(str(side) for side in self.shape_in)}]"


def layers_of(graph: Graph) -> list[Layer]:
    """The layers in the order of execution."""
    return [graph.nodes[node]["layer"] for node in sorted(graph)]


class Builder:
    """Adds layers one after another; each method returns the node that it made.

    A layer takes the last node's output unless told `after`.
    """

    def __init__(self, name: str, shape: Shape) -> None:
        import networkx as nx

        self.graph: nx.DiGraph[int] = nx.DiGraph(name=name, input_shape=shape)
        self.shape, self.last = shape, -1

    def add(self, layer: Layer, after: Sequence[int]) -> int:
        """Add `layer` behind the nodes `after` (-1: the input)."""
        node = self.graph.number_of_nodes()
        self.graph.add_node(node, layer=layer)
        self.graph.add_edges_from((one, node) for one in after if one >= 0)
        self.last = node
        return node

    def shape_of(self, node: int) -> Shape:
        """What `node` puts out; of -1, the input."""
        return self.shape if node < 0 else self.graph.nodes[node]["layer"].shape_out

    def conv(self, outputs: int, kernel: int | tuple[int, int], stride: int = 1,
             padding: int | tuple[int, int] = 0, *, bias: bool = True, after: int | None = None,
             name: str = "conv") -> int:
        """A convolution."""
        node = self.last if after is None else after
        inputs, *sides = self.shape_of(node)
        sizes = _pair(kernel)
        pads, steps = _pair(padding), _pair(stride)
        out = (outputs, *_windows(sides, sizes, steps, pads))
        weights = inputs * outputs * sizes[0] * sizes[1]
        tensors = (weights, outputs) if bias else (weights,)
        flops = 2 * weights * out[1] * out[2]
        return self.add(Layer(name, "conv", (inputs, *sides), out, sum(tensors), tensors, flops,
                              sizes, steps, pads), [node])

    def same(self, kind: str, *, after: int | None = None, name: str = "", flops: int = 1) -> int:
        """A layer that keeps the shape and has no weights; `flops` an element."""
        node = self.last if after is None else after
        shape = self.shape_of(node)
        return self.add(Layer(name or kind, kind, shape, shape, flops=flops * prod(shape)), [node])

    def norm(self, kind: str, *, name: str = "") -> int:
        """batch_norm over channels, or layer_norm over the width; two tensors of weights."""
        shape = self.shape_of(self.last)
        width = shape[0] if kind == "batch_norm" else shape[-1]
        return self.add(Layer(name or kind, kind, shape, shape, 2 * width, (width, width),
                              8 * prod(shape)), [self.last])

    def pool(self, kernel: int, stride: int, padding: int = 0, pooled: str = "max", *,
             after: int | None = None) -> int:
        """A max or average pool."""
        node = self.last if after is None else after
        channels, *sides = self.shape_of(node)
        sizes, steps, pads = _pair(kernel), _pair(stride), _pair(padding)
        out = (channels, *_windows(sides, sizes, steps, pads))
        return self.add(Layer(f"{pooled}_pool", "pool", (channels, *sides), out,
                              flops=kernel * kernel * prod(out), kernel=sizes, stride=steps,
                              padding=pads, pooled=pooled), [node])

    def average_to(self, side: int) -> int:
        """An average pool to `side` x `side`."""
        channels, height, width = self.shape_of(self.last)
        kernel = height // side, width // side
        return self.add(Layer("average_pool", "pool", (channels, height, width),
                              (channels, side, side), flops=channels * height * width,
                              kernel=kernel, stride=kernel, pooled="average"), [self.last])

    def linear(self, outputs: int, *, bias: bool = True, after: int | None = None,
               name: str = "linear", shared: bool = False) -> int:
        """A product of the last axis; `shared`: the weights are another layer's."""
        node = self.last if after is None else after
        shape = self.shape_of(node)
        tensors = (shape[-1] * outputs, outputs) if bias else (shape[-1] * outputs,)
        flops = 2 * shape[-1] * outputs * prod(shape[:-1])
        own = () if shared else tensors
        return self.add(Layer(name, "linear", shape, (*shape[:-1], outputs), sum(own), own, flops),
                        [node])

    def flatten(self) -> int:
        shape = self.shape_of(self.last)
        return self.add(Layer("flatten", "flatten", shape, (prod(shape),)), [self.last])

    def concat(self, nodes: Sequence[int]) -> int:
        """Channels of `nodes` side by side."""
        shapes = [self.shape_of(node) for node in nodes]
        out = (sum(shape[0] for shape in shapes), *shapes[0][1:])
        return self.add(Layer("concat", "concat", out, out), nodes)

    def plus(self, one: int, other: int) -> int:
        """The sum of two outputs of one shape."""
        shape = self.shape_of(one)
        return self.add(Layer("add", "add", shape, shape, flops=prod(shape)), [one, other])

    def attention(self, heads: int, causal: bool) -> int:
        """Attention over the heads of a joint projection (tokens, 3 x width)."""
        tokens, joint = self.shape_of(self.last)
        out = (tokens, joint // 3)
        pairs = tokens * tokens // 2 if causal else tokens * tokens
        return self.add(Layer("attention", "attention", (tokens, joint), out,
                              flops=4 * pairs * (joint // 3), heads=heads, causal=causal),
                        [self.last])

    def embedding(self, tensors: tuple[int, ...], shape: Shape) -> int:
        """Tables looked up, or tokens put before and added to a sequence."""
        before = self.shape_of(self.last)
        return self.add(Layer("embedding", "embedding", before, shape, sum(tensors), tensors,
                              prod(shape)), [self.last])

    def loss(self) -> Graph:
        """Cross entropy over the last axis; the finished graph."""
        shape = self.shape_of(self.last)
        self.add(Layer("loss", "loss", shape, (1,), flops=5 * prod(shape)), [self.last])
        return self.graph


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return value if isinstance(value, tuple) else (value, value)


def _windows(sides: Sequence[int], kernel: tuple[int, int], stride: tuple[int, int],
             padding: tuple[int, int]) -> tuple[int, ...]:
    return tuple((side + 2 * pad - size) // step + 1 for side, size, step, pad
                 in zip(sides, kernel, stride, padding, strict=True))


_OPERATORS = {"relu": "ReLU", "batch_norm": "batchNorm2d", "layer_norm": "layerNorm"}


def _configuration(layer: Layer) -> tuple[str, dict[str, Any]]:
    if layer.kind in ("conv", "pool"):
        window = {name: pair[0] if pair[0] == pair[1] else list(pair) for name, pair in
                  (("kernel_size", layer.kernel), ("padding", layer.padding),
                   ("stride", layer.stride))}
        if layer.kind == "pool":
            return ("maxPool2d" if layer.pooled == "max" else "avgPool2d"), window
        bias = len(layer.tensors) > 1
        return "conv2d", {"bias": bias, "in_channels": layer.shape_in[0],
                          "out_channels": layer.shape_out[0], **window}
    if layer.kind == "linear":
        return "linear", {"in_features": layer.shape_in[-1], "out_features": layer.shape_out[-1]}
    if layer.kind == "relu":
        return ("ReLU2d" if len(layer.shape_in) == 3 else "ReLU1d"), {}
    return _OPERATORS.get(layer.kind, layer.kind), {}
