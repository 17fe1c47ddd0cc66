"""A run in slices, and one without compilation, give the bytes of an ordinary one."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from rackwright.devices.gpu.cycle import GpuKernel, run
from rackwright.devices.gpu.cycle.advance import advance_streams
from rackwright.devices.gpu.cycle.state import grown
from rackwright.engine.driver import drive
from rackwright.engine.status import FOREVER_PS

SCRIPT = """
import numpy as np
from rackwright.devices.gpu.cycle import GpuKernel, run_streams
rng = np.random.default_rng(3)
streams = [[GpuKernel(blocks=int(rng.integers(1, 40)), tile_time=rng.uniform(1e-6, 9e-6),
                      memory_time=rng.uniform(0, 5e-7), room=float(rng.choice([0.25, 1.0])))
            for _ in range(9)] for _ in range(2)]
result = run_streams(8, streams, laps=20, loop=True, priorities=[0, 1])
print(*(ends.tobytes().hex() for ends in (*result.lap_times, *result.finish_times,
                                          result.sm_share, result.memory_share)))
"""


def fresh():
    rng = np.random.default_rng(3)
    streams = [[GpuKernel(blocks=int(rng.integers(1, 40)), tile_time=rng.uniform(1e-6, 9e-6),
                          memory_time=rng.uniform(0, 5e-7)) for _ in range(9)] for _ in range(2)]
    return run._state(8, streams, [0, 1], [20, 20], True, [0.0, 0.0])


def flat(state):
    return [array.tobytes() for part in state for array in (part if isinstance(part, tuple)
                                                            else (part,))]


@pytest.mark.parametrize("slice_events", [1, 7, 100])
def test_slices_of_events(slice_events):
    whole = drive(advance_streams, fresh(), grow=grown)
    assert flat(drive(advance_streams, fresh(), grow=grown, max_events=slice_events)) == flat(whole)


def test_slices_of_time():
    whole, state = drive(advance_streams, fresh(), grow=grown), fresh()
    for until_ps in range(0, 10 ** 9, 7_654_321):
        state = drive(advance_streams, state, grow=grown, until_ps=until_ps)
    state = drive(advance_streams, state, grow=grown, until_ps=FOREVER_PS)
    assert flat(state)[3:] == flat(whole)[3:]  # the clock stands where it was told to


def test_more_laps_than_there_was_room_for():
    state = drive(advance_streams, fresh(), grow=grown)
    assert state.lap_ps.shape[1] > 16 and (np.diff(state.lap_ps[0, :20]) > 0).all()


def test_the_same_bytes_without_compilation():
    outputs = [subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True,
                              check=True, env={**os.environ, "NUMBA_DISABLE_JIT": off}).stdout
               for off in ("0", "1")]
    assert outputs[0] == outputs[1] and outputs[0]
