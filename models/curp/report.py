"""From the arrays of a finished (or interrupted) replay to an `Outcome`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rackwright.engine.record import SpanLog, span_kept, span_lost
from rackwright.models.curp.codes import (
    CONFLICTS,
    CURP,
    FAST,
    FREED_ENTRIES,
    GC_RPCS,
    LOG_FULL,
    MODIFY,
    NEAR_READS,
    NEAR_REFUSED,
    ORIGINAL,
    READS,
    RECORDS,
    REJECTS,
    STALE_RETRIES,
    SYNC_ASKED,
    SYNC_RPCS,
    SYNCED_ENTRIES,
    SYNCS,
    TAGGED,
    UPDATES,
)
from rackwright.models.curp.kernel import advance
from rackwright.models.curp.limits import limit_of
from rackwright.models.curp.master import END, SYNCED
from rackwright.models.curp.options import CurpOptions
from rackwright.models.curp.parameters import parameters
from rackwright.models.curp.placement import Placement
from rackwright.models.curp.state import CurpState
from rackwright.models.outcome import Outcome, Spans
from rackwright.topologies.fabric import Fabric
from rackwright.traces.operations import OperationTrace

if TYPE_CHECKING:
    from rackwright.models.curp.workload import Prepared

__all__ = ["latencies", "outcome", "progress_of", "words_of_fault", "words_of_stall"]

Floats = npt.NDArray[np.float64]
PERCENTILES = (0.5, 0.9, 0.99, 0.999)
MIDDLE = 0.1         # of the finished operations cut off at both ends for the steady rate
QUIET_LINK = 1e-4    # links used less than this are not listed
_PS = 1e-12


def progress_of(state: CurpState) -> tuple[float, float, str]:
    """(operations done, operations in all, text) for a progress bar."""
    done, total = int(state.server.done[0]), len(state.ops.kind)
    return done, total, f"{done}/{total} operations"


def words_of_fault(state: CurpState) -> str:
    if int(state.control.code[0]) == LOG_FULL:
        unsynced = int(state.master.counts[END] - state.master.counts[SYNCED])
        return (f"{unsynced} updates are unsynced and the log of {len(state.master.log_key)} is "
                "half full: the backups cannot follow")
    return "a witness has more gc requests ahead than it remembers: it cannot follow"


def words_of_stall(state: CurpState) -> str:
    left = len(state.ops.kind) - int(state.server.done[0])
    return f"{left} operations are left; {int(state.server.waiting_count[0])} wait for a sync"


def latencies(state: CurpState, kind: str = "") -> Floats:
    """Seconds of the finished operations: of all, of "read"s or of "write"s.

    Open loop: from the arrival; closed: from when the client turned to it.
    """
    ops = state.ops
    chosen = ops.finish_ps >= 0
    if kind:
        chosen &= (ops.kind == 0) == (kind == "read")
    begin = ops.start_ps if state.fixed.closed else ops.due_ps
    return np.asarray((ops.finish_ps - begin)[chosen] * _PS, np.float64)


def outcome(fabric: Fabric, trace: OperationTrace, options: CurpOptions, made: Prepared,
            state: CurpState, *, complete: bool) -> Outcome:
    """What a replay found out."""
    metrics, undefined = dict[str, float](), dict[str, str]()
    seconds = _rates(metrics, undefined, state)
    for prefix, kind in (("latency", ""), ("latency_read", "read"), ("latency_write", "write")):
        _latencies(metrics, undefined, prefix, latencies(state, kind), kind or "operation")
    _protocol(metrics, undefined, state)
    busy = _busy(made.placed, state, seconds)
    links = _links(fabric, state, seconds)
    metrics["dispatch_utilisation"] = busy["master dispatch"]
    metrics["dispatch_replication_share"] = _share(
        int(state.jobs.busy_ps[1]), int(state.jobs.busy_ps.sum()))
    return Outcome(
        metrics=metrics, undefined=undefined, complete=complete,
        bottleneck=limit_of(busy, links, options), device_utilisation=busy, link_utilisation=links,
        breakdown=_breakdown(state), parameters=parameters(options, made.costs),
        notes=_notes(options, made, state, metrics), parts=dict(fabric.parts),
        kernels={advance.name: advance.source_hash}, tables=made.tables,
        spans=_spans(state.spans))


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _rates(metrics: dict[str, float], undefined: dict[str, str], state: CurpState) -> float:
    """Counts and throughputs; seconds from the first operation to the end."""
    ops, done = state.ops, int(state.server.done[0])
    number = state.counts.number
    begun = ops.start_ps[ops.start_ps >= 0]
    seconds = (int(state.control.now_ps[0]) - int(begun.min())) * _PS if len(begun) else 0.0
    metrics |= {"operations": float(len(ops.kind)), "operations_finished": float(done),
                "reads": float(number[READS]), "updates": float(number[UPDATES]),
                "makespan_s": seconds}
    ends = np.sort(ops.finish_ps[ops.finish_ps >= 0])
    cut = int(len(ends) * MIDDLE)
    span = int(ends[-1 - cut] - ends[cut]) * _PS if len(ends) >= 20 else 0.0
    for name, amount, time in (("throughput_ops_per_s", done, seconds),
                               ("throughput_steady_ops_per_s", len(ends) - 2 * cut - 1, span)):
        if time > 0:
            metrics[name] = amount / time
        else:
            undefined[name] = "too few operations, or they took no time"
    asked = int(ops.due_ps[-1] - ops.due_ps[0]) * _PS
    if state.fixed.closed == 0 and asked > 0:
        metrics["offered_ops_per_s"] = (len(ops.kind) - 1) / asked
    elif state.fixed.gap_ps:
        metrics["offered_ops_per_s"] = state.fixed.clients / (state.fixed.gap_ps * _PS)
    else:
        undefined["offered_ops_per_s"] = "a closed loop offers what it is answered"
    return seconds


def _latencies(metrics: dict[str, float], undefined: dict[str, str], prefix: str,
               values: Floats, kind: str) -> None:
    names = [f"{prefix}_mean_s", *(f"{prefix}_p{f'{100 * p:g}'.replace('.', '')}_s"
                                   for p in PERCENTILES)]
    if not len(values):
        undefined |= dict.fromkeys(names, f"no {kind} was finished")
        return
    found = np.quantile(values, PERCENTILES, method="inverted_cdf")
    metrics |= dict(zip(names, [float(np.mean(values)), *found.tolist()], strict=True))


def _protocol(metrics: dict[str, float], undefined: dict[str, str], state: CurpState) -> None:
    """Fast path, conflicts, syncs, bytes: shares of the updates unless told otherwise."""
    number, updates = state.counts.number, int(state.counts.number[UPDATES])
    if updates:
        metrics |= {"fast_path_share": number[FAST] / updates,
                    "tagged_share": number[TAGGED] / updates,
                    "sync_asked_share": number[SYNC_ASKED] / updates,
                    "bytes_per_update": float(state.counts.sent_bytes.sum()) / updates,
                    "backup_rpcs_per_update": number[SYNC_RPCS] / updates,
                    "replication_rpcs_per_update":
                        (number[SYNC_RPCS] + number[GC_RPCS]) / updates,
                    "copies_per_update": 1 + state.fixed.backups * (state.fixed.variant != 0)
                        + number[RECORDS] / updates}
    else:
        undefined |= dict.fromkeys(
            ("fast_path_share", "tagged_share", "sync_asked_share", "bytes_per_update",
             "backup_rpcs_per_update", "replication_rpcs_per_update", "copies_per_update"),
            "no update was finished")
    metrics["conflict_share"] = _share(int(number[CONFLICTS]),
                                       int(number[READS] + number[UPDATES]))
    metrics |= {"syncs": float(number[SYNCS]), "gc_rpcs": float(number[GC_RPCS]),
                "stale_retries": float(number[STALE_RETRIES])}
    if number[SYNCS]:
        metrics["sync_batch_mean"] = number[SYNCED_ENTRIES] / number[SYNCS]
    else:
        undefined["sync_batch_mean"] = "nothing was synced in batches"
    if state.fixed.variant == CURP and number[RECORDS]:
        metrics |= {"record_reject_share": number[REJECTS] / number[RECORDS],
                    "collected_share": number[FREED_ENTRIES]
                        / max(1, number[RECORDS] - number[REJECTS])}
    else:
        undefined |= dict.fromkeys(("record_reject_share", "collected_share"), "no witnesses")
    if state.fixed.near:
        asked = int(number[NEAR_READS] + number[NEAR_REFUSED])
        metrics["near_read_share"] = _share(int(number[NEAR_READS]), asked)
    else:
        undefined["near_read_share"] = "clients read at the master"


def _busy(placed: Placement, state: CurpState, seconds: float) -> dict[str, float]:
    """Busy shares of the master's dispatch thread and workers, and of the witnesses."""
    span, server = max(seconds, 1e-12), state.server
    workers = len(server.free_ps)
    found = {"master dispatch": float(state.jobs.busy_ps.sum()) * _PS / span,
             "master workers": float(server.worker_busy_ps.sum()) * _PS / span / workers,
             "workers waiting for a sync":
                 float(server.worker_busy_ps[1]) * _PS / span / workers}
    for which in range(state.fixed.witnesses):
        place = placed.ends[1 + state.fixed.backups + which]
        found[f"witness {which} on {place}"] = float(server.witness_busy_ps[which]) * _PS / span
    return {name: min(share, 1.0) for name, share in found.items()}


def _links(fabric: Fabric, state: CurpState, seconds: float) -> dict[str, float]:
    shares = state.ports.busy_ps * _PS / max(seconds, 1e-12)
    return {name: min(float(share), 1.0)
            for name, share in zip(fabric.link_names, shares, strict=True) if share > QUIET_LINK}


def _breakdown(state: CurpState) -> dict[str, float]:
    """Operations by the round trips that they took."""
    trips = state.ops.trips[state.ops.finish_ps >= 0]
    if not len(trips):
        return {}
    names = {1: "one round trip", 2: "two round trips", 3: "three round trips"}
    return {name: float(np.mean(trips == count)) for count, name in names.items()}


def _notes(options: CurpOptions, made: Prepared, state: CurpState,
           metrics: dict[str, float]) -> tuple[str, ...]:
    notes = ["messages cross links as FIFO ports at both ends; contention between switches is left "
             "out"]
    if options.jitter == 0:
        notes.append("a client's operations are answered without jitter: tails come from queues, "
                     "conflicts and syncs alone")
    else:
        notes.append(f"jitter of messages is exponential with a mean of {options.jitter:.3g} s")
    if options.reads == "backup" and not state.fixed.near:
        notes.append("this variant has no witnesses to ask: it reads at the master")
    if options.variant == "asynchronous":
        notes.append("asynchronous replication loses answered updates when the master crashes")
    if options.witness == "nic" and options.variant == "curp" and not made.placed.smart:
        notes.append("the witness block is assumed in NICs that the catalog calls plain ones")
    asked = metrics.get("offered_ops_per_s", 0.0)
    if metrics.get("throughput_steady_ops_per_s", asked) < 0.9 * asked:
        notes.append("overloaded: operations come faster than they are answered, so latencies grow "
                     "with the length of the trace")
    if state.fixed.variant == ORIGINAL and (state.ops.kind == MODIFY).any():
        notes.append("a read-modify-write is a read, then a write, of one client")
    return tuple(notes)


def _spans(log: SpanLog) -> Spans | None:
    kept = span_kept(log)
    if not kept:
        return None
    return Spans(("master syncs",), ("sync",), log.track[:kept], log.label[:kept],
                 log.start_ps[:kept], log.end_ps[:kept], log.amount[:kept], span_lost(log))
