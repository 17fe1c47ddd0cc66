"""Predicted training steps beside measured ones, group by group.

The relative error of a point is predicted / measured - 1. A point is "host" where launching takes
longer than the GPU's work, as predicted: there the measured host decides, and two runs on the same
machine differ by a fifth (`repeatability`). Else it is "gpu".

Leaves out: parts other than those measured. Ranks are the first GPUs of one host.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rackwright.calibrate.training_plan import TrainingPoint, TrainingRow
from rackwright.devices import catalog

__all__ = ["TrainingError", "predicted_steps", "repeatability", "training_errors"]

OPTIMIZERS = {"gpt2": "adam"}


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


def predicted_steps(part: str, points: Sequence[TrainingPoint]) -> dict[TrainingPoint,
                                                                        tuple[float, str]]:
    """(seconds, "gpu" or "host") of each point on hosts of `part`. Raises UnknownName."""
    from rackwright import topologies
    from rackwright.models.training import network, step_times

    gpu = catalog.gpu(part)
    fabric = topologies.compile(topologies.dgx(part)) if any(
        point.gpus > 1 for point in points) else None
    groups: dict[tuple[str, str, str, int], list[TrainingPoint]] = {}
    for point in points:
        groups.setdefault((point.network, point.dtype, point.mode, point.gpus), []).append(point)
    found: dict[TrainingPoint, tuple[float, str]] = {}
    for (name, dtype, mode, gpus), members in groups.items():
        ranks = [f"h0/gpu{rank}" for rank in range(gpus)] if gpus > 1 else []
        times = step_times(network(name), gpu, [point.batch for point in members], dtype=dtype,
                           mode=mode, optimizer=OPTIMIZERS.get(name, "sgd"), fabric=fabric,
                           ranks=ranks, in_switch=False)
        for place, point in enumerate(members):
            busy = float(times.compute_time[place] + times.exposed_time[place])
            host = mode == "eager" and times.host_time > busy
            found[point] = float(times.step_time[place]), "host" if host else "gpu"
    return found


def training_errors(part: str, rows: Sequence[TrainingRow]) -> list[TrainingError]:
    """Errors of all groups, in the order of the rows."""
    predicted = predicted_steps(part, [row.point for row in rows])
    groups: dict[tuple[str, str, str, int, str, str], list[float]] = {}
    for row in rows:
        point, (seconds, limit) = row.point, predicted[row.point]
        key = point.network, point.dtype, point.mode, point.gpus, point.set, limit
        groups.setdefault(key, []).append(seconds / row.step_time - 1)
    return [TrainingError(*key, len(errors), float(np.median(np.abs(errors))),
                          max(errors, key=abs), float(np.median(errors)))
            for key, errors in groups.items()]


def repeatability(rows: Sequence[TrainingRow], again: Sequence[TrainingRow], mode: str
                  ) -> tuple[float, int]:
    """(median of the absolute relative difference, points) of two runs in one mode."""
    first = {row.point: row.step_time for row in rows}
    found = [abs(row.step_time / first[row.point] - 1) for row in again
             if row.point in first and row.point.mode == mode]
    return float(np.median(found)), len(found)
