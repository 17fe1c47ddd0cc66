"""From the arrays of a finished (or interrupted) replay to an `Outcome`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rackwright.engine.record import SpanLog, span_kept
from rackwright.models.lovelock.advantages import against_servers, closed_forms
from rackwright.models.lovelock.closed import split_bytes
from rackwright.models.lovelock.kernel import advance
from rackwright.models.lovelock.limits import limit_of
from rackwright.models.lovelock.options import LovelockOptions
from rackwright.models.lovelock.parameters import parameters
from rackwright.models.lovelock.state import LovelockState
from rackwright.models.lovelock.traffic import PATTERNS, SHUFFLE
from rackwright.models.lovelock.used import link_bytes, pattern_bytes, served
from rackwright.models.lovelock.work import KINDS, largest_state
from rackwright.models.outcome import Outcome, Spans
from rackwright.models.query_metrics import busy_shares, elapsed_time, put_latencies
from rackwright.models.spans import spans_of
from rackwright.units import format_bytes

if TYPE_CHECKING:
    from rackwright.models.lovelock.workload import Prepared, Side

__all__ = ["outcome", "progress_of", "words_of_stall"]

Floats = npt.NDArray[np.float64]
QUIET_LINK = 1e-4    # links used less than this are not listed
OVERLOAD = 1.25      # end of the last query over the span of the arrivals, above which we say so
_PS = 1e-12
_NAMES = {"cpu": "processing", "shuffle": "exchange", "io": "storage", "accel": "accelerators"}


def progress_of(state: LovelockState, text: str) -> tuple[float, float, str]:
    """(queries done, queries in all, text) for a progress bar."""
    done, total = int(state.queries.finished[0]), len(state.queries.arrival_ps)
    return done, total, f"{done}/{total} {text}"


def words_of_stall(state: LovelockState) -> str:
    left = len(state.queries.arrival_ps) - int(state.queries.finished[0])
    return (f"{left} queries are left, {int(state.flows.live[0])} classes of flows are under way: "
            "a link on their way has no bandwidth, or they end after the clock does (106 days)")


def outcome(made: Prepared, options: LovelockOptions, state: LovelockState,
            reference: LovelockState | None, *, complete: bool) -> Outcome:
    """What a replay found out; `reference`: the servers' replay, for slowdown and advantages."""
    side, metrics, undefined = made.chosen, dict[str, float](), dict[str, str]()
    seconds = _times(metrics, undefined, state)
    moved = _bytes(metrics, made, side, state)
    devices = _devices(side, state, seconds)
    busy = busy_shares(moved / side.traffic.bandwidth, seconds)
    links = {name: float(share) for name, share in zip(side.traffic.links, busy, strict=True)
             if share > QUIET_LINK}
    breakdown = _breakdown(state)
    metrics["largest_state_bytes"] = largest_state(made.trace, side.cluster)
    closed_forms(metrics, undefined, made, side, options)
    against_servers(metrics, undefined, made, options, state, reference, seconds)
    return Outcome(
        metrics=metrics, undefined=undefined, complete=complete, breakdown=breakdown,
        bottleneck=limit_of(devices, links, breakdown), device_utilisation=devices,
        link_utilisation=links, parameters=parameters(options, made.pod.node.part, side.work),
        notes=(*_notes(made, side, options, metrics), *_overloads(made, options, state, reference)),
        parts=dict(side.cluster.fabric.parts),
        tables={f"{each.block}.v": each.rtl_sha256 for each in side.work.blocks if each.rtl_sha256},
        kernels={advance.name: advance.source_hash}, spans=_spans(state.spans))


def _times(metrics: dict[str, float], undefined: dict[str, str], state: LovelockState) -> float:
    """Counts, latencies and throughput; seconds from the first arrival to the end."""
    queries = state.queries
    finished = int(queries.finished[0])
    metrics |= {"queries": float(len(queries.arrival_ps)), "queries_finished": float(finished),
                "operators_finished": float(state.done[0])}
    seconds = elapsed_time(state)
    metrics["makespan_s"] = seconds
    if seconds > 0:
        metrics["throughput_queries_per_s"] = finished / seconds
    else:
        undefined["throughput_queries_per_s"] = "nothing took any time"
    put_latencies(metrics, undefined, queries)
    return seconds


def _bytes(metrics: dict[str, float], made: Prepared, side: Side, state: LovelockState) -> Floats:
    """Bytes by pattern into the metrics; bytes on each link."""
    moved = pattern_bytes(side, state)
    metrics |= {f"{name}_bytes": float(nbytes)
                for name, nbytes in zip(PATTERNS, moved, strict=True)}
    metrics["split_traffic_bytes"] = 0.0
    if side.cluster.kind == "headless":
        metrics["split_traffic_bytes"] = split_bytes(made, side, float(moved[SHUFFLE]))
    return link_bytes(side, state)


def _devices(side: Side, state: LovelockState, seconds: float) -> dict[str, float]:
    """Busy shares of what the workers, and the accelerators, have."""
    work, ended = side.work, served(side, state)
    found = {f"{side.cluster.node.part} {name}": float(busy_shares(times[ended].sum(), seconds))
             for name, times in (("cores", work.core_time), ("memory", work.memory_time),
                                 ("blocks", work.block_time)) if times.any()}
    if side.cluster.gpus:
        accelerated = ended & (work.station == 1)
        found["accelerators"] = float(busy_shares(work.service_time[accelerated].sum(), seconds))
    return found


def _breakdown(state: LovelockState) -> dict[str, float]:
    """Shares of an operator's time, waiting for its share included."""
    total = float(state.spent_ps.sum())
    return {_NAMES[name]: float(spent) / total for name, spent
            in zip(KINDS, state.spent_ps, strict=True)} if total else {}


def _notes(made: Prepared, side: Side, options: LovelockOptions, metrics: Mapping[str, float]
           ) -> tuple[str, ...]:
    notes = ["Lovelock-style: of the paper only the abstract could be read; no figure here is the "
             "paper's, and every price and most powers are assumptions"]
    if side.cluster.kind == "headless":
        split = metrics["split_traffic_bytes"]
        total = metrics["shuffle_bytes"]
        if split > 0:
            notes.append(f"{split / total:.1%} of the exchanged bytes would have stayed inside "
                         "one server (split traffic"
                         f"{'' if options.split_traffic else ', left out here'})")
    notes += _memory(side, metrics["largest_state_bytes"])
    narrowed = _narrowed(side)
    if narrowed:
        notes.append(narrowed)
    if not side.traffic.symmetric and side.traffic.most > 64:
        notes.append("the fabric is not symmetric for this traffic: every pair of nodes is a flow "
                     "of its own")
    notes += [f"{each.block}: {each.source}" for each in side.work.blocks]
    if side.work.blocks:
        notes.append(f"blocks at {options.offload_clock / 1e6:g} MHz, {options.offload_lanes} "
                     "lanes: assumed")
    return tuple(notes)


def _overloads(made: Prepared, options: LovelockOptions, state: LovelockState,
               reference: LovelockState | None) -> list[str]:
    """Clusters that fell behind the arrivals: their latencies grow with the trace's length."""
    asked = made.trace.span_time
    if options.clients or asked <= 0:
        return []
    kinds = {made.chosen.cluster.kind: state}
    if reference is not None:
        kinds["servers"] = reference
    return [f"overloaded ({kind}): the last query ended {behind / asked:.1f} times the arrivals' "
            "span after the first came, so latencies and slowdown grow with the length of the "
            "trace: look at slowdown_alone, or at fewer queries a second"
            for kind, each in kinds.items()
            if (behind := _whole_time(each)) > OVERLOAD * asked]


def _whole_time(state: LovelockState) -> float:
    """Seconds from the first arrival to the last end."""
    queries = state.queries
    return int(queries.finish_ps.max() - queries.arrival_ps[0]) * _PS


def _memory(side: Side, needed: float) -> list[str]:
    """Whether the largest operator fits a node's memory; spilling is not modelled."""
    fits = side.cluster.node.memory_nbytes
    if fits is None:
        return [f"the largest join, grouping or sort takes {format_bytes(needed)} a node; the "
                f"catalog does not say how much memory {side.cluster.node.part} has"]
    if needed > fits:
        return [f"the largest join, grouping or sort takes {format_bytes(needed)} a node, more "
                f"than its {format_bytes(fits)}: it would spill, which is not modelled"]
    return []


def _narrowed(side: Side) -> str:
    """Devices whose link has fewer lanes than their own."""
    fabric = side.cluster.fabric
    for node in (*side.cluster.drives, *side.cluster.gpus):
        links = [data["link"] for _, _, data in fabric.graph.out_edges(node, data=True)]
        own = str(getattr(fabric.device(node), "pcie", ""))
        if links and links[0].name != own:
            return f"{node} and its like have {links[0].name} of their {own} lanes"
    return ""


def _spans(log: SpanLog) -> Spans | None:
    kept = span_kept(log)
    if not kept:
        return None
    lanes = int(log.track[:kept].max()) + 1
    return spans_of(log, [f"queries, lane {lane}" for lane in range(lanes)],
                    [_NAMES[name] for name in KINDS])
