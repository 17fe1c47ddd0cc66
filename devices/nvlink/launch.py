"""What software adds to a copy between GPUs: launch floors and set-up, apart from the links.

`PYTORCH_COPIES` belongs to PyTorch 2.11 copying between GPUs of one host on an H100, driven by one
process: a pattern never takes less than its floor (the medians up to 1 MiB, which the links would
do in 3.5 us), and a longer one starts its bytes `setup_time` late.

What it does not explain: GPUs that send and receive at once (`bidirectional`, `ring4`) are 15 to
53 % slower than links and set-up from 4 to 256 MiB and agree at 1 GiB; one copy alone of 64 MiB is
23 % slower than its neighbours in size say. Both are software's, or the copy engines': unknown.
Units: seconds. Source: our measurements, `measured/h100-sxm/earlier/p2p.csv.gz`; `setup_time` is
fitted on the rows `single` and `incast2` from 16 MiB but for single at 64 MiB; the floors of the
other patterns are stated, not predicted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Seconds, bare
from rackwright.errors import UnknownName, UsageError

__all__ = ["PYTORCH_COPIES", "LaunchCost"]


@dataclass(frozen=True)
class LaunchCost:
    """Floors by pattern, and the set-up before the bytes of a long copy, in seconds."""

    floor_time: Mapping[str, float]
    setup_time: float

    def total_time(self, pattern: str, link_time: npt.ArrayLike) -> Seconds:
        """Seconds of a pattern whose links take `link_time`; nothing to send is not launched.

        Raises `UnknownName` for a pattern without a floor, `UsageError` for times below 0.
        """
        if pattern not in self.floor_time:
            raise UnknownName("pattern with a launch floor", pattern, self.floor_time)
        links = np.asarray(link_time, np.float64)
        if not (links >= 0).all():
            raise UsageError(f"link_time must be 0 or more seconds, not {link_time!r}")
        loaded = np.maximum(self.floor_time[pattern], self.setup_time + links)
        return bare(np.where(links > 0, loaded, 0.0))


PYTORCH_COPIES = LaunchCost(
    {"single": 55.7e-6, "bidirectional": 50.4e-6, "incast2": 65.0e-6, "incast3": 92.2e-6,
     "outcast2": 62.1e-6, "ring4": 51.5e-6, "two_pairs": 58.2e-6}, 27.5e-6)
