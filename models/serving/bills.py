"""Energy and money of a serving replay.

Energy is that of the GPU boards: idle power throughout, and above it the power that the device
model gives for decodes while a step only decodes, and for matrix products in all other steps.
Hosts, switches and cooling are left out. Money is the price of the GPUs for as long as the replay
took.
"""

from __future__ import annotations

from rackwright.models.serving.options import ServingOptions
from rackwright.models.serving.placement import Placement
from rackwright.models.serving.state import EngineState

__all__ = ["put_costs", "put_energy", "put_token_cost"]

PS = 1e-12
HOUR = 3600.0


def put_energy(metrics: dict[str, float], undefined: dict[str, str], placed: Placement,
               state: EngineState, end_ps: int) -> None:
    """`energy_gpu_j` and `energy_gpu_per_token_j`, per token handed out."""
    seconds = (end_ps - int(state.requests.arrival_ps[0])) * PS
    if seconds <= 0:
        undefined["energy_gpu_j"] = "nothing took any time"
        return
    # decode_ps is of engines, the others of GPUs
    decoding = int(state.work.decode_ps[0]) * PS * placed.ranks
    other = int(state.work.busy_ps.sum()) * PS - decoding
    idle, gpu = seconds * len(placed.gpus) - decoding - other, placed.gpu
    joules = gpu.energy_joules("idle", max(idle, 0.0)) + gpu.energy_joules("decode", decoding) \
        + gpu.energy_joules("gemm_bf16", max(other, 0.0))
    metrics["energy_gpu_j"] = float(joules)
    if metrics["tokens"]:
        metrics["energy_gpu_per_token_j"] = metrics["energy_gpu_j"] / metrics["tokens"]


def put_costs(metrics: dict[str, float], undefined: dict[str, str], placed: Placement,
              options: ServingOptions) -> None:
    """`cost_per_million_tokens_usd`, over the whole replay and at the steady rate."""
    names = ("cost_per_million_tokens_usd", "cost_per_million_tokens_steady_usd")
    rates = (metrics.get("throughput_tokens_per_s"), metrics.get("throughput_steady_tokens_per_s"))
    for name, rate in zip(names, rates, strict=True):
        put_token_cost(metrics, undefined, name, options.gpu_hour_price, len(placed.gpus), rate)


def put_token_cost(metrics: dict[str, float], undefined: dict[str, str], name: str,
                   hour_price: float | None, gpus: int, rate: float | None) -> None:
    """`name`: USD of a million tokens at `rate` tokens/s, or why there is no such number."""
    if hour_price is None:
        undefined[name] = "gpu_hour_price is not given"
    elif not rate:
        undefined[name] = "there is no such throughput"
    else:
        metrics[name] = hour_price * gpus / HOUR / rate * 1e6
