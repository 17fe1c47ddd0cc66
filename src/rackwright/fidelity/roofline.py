"""A plain roofline, the model that every richer one must beat.

``floor_time + max(math / math_share, data / data_share)`` with the times of `work` at datasheet
peaks: a launch floor and two shares of peaks, fitted to an operation's rows of set "fit" with the
loss that the models' own coefficients are fitted with (`rackwright.devices.fitting`). A share may
exceed 1: data that stays in a cache moves faster than memory.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.fitting import OUTLIER

__all__ = ["Roofline", "fit_roofline"]

LEAST_ROWS = 4  # one more than there are parameters
STARTS = tuple(itertools.product((0.2, 0.8), (0.3, 0.9)))
"""(share of the shortest time that is floor, both shares); the best end counts."""
NARROWEST, WIDEST = np.log(1e-6), np.log(1e6)  # of a share: keeps an idle parameter finite


@dataclass(frozen=True)
class Roofline:
    """Seconds, shares of peaks, and the count of rows it was fitted to.

    A share that no fitted row depends on is None, and that side then costs nothing.
    """

    floor_time: float
    math_share: float | None
    data_share: float | None
    rows: int

    def times(self, ideal: Floats) -> Floats:
        """Seconds for (math, data) seconds at the peaks, shape (2, points)."""
        return _times((self.floor_time, self.math_share or np.inf, self.data_share or np.inf),
                      ideal)


def fit_roofline(ideal: Floats, measured: Floats) -> Roofline | None:
    """The roofline of rows with `ideal` (math, data) seconds, shape (2, rows), and `measured` ones.

    None for fewer than LEAST_ROWS rows, or rows whose work is unknown.
    """
    if len(measured) < LEAST_ROWS or np.isnan(ideal).any():
        return None
    from scipy.optimize import least_squares

    def residual(logs: Floats) -> Floats:
        return np.log(_times(tuple(np.exp(np.clip(logs, *limits))), ideal) / measured)

    def slopes(logs: Floats) -> Floats:
        """Of the residuals, by the logarithms of the parameters."""
        floor_time, math_share, data_share = np.exp(np.clip(logs, *limits))
        math, data = ideal[0] / math_share, ideal[1] / data_share
        sides = [np.full(len(measured), floor_time), np.where(math > data, -math, 0.0),
                 np.where(math > data, 0.0, -data)]
        found: Floats = (np.stack(sides) / (floor_time + np.maximum(math, data))).T
        return found

    least = measured.min()
    limits = np.array([[np.log(least) + NARROWEST, NARROWEST, NARROWEST],
                       [np.log(least) + WIDEST, WIDEST, WIDEST]])
    ends = [least_squares(residual, np.log([least * floor, share, share]), slopes,
                          loss="soft_l1", f_scale=OUTLIER) for floor, share in STARTS]
    best = min(ends, key=lambda end: float(end.cost))
    floor_time, math_share, data_share = (float(value)
                                          for value in np.exp(np.clip(best.x, *limits)))
    by_math = ideal[0] / math_share > ideal[1] / data_share
    return Roofline(floor_time, math_share if by_math.any() else None,
                    data_share if (~by_math & (ideal[1] > 0)).any() else None, len(measured))


def _times(parameters: tuple[float, ...], ideal: Floats) -> Floats:
    floor_time, math_share, data_share = parameters
    found: Floats = floor_time + np.maximum(ideal[0] / math_share, ideal[1] / data_share)
    return found
