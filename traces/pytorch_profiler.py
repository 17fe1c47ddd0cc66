"""PyTorch profiler exports (Chrome trace JSON): the kernels of one training step, by layer.

`read_step` takes what ``torch.profiler.profile(..., record_shapes=True)`` exports. A layer is an
outermost operator of the forward pass (``aten::conv2d``, ``aten::linear``, ...); its forward time
is that of the kernels launched within it, its backward time that of the kernels of all autograd
nodes whose sequence numbers it gave out. Kernels of the optimizer, of NCCL, and the few that no
layer launched (gradients put into buckets, the seed of the backward pass) are kept apart: nothing
is dropped. Times are GPU times: what the host adds is not in them.

The file is read whole, up to LARGEST bytes unpacked; profile one step to stay below.
Leaves out: CPU-only profiles, memory, streams. Units: seconds (files: microseconds), elements.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rackwright.errors import TraceError, UsageError
from rackwright.traces.profiles import LayerProfile, chain_of
from rackwright.traces.pytorch_profiler_file import LARGEST, Event, check_event, events_of

__all__ = ["LARGEST", "ProfiledLayer", "ProfiledStep", "read_export", "read_step"]

_KINDS = {"conv1d": "conv", "conv2d": "conv", "conv3d": "conv", "convolution": "conv",
          "linear": "linear", "addmm": "linear", "matmul": "linear", "mm": "linear",
          "batch_norm": "batch_norm", "layer_norm": "layer_norm", "relu": "relu",
          "gelu": "gelu", "silu": "silu", "dropout": "dropout", "flatten": "flatten",
          "cat": "concat", "add": "add", "embedding": "embedding",
          "scaled_dot_product_attention": "attention", "softmax": "softmax",
          "cross_entropy_loss": "loss"}
_GPU = ("kernel", "gpu_memcpy", "gpu_memset")


class ProfiledLayer(NamedTuple):
    """An outermost operator: its inputs' shapes, seconds of its kernels, how many there are."""

    operator: str
    kind: str
    shapes: tuple[tuple[int, ...], ...]
    forward_time: float
    backward_time: float
    kernels: int


@dataclass(frozen=True)
class ProfiledStep:
    """One step. `span_time`: from the first kernel's start to the last one's end."""

    layers: tuple[ProfiledLayer, ...]
    update_time: float
    communication_time: float
    other_time: float
    span_time: float
    kernels: int
    name: str = ""
    source: str = field(default="", compare=False)

    @property
    def kernel_time(self) -> float:
        """Seconds of all kernels, communication left out."""
        return self.update_time + self.other_time + sum(
            layer.forward_time + layer.backward_time for layer in self.layers)

    def layer_profile(self) -> LayerProfile:
        """The layers as a chain at the one batch that was profiled.

        Parameters are the elements of the inputs behind the first of convolutions, products and
        norms, and of tables of words; outputs are the next layer's first input. Raises
        TraceError where no shape tells the batch.
        """
        if not self.layers:
            raise TraceError("no layer launched a kernel; was the forward pass profiled?")
        tables = self.layers[0].kind == "embedding"  # weights stand before the words
        first = self.layers[0].shapes[tables:tables + 1]
        if not first or not first[0] or first[0][0] < 1:
            raise TraceError(f"the first layer, {self.layers[0].operator}, has no shapes; profile "
                             "with record_shapes=True")
        batch = first[0][0]
        texts = [f"{layer.operator}{{}}[{_text(layer.shapes)}]" for layer in self.layers]
        times = np.array([[layer.forward_time + layer.backward_time] for layer in self.layers])
        return LayerProfile(
            self.name or "step", self.name, tuple(texts),
            tuple(layer.kind for layer in self.layers),
            np.array([_parameters(layer) for layer in self.layers]),
            np.array(_outputs(self.layers, batch)), np.array([batch]), times,
            chain_of(len(self.layers)),
            np.array([[layer.forward_time] for layer in self.layers]), self.source)


def read_step(path: str | PathLike[str], step: int = -1) -> ProfiledStep:
    """Read one profiled step: the last, or number `step` of those in the file (from 0).

    Raises InputError (cannot be opened), TraceError (what is wrong with which event), UsageError.
    """
    path = Path(path)
    events = events_of(path)
    try:
        return _Reader(events, step).read(path.name.removesuffix(".gz").removesuffix(".json"))
    except TraceError as problem:
        raise TraceError(problem.message, place=path) from None


def read_export(path: str | PathLike[str], limit: int | None = None) -> LayerProfile:
    """The last step of an export as a layer profile, or its first `limit` layers.

    Raises InputError, TraceError and UsageError, as `read_step` and `layer_profile` do.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"limit = {limit}: at least 1 layer must be read")
    try:
        profile = read_step(path).layer_profile()
    except TraceError as problem:
        raise TraceError(problem.message, place=path) from None
    return profile if limit is None else profile.first(limit)


class _Reader:
    """The events of one step, sorted out."""

    def __init__(self, events: Sequence[Event], step: int) -> None:
        spans = [(number, event) for number, event in enumerate(events)
                 if event.get("ph") == "X" and event.get("cat") is not None]
        for number, event in spans:
            check_event(number, event)
        self.begin, self.end = _bounds([event for _, event in spans], step)
        inside = [event for _, event in spans]
        self.operators = [event for event in inside if event["cat"] == "cpu_op"
                          and self.begin <= event["ts"] < self.end]
        self.updates = [(event["ts"], event["ts"] + event["dur"]) for event in inside
                        if event["cat"] == "user_annotation"
                        and str(event.get("name", "")).startswith("Optimizer.step#")]
        self.kernels = [event for event in inside if event["cat"] in _GPU]

    def read(self, name: str) -> ProfiledStep:
        tops, top_of = self._outermost()
        forward, owner = self._layers(tops)
        sums = [[0.0, 0.0, 0] for _ in forward]
        update = communication = other = 0.0
        starts, ends, count = [], [], 0
        for kernel in self.kernels:
            identity = kernel.get("args", {}).get("External id")
            top = top_of.get(identity)
            nccl = "nccl" in str(kernel.get("name", "")).lower()
            if top is None and not nccl:
                continue  # launched outside of this step
            if nccl and top is None and not self.begin <= kernel["ts"] < self.end:
                continue
            seconds = kernel["dur"] * 1e-6
            starts.append(kernel["ts"])
            ends.append(kernel["ts"] + kernel["dur"])
            count += 1
            place = owner.get(top, -1) if top is not None else -1
            if nccl:
                communication += seconds
            elif place >= 0 and top is not None:
                backward = str(tops[top].get("name", "")).startswith("autograd::")
                sums[place][1 if backward else 0] += seconds
                sums[place][2] += 1
            elif top is not None and self._updates(tops[top]):
                update += seconds
            else:
                other += seconds
        if not count:
            raise TraceError("no kernel of a GPU in this step; profile with "
                             "ProfilerActivity.CUDA")
        layers = tuple(_layer(tops[top], sums[place]) for place, top in enumerate(forward))
        span = (max(ends) - min(starts)) * 1e-6
        return ProfiledStep(layers, update, communication, other, span, count, name,
                            f"{name} (PyTorch profiler)")

    def _outermost(self) -> tuple[list[Event], dict[Any, int]]:
        """Outermost operators in order of time, and the one that holds each External id."""
        tops: list[Event] = []
        top_of: dict[Any, int] = {}
        threads: dict[Any, list[Event]] = {}
        for event in self.operators:
            threads.setdefault((str(event.get("pid")), str(event.get("tid"))), []).append(event)
        for _, members in sorted(threads.items()):
            members.sort(key=lambda event: (event["ts"], -event["dur"]))
            end = float("-inf")
            for event in members:
                if event["ts"] >= end:
                    tops.append(event)
                    end = event["ts"] + event["dur"]
                identity = event.get("args", {}).get("External id")
                if identity is not None:
                    top_of[identity] = len(tops) - 1
        return tops, top_of

    def _layers(self, tops: Sequence[Event]) -> tuple[list[int], dict[int, int]]:
        """Layers (as outermost operators, in order), and the layer that owns each outermost."""
        forward = [place for place, event in enumerate(tops)
                   if "Sequence number" in event.get("args", {})
                   and not str(event.get("name", "")).startswith("autograd::")
                   and not self._updates(event)]
        forward.sort(key=lambda place: tops[place]["ts"])
        given = [int(tops[place]["args"]["Sequence number"]) for place in forward]
        owner = {place: number for number, place in enumerate(forward)}
        if any(later < earlier for earlier, later in zip(given, given[1:], strict=False)):
            raise TraceError("sequence numbers of the forward pass go back; expected one pass "
                             "by one thread")
        for place, event in enumerate(tops):
            number = event.get("args", {}).get("Sequence number")
            if place not in owner and number is not None:
                at = bisect.bisect_right(given, int(number)) - 1
                if at >= 0:
                    owner[place] = at
        return forward, owner

    def _updates(self, event: Event) -> bool:
        return any(begin <= event["ts"] < end for begin, end in self.updates)


def _bounds(events: Sequence[Event], step: int) -> tuple[float, float]:
    """Where a step begins and ends; everything without marks of steps."""
    marks = sorted((event["ts"], event["ts"] + event["dur"]) for event in events
                   if event["cat"] == "user_annotation"
                   and str(event.get("name", "")).startswith("ProfilerStep#"))
    if not marks and step in (-1, 0):
        return float("-inf"), float("inf")
    if not -len(marks) <= step < len(marks):
        raise UsageError(f"step {step} of a trace with {len(marks)} steps")
    return float(marks[step][0]), float(marks[step][1])


def _layer(event: Event, sums: Sequence[float]) -> ProfiledLayer:
    operator = str(event.get("name", ""))
    word = operator.rpartition("::")[2].rstrip("_")
    kind = "pool" if "pool" in word else _KINDS.get(word, word)
    dims = event.get("args", {}).get("Input Dims") or []
    shapes = tuple(tuple(int(side) for side in one) if isinstance(one, list) and all(
        isinstance(side, int) for side in one) else () for one in dims)
    return ProfiledLayer(operator, kind, shapes, sums[0], sums[1], int(sums[2]))


def _parameters(layer: ProfiledLayer) -> int:
    if layer.kind == "embedding":
        return prod(layer.shapes[0]) if layer.shapes else 0
    if layer.kind not in ("conv", "linear", "batch_norm", "layer_norm"):
        return 0
    used = layer.shapes[1:3] if layer.kind != "layer_norm" else layer.shapes[2:4]
    return sum(prod(shape) for shape in used if shape)


def _outputs(layers: Sequence[ProfiledLayer], batch: int) -> list[int]:
    found = []
    for later in [*layers[1:], None]:
        shapes = later.shapes if later is not None else ()
        full = prod(shapes[0]) if shapes and shapes[0] else 0
        found.append(full // batch)
    return found


def _text(shapes: Sequence[tuple[int, ...]]) -> str:
    return ",".join(str(side) for side in shapes[0][1:]) if shapes else ""
