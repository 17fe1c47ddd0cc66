"""Steps of a collective as flows on the engine's clock: each waits for earlier ones.

Links carry the share of their bandwidth that the protocol leaves; other traffic keeps its max-min
share of them for as long as the collective runs; `changes` set them anew. Leaves out: more than
MOST_STEPS steps. Units: seconds, bytes.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

import numpy as np

from rackwright.errors import UsageError
from rackwright.topologies.collectives.costs import overlapped
from rackwright.topologies.collectives.layout import Layout
from rackwright.topologies.collectives.traffic import on_the_way, with_caps

__all__ = ["MOST_STEPS", "Step", "check_count", "run"]

MOST_STEPS = 100_000  # some seconds
LASTING = 1e3         # s that a background flow would take alone; then it starts again


class Step(NamedTuple):
    """A flow of `nbytes` over `path`. It starts when the steps `after` have arrived and the flows
    of the steps `behind` and `room` (-1: none) have left: the sender's last and, where both ends
    must be ready, the receiver's. It arrives when its `fixed_time` is over too. `copy_time` counts
    as if bytes took it. All of it takes `slow` times as long."""

    path: tuple[int, ...]
    nbytes: float
    fixed_time: float
    copy_time: float
    after: tuple[int, ...] = ()
    behind: int = -1
    room: int = -1
    slow: float = 1.0


def check_count(count: int) -> None:
    """Raises UsageError for more steps than are replayed."""
    if count > MOST_STEPS:
        raise UsageError(f"this collective has {count} steps; {MOST_STEPS} are replayed at "
                         "most: fewer ranks, or fidelity='closed'")


def run(layout: Layout, steps: list[Step], share: float, sharpness: float) -> float:
    """Seconds until the last of `steps` has ended; each waits for earlier ones only."""
    from rackwright.engine import Simulation

    check_count(len(steps))
    sim = Simulation()
    crossed = np.array([link for step in steps for link in step.path], np.int64)
    rates, paths = with_caps(layout.bandwidth, on_the_way(layout.traffic, crossed))
    flows = sim.flows(rates * share)
    left, arrived = ([sim.event() for _ in steps] for _ in range(2))

    def one(number: int, step: Step) -> Generator[Any, Any, None]:
        waits = [arrived[other] for other in step.after]
        waits += [left[other] for other in (step.behind, step.room) if other >= 0]
        if waits:
            yield sim.all_of(waits)
        begin = sim.now
        yield flows.transfer(step.path, step.nbytes)
        if step.slow > 1:
            yield sim.timeout((step.slow - 1) * (sim.now - begin))
        left[number].succeed()
        moved = (sim.now - begin) / step.slow + step.copy_time
        together = float(overlapped(np.asarray(step.fixed_time), np.asarray(moved), sharpness))
        yield sim.timeout(max(step.slow * together - (sim.now - begin), 0.0))
        arrived[number].succeed()

    def beside(path: tuple[int, ...]) -> Generator[Any, Any, None]:
        while True:
            yield flows.transfer(path, LASTING * rates[list(path)].min())

    def changing() -> Generator[Any, Any, None]:
        for time_ps, link, bandwidth in layout.changes:
            if (ahead := time_ps * 1e-12 - sim.now) > 0:
                yield sim.timeout(ahead)
            flows.set_bandwidth(link, bandwidth * share)

    for path in paths:
        sim.process(beside(path))
    if layout.changes:
        sim.process(changing())
    for number, step in enumerate(steps):
        sim.process(one(number, step))
    sim.run(until=sim.all_of(arrived) if paths or layout.changes else None)
    return sim.now
