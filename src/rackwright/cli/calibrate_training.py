"""``rackwright calibrate training``: measure training steps. Thin.

Also what ``rackwright calibrate check NAME-training`` hands over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rackwright.cli.output import emit, emit_json, width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rackwright.calibrate.training_session import AnyPoint

__all__ = ["check_training", "is_training", "training"]

_SUFFIX = "-training"
_PLANS = ("chains", "steps", "global")
_MOST_GPUS = 8  # of a plan


@click.command()
@click.option("--out", "folder", type=click.Path(file_okay=False, path_type=Path), required=True,
              metavar="DIR", help="Where training.csv and eager.csv go; points that are there are "
              "not measured again.")
@click.option("--only", type=click.Choice(_PLANS), help="Single operations of the host only; "
              "steps only; steps of 32, 64 and 128 images on all GPUs together only.")
@click.option("--budget", type=click.FloatRange(min=0), metavar="SECONDS",
              help="Stop after so many seconds; the same command goes on.")
@click.option("--dry-run", is_flag=True, help="Say what would be measured and how long it takes.")
@click.option("--json", "as_json", is_flag=True, help="Print canonical JSON.")
def training(folder: Path, only: str | None, budget: float | None, dry_run: bool, as_json: bool
             ) -> None:
    """Measure training steps of four networks on 1, 2, ... GPUs, and what single operations cost
    the host.

    Needs PyTorch with CUDA; one process a GPU is started. NCCL runs as its variables in the
    environment say. Ctrl-C keeps what is done.
    """
    from rackwright.calibrate.training_session import left, plan

    points = plan(_MOST_GPUS, only or "all")
    if dry_run:
        _dry(points, left(points, folder), as_json)
    else:
        _measure(points, folder, budget, as_json)


def is_training(part: str) -> bool:
    """Whether `part` names measured training steps."""
    return part.endswith(_SUFFIX)


def check_training(part: str, data: Path | None, as_json: bool) -> None:
    """Errors of predicted training steps, host by host, on rows that no fit has seen."""
    from rackwright.calibrate import predict_training as predict

    gpu = part.removesuffix(_SUFFIX)
    hosts = [predict.own_host(data)] if data else predict.packaged_hosts(gpu)
    errors = predict.row_errors(gpu, hosts)
    shared = predict.shared_batch_errors([one for some in errors.values() for one in some])
    if as_json:
        emit_json({"hosts": [{
            "errors": [vars(one) for one in predict.errors_by_group(errors[host.name])],
            "held": [vars(one) for one in predict.held_errors(errors[host.name])],
            "name": host.name, "pace": host.pace} for host in hosts],
            "shared_batch": [vars(one) for one in shared]})
        return
    for host in hosts:
        found = errors[host.name]
        _show(f"Host \"{host.name}\": operations take {host.pace:.2f} times as long as alone",
              [one for one in predict.errors_by_group(found) if one.set == "held"]
              + predict.held_errors(found))
    if shared:
        _show("resnet50 and vgg16, bf16, 32, 64 or 128 images on all GPUs together", shared)
    emit("Errors in per cent of the measured step; worst and bias (the median) are signed.\n"
         "decides: what takes longer in an eager step, as predicted; a graph has no host.\n")


def _measure(points: Sequence[AnyPoint], folder: Path, budget: float | None, as_json: bool
             ) -> None:
    from rackwright.calibrate.crew import describe
    from rackwright.calibrate.machine import torch_with_gpu, write_description
    from rackwright.calibrate.training_session import host, run
    from rackwright.cli.progress import progress

    torch = torch_with_gpu()
    gpus = int(torch.cuda.device_count())
    write_description(torch, folder, describe(torch) if gpus > 1 else None)
    here = [point for point in points if point.gpus <= gpus]
    with host(torch) as measure, progress() as report:
        measured, skipped, rest = run(here, folder, measure, budget, report)
    if as_json:
        emit_json({"left": rest, "measured": measured, "skipped": skipped})
    else:
        emit(f"measured {measured} points, skipped {skipped}, {rest} are left, "
             f"{len(points) - len(here)} need more GPUs; the tables are in {folder}\n")


def _dry(points: Sequence[AnyPoint], todo: Sequence[AnyPoint], as_json: bool) -> None:
    from rackwright.calibrate.training_plan import TrainingPoint
    from rackwright.calibrate.training_session import SECONDS
    from rackwright.report.table import table

    kinds: dict[tuple[str, int], list[AnyPoint]] = {}
    for point in points:
        kind = point.network if isinstance(point, TrainingPoint) else "operations"
        kinds.setdefault((kind, point.gpus), []).append(point)
    waiting = set(todo)
    rows: list[dict[str, Any]] = []
    for (kind, gpus), members in kinds.items():
        here = [point for point in members if point in waiting]
        rows.append({"steps of": kind, "gpus": gpus, "points": len(members), "left": len(here),
                     "held": sum(isinstance(point, TrainingPoint) and point.set == "held"
                                 for point in members), "seconds": round(SECONDS * len(here))})
    if as_json:
        emit_json(rows)
        return
    emit(table(tuple(rows[0]), [[str(cell) for cell in row.values()] for row in rows], width()))
    emit(f"\n{len(todo)} points are left, about {SECONDS * len(todo) / 60:.0f} min on a host with "
         "all these GPUs; held: kept out of every fit\n")


def _show(title: str, found: Sequence[Any]) -> None:
    from rackwright.report.table import table

    def share(value: float) -> str:
        return f"{100 * value:.1f}"
    rows = [[one.network, one.dtype, one.mode, str(one.gpus or "all"), one.limit, str(one.rows),
             share(one.median), share(one.worst), share(one.bias)] for one in found]
    emit(f"{title}\n\n" + table(("network", "type", "mode", "GPUs", "decides", "rows", "median",
                                 "worst", "bias"), rows, width()) + "\n")
