"""A training iteration beside background pieces, event by event.

Each event is the end of an operation, of a background piece, or of the pause before the next
piece is asked for. Between events every operation and piece goes on at a steady speed: alone, or
slowed by what runs beside it on its lane. A lane has at most one piece in flight. The gate is
asked whenever a lane has none: its answer can only change at an event.

An operation is measured from its start to its end, a receive from when it is waited for; so are
the benchmarks, alone. A lane that waits for others runs background pieces as if it were free, if
the gate lets them in: yes at the end of a step, by the rules for what it waits in before.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.engine.status import DONE, FOREVER_PS, RUNNING, STALLED
from rackwright.hdl.bg_gate import ALLREDUCE, MULTIPLEX, P2P_RECV, gate_admit, gate_recent
from rackwright.models.deeppool.gate import gate_recent_host
from rackwright.models.deeppool.state import BG_ONLY, BOTH, FG_ONLY, IDLE

__all__ = ["LABEL_BACKGROUND", "advance"]

NEWEST, ARTEFACT, OPEN = 0, 1, 2
LABEL_BACKGROUND = 0


@kernel
def ceiling(x):  # type: ignore[no-untyped-def]
    """The least whole number not below x, x >= 0."""
    whole = int(x)
    return whole if whole >= x else whole + 1


@kernel
def end_operation(state, s, now_ps):  # type: ignore[no-untyped-def]
    """Note what it took, post, and go to the next operation of `s`, or to its next lap."""
    fixed, program, progress = state.fixed, state.program, state.progress
    at = progress.at[s]
    progress.last_ps[at] = now_ps - progress.started_ps[s]
    last = progress.last_ps[at] // fixed.unit_ps  # nonzero: >= 1
    if fixed.nic == 1:
        progress.recent[at] = gate_recent(progress.benchmark[at], progress.recent[at], last)
    else:
        progress.recent[at] = gate_recent_host(progress.benchmark[at], progress.recent[at], last)
    post = program.post[at]
    if post >= 0:
        progress.posts[post] += 1
    progress.running[s], progress.arrived[s] = 0, 0
    progress.at[s] += 1
    if progress.at[s] == program.first[s + 1]:
        progress.at[s] = program.first[s]
        if s == 0:
            progress.lap_end_ps[progress.lap[0]] = now_ps
            if progress.lap[0] + 1 == state.fixed.warm_laps:
                mark_window(state)
        progress.lap[s] += 1


@kernel
def mark_window(state):  # type: ignore[no-untyped-def]
    """The measured window begins."""
    background = state.background
    for lane in range(background.done_ps.shape[0]):
        background.warm_done_ps[lane] = background.done_ps[lane]
        for column in range(4):
            background.warm_spent_ps[lane, column] = background.spent_ps[lane, column]


@kernel
def start_operations(state, now_ps):  # type: ignore[no-untyped-def]
    """Start all that can; operations of no work end at once. False when nothing is left."""
    program, progress, laps = state.program, state.progress, state.fixed.laps
    streams = program.lane.shape[0]
    changed, unfinished = True, False
    while changed:
        changed, unfinished = False, False
        for s in range(streams):
            lap = progress.lap[s]
            if lap == laps:
                continue
            unfinished = True
            if progress.running[s] == 1:
                continue
            at = progress.at[s]
            meet, wait = program.meet[at], program.wait[at]
            if progress.arrived[s] == 0:
                progress.arrived[s] = 1
                progress.started_ps[s] = now_ps
                if meet >= 0:
                    progress.posts[meet] += 1
                changed = True
            ready = meet < 0 or progress.posts[meet] >= program.target[meet] * (lap + 1)
            ready = ready and (wait < 0
                               or progress.posts[wait] >= program.target[wait] * (lap + 1))
            if not ready:
                continue
            if not program.flags[at] & P2P_RECV:
                progress.started_ps[s] = now_ps
            if program.work_ps[at] == 0:
                end_operation(state, s, now_ps)
                changed = True
            else:
                progress.running[s] = 1
                progress.began_ps[s] = now_ps
                progress.left_ps[s] = float(program.work_ps[at])
    return unfinished


@kernel
def admits(state, lane):  # type: ignore[no-untyped-def]
    """1 if the gate lets a piece start on `lane`.

    Every operation that runs must agree, and what the compute stream, launched ahead, waits in.
    """
    fixed, program, progress = state.fixed, state.program, state.progress
    grant, busy, lanes = 1, 0, program.copies.shape[0]
    for s in range(program.lane.shape[0]):
        if program.lane[s] != lane:
            continue
        at = progress.at[s]
        busy |= progress.running[s]
        if fixed.policy == NEWEST and (progress.running[s] == 1 or s < lanes):
            grant &= gate_admit(program.flags[at], progress.benchmark[at], progress.recent[at],
                                fixed.long_recv)
        elif fixed.policy == ARTEFACT:
            grant &= 1 - program.queued[at]
        elif fixed.policy > OPEN:
            grant &= 1 - progress.running[s]
    if busy == 1:
        state.background.asked[grant] += 1
    return grant


@kernel
def start_pieces(state, now_ps):  # type: ignore[no-untyped-def]
    """Ask the gate for every lane that has no piece in flight."""
    background, program, progress = state.background, state.program, state.progress
    for lane in range(background.present.shape[0]):
        if (background.present[lane] == 0 or background.running[lane] == 1
                or background.ready_ps[lane] > now_ps or admits(state, lane) == 0):
            continue
        background.running[lane] = 1
        background.started_ps[lane] = now_ps
        background.left_ps[lane] = float(state.fixed.piece_ps)
        for s in range(program.lane.shape[0]):
            flags = program.flags[progress.at[s]]
            if (program.lane[s] == lane and progress.running[s] == 1
                    and flags & ALLREDUCE and not flags & MULTIPLEX):
                background.beside_sums[0] += 1


@kernel
def busy_stream(state, lane):  # type: ignore[no-untyped-def]
    """The stream of `lane` whose running operation a piece feels: compute first, -1 for none."""
    program, progress = state.program, state.progress
    for s in range(program.lane.shape[0]):
        if program.lane[s] == lane and progress.running[s] == 1:
            return s
    return -1


@kernel
def operation_end_ps(state, s, stamp_ps):  # type: ignore[no-untyped-def]
    left = state.progress.left_ps[s]
    if state.background.running[state.program.lane[s]] == 1:
        left *= state.program.slowdown[state.progress.at[s]]
    return stamp_ps + ceiling(left)


@kernel
def piece_end_ps(state, lane, stamp_ps):  # type: ignore[no-untyped-def]
    s = busy_stream(state, lane)
    cost = state.fixed.idle_cost if s < 0 else state.program.bg_cost[state.progress.at[s]]
    return stamp_ps + ceiling(state.background.left_ps[lane] * cost)


@kernel
def next_event_ps(state, stamp_ps):  # type: ignore[no-untyped-def]
    progress, background = state.progress, state.background
    found = FOREVER_PS
    for s in range(progress.at.shape[0]):
        if progress.running[s] == 1:
            found = min(found, operation_end_ps(state, s, stamp_ps))
    for lane in range(background.present.shape[0]):
        if background.running[lane] == 1:
            found = min(found, piece_end_ps(state, lane, stamp_ps))
        elif background.present[lane] == 1 and background.ready_ps[lane] > stamp_ps:
            found = min(found, background.ready_ps[lane])
    return found


@kernel
def pass_time(state, stamp_ps, now_ps):  # type: ignore[no-untyped-def]
    """Let everything go on until `now_ps`; what ends then has nothing left (below 0: ended)."""
    program, progress, background = state.program, state.progress, state.background
    elapsed = now_ps - stamp_ps
    for lane in range(background.present.shape[0]):
        s = busy_stream(state, lane)
        column = IDLE if s < 0 else FG_ONLY
        if background.running[lane] == 1:
            column = BG_ONLY if s < 0 else BOTH
            speed = state.fixed.idle_speed if s < 0 else program.bg_speed[progress.at[s]]
            done = min(elapsed * speed, background.left_ps[lane])
            ends = piece_end_ps(state, lane, stamp_ps) <= now_ps
            background.done_ps[lane] += background.left_ps[lane] if ends else done
            background.left_ps[lane] = -1.0 if ends else background.left_ps[lane] - done
        background.spent_ps[lane, column] += elapsed
    for s in range(progress.at.shape[0]):
        if progress.running[s] == 1:
            # `background.running` still says what ran beside it
            ends = operation_end_ps(state, s, stamp_ps) <= now_ps
            slow = background.running[program.lane[s]] == 1
            done = elapsed * program.speed[progress.at[s]] if slow else float(elapsed)
            progress.left_ps[s] = -1.0 if ends else max(progress.left_ps[s] - done, 0.0)


@kernel
def end_all(state, now_ps):  # type: ignore[no-untyped-def]
    """End the operations and pieces that are done."""
    fixed, program = state.fixed, state.program
    progress, background = state.progress, state.background
    for s in range(progress.at.shape[0]):
        if progress.running[s] == 1 and progress.left_ps[s] < 0:
            at, began = progress.at[s], progress.began_ps[s]
            span_add(state.spans, program.lane[s], program.label[at], began, now_ps, 1)
            end_operation(state, s, now_ps)
    for lane in range(background.present.shape[0]):
        if background.running[lane] == 1 and background.left_ps[lane] < 0:
            background.running[lane] = 0
            background.ready_ps[lane] = now_ps + fixed.admission_ps
            span_add(state.spans, lane, LABEL_BACKGROUND, background.started_ps[lane], now_ps, 1)


@kernel
def advance(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Handle events up to `until_ps`; see `rackwright.engine.status`."""
    progress, control = state.progress, state.control
    for _ in range(max_events):
        stamp = progress.stamp_ps[0]
        if progress.settled[0] == 0:
            if not start_operations(state, stamp):
                control.now_ps[0] = stamp
                return DONE
            start_pieces(state, stamp)
            progress.settled[0] = 1
        following = next_event_ps(state, stamp)
        if following == FOREVER_PS:
            return STALLED
        if following > until_ps:
            control.now_ps[0] = until_ps
            return RUNNING
        pass_time(state, stamp, following)
        progress.stamp_ps[0] = following
        end_all(state, following)
        progress.settled[0] = 0
        control.now_ps[0] = following
        control.events[0] += 1
    return RUNNING
