"""Replay CURP, or one of its baselines, on a fabric from a trace of key-value operations."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rackwright.engine.driver import drive
from rackwright.engine.heap import heap_push
from rackwright.engine.record import new_span_log
from rackwright.errors import InputError
from rackwright.hdl import timing
from rackwright.models.curp.backups import new_backups
from rackwright.models.curp.clients import new_clients
from rackwright.models.curp.codes import ISSUE, VARIANTS
from rackwright.models.curp.costs import ENTRIES, Costs, costs, sizes
from rackwright.models.curp.formulas import superquorum
from rackwright.models.curp.kernel import advance
from rackwright.models.curp.master import new_master
from rackwright.models.curp.options import CurpOptions
from rackwright.models.curp.placement import Placement, place
from rackwright.models.curp.report import outcome, progress_of, words_of_fault, words_of_stall
from rackwright.models.curp.state import CurpState, Fixed, Noise, Ops, grow, new_server, new_state
from rackwright.models.curp.witnesses import new_witnesses
from rackwright.models.ending import Progress, outcome_of, shown
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces.operations import OperationTrace
from rackwright.units import seconds_to_ps

__all__ = ["Prepared", "prepare", "replay"]

LOG_RING = 1 << 16
DRAWS = 1 << 16         # of jitter; ours
STAGGER_PS = 100_000    # between the first operations of the clients of a closed loop, ours
KINDS = np.array([0, 1, 1, 3, 0], np.int8)    # of traces.OPERATIONS: an insert writes, a scan reads


class Prepared(NamedTuple):
    """Everything up to the first event."""

    state: CurpState
    placed: Placement
    costs: Costs
    tables: dict[str, str]    # timing table -> hash


def replay(fabric: Fabric, trace: OperationTrace, options: CurpOptions, seed: int = 0,
           progress: Progress | None = None) -> Outcome:
    """Carry out every operation of `trace`.

    `options.variant` chooses the system or a baseline. The seed draws jitter, if there is any.
    Raises `OptionsError`, `TopologyError` and `InputError` for what cannot run, and `Interrupted`,
    with the `Outcome` so far as its `partial`.
    """
    made = prepare(fabric, trace, options, seed)
    run: Any = advance
    return outcome_of(
        lambda: drive(run, made.state, grow=grow, progress=shown(progress, progress_of),
                      faults=words_of_fault, waits=words_of_stall),
        lambda end, complete: outcome(fabric, trace, options, made, end, complete=complete))


def prepare(fabric: Fabric, trace: OperationTrace, options: CurpOptions,
            seed: int = 0) -> Prepared:
    """Check, place, cost; for `replay` and for tests that look inside."""
    if not isinstance(trace, OperationTrace):
        raise InputError(f"{trace!r} is no operation trace; CURP needs reads and updates of keys "
                         "(rackwright.traces.generate_operations)")
    _refuse(options)
    backups, witnesses = _servers(options)
    placed = place(fabric, options, backups, witnesses)
    chosen, tables = costs(options), dict[str, str]()
    fixed = _fixed(options, chosen, backups, witnesses, tables)
    acks = options.replicas if options.group == "consensus" else backups
    ops = _ops(trace)
    hash_bits = 32 if options.preset == "redis" else 62
    state = new_state(
        fixed, placed.ports, placed.paths, ops, new_server(fixed, LOG_RING, placed.near),
        new_clients(fixed.clients),
        new_master(trace.keys, fixed.clients, backups, ring=LOG_RING, acks=acks),
        new_witnesses(witnesses, options.witness_sets, options.witness_ways, hash_bits=hash_bits),
        new_backups(backups, LOG_RING, trace.keys) if fixed.near else new_backups(1, 1),
        _noise(options.jitter, seed), new_span_log(options.timeline_spans))
    _first_events(state)
    return Prepared(state, placed, chosen, tables)


def _refuse(options: CurpOptions) -> None:
    sets, wrong = options.witness_sets, list[str]()
    if sets & (sets - 1):
        wrong.append(f"witness_sets is {sets}; a power of two is needed, such as 1024")
    consensus = options.group == "consensus"
    if consensus and (options.preset == "redis" or options.witness_place == "own"):
        wrong.append("group is consensus: replicas are servers with a witness each; use "
                     "preset=ramcloud and witness_place=backups")
    if options.reads == "backup" and (consensus or options.preset == "redis"
                                      or options.witness_place == "own" or options.replicas == 0):
        wrong.append("reads is backup: a client asks the witness on the machine of a backup; use "
                     "group=primary, preset=ramcloud, witness_place=backups and replicas of 1 or "
                     "more")
    if wrong:
        raise options.refused(wrong)


def _servers(options: CurpOptions) -> tuple[int, int]:
    """(backups, witnesses) of the variant."""
    f, members = options.replicas, options.group == "consensus"
    backups = 2 * f if members else f
    witnesses = backups + 1 if members and f else backups
    if options.variant == "unreplicated":
        backups = 0
    if options.preset == "redis":
        backups = min(backups, 1)
    return backups, witnesses if options.variant == "curp" else 0


def _noise(mean: float, seed: int) -> Noise:
    """Exponential delays of messages."""
    if mean == 0:
        return Noise(np.zeros(1, np.int64), np.zeros(1, np.int64))
    drawn = np.random.default_rng(seed).standard_exponential(DRAWS) * mean
    return Noise(seconds_to_ps(drawn), np.zeros(1, np.int64))


def _fixed(options: CurpOptions, chosen: Costs, backups: int, witnesses: int,
           tables: dict[str, str]) -> Fixed:
    share, size = options.rpc_fixed_share, sizes(options)
    redis = options.preset == "redis"
    record, answer, nic = chosen.record_time, chosen.record_time, options.witness == "nic"
    if nic:
        table = timing("witness_table", None)
        record = table.interval_time("record", options.nic_clock)
        answer = table.latency_time("record", options.nic_clock)
        tables["witness_table"] = table.rtl_sha256

    def ps(seconds: float) -> int:
        return int(seconds_to_ps(seconds))

    def entry(whole: float) -> int:
        return ps(whole * (1 - share) / ENTRIES)

    # a backup's dispatch thread is as busy with a request as the master's; a disk all the time
    busy = chosen.backup_time if redis else min(chosen.backup_time, chosen.dispatch_time)
    ack = chosen.backup_rpc_time * share / 2    # half of the fixed part: the answer
    gap = options.clients / options.rate if options.load == "paced" else 0.0
    members = options.group == "consensus"
    quorum = superquorum(options.replicas) if members and witnesses else witnesses
    hot = int(options.hot_key_bytes) // (size.entry + 100) if options.hot_key else 0
    return Fixed(
        variant=VARIANTS.index(options.variant), backups=backups, witnesses=witnesses,
        quorum=quorum, late=int(members),
        near=int(options.reads == "backup" and options.variant == "curp"),
        workers=1 if redis else options.workers, clients=options.clients, batch=options.batch,
        closed=int(options.load != "trace"), gap_ps=ps(gap), hot_entries=hot,
        polls=0 if redis else 1, before_ps=ps(chosen.client_time / 2),
        after_ps=ps(chosen.client_time / 2), send_ps=ps(chosen.send_time),
        dispatch_ps=ps(chosen.dispatch_time), write_ps=ps(chosen.write_time),
        read_ps=ps(chosen.read_time), send_fixed_ps=ps(ack),
        send_entry_ps=entry(chosen.backup_rpc_time), ack_ps=ps(ack),
        gc_fixed_ps=ps(chosen.gc_rpc_time * share), gc_entry_ps=entry(chosen.gc_rpc_time),
        backup_ps=ps(chosen.backup_time), backup_busy_ps=ps(busy),
        look_ps=ps(chosen.dispatch_time), record_ps=ps(record), answer_ps=ps(answer),
        each_entry=int(nic), request_bytes=size.request, key_bytes=options.key_bytes,
        read_bytes=size.read,
        answer_bytes=size.answer, record_bytes=size.record,
        record_answer_bytes=size.record_answer, gc_bytes=size.gc, gc_entry_bytes=size.gc_entry,
        entry_bytes=size.entry, rpc_bytes=size.rpc)


def _ops(trace: OperationTrace) -> Ops:
    count = len(trace)
    return Ops(KINDS[trace.operation], trace.key.astype(np.int32), trace.nbytes.astype(np.int32),
               trace.objects.astype(np.int32), np.full(count, -1, np.int32),
               seconds_to_ps(trace.arrival_time), np.full(count, -1, np.int64),
               np.full(count, -1, np.int64), np.zeros(count, np.int8))


def _first_events(state: CurpState) -> None:
    fixed, server, push = state.fixed, state.server, heap_push
    if fixed.closed == 0:
        push(state.heap, int(state.ops.due_ps[0]), ISSUE, ISSUE, fixed.clients)
        return
    server.arrived[0] = len(state.ops.kind)
    server.idle_count[0] = 0
    for c in range(fixed.clients):
        start = STAGGER_PS * c if fixed.gap_ps == 0 else fixed.gap_ps * c // fixed.clients
        server.resume_ps[c] = start
        push(state.heap, start, ISSUE, ISSUE, c)
