"""A plan as a timeline: what every GPU does in a training iteration, in which order.

Forward through the layers, back through them, then gradients. A layer on other GPUs than the layer
before it first moves its input there; the GPUs that take part in the layer are busy with that, and
wait for those it comes from. As much comes back in the backward pass. Gradients of layers on the
same GPUs are one all-reduce at the end, or, with a threshold in bytes, one for each bucket
filled in the order of the backward pass, on a stream beside it; the step ends when all have.

So a chain without buckets takes on a flat network what its plan says. Bucketed sums slow nothing
down and are slowed by nothing but the gate's mistakes.

Neighbouring computations on the same GPUs are merged into one tasklet until 250 us, never beyond
500 us, at most 10 (our reading of "at most 10 sub-graphs").

Leaves out: the optimizer; what a launch takes; the memory of what waits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rackwright.hdl.bg_gate import ALLREDUCE, COMPUTE, MULTIPLEX, P2P, P2P_RECV
from rackwright.models.deeppool.network import ELEMENT_BYTES, Network
from rackwright.models.deeppool.planner import Plan

__all__ = ["LABELS", "Segment", "Timeline", "build_timeline", "forward_shares", "merged"]

LABELS = ("background", "compute", "re-shard", "gradients", "step")
BACKGROUND, WORK, MOVE, SUM, STEP = range(5)
_LEAST_TIME, _MOST_TIME, _MOST_PARTS = 250e-6, 500e-6, 10   # of merging (published code)
_FORWARD_SHARE = 1 / 3   # of a layer's time where the profile does not split it (assumed)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Lanes = tuple[int, int]


@dataclass(frozen=True)
class Segment:
    """One operation on GPUs ``gpus[0] .. gpus[1] - 1``; events by number, -1 for none.

    `fullness`: how full it keeps a GPU, 0 to 1. `beside`: on the second stream.
    """

    label: int
    flags: int
    gpus: Lanes
    time: float
    fullness: float = 0.0
    wait: int = -1
    meet: int = -1
    post: int = -1
    beside: bool = False
    parts: int = 1


@dataclass(frozen=True)
class Timeline:
    """Segments in an order that every GPU follows; how many events they post and wait for."""

    segments: tuple[Segment, ...]
    events: int
    gpus: int

    @property
    def sums(self) -> int:
        """All-reduces of an iteration."""
        return sum(one.label == SUM for one in self.segments)


class _Builder:
    """Segments and events as they come."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.events = 0

    def event(self) -> int:
        self.events += 1
        return self.events - 1

    def add(self, segment: Segment) -> None:
        self.segments.append(segment)


def build_timeline(plan: Plan, network: Network, forward: Floats, fullness: Floats, gpus: int, *,
                   bucket_nbytes: float = 0.0, sums_apart: bool = False, code_sync: bool = False
                   ) -> Timeline:
    """The iteration of `plan` on `gpus` GPUs.

    `forward`: share of every layer's computation before the backward pass; `fullness`: of every
    layer in its option. `sums_apart`: NICs add gradients up, so that the GPU is free meanwhile.
    `code_sync`: gradients take what the plan says.
    """
    build = _Builder()
    lanes = [(int(first), int(first + count))
             for first, count in zip(plan.first, plan.gpus, strict=True)]
    _forward(build, plan, lanes, forward, fullness)
    ready = _backward(build, plan, lanes, forward, fullness, bucket_nbytes)
    for bucket in ready:
        _sum(build, plan, network, bucket, sums_apart, code_sync, beside=bucket_nbytes > 0)
    meet = build.event()
    build.add(Segment(STEP, MULTIPLEX, (0, gpus), 0.0, meet=meet))
    if bucket_nbytes > 0:
        build.add(Segment(STEP, MULTIPLEX, (0, _beside_gpus(build.segments)), 0.0, meet=meet,
                          beside=True))
    return Timeline(tuple(merged(build.segments)), build.events, gpus)


def forward_shares(times: Floats, forward: Floats | None) -> Floats:
    """The forward part of every layer, 0 to 1; `forward`: seconds, or None when not known."""
    if forward is None:
        return np.full(len(times), _FORWARD_SHARE)
    return np.clip(forward / np.where(times > 0, times, 1.0), 0.0, 1.0)


def _forward(build: _Builder, plan: Plan, lanes: list[Lanes], forward: Floats, fullness: Floats
             ) -> None:
    done: dict[int, int] = {}
    for layer, where in enumerate(lanes):
        for before in _before(plan, layer):
            if lanes[before] != where:
                build.add(Segment(MOVE, P2P | P2P_RECV, where,
                                  _move_time(plan, before, layer) / 2, wait=done[before]))
        apart = any(lanes[after] != where for after in _after(plan, layer))
        if apart:
            done[layer] = build.event()
        time = float(plan.costs.compute_time[layer, plan.option[layer]])
        build.add(Segment(WORK, COMPUTE, where, time * float(forward[layer]),
                          float(fullness[layer]), post=done.get(layer, -1)))


@dataclass(frozen=True)
class _Bucket:
    """Layers whose gradients are summed together, and the event that says they are there."""

    lanes: Lanes
    layers: tuple[int, ...]
    ready: int


def _backward(build: _Builder, plan: Plan, lanes: list[Lanes], forward: Floats, fullness: Floats,
              bucket_nbytes: float) -> list[_Bucket]:
    """Segments of the backward pass; the buckets in the order in which they are full."""
    back: dict[tuple[int, int], int] = {}
    filling: dict[Lanes, list[int]] = {}
    full: list[_Bucket] = []
    for layer in range(len(lanes) - 1, -1, -1):
        where = lanes[layer]
        for after in _after(plan, layer):
            if lanes[after] != where:
                build.add(Segment(MOVE, P2P_RECV, where, 0.0, wait=back[layer, after]))
        time = float(plan.costs.compute_time[layer, plan.option[layer]])
        build.add(Segment(WORK, COMPUTE, where, time * (1 - float(forward[layer])),
                          float(fullness[layer])))
        for before in _before(plan, layer):
            if lanes[before] != where:
                back[before, layer] = build.event()
                build.add(Segment(MOVE, P2P, where, _move_time(plan, before, layer) / 2,
                                  post=back[before, layer]))
        if plan.costs.elements[layer] and where[1] - where[0] > 1:
            bucket = filling.setdefault(where, [])
            bucket.append(layer)
            nbytes = ELEMENT_BYTES * int(plan.costs.elements[bucket].sum())
            if 0 < bucket_nbytes <= nbytes:
                full.append(_close(build, where, filling.pop(where)))
    beside = bucket_nbytes > 0
    return full + [_close(build, where, layers) if beside else _Bucket(where, tuple(layers), -1)
                   for where, layers in filling.items()]


def _close(build: _Builder, lanes: Lanes, layers: list[int]) -> _Bucket:
    """Say on the compute streams that a bucket is full."""
    ready = build.event()
    build.add(Segment(WORK, COMPUTE, lanes, 0.0, post=ready))
    return _Bucket(lanes, tuple(layers), ready)


def _sum(build: _Builder, plan: Plan, network: Network, bucket: _Bucket, apart: bool,
         code_sync: bool, *, beside: bool) -> None:
    layers = list(bucket.layers)
    if code_sync:
        time = float(plan.costs.sync_time[layers, plan.option[layers]].sum())
    else:
        nbytes = ELEMENT_BYTES * float(plan.costs.elements[layers].sum())
        time = network.all_reduce_time(nbytes, bucket.lanes[1] - bucket.lanes[0])
    flags = ALLREDUCE | (MULTIPLEX if apart else 0)
    meet = build.event()
    build.add(Segment(SUM, flags, bucket.lanes, time, wait=bucket.ready, meet=meet,
                      beside=beside))


def _beside_gpus(segments: list[Segment]) -> int:
    """GPUs with a second stream, from 0 on."""
    return max((one.gpus[1] for one in segments if one.beside), default=0)


def _move_time(plan: Plan, before: int, layer: int) -> float:
    """Both passes of the transfer from layer `before` to `layer`."""
    ends = int(plan.option[before]), int(plan.option[layer])
    if plan.first[before] == plan.first[layer]:
        return float(plan.costs.transfer(before, layer)[ends])
    return float(plan.costs.away_time[(before, *ends)])


def _before(plan: Plan, layer: int) -> list[int]:
    return [begin for begin, end in plan.costs.edges if end == layer]


def _after(plan: Plan, layer: int) -> list[int]:
    return [end for begin, end in plan.costs.edges if begin == layer]


def merged(segments: list[Segment]) -> list[Segment]:
    """Neighbouring computations on the same GPUs as one tasklet; see the module's text."""
    found: list[Segment] = []
    for segment in segments:
        if found and _mergeable(found[-1], segment):
            found[-1] = _merge(found[-1], segment)
        else:
            found.append(segment)
    return found


def _mergeable(one: Segment, other: Segment) -> bool:
    return (one.label == other.label == WORK and one.gpus == other.gpus
            and one.flags == other.flags and one.post < 0 and other.wait < 0
            and one.time < _LEAST_TIME and one.time + other.time <= _MOST_TIME
            and one.parts + other.parts <= _MOST_PARTS)


def _merge(one: Segment, other: Segment) -> Segment:
    time = one.time + other.time
    weight = other.time / time if time > 0 else 0.5
    return replace(one, time=time, post=other.post, parts=one.parts + other.parts,
                   fullness=one.fullness * (1 - weight) + other.fullness * weight)
