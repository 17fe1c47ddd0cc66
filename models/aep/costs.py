"""Step times of AEP and its baselines: device models plus named host costs, as cost tables.

An attention step is the fused projection, decode attention over the KV cache, the output
projection and the router; the join and the norms are counted with the host's time. An expert step
is one expert, unfused, as the evaluated runs launch it. The sampler is host work only.

The slowest GPU of a side sets the table of the side: a mixed machine is refused.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices import Gpu
from rackwright.devices.cost_table import (
    CostTable1,
    CostTable2,
    build_table1,
    build_table2,
    content_hash,
)
from rackwright.errors import TopologyError
from rackwright.models.aep.offload import HOST_ONLY, NicTimes
from rackwright.models.aep.options import BARRIER, FRAMEWORK, AepOptions
from rackwright.models.aep.placement import gpu_at
from rackwright.models.llm import LlmShape
from rackwright.topologies.fabric import Fabric

__all__ = ["Costs", "HostTimes", "build_costs", "host_times", "one_gpu"]

EXACT_BATCH = 1024   # tables are exact up to this batch, interpolated beyond

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Costs(NamedTuple):
    """Tables in ps, the largest relative error of their interpolation, the NIC's own times."""

    attention: CostTable2
    expert: CostTable1
    sampler: CostTable1
    error: float
    nic: NicTimes

    def hashes(self) -> dict[str, str]:
        """Table -> content hash."""
        return {"attention": content_hash(self.attention), "expert": content_hash(self.expert),
                "sampler": content_hash(self.sampler), **self.nic.tables}


class HostTimes(NamedTuple):
    """Host time, seconds, that a system spends on its steps, on the critical path."""

    attention: float
    attention_token: float
    eager: float              # an attention step beyond the largest CUDA graph
    expert: float
    sampler: float            # once an iteration in a barrier system
    sampler_token: float


def host_times(options: AepOptions, nic: NicTimes) -> HostTimes:
    """What the system of `options.policy` pays; `README.md` says why."""
    if options.policy == "ep_ideal":
        return HostTimes(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    if options.policy in FRAMEWORK:
        return HostTimes(options.ep_host_attention_time, 0.0, 0.0, options.ep_host_expert_time,
                         options.ep_step_time, options.ep_request_time)
    in_nic = options.dispatch == "nic" and options.policy not in BARRIER
    left = 1 - options.nic_host_share if in_nic else 1.0
    return HostTimes(options.attention_fixed_time * left + nic.attention_pick,
                     options.attention_token_time * left, options.attention_eager_time,
                     options.expert_fixed_time + nic.expert_pick,
                     options.sampler_fixed_time + nic.attention_pick, options.sampler_token_time)


def one_gpu(fabric: Fabric, names: tuple[str, ...]) -> Gpu:
    """The GPU part that all `names` are; raises `TopologyError` when they differ."""
    parts = {gpu_at(fabric, name).name: gpu_at(fabric, name) for name in names}
    if len(parts) > 1:
        raise TopologyError("AEP needs equal GPUs", [
            f"{names[0]} ... {names[-1]} are {', '.join(sorted(parts))}"])
    return next(iter(parts.values()))


def build_costs(gpu: Gpu, shape: LlmShape, options: AepOptions, *, most_tokens: int,
                most_context: int, nic: NicTimes = HOST_ONLY) -> Costs:
    """Tables for up to `most_tokens` tokens in a step with contexts up to `most_context`."""
    host = host_times(options, nic)

    def attention(tokens: Ints, context: Ints) -> Array:
        eager = host.eager * (tokens > options.attention_graph_batch)
        time = host.attention + host.attention_token * tokens + eager
        return time + attention_device_time(gpu, shape, tokens, context)

    def expert(tokens: Ints) -> Array:
        device = gpu.expert_time(tokens, shape.hidden, shape.ffn, dtype=shape.dtype)
        return np.asarray(host.expert + device, np.float64)

    def sampler(tokens: Ints) -> Array:
        return host.sampler + host.sampler_token * np.asarray(tokens, np.float64)

    exact = min(EXACT_BATCH, most_tokens)
    attention_table, error_a = build_table2(attention, exact, most_tokens, most_context)
    expert_table, error_e = build_table1(expert, exact, most_tokens)
    sampler_table, error_s = build_table1(sampler, exact, most_tokens)
    return Costs(attention_table, expert_table, sampler_table, max(error_a, error_e, error_s), nic)


def attention_device_time(gpu: Gpu, shape: LlmShape, tokens: Ints, context: Ints) -> Array:
    """Device time of one block's attention step for `tokens` decode tokens, seconds."""
    hidden, dtype = shape.hidden, shape.dtype
    inner = shape.heads * shape.head_dim
    time: Array = (
        gpu.gemm_time(tokens, shape.qkv_width, hidden, dtype=dtype)
        + gpu.attention_time(tokens, shape.heads, shape.kv_heads, shape.head_dim, 1, context,
                             dtype=dtype)
        + gpu.gemm_time(tokens, hidden, inner, dtype=dtype)
        + gpu.gemm_time(tokens, shape.experts, hidden, dtype=dtype))
    return time
