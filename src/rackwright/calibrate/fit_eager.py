"""What single operations cost the host, worked out from measured chains; no fit in it.

A chain's cost a block is (chain - chain "empty") / blocks; an operation follows by subtracting the
others of its block (`eager_plan.CHAINS`). Every time is first brought to the same speed of the
host, that of the median probe. Seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rackwright.calibrate.eager_plan import CHAINS, ChainPoint, EagerRow
from rackwright.devices.arguments import Floats
from rackwright.errors import InputError

__all__ = ["EagerCosts", "eager_costs"]

Pair = tuple[float, float]  # forward, backward


@dataclass(frozen=True)
class EagerCosts:
    """`operations`: by data type, then by name; `optimizers`: (a step, a tensor); `exchange`:
    data parallel on two GPUs, (a step, a tensor, a bucket, a buffer)."""

    operations: dict[str, dict[str, Pair]]
    optimizers: dict[str, Pair]
    exchange: tuple[float, float, float, float]


def eager_costs(rows: Sequence[EagerRow]) -> EagerCosts:
    """Costs from the rows of a whole plan on two GPUs. Raises InputError for a row that lacks."""
    probe = float(np.median([row.probe_time for row in rows])) if rows else 0.0
    times = {(row.point.chain, row.point.dtype, row.point.gpus): (
        row.point, np.array([row.forward_time, row.backward_time]) * probe / row.probe_time)
        for row in rows}
    found = {dtype: _operations(times, dtype) for dtype in ("bf16", "tf32")}
    optimizers = {}
    for kind in ("sgd", "adam"):
        (few, short), (many, long) = (_of(times, f"{kind}_{size}", "tf32")
                                      for size in ("few", "many"))
        tensor = float((long - short)[0]) / (many.blocks - few.blocks)
        optimizers[kind] = float(short[0]) - few.blocks * tensor, tensor
    return EagerCosts(found, optimizers, _exchange(times))


Times = dict[tuple[str, str, int], tuple[ChainPoint, Floats]]


def _of(times: Times, chain: str, dtype: str, gpus: int = 1) -> tuple[ChainPoint, Floats]:
    if (chain, dtype, gpus) not in times:
        raise InputError(f"no row of chain {chain} in {dtype} on {gpus} GPUs; measure the whole "
                         "plan: rackwright calibrate training --only chains --out DIR")
    return times[chain, dtype, gpus]


def _operations(times: Times, dtype: str) -> dict[str, Pair]:
    """Each chain has one operation that those before it do not have."""
    _, empty = _of(times, "empty", dtype)
    known = {"step": empty}
    for chain, members in CHAINS.items():
        new = [name for name in members if name not in known]
        if not new or chain.startswith("ddp"):
            continue
        point, whole = _of(times, chain, dtype)
        block = (whole - empty) / point.blocks
        rest = sum((count * known[name] for name, count in members.items() if name in known),
                   np.zeros(2))
        known[new[0]] = (block - rest) / members[new[0]]
    return {name: (float(pair[0]), float(pair[1])) for name, pair in known.items()}


def _exchange(times: Times) -> tuple[float, float, float, float]:
    """From four chains, with and without: a tensor, a bucket, a buffer and the rest."""
    def more(chain: str) -> tuple[int, float]:
        point, one = _of(times, chain, "tf32")
        return point.blocks, float(_of(times, chain, "tf32", 2)[1].sum() - one.sum())
    (few, short), (many, long) = more("ddp_few"), more("ddp_many")
    split, buckets = more("ddp_buckets")
    norms, buffered = more("ddp_norm")
    tensor = (long - short) / (many - few)
    bucket = (buckets - long) / (split - 1)  # a bucket a tensor, beside all in one
    step = short - few * tensor - bucket
    return step, tensor, bucket, (buffered - step - bucket - 2 * norms * tensor) / (3 * norms)
