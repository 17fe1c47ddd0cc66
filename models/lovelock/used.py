"""What a replay has used so far: bytes by pattern and link, services ended, latencies, busy shares.

Read from the arrays of a state, finished or interrupted; operators that have not ended their phase
count as nothing. Units: bytes, seconds, shares 0..1 of the whole replay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rackwright.models.lovelock.state import LovelockState
from rackwright.models.lovelock.traffic import PATTERNS

if TYPE_CHECKING:
    from rackwright.models.lovelock.workload import Side

__all__ = ["busy_shares", "latencies", "link_bytes", "pattern_bytes", "served"]

Floats = npt.NDArray[np.float64]
_PS = 1e-12


def link_bytes(side: Side, state: LovelockState) -> Floats:
    """Bytes put onto each link: the fabric's, then those behind them."""
    return pattern_bytes(side, state) @ side.traffic.link_share


def pattern_bytes(side: Side, state: LovelockState) -> Floats:
    """Bytes of operators that have moved them, by pattern."""
    work = side.work
    done = (work.pattern >= 0) & (state.operators.phase > np.where(work.moves_first == 1, 0, 1))
    found = np.bincount(work.pattern[done], work.nbytes[done], minlength=len(PATTERNS))
    return found.astype(np.float64)


def served(side: Side, state: LovelockState) -> npt.NDArray[np.bool_]:
    """Operators whose service has ended."""
    after: npt.NDArray[np.bool_] = state.operators.phase > side.work.moves_first
    return after & (side.work.station >= 0)


def latencies(state: LovelockState) -> Floats:
    """Seconds of each query that has ended."""
    queries = state.queries
    ended = queries.finish_ps >= 0
    return np.asarray((queries.finish_ps - queries.arrival_ps)[ended] * _PS, np.float64)


def busy_shares(busy: Any, seconds: float) -> Any:
    return np.minimum(np.asarray(busy, np.float64) / max(seconds, 1e-12), 1.0)
