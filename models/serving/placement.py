"""Which GPUs the engine runs on, and how many pages of KV cache are left after the weights.

Engine k takes the k-th `tensor_parallel` GPUs of the topology; all must be equal. Every rank
holds a slice of every layer (or, with expert parallelism, whole experts) and a slice of the
vocabulary. A page holds `block_tokens` tokens of one group of blocks: blocks that see everything
and blocks with a window form groups of equal size, so that one pool serves both, as vLLM's hybrid
cache manager does. A request needs pages of a window only until the window is full.

Left out: pages that a long chunk needs beyond the window while it runs; CUDA graphs' memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rackwright.devices import Gpu
from rackwright.errors import DoesNotFit, InputError, TopologyError
from rackwright.models.llm import LlmShape
from rackwright.models.serving.options import ServingOptions
from rackwright.topologies.fabric import Fabric
from rackwright.units import format_bytes

__all__ = ["Placement", "Limits", "place"]

# vLLM's defaults by GPU; see `options`
LARGE_NBYTES = 70 * 2**30
LARGE = (8192, 1024)
SMALL = (2048, 256)
MOST_CAPTURED = 512


@dataclass(frozen=True)
class Limits:
    """The scheduler's limits: tokens and requests of a step, the largest captured size."""

    tokens: int
    requests: int
    graph: int


@dataclass(frozen=True)
class Placement:
    """`gpus`: endpoint names, `ranks` of them for an engine; `pages` of an engine; pages for a
    block of tokens in groups that see everything and in groups with a window, and the most blocks
    that a window keeps."""

    gpus: tuple[str, ...]
    ranks: int
    gpu: Gpu
    limits: Limits
    pages: int
    page_bytes: int
    weight_bytes: int
    full_groups: int
    window_groups: int
    window_blocks: int

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The GPUs of each engine."""
        return tuple(self.gpus[k:k + self.ranks] for k in range(0, len(self.gpus), self.ranks))

    def pages_of(self, tokens: int, block_tokens: int) -> int:
        """Pages that hold `tokens` tokens of one request."""
        blocks = -(-tokens // block_tokens)
        return blocks * self.full_groups + min(blocks, self.window_blocks) * self.window_groups


def place(fabric: Fabric, shape: LlmShape, options: ServingOptions) -> Placement:
    """The engine's GPUs and its memory.

    Raises `TopologyError` for too few or unequal GPUs, `OptionsError` for a split that does not
    divide, `InputError` for a model that cannot generate, `DoesNotFit` with the sum of bytes.
    """
    if shape.vocab == 0:
        raise InputError(f"the catalog knows no vocabulary of {shape.name}, so it cannot generate "
                         "tokens; choose another model")
    _check_split(shape, options)
    ranks = options.tensor_parallel
    gpus = fabric.gpus()[:ranks * options.engines]
    if len(gpus) < ranks * options.engines:
        wanted = f"; engines is {options.engines}" if options.engines > 1 else ""
        raise TopologyError("the topology is too small", [
            f"GPUs in it: {len(gpus)}; tensor_parallel is {ranks}{wanted}"])
    gpu = _one_gpu(fabric, gpus)
    weights = _weight_bytes(shape, options)
    usable = gpu.memory_nbytes * options.gpu_memory_utilization - options.activation_memory
    full, window = shape.blocks - shape.window_blocks, shape.window_blocks
    group = math.gcd(full, window)
    page = shape.rank_kv_bytes(ranks) * options.block_tokens * group
    pages = int((usable - weights) // page)
    if pages < 1:
        raise DoesNotFit(
            f"{shape.name} does not fit: each of {ranks} {gpu.name} would hold "
            f"{format_bytes(weights)} of weights and {format_bytes(options.activation_memory)} of "
            f"activations, but {options.gpu_memory_utilization:.0%} of its memory is "
            f"{format_bytes(int(gpu.memory_nbytes * options.gpu_memory_utilization))}; raise "
            "tensor_parallel, or use GPUs with more memory or a smaller model")
    kept = -(-shape.window // options.block_tokens) + 1 if window else 0
    return Placement(gpus, ranks, gpu, _limits(gpu, options), pages, page, weights, full // group,
                     window // group, kept)


def _limits(gpu: Gpu, options: ServingOptions) -> Limits:
    large = gpu.memory_nbytes >= LARGE_NBYTES and not gpu.name.startswith("a100")
    tokens, requests = LARGE if large else SMALL
    tokens = options.max_num_batched_tokens or tokens
    requests = min(options.max_num_seqs or requests, tokens)
    graph = options.graph_limit or min(2 * requests, MOST_CAPTURED)
    return Limits(tokens, requests, min(graph, tokens) if options.cuda_graphs else 0)


def _check_split(shape: LlmShape, options: ServingOptions) -> None:
    ranks, faults = options.tensor_parallel, []
    if shape.heads % ranks:
        faults.append(f"tensor_parallel is {ranks}, which does not divide the {shape.heads} heads "
                      f"of {shape.name}")
    if max(shape.kv_heads, ranks) % min(shape.kv_heads, ranks) and not shape.latent:
        faults.append(f"tensor_parallel is {ranks}: neither divides the {shape.kv_heads} key-value "
                      f"heads of {shape.name} nor is a multiple of them")
    if options.expert_parallel and shape.experts % ranks:
        faults.append(f"expert_parallel: {shape.experts} experts of {shape.name} cannot be shared "
                      f"evenly by {ranks} GPUs")
    if faults:
        raise options.refused(faults)


def _one_gpu(fabric: Fabric, gpus: tuple[str, ...]) -> Gpu:
    parts = {}
    for name in gpus:
        device = fabric.device(name)
        assert isinstance(device, Gpu)  # every name comes from fabric.gpus()
        parts[device.name] = device
    if len(parts) > 1:
        raise TopologyError("engines need equal GPUs", [
            f"{gpus[0]} ... {gpus[-1]} are {', '.join(sorted(parts))}; set tensor_parallel and "
            "engines so that their GPUs are alike"])
    return next(iter(parts.values()))


def _weight_bytes(shape: LlmShape, options: ServingOptions) -> int:
    """Weights on one rank; what cannot be divided is on each."""
    ranks = options.tensor_parallel
    attention = sum(n * k for n, k in shape.projections(ranks)) * shape.attention_bits / 8
    router = shape.hidden * shape.experts * shape.dtype_bytes if shape.experts > 1 else 0
    experts = shape.expert_blocks * shape.experts * shape.expert_bytes
    return int(shape.blocks * attention + shape.expert_blocks * router
               + (experts + shape.dense_bytes + shape.vocab_bytes) / ranks)
