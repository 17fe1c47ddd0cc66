"""Several engines behind a router that deals requests out in turn; their states as one.

Engines share nothing: each has its own GPUs, cache and queue, and is replayed alone on every n-th
request. Afterwards counters are added up, per-request arrays are put back into the order of arrival
and per-GPU arrays side by side. Extremes (`running_max` and the like) are those of one engine.

Left out: routers that look at load or prefixes, what the router itself takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.engine.record import SpanLog, span_kept
from rackwright.engine.status import Control
from rackwright.models.serving.requests import Admission, Requests
from rackwright.models.serving.snapshots import Snapshots
from rackwright.models.serving.state import EngineState, Sequences, Work
from rackwright.traces.requests import RequestTrace

__all__ = ["deal", "merged", "shares"]

Ints = npt.NDArray[np.int64]


def deal(trace: RequestTrace, engines: int) -> list[RequestTrace]:
    """Request i goes to engine i mod `engines`."""
    if engines == 1:
        return [trace]
    return [trace.rows(slice(k, None, engines)) for k in range(engines)]


def shares(total: int, engines: int) -> list[int]:
    """`total` clients as evenly as possible."""
    return [total // engines + (k < total % engines) for k in range(engines)]


def merged(states: Sequence[EngineState]) -> EngineState:
    """One state of all engines, for reports; a single one is handed back as it is."""
    first = states[0]
    if len(states) == 1:
        return first
    requests = Requests(*(_interleaved(arrays) for arrays in _columns(states, "requests")))
    computed, preemptions = (_interleaved([getattr(state.sequences, name) for state in states])
                             for name in ("computed", "preemptions"))
    sequences = Sequences(computed, preemptions, first.sequences.running,
                          first.sequences.returned)
    return first._replace(
        control=Control(np.maximum.reduce([state.control.now_ps for state in states]),
                        _sum([state.control.events for state in states]), first.control.code),
        requests=requests, sequences=sequences, admission=_admission(states), work=_work(states),
        snapshots=_snapshots(states), spans=_spans(states),
        prefix=first.prefix._replace(counts=_sum([state.prefix.counts for state in states])))


def _admission(states: Sequence[EngineState]) -> Admission:
    side_by_side = ("kv_free", "rank_active")
    return Admission(*(
        np.concatenate(arrays) if name in side_by_side else _sum(arrays)
        for name, arrays in zip(Admission._fields, _columns(states, "admission"), strict=True)))


def _work(states: Sequence[EngineState]) -> Work:
    found: dict[str, Any] = {}
    for name, arrays in zip(Work._fields, _columns(states, "work"), strict=True):
        if name in ("busy_ps", "reduced_tokens"):
            found[name] = np.concatenate(arrays)
        elif name == "most":
            found[name] = np.maximum.reduce(arrays)
        elif name in ("queue", "pages"):
            found[name] = _sum([_held(array, state) for array, state in
                                zip(arrays, states, strict=True)])
        else:
            found[name] = _sum(arrays)
    return Work(**found)


def _snapshots(states: Sequence[EngineState]) -> Snapshots:
    counts, devices, links = (
        [_held(getattr(state.snapshots, name), state) for state in states]
        for name in ("counts", "device_busy", "link_busy"))
    taken = np.maximum.reduce([state.snapshots.taken for state in states])
    return Snapshots(states[0].snapshots.time_ps, taken, _sum(counts),
                     np.concatenate(devices, axis=1), np.concatenate(links, axis=1))


def _held(array: Ints, state: EngineState) -> Ints:
    """An engine that has ended earlier than the last snapshot stays as it was at its end."""
    taken, rows = int(state.snapshots.taken[0]), array.copy()
    if taken == len(rows) or state.admission.finished[0] < len(state.requests.arrival_ps):
        return rows
    done = state.admission
    if array is state.snapshots.counts:
        rows[taken:] = done.arrived[0], done.finished[0], 0, done.tokens[0]
    elif array is state.snapshots.device_busy:
        rows[taken:] = state.work.busy_ps
    else:
        rows[taken:] = 0
    return rows


def _spans(states: Sequence[EngineState]) -> SpanLog:
    logs = [state.spans for state in states]
    kept = [span_kept(log) for log in logs]
    ranks = len(states[0].work.busy_ps)
    tracks = [log.track[:n] + np.int32(k * ranks)
              for k, (log, n) in enumerate(zip(logs, kept, strict=True))]
    label, start_ps, end_ps, amount = (
        np.concatenate([getattr(log, name)[:n] for log, n in zip(logs, kept, strict=True)])
        for name in ("label", "start_ps", "end_ps", "amount"))
    # what was offered, kept or not: the reader works out what is missing
    return SpanLog(np.concatenate(tracks), label, start_ps, end_ps, amount,
                   _sum([log.count for log in logs]))


def _columns(states: Sequence[EngineState], part: str) -> list[tuple[Any, ...]]:
    """Arrays of one part of the state, field by field."""
    return list(zip(*(getattr(state, part) for state in states), strict=True))


def _interleaved(arrays: Sequence[Any]) -> Any:
    found = np.empty(sum(len(array) for array in arrays), arrays[0].dtype)
    for k, array in enumerate(arrays):
        found[k::len(arrays)] = array
    return found


def _sum(arrays: Sequence[Any]) -> Any:
    total = arrays[0].copy()
    for array in arrays[1:]:
        total = total + array
    return total
