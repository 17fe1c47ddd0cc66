"""What nodes of an execution trace cost on a fabric: kernels and collectives.

A collective is a fixed part (its protocol's start and steps) and flows: a ring over its ranks, or
all pairs. The flows carry as many bytes as make them take, alone, what `collective_time` says; with
others on the same links they share max-min fairly and take longer. Sends are one flow after the
latency of the library's transfers.

Leaves out: SMs that collectives take from kernels. Units: seconds, bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rackwright.devices.gpu.part import Gpu
from rackwright.errors import TraceError, UsageError
from rackwright.models.training.options import TrainingOptions
from rackwright.topologies.collectives import collective_choice
from rackwright.topologies.collectives.paths import flows_of, shared_time
from rackwright.topologies.fabric import Fabric
from rackwright.traces.chakra import ExecutionNode, ExecutionTrace

__all__ = ["Costs", "Exchange", "place_ranks"]

_OPS = {"ALL_REDUCE": "all_reduce", "REDUCE": "reduce", "ALL_GATHER": "all_gather",
        "BROADCAST": "broadcast", "ALL_TO_ALL": "all_to_all",
        "REDUCE_SCATTER": "reduce_scatter", "REDUCE_SCATTER_BLOCK": "reduce_scatter",
        "BARRIER": "all_reduce"}
BARRIER_BYTES = 4


class Exchange(NamedTuple):
    """Seconds before bytes flow, and (path, bytes) of each flow."""

    fixed_time: float
    flows: tuple[tuple[tuple[int, ...], float], ...]


def place_ranks(fabric: Fabric, trace: ExecutionTrace) -> tuple[str, ...]:
    """The GPUs of `fabric` that run the ranks, in order. Raises UsageError."""
    gpus = fabric.gpus()
    if len(gpus) < len(trace.ranks):
        raise UsageError(f"the trace has {len(trace.ranks)} ranks, the topology {len(gpus)} GPUs; "
                         "give one with more, such as dgx-h100:hosts=2")
    return gpus[:len(trace.ranks)]


class Costs:
    """Costs of nodes of `trace` whose rank r runs on ``gpus[r]``; equal ones are found once."""

    def __init__(self, fabric: Fabric, trace: ExecutionTrace, gpus: Sequence[str],
                 options: TrainingOptions) -> None:
        self.fabric, self.trace, self.gpus, self.options = fabric, trace, gpus, options
        self._made: dict[tuple[str, int, tuple[int, ...]], Exchange] = {}

    def compute_time(self, rank: int, node: ExecutionNode) -> float:
        """Seconds of a compute node. Raises TraceError and UsageError."""
        options = self.options
        if options.compute == "recorded" or node.attributes.get("is_cpu_op") is True:
            return node.duration_time * options.compute_scale
        gpu = self.fabric.device(self.gpus[rank])
        if not isinstance(gpu, Gpu):
            raise UsageError(f"{self.gpus[rank]} is no GPU of the catalog; compute=roofline needs "
                             "its peak and its bandwidth")
        if "num_ops" not in node.attributes:
            raise TraceError(f"rank {rank}: node {node.id} ({node.name}) has no num_ops, which "
                             "compute=roofline needs; use compute=recorded")
        peak = gpu.peak_bf16 or gpu.peak_fp16
        return options.compute_scale * max(
            node.whole("num_ops") / (peak * options.math_share),
            node.whole("tensor_size") / (gpu.memory_bandwidth * options.memory_share))

    def collective(self, node: ExecutionNode, members: tuple[int, ...]) -> Exchange:
        """A collective among `members`. Raises TraceError for one that is not modelled."""
        kind = node.collective
        if kind not in _OPS:
            raise TraceError(f"node {node.id} ({node.name}): {kind} is not modelled; known: "
                             f"{', '.join(_OPS)}")
        nbytes = BARRIER_BYTES if kind == "BARRIER" else node.whole("comm_size")
        if kind == "ALL_GATHER" and self.options.all_gather_size == "per_rank":
            nbytes *= len(members)
        return self._exchange(_OPS[kind], nbytes, members)

    def transfer(self, source: int, target: int, nbytes: int) -> Exchange:
        """A send and its receive."""
        return self._exchange("send_recv", nbytes, (source, target))

    def _exchange(self, op: str, nbytes: int, members: tuple[int, ...]) -> Exchange:
        key = op, nbytes, members
        if key not in self._made:
            self._made[key] = self._made_of(op, nbytes, [self.gpus[rank] for rank in members])
        return self._made[key]

    def _made_of(self, op: str, nbytes: int, ranks: Sequence[str]) -> Exchange:
        if self.options.network == "ideal" or len(ranks) < 2 or nbytes == 0:
            return Exchange(0.0, ())
        choice = collective_choice(op, nbytes, self.fabric, ranks,
                                   in_switch=self.options.in_switch)
        pairs = _pairs(op, ranks)
        flows = flows_of(self.fabric, pairs, 1.0)
        wire = min(choice.wire_time, choice.time)
        each = wire / shared_time(flows, self.fabric.links.bandwidth)
        bounds = flows.offsets.tolist()
        paths = [tuple(flows.links[begin:end].tolist())
                 for begin, end in zip(bounds, bounds[1:], strict=False)]
        return Exchange(choice.time - wire, tuple((path, each) for path in paths if path))


def _pairs(op: str, ranks: Sequence[str]) -> list[tuple[str, str]]:
    """Who sends to whom: all pairs, a ring, or one transfer."""
    if op == "send_recv":
        return [(ranks[0], ranks[1])]
    if op == "all_to_all":
        return [(one, other) for one in ranks for other in ranks if one != other]
    return [(one, ranks[(place + 1) % len(ranks)]) for place, one in enumerate(ranks)]
