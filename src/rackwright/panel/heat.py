"""Temperatures of GPUs: one thermal resistance and one time constant a board.

A GPU's temperature strives for that of the air plus resistance times watts, as a capacitor charges
through a resistor. At its slowdown threshold it throttles to half its speed; when it has cooled to
its highest operating temperature it runs freely again (that this is where is our assumption).

* `RISE`, `LAG`, `AIR` are fitted to the six rows of ``devices/measured/h100-sxm/power.csv.gz``
  (loads of 3 s, one after the other, 49 to 71 degrees; the fit is within 2.1 K), which take the
  first row as steady and the pauses between loads as nothing. Other parts are stand-ins: the same
  rise at their own limit, the same lag.
* Thresholds are those of NVIDIA's nvml-mock profile of HGX H100 (NVIDIA/k8s-test-infra); its A100
  example has the same. For other parts they are stand-ins.
* "A factor of 2 or more" is what NVML's header says of a hardware thermal slowdown; 2 is taken.

Left out: memory temperatures, the slow approach before the threshold, fans that answer, shutdown,
air warmed by neighbours. Units: degrees Celsius, watts, seconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rackwright.devices import Gpu

__all__ = ["AIR", "MOST_OPERATING", "SHUTDOWN", "SLOWDOWN", "SLOWED", "Heat"]

AIR = 43.5          # air at the board; fitted, see above
RISE = 29.5         # K over the air at the power limit; fitted (0.0422 K/W x 700 W)
LAG = 4.1           # s; fitted
SLOWDOWN, MOST_OPERATING, SHUTDOWN = 87.0, 83.0, 92.0
SLOWED = 0.5        # of its speed, while it throttles
_NEAR = 1e-6        # K; how near to a threshold is on it

Floats = npt.NDArray[np.float64]


class Heat:
    """Temperatures of the boards of `parts`; of those that are no GPU they are not a number."""

    def __init__(self, parts: Sequence[object], idle_watts: Floats) -> None:
        resistance = [RISE / part.tdp_watts if isinstance(part, Gpu) else np.nan for part in parts]
        self._resistance: Floats = np.array(resistance)
        self._cooling = np.ones(len(parts))
        self.air = AIR
        self.throttled = np.zeros(len(parts), np.bool_)
        self.celsius: Floats = self._end(idle_watts)

    def account(self, seconds: float, watts: Floats) -> None:
        """Boards draw `watts` for so long."""
        end = self._end(watts)
        self.celsius = end + (self.celsius - end) * np.exp(-seconds / LAG)

    def next_time(self, watts: Floats) -> float:
        """Seconds until a board starts or stops to throttle at these watts; infinity if none."""
        end = self._end(watts)
        goal = np.where(self.throttled, MOST_OPERATING, SLOWDOWN)
        crossing = np.where(self.throttled, end < goal - _NEAR, end > goal + _NEAR)
        if not crossing.any():
            return float("inf")
        ratio = (self.celsius - end)[crossing] / (goal - end)[crossing]
        return float(LAG * np.log(np.maximum(ratio, 1.0)).min())

    def cross(self) -> list[int]:
        """Boards that start or stop to throttle now."""
        found = np.where(self.throttled, self.celsius <= MOST_OPERATING + _NEAR,
                         self.celsius >= SLOWDOWN - _NEAR)
        self.throttled ^= found
        return [int(board) for board in np.flatnonzero(found)]

    def cool(self, board: int, share: float) -> None:
        """A board is cooled at a share of what is usual: the heat's way out is so much longer."""
        self._cooling[board] = share

    def cooling(self, board: int) -> float:
        """The share set by `cool`."""
        return float(self._cooling[board])

    def _end(self, watts: Floats) -> Floats:
        """Where temperatures go at these watts."""
        return np.asarray(self.air + self._resistance / self._cooling * watts)
