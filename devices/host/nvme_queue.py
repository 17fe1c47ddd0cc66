"""A drive with a queue of commands, event by event: what `nvme`'s closed form is held against.

A closed loop keeps `depth` commands outstanding: each waits for the drive's slowest part (first
come, first served, its service in whole picoseconds), then for the rest of its latency, which
overlaps with everything else; the next one is submitted as it completes. Reads and writes are
drawn by a hash of the command's number, so that every depth sees the same sequence.

Leaves out what `nvme` leaves out. Units: int64 picoseconds inside, seconds outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import sizes
from rackwright.devices.host.nvme import UNIT, Nvme
from rackwright.engine.driver import drive
from rackwright.engine.hashing import hash31
from rackwright.engine.heap import EventHeap, heap_pop, heap_push, new_heap
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, RUNNING, Control, new_control
from rackwright.errors import ModelFault, UsageError
from rackwright.units import seconds_to_ps

__all__ = ["NvmeRun", "NvmeState", "nvme_advance", "run_nvme"]

I64 = npt.NDArray[np.int64]
MOST_DEPTH = 1 << 16       # NVM Express: entries of one queue (recalled, not checked)
HASH_RANGE = 1 << 31


class NvmeState(NamedTuple):
    """A drive and its commands; index 0 is reads, 1 writes."""

    control: Control
    heap: EventHeap         # completions: kind is 0 or 1, item the command's number
    service_ps: I64         # (2,)
    delay_ps: I64           # (2,): latency beyond the service
    threshold: int          # hashes below it are reads
    seed: int
    total: int              # commands to complete
    issued: I64             # (1,)
    done: I64               # (2,)
    free_ps: I64            # (1,): when the slowest part can take the next command
    busy_ps: I64            # (1,)
    submit_ps: I64          # (total,)
    finish_ps: I64          # (total,)


@dataclass(frozen=True)
class NvmeRun:
    """`rate` commands/s and `mean_time` seconds a command over the second half of a run;
    `busy_share` of the slowest part over all of it."""

    rate: float
    mean_time: float
    busy_share: float
    reads: int
    writes: int


def run_nvme(part: Nvme, *, nbytes: int = UNIT, depth: int = 1, read_share: float = 1.0,
             commands: int = 10_000, seed: int = 0, debug: bool = False) -> NvmeRun:
    """Replay `commands` commands of `nbytes` with `depth` outstanding on `part`.

    `debug` checks after every event that no command is lost. Raises `UsageError` as
    `Nvme.io_rate`, and for fewer than two commands a slot, `Interrupted` on Ctrl-C.
    """
    Nvme.io_rate(part, nbytes, depth, read_share)  # refuses what makes no sense
    if not 1 <= depth <= MOST_DEPTH or commands < 4 * depth:
        raise UsageError(f"depth must be from 1 to {MOST_DEPTH} and commands 4 x depth at least, "
                         f"not {depth!r} and {commands!r}")
    state = _new(part, nbytes, depth, read_share, commands, seed)
    _begin(state, depth)
    state = drive(nvme_advance, state, check=_check if debug else None)
    half = commands // 2
    order = np.argsort(state.finish_ps, kind="mergesort")
    late = order[half:]
    span_ps = int(state.finish_ps[order[-1]] - state.finish_ps[order[half - 1]])
    waited = state.finish_ps[late] - state.submit_ps[late]
    return NvmeRun(len(late) / (span_ps * 1e-12), float(np.mean(waited)) * 1e-12,
                   float(state.busy_ps[0] / state.finish_ps.max()),
                   int(state.done[0]), int(state.done[1]))


def _new(part: Nvme, nbytes: int, depth: int, read_share: float, commands: int,
         seed: int) -> NvmeState:
    n, = sizes(nbytes=nbytes)
    shares = [1.0, 0.0] if read_share < 1 else [1.0, 1.0]  # a drive may have no write latency
    service = [float(part._service(n, share)) for share in shares]
    latency = [float(part._latency(n, share)) for share in shares]
    service_ps = np.maximum(seconds_to_ps(np.array(service)), 1)
    delay_ps = np.maximum(seconds_to_ps(np.array(latency)) - service_ps, 0)
    one, two = np.zeros(1, np.int64), np.zeros(2, np.int64)
    return NvmeState(
        new_control(), new_heap(depth + 1), service_ps, delay_ps,
        int(round(read_share * HASH_RANGE)), seed, commands, one.copy(), two, one.copy(),
        one.copy(), np.zeros(commands, np.int64), np.zeros(commands, np.int64))


def _begin(state: NvmeState, depth: int) -> None:
    for _ in range(depth):
        submit(state, 0)


@kernel
def submit(state, now_ps):  # type: ignore[no-untyped-def]
    """The next command goes to the drive; its completion is known at once."""
    number = state.issued[0]
    state.issued[0] = number + 1
    kind = 0
    if hash31(state.seed, number, 0, 0, 0) >= state.threshold:
        kind = 1
    end_ps = max(now_ps, state.free_ps[0]) + state.service_ps[kind]
    state.free_ps[0] = end_ps
    state.busy_ps[0] += state.service_ps[kind]
    state.submit_ps[number] = now_ps
    heap_push(state.heap, end_ps + state.delay_ps[kind], 0, kind, number)


@kernel
def nvme_advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """One completion after another, see `rackwright.engine.status`."""
    control = state.control
    for _ in range(max_events):
        if state.heap.size[0] == 0:
            return DONE
        if state.heap.time_ps[0] > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        now_ps, kind, number = heap_pop(state.heap)
        control.now_ps[0] = now_ps
        state.finish_ps[number] = now_ps
        state.done[kind] += 1
        if state.issued[0] < state.total:
            submit(state, now_ps)
        control.events[0] += 1
    return RUNNING


def _check(state: NvmeState) -> None:
    """Every command is completed or outstanding; the drive never works more than time allows."""
    issued, done, waiting = int(state.issued[0]), int(state.done.sum()), int(state.heap.size[0])
    if issued != done + waiting:
        raise ModelFault(f"{issued} commands issued, {done} done and {waiting} outstanding")
    if state.busy_ps[0] > state.free_ps[0]:
        raise ModelFault(f"busy for {state.busy_ps[0]} ps of {state.free_ps[0]} ps")
