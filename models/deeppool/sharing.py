"""How much a foreground tasklet and a background piece slow each other down on one GPU.

Two sources, by the option `sharing`:

* ``stand-in``: while both run, the foreground takes `fg_slowdown` times as long and the background
  goes at `bg_busy_share` of its speed alone. Nothing of it is published; the defaults are the ends
  that the published description allows (slowdown 1.1, background 0.2 to 0.4).
* ``h100``: measured pairs of ResNet-50 trainings on one H100, foreground of 4 to 64 samples at
  high or equal stream priority, background of 16 (`devices/measured/h100-sxm/streams.csv.gz`),
  read at how full the foreground keeps the GPU and interpolated between the five. All five points
  are used: nothing is left to test it with.

Fullness of a tasklet: the least time a sample of its layers at any profiled batch, over the time
that a sample takes here; of the measured trainings, over that with 64 samples.

Transfers and collectives: the foreground slows like its emptiest measured tasklet, the background
goes as in free time. That is an assumption: neither source has them.

Leaves out: that kinds of kernels differ; memory capacity; clocks.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["H100_PAIRS", "Sharing", "h100_sharing", "stand_in_sharing"]

Floats = npt.NDArray[np.float64]
Priority = Literal["high", "equal"]

# Foreground batch: us alone, us beside the background and the background's us beside it, with
# the foreground at high priority, then at equal. devices/measured/h100-sxm/streams.csv.gz
H100_PAIRS = {
    4: (4013.9, 7069.73, 8632.22, 7523.58, 8372.32),
    8: (5101.73, 8650.32, 9195.7, 8950.77, 8946.43),
    16: (6298.34, 10076.4, 11058.6, 10446.8, 10477.4),
    32: (10108.5, 14596.9, 13896.4, 15038.8, 12988.8),
    64: (17670.9, 22786.7, 18591.9, 23412.5, 16770.2),
}
_BACKGROUND_US = 6298.34   # 16 samples alone, same file


class Sharing(NamedTuple):
    """Slowdown of the foreground and speed of the background, by fullness (rising)."""

    name: str
    fullness: Floats
    slowdown: Floats     # 1 or more
    speed: Floats        # of the background, share of its speed alone, above 0

    def slowdowns(self, fullness: Floats) -> Floats:
        return np.interp(fullness, self.fullness, self.slowdown)

    def speeds(self, fullness: Floats) -> Floats:
        return np.interp(fullness, self.fullness, self.speed)


def stand_in_sharing(fg_slowdown: float, bg_busy_share: float) -> Sharing:
    """The same for every tasklet."""
    one = np.zeros(1)
    return Sharing("stand-in", one, one + fg_slowdown, one + bg_busy_share)


def h100_sharing(priority: Priority = "high") -> Sharing:
    """The measured pairs; see the module's text."""
    at = 1 if priority == "high" else 3
    rows = np.array([[batch, *times] for batch, times in H100_PAIRS.items()])
    sample = rows[:, 1] / rows[:, 0]
    return Sharing(f"h100, {priority} priority", sample.min() / sample,
                   rows[:, 1 + at] / rows[:, 1], _BACKGROUND_US / rows[:, 2 + at])
