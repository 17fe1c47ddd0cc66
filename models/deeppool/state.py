"""The arrays of a multiplexed training: its program, and where every stream and GPU stands.

A *lane* stands for GPUs that do the same (`Program.copies` of them). It has a compute stream and,
where gradients are sent beside the backward pass, a second one for them. A stream runs its
*operations* (foreground tasklets) in order, lap after lap, a lap being a training iteration. An
operation starts when its stream is there, all that post its `wait` event have, and all that share
its `meet` event have arrived; when it ends it posts `post`. Times are ps.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.record import SpanLog, new_span_log
from rackwright.engine.status import Control, new_control

__all__ = ["BG_ONLY", "BOTH", "FG_ONLY", "IDLE", "POLICIES", "Background", "Fixed", "MuxState",
           "Program", "Progress", "new_mux_state"]

IDLE, FG_ONLY, BG_ONLY, BOTH = 0, 1, 2, 3    # columns of Background.spent_ps
POLICIES = {"newest": 0, "artefact": 1, "open": 2, "closed": 3}

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Program(NamedTuple):
    """Operations of stream s: ``first[s]`` to ``first[s + 1]``; one entry an operation, or -1."""

    first: Ints          # (streams + 1,)
    lane: Ints           # (streams,)
    flags: Ints          # bits of rackwright.hdl.bg_gate
    work_ps: Ints        # alone
    wait: Ints
    meet: Ints
    post: Ints
    slowdown: Floats     # beside a background piece, 1 or more
    speed: Floats        # 1 / slowdown
    bg_speed: Floats     # of a background piece beside it
    bg_cost: Floats      # 1 / bg_speed
    queued: Ints         # 1: a transfer or collective is among what is queued (older gate)
    label: Ints
    target: Ints         # (events,): posts a lap
    copies: Ints         # (lanes,)


class Fixed(NamedTuple):
    """What does not change."""

    laps: int
    warm_laps: int
    policy: int
    nic: int             # 1: the average is kept as the NIC's block keeps it
    unit_ps: int         # of the gate's registers
    long_recv: int       # in that unit
    piece_ps: int        # a background piece alone
    admission_ps: int    # from the end of a piece to the question for the next
    idle_speed: float    # of the background on a GPU without foreground work
    idle_cost: float     # its inverse


class Progress(NamedTuple):
    """Streams, (streams,), and what is kept of operations and events."""

    at: Ints             # operation
    lap: Ints
    running: Ints
    arrived: Ints
    started_ps: Ints     # what it is measured from
    began_ps: Ints       # what its work started at
    left_ps: Floats      # alone, at stamp_ps
    last_ps: Ints        # (operations,): what it took last
    benchmark: Ints      # (operations,): registers
    recent: Ints         # (operations,): registers
    posts: Ints          # (events,)
    stamp_ps: Ints       # (1,)
    settled: Ints        # (1,): whether all has started that can at stamp_ps
    lap_end_ps: Ints     # (laps,)


class Background(NamedTuple):
    """Lanes, (lanes,)."""

    present: Ints
    running: Ints
    started_ps: Ints
    ready_ps: Ints
    left_ps: Floats      # of the piece, alone
    done_ps: Floats      # work done, alone
    spent_ps: Ints       # (lanes, 4): idle, foreground only, background only, both
    warm_done_ps: Floats
    warm_spent_ps: Ints
    asked: Ints          # (2,): refused, admitted beside foreground work
    beside_sums: Ints    # (1,): pieces admitted beside a collective


class MuxState(NamedTuple):
    fixed: Fixed
    program: Program
    progress: Progress
    background: Background
    spans: SpanLog
    control: Control


def new_mux_state(fixed: Fixed, program: Program, present: Ints, alone_ps: Ints, spans: int
                  ) -> MuxState:
    """Everything at rest at time 0. `alone_ps`: what operations take without background work."""
    streams, lanes = len(program.lane), len(program.copies)

    def ints(*shape: int) -> Ints:
        return np.zeros(shape, np.int64)

    progress = Progress(
        at=program.first[:-1].copy(), lap=ints(streams), running=ints(streams),
        arrived=ints(streams), started_ps=ints(streams), began_ps=ints(streams),
        left_ps=np.zeros(streams), last_ps=ints(len(alone_ps)),
        benchmark=alone_ps // fixed.unit_ps, recent=alone_ps // fixed.unit_ps,
        posts=ints(len(program.target)),
        stamp_ps=ints(1), settled=ints(1), lap_end_ps=ints(fixed.laps))
    background = Background(
        present=present.astype(np.int64), running=ints(lanes), started_ps=ints(lanes),
        ready_ps=ints(lanes), left_ps=np.zeros(lanes), done_ps=np.zeros(lanes),
        spent_ps=ints(lanes, 4), warm_done_ps=np.zeros(lanes), warm_spent_ps=ints(lanes, 4),
        asked=ints(2), beside_sums=ints(1))
    return MuxState(fixed, program, progress, background, new_span_log(spans), new_control())
