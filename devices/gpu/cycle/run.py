"""Streams of kernels run side by side on one GPU: Python in, Python out, the kernel in between.

Times are seconds outside, rounded to picoseconds at the border. Leaves out: the host, which is
taken to have launched everything early enough; copies to and from it; preemption, partitions and
clusters of SMs; what `place` and `share` leave out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.devices.gpu.cycle.advance import advance_streams
from rackwright.devices.gpu.cycle.state import ISSUE, KernelArrays, StreamState, grown, new_state
from rackwright.devices.gpu.cycle.work import GpuKernel
from rackwright.engine.driver import drive
from rackwright.engine.status import FOREVER_PS
from rackwright.errors import UsageError

__all__ = ["StreamRun", "run_streams"]

Floats = npt.NDArray[np.float64]
PS = 1e12
LONGEST = 1e6  # s; the clock holds nine times that


@dataclass(frozen=True)
class StreamRun:
    """`finish_times[stream]`: end of each kernel's last run, s (NaN: never ended);
    `lap_times[stream]`: ends of laps; `sm_share`, `memory_share`: part of all SMs and of the
    memory system that a stream held up to the last event, shape (streams,)."""

    finish_times: tuple[Floats, ...]
    lap_times: tuple[Floats, ...]
    sm_share: Floats
    memory_share: Floats
    end_time: float

    def lap_time(self, stream: int, skip: int = 1) -> float:
        """Mean seconds of a lap, the first `skip` left out; inf when there is none beyond."""
        ends = self.lap_times[stream]
        if len(ends) <= skip:
            return math.inf
        begin = ends[skip - 1] if skip else 0.0
        return float((ends[-1] - begin) / (len(ends) - skip))


def run_streams(sms: int, streams: Sequence[Sequence[GpuKernel]], *,
                priorities: Sequence[int] | None = None, laps: int | Sequence[int] = 1,
                loop: bool = False, start_times: Sequence[float] | None = None,
                until: float | None = None) -> StreamRun:
    """Run every stream's kernels in order, `laps` times, on a GPU of `sms`.

    Lower `priorities` go first (all equal unless told). With `loop`, streams go on until all have
    their laps, so that each has company all the time. `until`: stop then, in seconds.

    Raises `UsageError` for no streams, an empty one, lists of different lengths, and numbers out of
    range.
    """
    count = len(streams)
    if count == 0 or not all(len(kernels) for kernels in streams):
        raise UsageError("streams: give at least one, each with at least one kernel")
    ranks = list(priorities) if priorities is not None else [0] * count
    wanted = [laps] * count if isinstance(laps, int) else list(laps)
    starts = list(start_times) if start_times is not None else [0.0] * count
    for name, values in (("priorities", ranks), ("laps", wanted), ("start_times", starts)):
        if len(values) != count:
            raise UsageError(f"{name}: one for each of the {count} streams, not {len(values)}")
    if min(wanted) < 1 or sms < 1:
        raise UsageError(f"sms and laps must be 1 or more, not {sms} and {min(wanted)}")
    for name, time in (*(("start_times", start) for start in starts), ("until", until or 0.0)):
        if not 0 <= time < LONGEST:
            raise UsageError(f"{name}: {time!r} is not from 0 to {LONGEST:g} s")
    state = _state(sms, streams, ranks, wanted, loop, starts)
    until_ps = FOREVER_PS if until is None else math.ceil(until * PS)
    return _result(drive(advance_streams, state, grow=grown, until_ps=until_ps), sms)


def _state(sms: int, streams: Sequence[Sequence[GpuKernel]], ranks: Sequence[int],
           wanted: Sequence[int], loop: bool, starts: Sequence[float]) -> StreamState:
    every = [(kernel, ranks[at] if kernel.ranked else max(ranks))
             for at, kernels in enumerate(streams) for kernel in kernels]
    integers = np.array([(one.blocks, one.tiles, one.units, max(round(one.issue * ISSUE), 1),
                          round(one.gap_time * PS), rank)
                         for one, rank in every], np.int64).T
    floats = np.array([(one.tile_time, one.memory_time) for one, _ in every]).T * PS
    arrays = KernelArrays(blocks=integers[0].copy(), tiles=integers[1].copy(),
                          room=integers[2].copy(), issue=integers[3].copy(), work=floats[0].copy(),
                          memory=floats[1].copy(), gap_ps=integers[4].copy(),
                          priority=integers[5].copy(),
                          finish_ps=np.full(len(every), -1, np.int64))
    lengths = np.array([len(kernels) for kernels in streams], np.int64)
    return new_state(sms, arrays, np.cumsum(lengths) - lengths, lengths,
                     np.array(wanted, np.int64), np.full(len(streams), int(loop), np.int64),
                     np.array([math.ceil(start * PS) for start in starts], np.int64))


def _result(state: StreamState, sms: int) -> StreamRun:
    finish = np.where(state.kernels.finish_ps < 0, np.nan, state.kernels.finish_ps / PS)
    seen_ps = max(float(state.touched_ps[0]), 1.0)
    return StreamRun(
        tuple(finish[a:a + n] for a, n in zip(state.first, state.length, strict=True)),
        tuple(ends[:n] / PS for ends, n in zip(state.lap_ps, state.laps, strict=True)),
        state.sm_ps / (seen_ps * sms), state.memory_ps / seen_ps,
        float(state.control.now_ps[0]) / PS)
