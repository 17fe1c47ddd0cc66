"""What a replay has used so far: bytes by pattern and link, services ended.

Read from the arrays of a state, finished or interrupted; operators that have not ended their phase
count as nothing. Unit: bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rackwright.models.lovelock.state import LovelockState
from rackwright.models.lovelock.traffic import PATTERNS

if TYPE_CHECKING:
    from rackwright.models.lovelock.workload import Side

__all__ = ["link_bytes", "pattern_bytes", "served"]

Floats = npt.NDArray[np.float64]


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
