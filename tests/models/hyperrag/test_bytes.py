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
from rackwright.engine.status import RUNNING
from rackwright.models.hyperrag import HyperragOptions
from rackwright.models.hyperrag.kernel import advance
from rackwright.models.hyperrag.state import grow
from rackwright.models.hyperrag.workload import prepare
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace

TIGHT = {"hbm_cache": "60MB", "dram_cache": "300MB", "nvme_cache": "700MB", "clients": "6",
         "batch_documents": "5"}
COMPARED = ("queries", "entries", "batches", "pipeline", "counts", "caches", "spans")

PROGRAM = """
import hashlib, sys
import numpy as np
from rackwright import topologies, traces
from rackwright.models.hyperrag import HyperragOptions
from rackwright.models.hyperrag.kernel import advance
from rackwright.models.hyperrag.state import grow
from rackwright.models.hyperrag.workload import prepare

fabric = topologies.compile(topologies.pcie_box("a100-pcie-80", gpus=2, nics=0, drives=1,
                                                switches=1))
trace = traces.generate_documents(50.0, 15, documents=60, per_query=7, seed=5)
options = HyperragOptions.from_settings({"hbm_cache": "60MB", "dram_cache": "200MB",
                                         "nvme_cache": "300MB", "batch_documents": "4",
                                         "eviction": sys.argv[1]})
state = prepare(fabric, trace, options).state
while advance(state, 2**62, 300) == 2:
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

    def walk(value: Any) -> None:
        if isinstance(value, np.ndarray):
            found.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, tuple):
            for each in value:
                walk(each)
    for name in COMPARED:  # heap and flows may have grown at other moments
        walk(getattr(state, name))
    return found.hexdigest()


def elsewhere(jit: bool, eviction: str) -> str:
    mode = {**os.environ, "NUMBA_DISABLE_JIT": "0" if jit else "1"}
    done = subprocess.run([sys.executable, "-W", "error", "-c", PROGRAM, eviction], env=mode,
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def state_of(fabric: Fabric, trace: DocumentTrace) -> Any:
    return prepare(fabric, trace, HyperragOptions.from_settings(TIGHT)).state


@pytest.mark.parametrize("eviction", ["lru", "clock"])
def test_interpreted_and_compiled_agree(eviction: str) -> None:
    assert elsewhere(True, eviction) == elsewhere(False, eviction)


@pytest.mark.parametrize("slice_of", [1, 17])
def test_slices_do_not_matter(box: Fabric, small: DocumentTrace, slice_of: int) -> None:
    whole = drive(advance, state_of(box, small), grow=grow)
    sliced = drive(advance, state_of(box, small), grow=grow, max_events=slice_of)
    assert digest(whole) == digest(sliced)


def test_until_stops_the_clock_and_goes_on(box: Fabric, small: DocumentTrace) -> None:
    whole = drive(advance, state_of(box, small), grow=grow)
    state = state_of(box, small)
    for until_ps in range(10**11, 10**12, 10**11):
        state = drive(advance, state, grow=grow, until_ps=until_ps)
        assert state.control.now_ps[0] == until_ps
    assert advance(state, until_ps, 10) == RUNNING
    assert digest(drive(advance, state, grow=grow)) == digest(whole)


def test_twice_the_same(dgx: Fabric, small: DocumentTrace) -> None:
    runs = [drive(advance, state_of(dgx, small), grow=grow) for _ in range(2)]
    assert digest(runs[0]) == digest(runs[1])
