"""Predicted training steps beside measured ones, host by host and group by group.

The relative error of a point is predicted / measured - 1. A point is "host" where issuing it takes
longer than the GPU's work, as predicted; else "gpu". Hosts differ: `host_pace` is the one number
taken from a host, the median over its rows of set "fit"; all other rows are held.

Leaves out: parts other than those measured. Ranks are the first GPUs of one host.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rackwright.calibrate.training_plan import (
    GLOBAL,
    TrainingPoint,
    TrainingRow,
    read_training,
)
from rackwright.devices import catalog

__all__ = ["RowError", "TrainingError", "TrainingHost", "errors_by_group", "held_errors",
           "host_pace", "own_host", "packaged_hosts", "predicted_steps", "repeatability",
           "row_errors", "shared_batch_errors"]

Key = tuple[str, str, str, int, str, str]
OPTIMIZERS = {"gpt2": "adam"}
ANY = "all"


@dataclass(frozen=True)
class TrainingHost:
    """Rows measured on one host in one go, and how slow it was."""

    name: str
    rows: tuple[TrainingRow, ...]
    pace: float


@dataclass(frozen=True)
class TrainingError:
    """Errors of the rows of one network, type, mode, number of GPUs, set and limit."""

    network: str
    dtype: str
    mode: str
    gpus: int
    set: str
    limit: str
    rows: int
    median: float
    worst: float
    bias: float


@dataclass(frozen=True)
class RowError:
    """predicted / measured - 1 of a row, and whether the "host" or the "gpu" decides."""

    point: TrainingPoint
    error: float
    limit: str


def packaged_hosts(part: str) -> list[TrainingHost]:
    """Our measurements on `part`, in the order in which they were made. Raises UnknownName."""
    from rackwright.calibrate.packaged import training_folder

    home, found, pace = training_folder(part), list[TrainingHost](), None
    for name, place in (("first", "."), ("first, again", "repeat"), ("second", "second"),
                        ("second, again", "second/repeat")):
        path = home / place / "training.csv.gz"
        if path.exists():
            rows = read_training(path)
            pace = host_pace(rows, pace)
            found.append(TrainingHost(name, tuple(rows), pace))
    return found


def own_host(path: Path) -> TrainingHost:
    """A file of yours, or the folder that `rackwright calibrate training` made."""
    rows = read_training(path / "training.csv" if path.is_dir() else path)
    return TrainingHost(path.name, tuple(rows), host_pace(rows))


def host_pace(rows: Sequence[TrainingRow], default: float | None = None) -> float:
    """How slow the host of `rows` was: the median over those of set "fit" of measured / the sum of
    its operations; without such rows `default`, or the pace of the host that we measured."""
    from rackwright.models.training import network
    from rackwright.models.training.host import HOST_PACE, host_time

    seen = [row.step_time for row in rows if row.point.set == "fit"]
    if not seen:
        return HOST_PACE if default is None else default
    return float(np.median(seen)) / host_time(network("resnet50"), "bf16", pace=1.0).total


def predicted_steps(part: str, points: Sequence[TrainingPoint], pace: float | None = None
                    ) -> dict[TrainingPoint, tuple[float, str]]:
    """(seconds, "gpu" or "host") of each point on hosts of `part`. Raises UnknownName."""
    from rackwright.models.training.host import HOST_PACE

    return {point: _longer(point, *parts, HOST_PACE if pace is None else pace)
            for point, parts in _parts(part, points).items()}


def row_errors(part: str, hosts: Sequence[TrainingHost]) -> dict[str, list[RowError]]:
    """The error of every row of every host, in their order, by the host's name."""
    parts = _parts(part, [row.point for host in hosts for row in host.rows])
    found: dict[str, list[RowError]] = {}
    for host in hosts:
        steps = [_longer(row.point, *parts[row.point], host.pace) for row in host.rows]
        found[host.name] = [RowError(row.point, seconds / row.step_time - 1, limit)
                            for row, (seconds, limit) in zip(host.rows, steps, strict=True)]
    return found


def _longer(point: TrainingPoint, busy: float, issued: float, pace: float) -> tuple[float, str]:
    if point.mode == "eager" and issued * pace > busy:
        return issued * pace, "host"
    return busy, "gpu"


def _parts(part: str, points: Sequence[TrainingPoint]) -> dict[TrainingPoint,
                                                                tuple[float, float]]:
    """Seconds of the GPU and of a host of pace 1, for each point."""
    from rackwright import topologies
    from rackwright.models.training import network, step_times

    gpu = catalog.gpu(part)
    fabric = topologies.compile(topologies.dgx(part)) if any(
        point.gpus > 1 for point in points) else None
    groups: dict[tuple[str, str, int], set[int]] = {}
    for point in points:
        groups.setdefault((point.network, point.dtype, point.gpus), set()).add(point.batch)
    found: dict[tuple[str, str, int, int], tuple[float, float]] = {}
    for (name, dtype, gpus), members in groups.items():
        ranks = [f"h0/gpu{rank}" for rank in range(gpus)] if gpus > 1 else []
        times = step_times(network(name), gpu, sorted(members), dtype=dtype, mode="graph",
                           optimizer=OPTIMIZERS.get(name, "sgd"), fabric=fabric, ranks=ranks,
                           in_switch=False, host_pace=1.0)
        for batch, busy in zip(sorted(members), times.step_time.tolist(), strict=True):
            found[name, dtype, gpus, batch] = busy, times.host_time
    return {point: found[point.network, point.dtype, point.gpus, point.batch]
            for point in points}


def errors_by_group(found: Sequence[RowError]) -> list[TrainingError]:
    """By network, type, mode, number of GPUs, set and limit, in the order of the rows."""
    return _grouped(found, lambda one: [(one.point.network, one.point.dtype, one.point.mode,
                                         one.point.gpus, one.point.set, one.limit)])


def held_errors(found: Sequence[RowError]) -> list[TrainingError]:
    """Of held rows, by what decides and then together."""
    held = sorted((one for one in found if one.point.set == "held"), key=lambda one: one.limit)
    found_by = _grouped(held, lambda one: [(ANY, ANY, ANY, 0, "held", limit)
                                           for limit in (one.limit, ANY)])
    return sorted(found_by, key=lambda one: one.limit == ANY)


def shared_batch_errors(found: Sequence[RowError]) -> list[TrainingError]:
    """Of ResNet-50 and VGG-16 in bf16 with 32, 64 or 128 images on all GPUs together, by number of
    GPUs and mode."""
    chosen = sorted((one for one in found if one.point.dtype == "bf16"
                     and one.point.network in ("resnet50", "vgg16")
                     and one.point.gpus * one.point.batch in GLOBAL),
                    key=lambda one: (one.point.gpus, one.point.mode))
    return _grouped(chosen, lambda one: [(ANY, ANY, mode, one.point.gpus, "held", ANY)
                                         for mode in (one.point.mode, ANY)])


def _grouped(found: Sequence[RowError], keys: Callable[[RowError], list[Key]]
             ) -> list[TrainingError]:
    groups: dict[Key, list[float]] = {}
    for one in found:
        for key in keys(one):
            groups.setdefault(key, []).append(one.error)
    return [TrainingError(*key, len(errors), *_summary(errors))
            for key, errors in groups.items()]


def _summary(errors: Sequence[float]) -> tuple[float, float, float]:
    """Median of the absolute ones, the largest, the median."""
    return (float(np.median(np.abs(errors))), max(errors, key=abs), float(np.median(errors)))


def repeatability(rows: Sequence[TrainingRow], again: Sequence[TrainingRow], mode: str
                  ) -> tuple[float, int]:
    """(median of the absolute relative difference, points) of two runs in one mode."""
    first = {row.point: row.step_time for row in rows}
    found = [abs(row.step_time / first[row.point] - 1) for row in again
             if row.point in first and row.point.mode == mode]
    return float(np.median(found)), len(found)
