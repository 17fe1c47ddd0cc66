"""Run a timeline beside background work, and sum up the steady laps.

The background of a lane is one training on every of its GPUs, cut into pieces of about half a
millisecond. GPUs beyond the timeline are not here: a background training there runs alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright.engine.driver import drive
from rackwright.models.deeppool.gate import LONG_RECV_US
from rackwright.models.deeppool.kernel import advance
from rackwright.models.deeppool.program import build_program, lanes_of
from rackwright.models.deeppool.sharing import Sharing
from rackwright.models.deeppool.state import POLICIES, Fixed, MuxState, new_mux_state
from rackwright.models.deeppool.timeline import Timeline
from rackwright.units import seconds_to_ps

__all__ = ["PIECE_TIME", "Mux", "Multiplexed", "multiplex", "pieces_of", "prepare_mux", "run_mux",
           "steady"]

PIECE_TIME = 500e-6   # s; background pieces are about as long (published code)
_PS = 1e-12
_UNITS_PS = {"host": 1_000, "nic": 1_000_000}   # registers: ns in the host's floats, us in the NIC

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mux:
    """How background work is let in. `idle_share`: its speed on a GPU without foreground work.

    `policy`: newest, artefact, open (no gate), closed (never beside foreground work). `gate`: host
    or nic. `piece_time`: s of a piece alone. `present`: whether each lane has background work, or
    one answer for all.
    """

    sharing: Sharing
    idle_share: float
    policy: str = "newest"
    gate: str = "host"
    piece_time: float = PIECE_TIME
    admission_time: float = 0.0
    present: bool | tuple[bool, ...] = True
    laps: int = 120
    warm_laps: int = 40
    spans: int = 0


@dataclass(frozen=True)
class Multiplexed:
    """Means over the steady laps.

    `iteration_time`: s. `lanes`: first GPU of each lane, and the number of GPUs. By lane:
    `copies`, `bg_speed` (share of a GPU's speed alone), `spent` (share of time: idle, foreground
    only, background only, both).
    """

    iteration_time: float
    worst_time: float
    lanes: tuple[int, ...]
    copies: Ints
    bg_speed: Floats
    spent: Floats
    asked: Ints
    beside_sums: int
    laps: int

    @property
    def bg_gpus(self) -> float:
        """Background work in GPUs that run it alone."""
        return float((self.bg_speed * self.copies).sum())

    def gpu_share(self, *columns: int) -> float:
        """Share of all GPU time."""
        whole = self.spent[:, list(columns)].sum(axis=1) * self.copies
        return float(whole.sum() / self.copies.sum())


def pieces_of(step_time: float, piece_time: float = PIECE_TIME) -> float:
    """Seconds of a piece: a background step cut into equal ones of about `piece_time`."""
    return step_time / max(round(step_time / piece_time), 1)


def multiplex(timeline: Timeline, mux: Mux) -> Multiplexed:
    """Run it to its end."""
    state, lanes = prepare_mux(timeline, mux)
    run_mux(state, lanes)
    return steady(state, lanes)


def run_mux(state: MuxState, lanes: list[int], show: Callable[[MuxState], None] | None = None
            ) -> MuxState:
    """Run a state to its end, in place; returns it. Raises `Interrupted` with it as `partial`."""
    run: Any = advance
    return drive(run, state, progress=show, waits=_words_of_stall)


def prepare_mux(timeline: Timeline, mux: Mux) -> tuple[MuxState, list[int]]:
    """The state before the first event, and the lanes. Two laps alone measure the benchmarks."""
    lanes = lanes_of(timeline)
    program = build_program(timeline, mux.sharing, mux.idle_share, lanes)
    nobody = np.zeros(len(lanes) - 1, np.int64)
    alone = new_mux_state(_fixed(replace(mux, laps=2, warm_laps=1)), program, nobody,
                          program.work_ps, 0)
    run_mux(alone, lanes)
    state = new_mux_state(_fixed(mux), program, nobody + np.asarray(mux.present),
                          alone.progress.last_ps, mux.spans)
    return state, lanes


def _fixed(mux: Mux) -> Fixed:
    unit = _UNITS_PS[mux.gate]
    return Fixed(
        laps=mux.laps, warm_laps=mux.warm_laps, policy=POLICIES[mux.policy],
        nic=int(mux.gate == "nic"), unit_ps=unit, long_recv=LONG_RECV_US * 1_000_000 // unit,
        piece_ps=int(seconds_to_ps(mux.piece_time)),
        admission_ps=int(seconds_to_ps(mux.admission_time)),
        idle_speed=mux.idle_share, idle_cost=1.0 / mux.idle_share)


def steady(state: MuxState, lanes: list[int]) -> Multiplexed:
    """What the laps after the warm-up come to; after an interruption, those that ended."""
    progress, background = state.progress, state.background
    laps, warm = int(progress.lap[0]), state.fixed.warm_laps
    if laps <= warm:
        warm = 0
    ends = progress.lap_end_ps[:laps]
    start = int(ends[warm - 1]) if warm else 0
    times = np.diff(ends, prepend=0)[warm:] * _PS
    whole = max(int(progress.stamp_ps[0]) - start, 1)
    done = background.done_ps - (background.warm_done_ps if warm else 0.0)
    spent = background.spent_ps - (background.warm_spent_ps if warm else 0)
    return Multiplexed(
        float(np.mean(times)) if laps else 0.0, float(times.max()) if laps else 0.0,
        tuple(lanes), state.program.copies, done / whole, spent / whole,
        background.asked, int(background.beside_sums[0]), laps)


def _words_of_stall(state: MuxState) -> str:
    progress = state.progress
    return ", ".join(f"stream {number} waits at operation {at} of lap {lap}" for number, (at, lap)
                     in enumerate(zip(progress.at.tolist(), progress.lap.tolist(), strict=True)))

