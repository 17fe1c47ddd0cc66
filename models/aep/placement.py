"""Who does what where: attention and expert GPUs, expert to GPU, memory, routes.

Attention layers of all blocks are replicated on each attention GPU; expert e of all blocks lives
on one expert GPU, contiguous ids together; the two groups are disjoint and, unless a number is
given, take half of every host each. The barrier baselines use every GPU for both.

Source: section 2.1 of arXiv 2505.08944 and its public code (rank = expert // experts per rank).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.devices import Gpu
from rackwright.errors import DoesNotFit, TopologyError
from rackwright.models.aep.options import BARRIER, AepOptions
from rackwright.models.llm import LlmShape
from rackwright.topologies.fabric import Fabric
from rackwright.units import format_bytes

__all__ = ["Placement", "gpu_at", "place"]

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Placement:
    """`gpus`: endpoint names, attention first, then experts (barrier: each serves both)."""

    gpus: tuple[str, ...]
    attention: int           # the first so many GPUs run attention
    experts_from: int        # index of the first expert GPU
    expert_gpu: Ints         # (experts,) index into gpus
    expert_slot: Ints        # (experts,) its index among the experts of that GPU
    hosted: Ints             # (gpus,) experts hosted
    kv_blocks: Ints          # (attention,) blocks of KV cache
    route_offsets: Ints
    route_links: Ints


def place(fabric: Fabric, shape: LlmShape, options: AepOptions) -> Placement:
    """Assign GPUs and check that everything fits.

    Raises `TopologyError` for too few GPUs, `OptionsError` for an impossible split, `DoesNotFit`
    with the sum of bytes.
    """
    barrier = options.policy in BARRIER
    gpus = fabric.gpus()
    if len(gpus) < (1 if barrier else 2):
        need = "a GPU" if barrier else "a GPU for attention and another for experts"
        raise TopologyError("the topology is too small", [
            f"GPUs in it: {len(gpus)}; {options.policy} needs {need}"])
    first = gpus if barrier else _attention_gpus(fabric, gpus, options)
    others = () if barrier else tuple(gpu for gpu in gpus if gpu not in set(first))
    everyone = (*first, *others)
    hosts = len(everyone) if barrier else len(others)
    low = 0 if barrier else len(first)
    ids = np.arange(shape.experts, dtype=np.int64)
    expert_gpu = low + ids * hosts // shape.experts  # contiguous ids share a GPU
    hosted = np.bincount(expert_gpu, minlength=len(everyone)).astype(np.int64)
    starts = np.searchsorted(expert_gpu, np.arange(len(everyone)))
    kv_blocks = _kv_blocks(fabric, everyone, len(first), hosted, shape, options)
    routes = fabric.routes([(a, b) for a in everyone for b in everyone])
    return Placement(everyone, len(first), low, expert_gpu, ids - starts[expert_gpu], hosted,
                     kv_blocks, routes.offsets, routes.links)


def gpu_at(fabric: Fabric, name: str) -> Gpu:
    """The GPU on endpoint `name`."""
    device = fabric.device(name)
    assert isinstance(device, Gpu)  # every name comes from fabric.gpus()
    return device


def _attention_gpus(fabric: Fabric, gpus: tuple[str, ...], options: AepOptions) -> tuple[str, ...]:
    if options.attention_gpus:
        if options.attention_gpus >= len(gpus):
            raise options.refused([
                f"attention_gpus is {options.attention_gpus}, but the topology has {len(gpus)} "
                f"GPUs and at least one must run experts: allowed are 1 to {len(gpus) - 1}"])
        return gpus[:options.attention_gpus]
    by_host: dict[str, list[str]] = {}
    for gpu in gpus:
        by_host.setdefault(str(fabric.host_of(gpu)), []).append(gpu)
    half = [gpu for mine in by_host.values() for gpu in mine[:len(mine) // 2]]
    return tuple(half) or gpus[:len(gpus) // 2]


def _kv_blocks(fabric: Fabric, gpus: tuple[str, ...], attention: int, hosted: Ints,
               shape: LlmShape, options: AepOptions) -> Ints:
    """Blocks of KV cache on each attention GPU after the weights; refuses what does not fit."""
    block_bytes = shape.kv_bytes_per_token * options.kv_block_tokens
    blocks = []
    for index, name in enumerate(gpus):
        device = gpu_at(fabric, name)
        usable = device.memory_nbytes * options.memory_share
        weights = shape.blocks * int(hosted[index]) * shape.expert_bytes
        if index < attention:
            weights += shape.blocks * shape.attention_bytes
        if weights > usable:
            share = " and attention" if index < attention else ""
            raise DoesNotFit(
                f"{shape.name} does not fit: {name} ({device.name}) would hold "
                f"{format_bytes(weights)} of weights ({hosted[index]} experts{share} of each of "
                f"{shape.blocks} blocks), but {options.memory_share:.0%} of its memory is "
                f"{format_bytes(int(usable))}; use more GPUs or a smaller model")
        if index < attention:
            blocks.append(int((usable - weights) // block_bytes))
    return np.array(blocks, np.int64)
