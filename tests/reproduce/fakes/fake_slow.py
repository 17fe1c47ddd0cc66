"""A system whose second row sleeps, and says so through a file that a test names."""

from __future__ import annotations

import os
import time
from pathlib import Path

from rackwright.reproduce import Context


def quick(context: Context) -> float:
    return 10.0


def slow(context: Context) -> float:
    Path(os.environ["FAKE_SLEEPING"]).touch()
    time.sleep(30.0)
    return 1.0


SIMULATIONS = {"quick": quick, "slow": slow}
