"""Replay a ledger on a fabric: sites that propose, disperse, vote and retrieve for some time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rackwright.errors import InputError, Interrupted, ModelFault, OptionsError
from rackwright.models.dispersedledger.costs import costs_of
from rackwright.models.dispersedledger.formulas import needed_chunks
from rackwright.models.dispersedledger.messages import run_messages
from rackwright.models.dispersedledger.options import (
    DispersedLedgerOptions,
    is_serial,
    overshoot_of,
)
from rackwright.models.dispersedledger.placement import Placement, place
from rackwright.models.dispersedledger.recursion import cumulated, floor_time, run_recursion
from rackwright.models.dispersedledger.report import outcome
from rackwright.models.dispersedledger.tables import Rules, Tables, Ticks, new_tables
from rackwright.models.dispersedledger.ticks import run_ticks
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces.wan import BandwidthTrace

__all__ = ["Prepared", "prepare", "replay", "rules_of", "run"]

SLICE_TIME = 20.0     # simulated between two looks at Ctrl-C
MOST_EPOCHS = 1 << 16
SERIAL_BLOCK, PARALLEL_BLOCK, LOADED_BLOCK = 3e6, 2e6, 3e6   # bytes; see the card

Progress = Callable[[float, float, str], None]


class Prepared(NamedTuple):
    """Everything up to the first epoch."""

    placed: Placement
    rules: Rules
    duration: float
    epochs: int          # room


def replay(fabric: Fabric, trace: BandwidthTrace, options: DispersedLedgerOptions, seed: int = 0,
           progress: Progress | None = None) -> Outcome:
    """Run the ledger for `options.duration`.

    The seed moves Poisson arrivals and two-faced votes, nothing else. Raises TopologyError,
    InputError, OptionsError, and Interrupted with the Outcome so far as its `partial`.
    """
    made = prepare(fabric, trace, options)
    tables, moving, reached = run(made, options, progress, seed)
    found = outcome(fabric, options, made, tables, moving, reached)
    if reached < made.duration:
        raise Interrupted(f"interrupted at {reached:.6g} s of virtual time", partial=found)
    return found


def prepare(fabric: Fabric, trace: BandwidthTrace, options: DispersedLedgerOptions) -> Prepared:
    """Place the ledger and fix its rules. Raises TopologyError and InputError."""
    if not isinstance(trace, BandwidthTrace):
        raise InputError(f"{trace!r} is no bandwidth trace; DispersedLedger needs one "
                         "(rackwright.traces.generate_bandwidth)")
    placed = place(fabric, trace, options)
    if options.method != "messages" and (options.byzantine, options.arrivals) != ("none", "fluid"):
        raise OptionsError("a fluid knows neither Byzantine sites nor Poisson arrivals: "
                           "method=messages does",
                           [f"method={options.method}, byzantine={options.byzantine}, "
                            f"arrivals={options.arrivals}"])
    duration = options.duration or trace.span_time
    # an epoch takes about five delays
    pace = max(3 * float(placed.delay.mean()), options.tick, options.propose_time)
    epochs = min(int(duration / pace) + 16, MOST_EPOCHS)
    return Prepared(placed, rules_of(options, len(placed.sites), trace.step_time), duration, epochs)


def rules_of(options: DispersedLedgerOptions, nodes: int, step_time: float) -> Rules:
    """What the kernels need of the options."""
    serial = is_serial(options)
    block = float(options.block) or (LOADED_BLOCK if options.load else
                                     SERIAL_BLOCK if serial else PARALLEL_BLOCK)
    extra = 32.0 * np.log2(nodes) + options.vote_nbytes * nodes
    work = costs_of(options, nodes, block).critical_time if options.host_work else 0.0
    needed = needed_chunks(nodes)
    return Rules(
        nodes, (nodes - 1) // 3, options.tick, step_time, int(serial),
        int(options.variant == "hb" and options.commit_rule == "emergent"),
        options.coupled_epochs if options.variant == "dl_coupled" else -1,
        min(overshoot_of(options), nodes / needed), float(needed), float(extra),
        options.proc_delay + work, block, float(options.load),
        float(options.propose_bytes), options.propose_time)


def run(made: Prepared, options: DispersedLedgerOptions, progress: Progress | None = None,
        seed: int = 0) -> tuple[Tables, Ticks, float]:
    """Tables and moving state at the end, and the time reached (less after Ctrl-C)."""
    epochs = made.epochs
    while True:
        tables, moving = new_tables(made.rules, made.placed.up, made.placed.down,
                                    made.placed.delay, epochs)
        if options.method == "messages":
            reached = run_messages(made, tables, moving, options, seed, progress)
        else:
            reached = (_ticks if options.method == "ticks" else _recursion)(
                made, tables, moving, progress)
            moving.total[4:] = moving.total[2] / made.rules.overshoot
            tables.delivered[:] = tables.output
        if not moving.first[1]:
            return tables, moving, reached
        if epochs >= MOST_EPOCHS:
            raise ModelFault(f"more than {MOST_EPOCHS} epochs in {made.duration:g} s")
        epochs = min(4 * epochs, MOST_EPOCHS)


def _ticks(made: Prepared, tables: Tables, moving: Ticks, progress: Progress | None) -> float:
    tick, last = made.rules.tick, int(np.ceil(made.duration / made.rules.tick - 1e-9))
    at, size = 0, max(int(SLICE_TIME / tick), 1)
    try:
        while at < last and not moving.first[1]:
            run_ticks(made.rules, tables, moving, at, min(at + size, last))
            at = min(at + size, last)
            if progress:
                progress(at * tick, made.duration, f"epoch {int(moving.epoch.max())}")
    except KeyboardInterrupt:
        return at * tick
    return made.duration


def _recursion(made: Prepared, tables: Tables, moving: Ticks, progress: Progress | None) -> float:
    total = cumulated(made.placed.down, made.rules.step, made.duration)
    floor = floor_time(made.rules, tables, moving)
    run_recursion(made.rules, tables, moving, total, floor, made.duration)
    if progress:
        progress(made.duration, made.duration, f"epoch {int(moving.epoch.max())}")
    return made.duration
