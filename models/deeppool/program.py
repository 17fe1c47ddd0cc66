"""A timeline as the arrays that the kernel runs: lanes of equal GPUs, their streams, operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from rackwright.hdl.bg_gate import ALLREDUCE, P2P, P2P_RECV
from rackwright.models.deeppool.sharing import Sharing
from rackwright.models.deeppool.state import Program
from rackwright.models.deeppool.timeline import Segment, Timeline
from rackwright.units import seconds_to_ps

__all__ = ["build_program", "lanes_of"]

_QUEUED_PARTS, _QUEUED_PS = 4, 1_000_000_000   # what the older gate looks at (published artefact)
_COMMUNICATION = ALLREDUCE | P2P | P2P_RECV

Ints = npt.NDArray[np.int64]


def lanes_of(timeline: Timeline, apart: Sequence[int] = ()) -> list[int]:
    """First GPUs of the lanes, GPUs in between doing the same; the number of GPUs ends it.

    `apart`: GPUs at which a new lane starts too.
    """
    cuts = {0, timeline.gpus, *apart}
    for segment in timeline.segments:
        cuts |= set(segment.gpus)
    return sorted(cuts)


def build_program(timeline: Timeline, sharing: Sharing, idle_share: float,
                  lanes: Sequence[int]) -> Program:
    """The program of every lane; posts of an event count lanes, not GPUs."""
    rows: list[Segment] = []
    first, owner = [0], list[int]()
    for second in (False, True):
        for lane, gpu in enumerate(lanes[:-1]):
            own = [one for one in timeline.segments
                   if one.gpus[0] <= gpu < one.gpus[1] and one.beside == second]
            if own:
                rows += own
                first.append(len(rows))
                owner.append(lane)
    fullness = np.array([row.fullness for row in rows])
    known = np.array([bool(row.fullness) for row in rows])
    slowdown = sharing.slowdowns(fullness)
    speed = np.where(known, sharing.speeds(fullness), idle_share)
    return Program(
        first=np.array(first, np.int64), lane=np.array(owner, np.int64),
        flags=_ints(row.flags for row in rows),
        work_ps=np.asarray(seconds_to_ps(np.array([row.time for row in rows])), np.int64),
        wait=_ints(row.wait for row in rows), meet=_ints(row.meet for row in rows),
        post=_ints(row.post for row in rows), slowdown=slowdown, speed=1.0 / slowdown,
        bg_speed=speed, bg_cost=1.0 / speed, queued=_queued(rows, first),
        label=_ints(row.label for row in rows), target=_targets(timeline, rows),
        copies=np.array(lanes[1:], np.int64) - np.array(lanes[:-1], np.int64))


def _ints(values: Iterable[int]) -> Ints:
    return np.fromiter(values, np.int64)


def _targets(timeline: Timeline, rows: Sequence[Segment]) -> Ints:
    """How often each event is posted in a lap, by lanes."""
    found = np.zeros(timeline.events, np.int64)
    for row in rows:
        for event in (row.post, row.meet):
            if event >= 0:
                found[event] += 1
    return found


def _queued(rows: Sequence[Segment], first: Sequence[int]) -> Ints:
    """1 where communication is among the next 4 tasklets or the next 1,000 us of a stream."""
    found = np.zeros(len(rows), np.int64)
    for begin, end in zip(first, first[1:], strict=False):
        for at in range(begin, end):
            ahead, queued_ps = at, 0.0
            while ahead < end and ahead - at < _QUEUED_PARTS and queued_ps < _QUEUED_PS:
                if rows[ahead].flags & _COMMUNICATION and rows[ahead].time > 0:
                    found[at] = 1
                queued_ps += rows[ahead].time * 1e12
                ahead += 1
    return found
