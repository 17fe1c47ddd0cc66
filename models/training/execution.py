"""Execution traces made from our networks: data, pipeline and tensor parallel layouts.

Ranks count tensor parts first, then data copies, then pipeline stages:
``rank = (stage * data + copy) * tensor + part``. A stage has layers of about equal time. Every
micro-batch goes forward through the stages, then backward (all forward first, as GPipe); with
tensor parallelism a layer that is split (linear, attention, conv) takes its share of the time, and
each pair of products is followed by an all_reduce of activations, forward and backward. Gradients
are reduced over the data copies in buckets of 25 MB as they become ready in the last micro-batch;
the optimizer runs when all are there.

Leaves out: interleaved schedules, sequence parallelism, sharded optimizers, recomputation.
Durations are those of `profile_of` on the GPU given; flops and bytes stand beside them, so that a
replay can cost the nodes anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rackwright.devices.gpu.part import Gpu
from rackwright.errors import UsageError
from rackwright.models.training.kernel_costs import MASTER, update_kernels
from rackwright.models.training.layers import Graph, Layer, layers_of
from rackwright.models.training.profile import profile_of
from rackwright.models.training.steps import buckets_of
from rackwright.traces.chakra import COLLECTIVES, Attribute, ExecutionNode, ExecutionTrace

__all__ = ["execution_of"]

SPLIT = ("attention", "conv", "linear")
JOINING = ("out", "down")  # projections after which tensor parts add up
WIDTH = 2                  # bytes of an activation


class _Work(NamedTuple):
    """A layer's seconds, forward and backward, of one micro-batch on one tensor part."""

    layer: Layer
    place: int
    forward: float
    backward: float


@dataclass
class _Rank:
    """Nodes of a rank as they are added; `last` is what the next computation waits for."""

    nodes: list[ExecutionNode] = field(default_factory=list)
    last: int = -1

    def add(self, name: str, kind: str, after: Sequence[int], time: float = 0.0,
            **attributes: Attribute) -> int:
        number = len(self.nodes)
        waits = tuple(sorted({one for one in after if one >= 0}))
        self.nodes.append(ExecutionNode(number, name, kind, waits, time,
                                        {"is_cpu_op": False, **attributes}))
        return number

    def compute(self, name: str, time: float, flops: float, nbytes: float,
                after: Sequence[int] = ()) -> int:
        self.last = self.add(name, "COMP", [self.last, *after], time, num_ops=int(flops),
                             tensor_size=int(nbytes))
        return self.last

    def reduce(self, name: str, nbytes: int, group: str, after: Sequence[int]) -> int:
        return self.add(name, "COMM_COLL", after, comm_type=COLLECTIVES.index("ALL_REDUCE"),
                        comm_size=int(nbytes), pg_name=group)


def execution_of(graph: Graph, gpu: Gpu, batch: int, *, data: int = 1, tensor: int = 1,
                 stages: int = 1, micro_batches: int = 1, dtype: str = "bf16",
                 optimizer: str = "sgd", name: str = "") -> ExecutionTrace:
    """One step of `graph` on data x tensor x stages ranks, `batch` samples a data copy.

    Raises UsageError: a batch that does not divide into micro-batches, more stages than layers.
    """
    layers = layers_of(graph)
    for what, count in (("data", data), ("tensor", tensor), ("stages", stages),
                        ("micro_batches", micro_batches)):
        if count < 1:
            raise UsageError(f"{what} = {count}; expected 1 or more")
    if batch % micro_batches or stages > len(layers):
        raise UsageError(f"{batch} samples in {micro_batches} micro-batches on {stages} stages of "
                         f"{len(layers)} layers: micro-batches must divide the samples, and a "
                         "stage needs a layer")
    micro = batch // micro_batches
    works = _works(graph, gpu, micro, tensor, dtype)
    cuts = _stages(works, stages)
    ranks = [_rank(works[cuts[stage]:cuts[stage + 1]], gpu, micro, micro_batches, stage, stages,
                   copy, data, part, tensor, optimizer)
             for stage in range(stages) for copy in range(data) for part in range(tensor)]
    model = str(graph.graph["name"])
    return ExecutionTrace(
        tuple(tuple(rank.nodes) for rank in ranks), _groups(data, tensor, stages),
        name or f"{model}_dp{data}_tp{tensor}_pp{stages}",
        f"execution_of: {model} on {gpu.name}, {dtype}, {batch} samples a copy in "
        f"{micro_batches} micro-batches, {data} x {tensor} x {stages}")


def _works(graph: Graph, gpu: Gpu, micro: int, tensor: int, dtype: str) -> list[_Work]:
    profile = profile_of(graph, gpu, [micro], dtype)
    assert profile.forward_times is not None
    found = []
    for place, layer in enumerate(layers_of(graph)):
        share = tensor if layer.kind in SPLIT else 1
        forward = float(profile.forward_times[place, 0])
        found.append(_Work(layer, place, forward / share,
                           (float(profile.times[place, 0]) - forward) / share))
    return found


def _stages(works: Sequence[_Work], stages: int) -> list[int]:
    """Where stages begin, and the end: about equal times, a layer each at least."""
    ends = np.cumsum([work.forward + work.backward for work in works])
    cuts = [0]
    for stage in range(1, stages):
        wanted = ends[-1] * stage / stages
        at = int(np.abs(ends - wanted).argmin()) + 1
        cuts.append(min(max(at, cuts[-1] + 1), len(works) - stages + stage))
    return [*cuts, len(works)]


def _groups(data: int, tensor: int, stages: int) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for stage in range(stages):
        if tensor > 1:
            for copy in range(data):
                first = (stage * data + copy) * tensor
                found[f"tp{stage}.{copy}"] = tuple(range(first, first + tensor))
        if data > 1:
            for part in range(tensor):
                found[f"dp{stage}.{part}"] = tuple(
                    (stage * data + copy) * tensor + part for copy in range(data))
    return found


def _rank(works: Sequence[_Work], gpu: Gpu, micro: int, micro_batches: int, stage: int,
          stages: int, copy: int, data: int, part: int, tensor: int, optimizer: str) -> _Rank:
    rank = _Rank()
    number = (stage * data + copy) * tensor + part
    step = data * tensor
    enters = WIDTH * micro * works[0].layer.elements_in
    leaves = WIDTH * micro * works[-1].layer.elements_out
    group = f"tp{stage}.{copy}" if tensor > 1 else ""
    for turn in range(micro_batches):
        after = []
        if stage > 0:
            after = [rank.add(f"receive input {turn}", "COMM_RECV", [], comm_src=number - step,
                              comm_size=enters, comm_tag=2 * turn)]
        _pass(rank, works, micro, tensor, group, after, f"{turn}")
        if stage < stages - 1:
            rank.add(f"send output {turn}", "COMM_SEND", [rank.last], comm_dst=number + step,
                     comm_size=leaves, comm_tag=2 * turn)
    reductions: list[int] = []
    for turn in range(micro_batches):
        after = []
        if stage < stages - 1:
            after = [rank.add(f"receive gradient {turn}", "COMM_RECV", [],
                              comm_src=number + step, comm_size=leaves, comm_tag=2 * turn + 1)]
        last = turn == micro_batches - 1
        found = _back(rank, works, micro, tensor, group, after, f"{turn}",
                      f"dp{stage}.{part}" if data > 1 and last else "")
        reductions += found
        if stage > 0:
            rank.add(f"send gradient {turn}", "COMM_SEND", [rank.last], comm_dst=number - step,
                     comm_size=enters, comm_tag=2 * turn + 1)
    weights = [size // tensor for work in works for size in work.layer.tensors]
    if weights:
        time = sum(update_kernels(weights, gpu, optimizer))
        rank.compute("optimizer", time, 4 * sum(weights), 8 * MASTER * sum(weights), reductions)
    return rank


def _joins(work: _Work, tensor: int) -> bool:
    return tensor > 1 and work.layer.kind == "linear" and work.layer.name in JOINING


def _pass(rank: _Rank, works: Sequence[_Work], micro: int, tensor: int, group: str,
          after: Sequence[int], turn: str) -> None:
    for work in works:
        nbytes = WIDTH * micro * (work.layer.elements_in + work.layer.elements_out)
        flops = micro * work.layer.flops / (tensor if work.layer.kind in SPLIT else 1)
        rank.compute(f"{work.layer.name} {work.place} forward {turn}", work.forward, flops,
                     nbytes, after)
        after = []
        if _joins(work, tensor):
            rank.last = rank.reduce(f"sum {work.place} forward {turn}",
                                    WIDTH * micro * work.layer.elements_out, group, [rank.last])


def _back(rank: _Rank, works: Sequence[_Work], micro: int, tensor: int, group: str,
          after: Sequence[int], turn: str, reduced: str) -> list[int]:
    """The backward pass; ids of the reductions of gradients, when `reduced` names their group."""
    tensors = [(place, size // tensor) for place, work in enumerate(works)
               for size in work.layer.tensors]
    buckets = buckets_of(tensors)
    ready = {min(layer for layer, _ in bucket): MASTER * sum(size for _, size in bucket)
             for bucket in buckets} if reduced else {}
    done = []
    for place in range(len(works) - 1, -1, -1):
        work = works[place]
        nbytes = 2 * WIDTH * micro * (work.layer.elements_in + work.layer.elements_out)
        flops = 2 * micro * work.layer.flops / (tensor if work.layer.kind in SPLIT else 1)
        rank.compute(f"{work.layer.name} {work.place} backward {turn}", work.backward, flops,
                     nbytes, after)
        after = []
        if tensor > 1 and work.layer.name in ("qkv", "up"):
            rank.last = rank.reduce(f"sum {work.place} backward {turn}",
                                    WIDTH * micro * work.layer.elements_in, group, [rank.last])
        if place in ready:
            done.append(rank.reduce(f"gradients {work.place}", ready[place], reduced,
                                    [rank.last]))
    return done
