"""Equal inputs give equal bytes: sliced or not, compiled or interpreted, first run or second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rackwright.engine.driver import drive
from rackwright.models.lovelock import LovelockOptions
from rackwright.models.lovelock.kernel import advance
from rackwright.models.lovelock.state import grow
from rackwright.models.lovelock.workload import prepare, state_of
from rackwright.topologies.fabric import Fabric
from rackwright.traces import QueryTrace

# heap, flows and jobs may have grown at other moments
COMPARED = ("operators", "queries", "spent_ps", "spans")
Digest = Callable[..., str]

PROGRAM = """
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
print(state.control.events[0], hash_of_arrays(state))
"""


def fresh(fabric: Fabric, trace: QueryTrace) -> Any:
    options = LovelockOptions(clients=3, overlap=True)
    return state_of(prepare(fabric, trace, options).chosen, trace, options)


def test_interpreted_and_compiled_agree(printed: Callable[..., tuple[str, str]]) -> None:
    compiled, interpreted = printed(PROGRAM)
    assert compiled == interpreted


@pytest.mark.parametrize("slice_of", [1, 17])
def test_slices_do_not_matter(pod: Fabric, queries: QueryTrace, digest: Digest,
                              slice_of: int) -> None:
    run: Any = advance
    assert digest(drive(run, fresh(pod, queries), grow=grow), *COMPARED) \
        == digest(drive(run, fresh(pod, queries), grow=grow, max_events=slice_of), *COMPARED)


def test_growing_arrays_do_not_matter(pod: Fabric, queries: QueryTrace, digest: Digest) -> None:
    from rackwright.engine.flow_state import new_flows
    from rackwright.models.lovelock.workload import Side

    state = fresh(pod, queries)
    made = prepare(pod, queries, LovelockOptions())
    assert isinstance(made.chosen, Side)
    traffic = made.chosen.traffic
    small = new_flows(traffic.class_bandwidth, traffic.offsets, traffic.routes, slots=1)
    run: Any = advance
    assert digest(drive(run, state._replace(flows=small), grow=grow), *COMPARED) \
        == digest(drive(run, fresh(pod, queries), grow=grow), *COMPARED)
