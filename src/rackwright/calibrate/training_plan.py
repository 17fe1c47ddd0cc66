"""Training steps that are measured, what a row of them holds, and how rows are read.

A point: network, data type, eager or as a CUDA graph, GPUs (data parallel), samples a GPU. Rows
that a fit may see were named before measuring: ResNet-50 in bf16, eager, one GPU, 1 to 4 samples
("fit"); everything else is "held": other networks, other types, other sizes, graphs, two GPUs.

`time_us`: a step, median. `host_us`: what Python takes to issue a step to an idle GPU. `peak_mib`:
most memory allocated. `probe_us`: a step of a fixed chain of small layers (`eager_plan`) between
the blocks of the row, which says how fast the host was. Times in microseconds. Leaves out: input
pipelines, several hosts.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rackwright.calibrate.rows import text_of
from rackwright.errors import InputError

__all__ = ["DTYPES", "HEAD", "MODES", "NETWORKS", "TrainingPoint", "TrainingRow", "global_plan",
           "point_text", "read_training", "row_text", "training_plan"]

NETWORKS = ("resnet50", "vgg16", "gpt2", "vit_b16")
DTYPES = ("bf16", "tf32")
MODES = ("eager", "graph")
VALUES = ("time_us", "spread", "samples", "host_us", "peak_mib", "probe_us")
HEAD = ("set", "network", "dtype", "mode", "gpus", "batch", *VALUES)
WITHOUT_PROBE = HEAD[:-1]  # files of before probes
IMAGES, FEW = (1, 2, 4, 8, 16, 32, 64, 128), (1, 4, 16, 64)
GLOBAL = (32, 64, 128)     # samples on all GPUs together


@dataclass(frozen=True)
class TrainingPoint:
    """`batch`: samples on each of `gpus`; for gpt2 a sample is 1,024 tokens."""

    network: str
    dtype: str
    mode: str
    gpus: int
    batch: int

    @property
    def set(self) -> str:
        """Whether a fit may see it."""
        seen = (self.network, self.dtype, self.mode, self.gpus) == ("resnet50", "bf16", "eager", 1)
        return "fit" if seen and self.batch <= 4 else "held"


@dataclass(frozen=True)
class TrainingRow:
    """A measured point; times in seconds, memory in bytes."""

    point: TrainingPoint
    step_time: float
    spread: float
    host_time: float
    peak_nbytes: int
    probe_time: float | None = None


def training_plan(gpus: int = 2) -> list[TrainingPoint]:
    """Points for a host of so many GPUs, in the order of measuring; the riskiest last."""
    return [point for point in _points(gpus) if point.gpus <= gpus]


def _points(gpus: int) -> Iterator[TrainingPoint]:
    several = [count for count in (2, 4, 8) if count <= gpus]
    for network in ("resnet50", "vgg16"):
        for mode, counts in (("eager", [1, *several]), ("graph", [1])):
            for count in counts:
                for batch in IMAGES:
                    yield TrainingPoint(network, "bf16", mode, count, batch)
    for network in ("resnet50", "vgg16"):
        yield from _all_modes(network, "tf32", FEW, several)
    yield from _all_modes("gpt2", "bf16", (1, 2, 4, 8, 16), several)
    yield from _all_modes("vit_b16", "bf16", FEW, several)
    for network in ("resnet50", "vgg16"):
        for count in several:
            for batch in sorted({*FEW, *(whole // count for whole in GLOBAL)}):
                yield TrainingPoint(network, "bf16", "graph", count, batch)


def global_plan(gpus: int = 2) -> list[TrainingPoint]:
    """Those of the plan that share a global batch of 32, 64 or 128 images among 1, 2, ... GPUs."""
    return [point for point in training_plan(gpus) if point.dtype == "bf16"
            and point.network in ("resnet50", "vgg16") and point.gpus * point.batch in GLOBAL]


def _all_modes(network: str, dtype: str, batches: tuple[int, ...], several: list[int]
               ) -> Iterator[TrainingPoint]:
    for mode, counts in (("eager", [1, *several]), ("graph", [1])):
        for count in counts:
            for batch in batches:
                yield TrainingPoint(network, dtype, mode, count, batch)


def point_text(point: TrainingPoint) -> str:
    """One line for people."""
    return (f"{point.network} {point.dtype} {point.mode} {point.gpus} GPU"
            f"{'s' if point.gpus > 1 else ''} batch {point.batch}")


def row_text(point: TrainingPoint, values: dict[str, float]) -> str:
    """A row of the file."""
    cells = [point.set, point.network, point.dtype, point.mode, str(point.gpus), str(point.batch)]
    return ",".join([*cells, *(f"{values[name]:.6g}" for name in VALUES)])


def read_training(path: Path) -> list[TrainingRow]:
    """Rows of a file, plain or gzip. Raises InputError with the line of the first bad one."""
    lines = csv.reader(io.StringIO(text_of(path), newline=""), strict=True)
    rows: list[TrainingRow] = []
    head: tuple[str, ...] = HEAD
    seen: dict[TrainingPoint, int] = {}
    for cells in lines:
        if lines.line_num == 1:
            head = tuple(cells)
            if head not in (HEAD, WITHOUT_PROBE):
                raise InputError(f"its first line must read {','.join(HEAD)}, not "
                                 f"{','.join(cells)[:120]}", place=path, line=1)
            continue
        try:
            row = _row(cells, head)
            if row.point in seen:
                raise ValueError(f"the same point as line {seen[row.point]}; keep one")
        except ValueError as problem:
            raise InputError(str(problem), place=path, line=lines.line_num) from None
        seen[row.point] = lines.line_num
        rows.append(row)
    if not rows:
        raise InputError(f"no rows; the first line must read {','.join(HEAD)}", place=path)
    return rows


def _row(cells: list[str], head: tuple[str, ...]) -> TrainingRow:
    if len(cells) != len(head):
        raise ValueError(f"{len(cells)} cells; expected {len(head)}: {','.join(head)}")
    named = dict(zip(head, cells, strict=True))
    for name, allowed in (("network", NETWORKS), ("dtype", DTYPES), ("mode", MODES)):
        if named[name] not in allowed:
            raise ValueError(f"{name} is {named[name]!r}; allowed: {', '.join(allowed)}")
    for name in ("gpus", "batch"):
        if not (named[name].isascii() and named[name].isdigit() and 0 < int(named[name]) < 10**6):
            raise ValueError(f"{name} is {named[name]!r}; it must be a whole number from 1")
    point = TrainingPoint(named["network"], named["dtype"], named["mode"], int(named["gpus"]),
                          int(named["batch"]))
    if named["set"] != point.set:
        raise ValueError(f"set is {named['set']!r}; the plan has this point in {point.set!r}")
    values = {name: _number(name, named[name]) for name in VALUES if name in named}
    probe = values["probe_us"] * 1e-6 if "probe_us" in values else None
    return TrainingRow(point, values["time_us"] * 1e-6, values["spread"],
                       values["host_us"] * 1e-6, round(values["peak_mib"] * 2 ** 20),
                       probe)


def _number(name: str, cell: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or (name == "time_us" and value == 0):
        raise ValueError(f"{name} is {cell!r}; it must be a number "
                         f"{'above 0' if name == 'time_us' else '>= 0'}")
    return value
