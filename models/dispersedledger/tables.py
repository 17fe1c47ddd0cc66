"""What the timed replay keeps: rules, inputs, what epochs did, what moves.

One set of arrays for `ticks` and `recursion`. Units: seconds, bytes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.models.dispersedledger.votes import LATE

__all__ = ["Rules", "Tables", "Ticks", "new_tables"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Rules(NamedTuple):
    """What is fixed in a replay."""

    nodes: int
    faults: int
    tick: float
    step: float              # of the bandwidth series
    serial: int              # 1: the next epoch only after output (HB, HB-Link)
    requeue: int             # 1: transactions of a block that lost are proposed again (HB)
    coupled: int             # un-output epochs above which a site proposes nothing; -1: no limit
    overshoot: float
    needed: float            # k: chunks that rebuild a block
    extra: float             # dispersal bytes of an instance at a site beyond its chunk
    proc_delay: float        # work of an epoch that no port shows
    block: float             # bytes of a block with infinite backlog, else the largest block
    load: float              # bytes/s of transactions a site; 0: infinite backlog
    propose_bytes: float
    propose_time: float


class Tables(NamedTuple):
    """Inputs and what epochs did; times are LATE until they happen."""

    up: Floats               # (steps, N) bytes/s
    down: Floats
    delay: Floats            # (N, N) s one way
    got: Floats              # (epochs, N, N): chunk of proposer j at node i
    complete: Floats         # (epochs, N, N): at node i
    decided: Floats          # (epochs, N, N)
    nbytes: Floats           # (epochs, N): block
    born: Floats             # (epochs, N, 2): arrival of its first and last transaction; -1: lost
    proposed: Floats         # (epochs, N)
    ready: Floats            # (epochs, N): epoch decided at node
    asked: Floats            # (epochs, N): retrieval may start
    output: Floats           # (epochs, N)
    delivered: Floats        # (epochs, N): a site's own block, there


class Ticks(NamedTuple):
    """What moves."""

    epoch: Ints              # (N,) being dispersed
    fetch: Ints              # (N,) being retrieved
    pulled: Floats           # (N,) bytes of that epoch
    done: Floats             # (N,) when the last of them came
    marks: Floats            # (N, N): dispersal bytes queued so far, from and to
    moved: Floats            # (N, N): sent so far
    turn: Ints               # (N, N): epoch whose chunk arrives next
    taken: Floats            # (N,): transaction bytes proposed so far
    looked: Floats           # (N,): last look at the queue
    light: Floats            # (N,)
    room: Floats             # (2, 2, N)
    pairs: Floats            # (4, N, N): heavy, weight, level, spare
    sent: Floats             # (2, N, N)
    work: Floats             # (3, N)
    dirty: Ints              # (epochs, N): instances with news
    total: Floats            # (6, N): dispersal in and out, retrieval in and out; blocks that
                             # count, blocks retrieved
    first: Ints              # (2,): first epoch that is not over everywhere; status
    ends: Floats             # (epochs, N, N): marks at which chunks end


def new_tables(rules: Rules, up: Floats, down: Floats, delay: Floats, epochs: int
               ) -> tuple[Tables, Ticks]:
    """Everything before the first tick, with room for `epochs` epochs."""
    n = rules.nodes

    def late(*shape: int) -> Floats:
        return np.full(shape, LATE)

    # one memory layout, so that kernels are compiled once
    up, down, delay = (np.ascontiguousarray(table) for table in (up, down, delay))
    tables = Tables(up, down, delay, late(epochs, n, n), late(epochs, n, n), late(epochs, n, n),
                    np.zeros((epochs, n)), np.zeros((epochs, n, 2)), late(epochs, n),
                    late(epochs, n), late(epochs, n), late(epochs, n), late(epochs, n))
    moving = Ticks(np.full(n, -1, np.int64), np.zeros(n, np.int64), np.zeros(n), np.zeros(n),
                   np.zeros((n, n)),
                   np.zeros((n, n)), np.zeros((n, n), np.int64), np.zeros(n), np.zeros(n),
                   np.zeros(n), np.zeros((2, 2, n)), np.zeros((4, n, n)), np.zeros((2, n, n)),
                   np.zeros((3, n)), np.zeros((epochs, n), np.int64), np.zeros((6, n)),
                   np.zeros(2, np.int64), np.zeros((epochs, n, n)))
    return tables, moving
