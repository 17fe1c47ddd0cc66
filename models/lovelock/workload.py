"""Replay queries on a pod of headless smart NICs, or on the servers that it replaces."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rackwright.engine.driver import drive
from rackwright.engine.flow_state import new_flows
from rackwright.engine.fluid_state import new_fluids
from rackwright.engine.record import new_span_log
from rackwright.errors import InputError
from rackwright.models.ending import Progress, outcome_of, shown
from rackwright.models.lovelock.alone import timed
from rackwright.models.lovelock.clusters import Cluster, headless, servers
from rackwright.models.lovelock.kernel import advance
from rackwright.models.lovelock.options import LovelockOptions
from rackwright.models.lovelock.report import outcome, progress_of, words_of_stall
from rackwright.models.lovelock.state import (
    Fixed,
    LovelockState,
    Operators,
    grow,
    new_queries,
    new_state,
)
from rackwright.models.lovelock.traffic import Traffic, build_traffic
from rackwright.models.lovelock.work import RESOURCES, Work, blocks_of, build_work
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces.queries import QueryTrace
from rackwright.units import MAX_TIME, seconds_to_ps

__all__ = ["Prepared", "Side", "clusters_of", "prepare", "prepare_side", "replay", "run_side"]

LANES = 16     # tracks of the timeline


class Side(NamedTuple):
    """One cluster with what the trace asks of it."""

    cluster: Cluster
    traffic: Traffic
    work: Work


class Prepared(NamedTuple):
    """The cluster that is replayed and the servers, up to the first event."""

    chosen: Side
    reference: Side
    pod: Cluster
    trace: QueryTrace


def replay(fabric: Fabric, trace: QueryTrace, options: LovelockOptions, seed: int = 0,
           progress: Progress | None = None) -> Outcome:
    """Run every query of `trace` on the cluster that `options.cluster` names, and, unless
    `options.reference` says no, on the servers.

    Nothing is drawn at random: the seed has no effect. Raises `OptionsError` and `TopologyError`
    for what cannot run, and `Interrupted` with the `Outcome` so far as its `partial`.
    """
    made = prepare(fabric, trace, options)
    same = made.chosen.cluster.kind == "servers"
    reference = None
    if options.reference and not same:
        reference = run_side(made.reference, trace, options, progress, "servers")

    def finish(end: LovelockState, complete: bool) -> Outcome:
        beside = (end if same else reference) if complete else None
        return outcome(made, options, end, beside, complete=complete)

    return outcome_of(lambda: run_side(made.chosen, trace, options, progress, "queries"), finish)


def prepare(fabric: Fabric, trace: QueryTrace, options: LovelockOptions) -> Prepared:
    """Check, derive the clusters, find classes of flows and phases of operators."""
    if not isinstance(trace, QueryTrace):
        raise InputError(f"{trace!r} is no query trace; Lovelock needs jobs of operators "
                         "(rackwright.traces.generate_queries)")
    pod, plain, chosen = clusters_of(fabric, options)
    reference = prepare_side(plain, trace, options, pod)
    side = reference if chosen is plain else prepare_side(chosen, trace, options, pod)
    return Prepared(side, reference, pod, trace)


def clusters_of(fabric: Fabric, options: LovelockOptions) -> tuple[Cluster, Cluster, Cluster]:
    """The pod, the servers that it replaces, and the one of all that the options name."""
    pod = headless(fabric, options)
    plain = servers(pod, options, smart=False)
    if options.cluster == "server_nic":
        return pod, plain, servers(pod, options, smart=True)
    return pod, plain, pod if options.cluster == "headless" else plain


def prepare_side(cluster: Cluster, trace: QueryTrace, options: LovelockOptions, pod: Cluster
                 ) -> Side:
    """What `trace` asks of `cluster`."""
    remote = None
    if not options.split_traffic:
        remote = 1 - 1 / pod.servers
    block = blocks_of(cluster, options).get("partition")
    passes = block.bandwidth(options.offload_clock, options.offload_lanes) if block else None
    traffic = timed(build_traffic(cluster, remote, passes))
    work = build_work(trace, cluster, traffic, options)
    _refuse_endless(trace, cluster, work)
    return Side(cluster, traffic, work)


def _refuse_endless(trace: QueryTrace, cluster: Cluster, work: Work) -> None:
    """A query that would end after the clock does even if it were alone."""
    alone = np.add.reduceat(work.alone_time, trace.offsets[:-1])
    ends = trace.arrival_time[trace.offsets[:-1]] + alone
    if ends.max() > MAX_TIME:
        at = int(np.argmax(ends))
        row = int(trace.offsets[at])
        raise InputError(
            f"query {trace.query[row]} ({trace.template[row]}) of {trace.name} takes "
            f"{alone[at] / 86400:.3g} days on {len(cluster.workers)} x {cluster.node.part}, alone; "
            f"a replay ends after {MAX_TIME / 86400:.0f} days: use more nodes or a smaller scale")


def run_side(side: Side, trace: QueryTrace, options: LovelockOptions,
             progress: Progress | None = None, text: str = "queries") -> LovelockState:
    """The state at the end. Raises `Interrupted` with the state so far."""
    run: Any = advance
    return drive(run, state_of(side, trace, options), grow=grow, waits=words_of_stall,
                 progress=shown(progress, lambda now: progress_of(now, text)))


def state_of(side: Side, trace: QueryTrace, options: LovelockOptions) -> LovelockState:
    """Before the first event; for `run_side` and for tests that look inside."""
    traffic, work = side.traffic, side.work
    ends = _group_ends(trace, options.overlap)
    starts = np.concatenate([[0], np.unique(ends)])
    longest = int(np.diff(starts).max())
    fixed = Fixed(options.clients, longest * max(traffic.most, 1), longest, LANES, traffic.first,
                  traffic.share, traffic.members, _ps(traffic.latency_time))
    query = np.repeat(np.arange(trace.queries, dtype=np.int64), np.diff(trace.offsets))
    operators = Operators(
        query, ends, work.pattern, work.nbytes, work.station, _ps(work.service_time),
        work.demand, work.moves_first, work.kind,
        *(np.zeros(len(trace), np.int64) for _ in range(3)))
    arrivals = _ps(trace.arrival_time[trace.offsets[:-1]])
    flows = new_flows(traffic.class_bandwidth, traffic.offsets, traffic.routes,
                      slots=max(256, 2 * fixed.most_flows))
    fluids = new_fluids(np.ones((2, RESOURCES)), slots=max(256, 2 * longest))
    return new_state(fixed, flows, fluids, operators, new_queries(trace.offsets, arrivals),
                     new_span_log(options.timeline_spans))


def _ps(seconds: Any) -> Any:
    return np.asarray(seconds_to_ps(seconds), np.int64)


def _group_ends(trace: QueryTrace, overlap: bool) -> Any:
    """First operator behind the group of each: its own, or its stage's."""
    count = len(trace)
    if not overlap:
        return np.arange(1, count + 1, dtype=np.int64)
    changed = (np.diff(trace.query) != 0) | (np.diff(trace.stage) != 0)
    ends = np.concatenate([np.flatnonzero(changed) + 1, [count]]).astype(np.int64)
    return ends[np.searchsorted(ends, np.arange(count), side="right")]
