"""What eager PyTorch costs its host, one operation at a time: chains, probes, rows.

A chain is one small block of layers, repeated; its tensors are so small that the host decides how
long a step takes. `CHAINS` says which operations a block holds, so that the cost of each follows
by subtraction (`eager_costs` in `fit_eager`). No chain is a network whose steps are predicted.

A probe is one step of a fixed chain, timed between the blocks of every measurement: hosts that we
rent change speed by a third within minutes, and a probe says how fast one was at the time.

Times in microseconds. Leaves out: operators that no network of ours has.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rackwright.calibrate.rows import text_of
from rackwright.errors import InputError

__all__ = ["CHAINS", "EAGER_HEAD", "PROBE", "ChainPoint", "EagerRow", "chain_plan", "chain_text",
           "read_eager"]

# Operations in one block of a chain. "sum": a shortcut around the block, whose gradients are added
# up backward; "wide sum": the same for a float32 stream under autocast, with the cast of its input.
# Every chain also has one "step": autocast, the call of backward.
CHAINS: Mapping[str, Mapping[str, int]] = {
    "empty": {},
    "conv1": {"conv1": 1},
    "conv3": {"conv3": 1},
    "conv3_bias": {"conv3_bias": 1},
    "norm": {"batch_norm": 1},
    "norm_relu": {"batch_norm": 1, "relu": 1},
    "norm_sum": {"batch_norm": 1, "sum": 1},
    "pool": {"pool": 1},
    "linear": {"linear": 1},
    "dropout": {"dropout": 1},
    "loss": {"loss": 1},
    "tokens": {"linear_tokens": 1},
    "tokens_sum": {"linear_tokens": 1, "wide_sum": 1},
    "tokens_norm": {"linear_tokens": 1, "wide_sum": 1, "layer_norm": 1},
    "tokens_gelu": {"linear_tokens": 2, "wide_sum": 1, "gelu": 1},
    "tokens_attention": {"linear_tokens": 2, "wide_sum": 1, "attention": 1},
    "embedding": {"embedding": 1, "linear_tokens": 1},
    "sgd_few": {}, "sgd_many": {}, "adam_few": {}, "adam_many": {},
    "ddp_few": {"conv1": 1}, "ddp_many": {"conv1": 1}, "ddp_buckets": {"conv1": 1},
    "ddp_norm": {"batch_norm": 1},
}
PROBE = "conv1"
ONCE = ("empty", "loss", "embedding")  # chains of one block
EAGER_HEAD = ("chain", "dtype", "gpus", "blocks", "forward_us", "backward_us", "probe_us")


@dataclass(frozen=True)
class ChainPoint:
    """`blocks`: repetitions; for optimizers the tensors."""

    chain: str
    dtype: str
    gpus: int
    blocks: int


@dataclass(frozen=True)
class EagerRow:
    """Seconds of a whole chain forward and backward (optimizers: forward is the step), and of the
    probe meanwhile."""

    point: ChainPoint
    forward_time: float
    backward_time: float
    probe_time: float


def chain_plan(gpus: int = 2) -> list[ChainPoint]:
    """Points for a host of so many GPUs; data-parallel chains on two, with and without."""
    found = []
    for dtype in ("bf16", "tf32"):
        for chain in CHAINS:
            if not chain.startswith(("sgd", "adam", "ddp")):
                found.append(ChainPoint(chain, dtype, 1, 1 if chain in ONCE else 24))
    for kind in ("sgd", "adam"):
        found += [ChainPoint(f"{kind}_few", "tf32", 1, 16),
                  ChainPoint(f"{kind}_many", "tf32", 1, 160)]
    if gpus >= 2:
        for count in (1, 2):
            found += [ChainPoint("ddp_few", "tf32", count, 8),
                      *(ChainPoint(chain, "tf32", count, 32)
                        for chain in ("ddp_many", "ddp_buckets", "ddp_norm"))]
    return found


def chain_text(point: ChainPoint, values: Mapping[str, float]) -> str:
    """A row of the file."""
    cells = [point.chain, point.dtype, str(point.gpus), str(point.blocks)]
    return ",".join([*cells, *(f"{values[name]:.6g}" for name in EAGER_HEAD[4:])])


def read_eager(path: Path) -> list[EagerRow]:
    """Rows of a file, plain or gzip. Raises InputError with the line of the first bad one."""
    lines = csv.reader(io.StringIO(text_of(path), newline=""), strict=True)
    if tuple(next(lines, ())) != EAGER_HEAD:
        raise InputError(f"its first line must read {','.join(EAGER_HEAD)}", place=path, line=1)
    rows = []
    for cells in lines:
        try:
            rows.append(_row(cells))
        except ValueError as problem:
            raise InputError(str(problem), place=path, line=lines.line_num) from None
    return rows


def _row(cells: list[str]) -> EagerRow:
    if len(cells) != len(EAGER_HEAD):
        raise ValueError(f"{len(cells)} cells; expected {len(EAGER_HEAD)}: {','.join(EAGER_HEAD)}")
    chain, dtype, *counts = cells[:4]
    if chain not in CHAINS:
        raise ValueError(f"chain is {chain!r}; allowed: {', '.join(CHAINS)}")
    if dtype not in ("bf16", "tf32"):
        raise ValueError(f"dtype is {dtype!r}; allowed: bf16, tf32")
    for name, cell in zip(EAGER_HEAD[2:4], counts, strict=True):
        if not (cell.isascii() and cell.isdigit() and 0 < int(cell) < 10**4):
            raise ValueError(f"{name} is {cell!r}; it must be a whole number from 1")
    times = [_time(name, cell) for name, cell in zip(EAGER_HEAD[4:], cells[4:], strict=True)]
    return EagerRow(ChainPoint(chain, dtype, int(counts[0]), int(counts[1])), *times)


def _time(name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or (name == "probe_us" and value == 0):
        raise ValueError(f"{name} is {cell!r}; it must be a number >= 0")
    return value * 1e-6
