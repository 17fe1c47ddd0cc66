"""Equal inputs give equal bytes: sliced or not, compiled or interpreted, first run or second."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.models.lovelock import LovelockOptions
from rackwright.models.lovelock.kernel import advance
from rackwright.models.lovelock.state import grow
from rackwright.models.lovelock.workload import prepare, state_of
from rackwright.topologies.fabric import Fabric
from rackwright.traces import QueryTrace

COMPARED = ("operators", "queries", "spent_ps", "spans")

PROGRAM = """
import hashlib
import numpy as np
from rackwright import topologies, traces
from rackwright.models.lovelock import LovelockOptions
from rackwright.models.lovelock.kernel import advance
from rackwright.models.lovelock.state import grow
from rackwright.models.lovelock.workload import prepare, state_of

fabric = topologies.compile(topologies.lovelock(accelerators=0, storage=2, compute=2))
trace = traces.generate_queries(3.0, 6, scale=100.0, seed=5)
options = LovelockOptions(overlap=True)
state = state_of(prepare(fabric, trace, options).chosen, trace, options)
while advance(state, 2**62, 250) == 2:
    state = grow(state, int(state.control.code[0]))
found = hashlib.sha256()
def walk(value):
    if isinstance(value, np.ndarray):
        found.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple):
        for each in value: walk(each)
walk(state)
print(state.control.events[0], found.hexdigest())
"""


def digest(state: Any) -> str:
    found = hashlib.sha256()
    for name in COMPARED:  # heap, flows and jobs may have grown at other moments
        for each in np.atleast_1d(getattr(state, name)) if name == "spent_ps" \
                else getattr(state, name):
            found.update(np.ascontiguousarray(each).tobytes())
    return found.hexdigest()


def elsewhere(jit: bool) -> str:
    mode = {**os.environ, "NUMBA_DISABLE_JIT": "0" if jit else "1"}
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM], env=mode,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def fresh(fabric: Fabric, trace: QueryTrace) -> Any:
    options = LovelockOptions(clients=3, overlap=True)
    return state_of(prepare(fabric, trace, options).chosen, trace, options)


def test_interpreted_and_compiled_agree() -> None:
    assert elsewhere(True) == elsewhere(False)


@pytest.mark.parametrize("slice_of", [1, 17])
def test_slices_do_not_matter(pod: Fabric, queries: QueryTrace, slice_of: int) -> None:
    whole: Any = advance
    assert digest(drive(whole, fresh(pod, queries), grow=grow)) \
        == digest(drive(whole, fresh(pod, queries), grow=grow, max_events=slice_of))


def test_growing_arrays_do_not_matter(pod: Fabric, queries: QueryTrace) -> None:
    from rackwright.engine.flow_state import new_flows
    from rackwright.models.lovelock.workload import Side

    state = fresh(pod, queries)
    made = prepare(pod, queries, LovelockOptions())
    assert isinstance(made.chosen, Side)
    traffic = made.chosen.traffic
    small = new_flows(traffic.class_bandwidth, traffic.offsets, traffic.routes, slots=1)
    run: Any = advance
    assert digest(drive(run, state._replace(flows=small), grow=grow)) \
        == digest(drive(run, fresh(pod, queries), grow=grow))
