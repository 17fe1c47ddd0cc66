"""Equal inputs give equal bytes: sliced or not, compiled or interpreted, first run or second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rackwright.engine.driver import drive
from rackwright.models.hyperrag import HyperragOptions
from rackwright.models.hyperrag.kernel import advance
from rackwright.models.hyperrag.state import grow
from rackwright.models.hyperrag.workload import prepare
from rackwright.topologies.fabric import Fabric
from rackwright.traces import DocumentTrace

TIGHT = {"hbm_cache": "60MB", "dram_cache": "300MB", "nvme_cache": "700MB", "clients": "6",
         "batch_documents": "5"}
# heap and flows may have grown at other moments
COMPARED = ("queries", "entries", "batches", "pipeline", "counts", "caches", "spans")
Digest = Callable[..., str]

PROGRAM = """
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
print(state.control.events[0], hash_of_arrays(state))
"""


def state_of(fabric: Fabric, trace: DocumentTrace) -> Any:
    return prepare(fabric, trace, HyperragOptions.from_settings(TIGHT)).state


@pytest.mark.parametrize("eviction", ["lru", "clock"])
def test_interpreted_and_compiled_agree(printed: Callable[..., tuple[str, str]],
                                        eviction: str) -> None:
    compiled, interpreted = printed(PROGRAM, eviction)
    assert compiled == interpreted


@pytest.mark.parametrize("slice_of", [1, 17])
def test_slices_do_not_matter(box: Fabric, small: DocumentTrace, digest: Digest,
                              slice_of: int) -> None:
    whole = drive(advance, state_of(box, small), grow=grow)
    sliced = drive(advance, state_of(box, small), grow=grow, max_events=slice_of)
    assert digest(whole, *COMPARED) == digest(sliced, *COMPARED)


def test_until_stops_the_clock_and_goes_on(box: Fabric, small: DocumentTrace, digest: Digest,
                                           with_stops: Callable[..., Any]) -> None:
    whole = drive(advance, state_of(box, small), grow=grow)
    stopped = with_stops(advance, state_of(box, small), grow=grow)
    assert digest(stopped, *COMPARED) == digest(whole, *COMPARED)


def test_twice_the_same(dgx: Fabric, small: DocumentTrace, digest: Digest) -> None:
    runs = [drive(advance, state_of(dgx, small), grow=grow) for _ in range(2)]
    assert digest(runs[0], *COMPARED) == digest(runs[1], *COMPARED)
