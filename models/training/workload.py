"""`replay("training", fabric, trace)`: an execution trace as it is, on any fabric.

Rank r runs on GPU r of the fabric, in natural order. The step ends when the last node of the last
rank has; see `run` for streams and `costs` for what things cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rackwright.devices.gpu.part import Gpu
from rackwright.models.ending import Progress
from rackwright.models.outcome import Bottleneck, Outcome, Parameter, Spans
from rackwright.models.training.costs import Costs, place_ranks
from rackwright.models.training.options import TrainingOptions
from rackwright.models.training.run import HOST, Run, Span
from rackwright.topologies.fabric import Fabric
from rackwright.traces.chakra import ExecutionTrace

__all__ = ["replay"]

MOST_SPANS = 200_000
QUIET_LINK = 1e-4  # links used less than this are not listed
_PS = 1e-12


def replay(fabric: Fabric, trace: ExecutionTrace, options: TrainingOptions, seed: int = 0,
           progress: Progress | None = None) -> Outcome:
    """Replay one step. Raises UsageError, TraceError and Stalled; `seed` changes nothing."""
    gpus = place_ranks(fabric, trace)
    run = Run(trace, Costs(fabric, trace, gpus, options), options.overlap)
    spans = run.run()
    if progress:
        progress(len(trace), len(trace), f"{len(trace)} nodes")
    return _outcome(fabric, trace, options, gpus, run, spans)


def _outcome(fabric: Fabric, trace: ExecutionTrace, options: TrainingOptions,
             gpus: tuple[str, ...], run: Run, spans: list[Span]) -> Outcome:
    makespan = max((span.end_ps for span in spans), default=0) * _PS
    computing, exposed, moving = _times(len(trace.ranks), spans)
    metrics = {"step_time_s": makespan, "ranks": float(len(trace.ranks)),
               "nodes": float(len(trace)), "compute_time_s": float(computing.mean()),
               "communication_time_s": float(moving.mean()),
               "exposed_communication_s": float(exposed.mean()),
               "communicated_bytes": float(sum(run.link_bytes.values()))}
    undefined: dict[str, str] = {}
    if makespan > 0:
        metrics["exposed_communication_share"] = float(exposed.mean()) / makespan
        metrics["compute_share"] = float(computing.mean()) / makespan
        metrics["waiting_share"] = max(1 - metrics["exposed_communication_share"]
                                       - metrics["compute_share"], 0.0)
    else:
        undefined |= dict.fromkeys(("exposed_communication_share", "compute_share",
                                    "waiting_share"), "nothing took any time")
    links = _links(fabric, run, makespan)
    devices = {gpus[rank]: min(float(busy) / makespan, 1.0) if makespan > 0 else 0.0
               for rank, busy in enumerate(computing)}
    return Outcome(
        metrics=metrics, undefined=undefined, bottleneck=_bottleneck(devices, links, metrics),
        device_utilisation=devices, link_utilisation=links, breakdown=_breakdown(metrics),
        parameters=_parameters(options), notes=_notes(options, metrics), parts=dict(fabric.parts),
        bands=_bands(fabric, gpus), spans=_spans(gpus, spans))


def _times(ranks: int, spans: list[Span]) -> tuple[Any, Any, Any]:
    """Seconds of each rank: computing; communicating while it does not compute; communicating."""
    found = np.zeros((3, ranks))
    of: list[list[list[tuple[int, int]]]] = [[[], []] for _ in range(ranks)]
    for span in spans:
        if span.kind == HOST:
            continue
        of[span.rank][span.kind].append((span.start_ps, span.end_ps))
    for rank, (computes, moves) in enumerate(of):
        busy, moved = _union(computes), _union(moves)
        both = _length(_union(computes + moves))
        found[:, rank] = [_length(busy), both - _length(busy), _length(moved)]
    found *= _PS
    return found[0], found[1], found[2]


def _union(intervals: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _length(intervals: list[tuple[int, int]]) -> int:
    return sum(end - begin for begin, end in intervals)


def _links(fabric: Fabric, run: Run, makespan: float) -> dict[str, float]:
    found = {}
    for link, nbytes in sorted(run.link_bytes.items()):
        share = nbytes / (float(fabric.links.bandwidth[link]) * makespan) if makespan > 0 else 0.0
        if share > QUIET_LINK:
            found[fabric.link_names[link]] = min(share, 1.0)
    return found


def _bottleneck(devices: dict[str, float], links: dict[str, float], metrics: dict[str, float]
                ) -> Bottleneck:
    """The busiest GPU, or the busiest link where communication is exposed for longer."""
    gpu = max(devices, key=lambda name: devices[name])
    exposed = metrics.get("exposed_communication_share", 0.0)
    idle = metrics.get("waiting_share", 0.0)
    if links and exposed > metrics.get("compute_share", 0.0):
        link = max(links, key=lambda name: links[name])
        return Bottleneck(link, "link", links[link], False,
                          f"communication: ranks wait for it {exposed:.0%} of the step; {link} is "
                          f"busy {links[link]:.0%}")
    text = f"computation: {gpu} computes {devices[gpu]:.0%} of the step"
    if idle > 0.05:
        text += f"; ranks wait for others {idle:.0%} of it"
    return Bottleneck(gpu, "gpu", devices[gpu], devices[gpu] > 0.95, text)


def _breakdown(metrics: dict[str, float]) -> dict[str, float]:
    if "compute_share" not in metrics:
        return {}
    return {"computation": metrics["compute_share"],
            "exposed communication": metrics["exposed_communication_share"],
            "waiting for other ranks": metrics["waiting_share"]}


def _parameters(options: TrainingOptions) -> tuple[Parameter, ...]:
    if options.compute == "recorded":
        return ()
    return tuple(Parameter(name, f"{getattr(options, name):g}", "stand-in",
                           "no measurement of the traced kernels is known")
                 for name in ("math_share", "memory_share"))


def _notes(options: TrainingOptions, metrics: dict[str, float]) -> tuple[str, ...]:
    notes = ["bytes cross links as flows with max-min fair shares"
             if options.network == "fabric" else "the network takes no time"]
    if options.compute == "recorded":
        notes.append("compute nodes take the time that the trace records, whatever the GPU")
    exposed = metrics.get("exposed_communication_share", 1.0)
    if options.network == "fabric" and exposed < 0.02:
        notes.append(f"nearly insensitive to the fabric: {exposed:.1%} of the step waits for it")
    return tuple(notes)


def _bands(fabric: Fabric, gpus: tuple[str, ...]) -> dict[str, tuple[str, float, float]]:
    gpu = fabric.device(gpus[0])
    return {name: gpu.band(name) for name in ("conv", "gemm")} if isinstance(gpu, Gpu) else {}


def _spans(gpus: tuple[str, ...], spans: list[Span]) -> Spans | None:
    if not spans:
        return None
    kept = sorted(spans, key=lambda span: (span.start_ps, span.rank, span.kind))[:MOST_SPANS]
    labels: dict[str, int] = {}
    for span in kept:
        labels.setdefault(span.node.name or span.node.type, len(labels))
    lanes = 3 if any(span.kind == HOST for span in kept) else 2
    tracks = tuple(f"{gpu}{of}" for of in ("", " communication", " host")[:lanes] for gpu in gpus)
    rows = [(span.rank + len(gpus) * span.kind,
             labels[span.node.name or span.node.type], span.start_ps, span.end_ps, span.nbytes)
            for span in kept]
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    return Spans(tracks, tuple(labels), columns[0].astype(np.int32), columns[1].astype(np.int32),
                 columns[2], columns[3], columns[4], len(spans) - len(kept))


