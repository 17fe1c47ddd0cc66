"""State of the synchronous baseline: what is fixed, scratch arrays, sums."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.cost_table import CostTable1, CostTable2
from rackwright.engine.record import SpanLog
from rackwright.engine.status import Control, new_control
from rackwright.models.aep.draws import Draws
from rackwright.models.aep.watch import Watch, new_watch
from rackwright.models.serving.requests import Admission, Requests
from rackwright.models.serving.snapshots import Snapshots

__all__ = ["ATTENTION", "BARRIER_WAIT", "EXCHANGE", "EXPERT", "SAMPLER", "BarrierFixed",
           "BarrierState", "Work", "new_barrier_state"]

Ints = npt.NDArray[np.int64]
# rows of Work.spent: where an average token's time goes
ATTENTION, EXPERT, EXCHANGE, BARRIER_WAIT, SAMPLER = 0, 1, 2, 3, 4


class BarrierFixed(NamedTuple):
    """What does not change during a replay."""

    gpus: int
    blocks: int
    top_k: int
    routing_seed: int
    token_bytes: int
    exchange_ps: int          # latency of one all-to-all, set-up included
    layer_ps: int             # framework overhead of a block
    most_running: int
    draws: Draws
    expert_gpu: Ints          # (experts,)
    attention: CostTable2
    expert: CostTable1
    sampler: CostTable1
    route_offsets: Ints
    route_links: Ints
    ps_per_byte: npt.NDArray[np.float64]   # per link


class Work(NamedTuple):
    """Scratch and sums of one replay."""

    running: Ints             # request numbers, in order of admission; the first `active` count
    key: Ints                 # per request: its token's key for draws
    rank_context: Ints        # (gpus,)
    sent: Ints                # (gpus, gpus) tokens from rank to expert GPU
    expert_tokens: Ints       # (experts,)
    gpu_ps: Ints              # (gpus,) time of the phase
    link_bytes: Ints          # (links,)
    link_busy_ps: Ints        # (links,)
    chosen: Ints              # (top_k,)
    busy_ps: Ints             # (gpus,)
    steps: Ints               # (2,) GPU steps by side
    handled: Ints             # (2,) tokens in them
    expert_mean_ps: npt.NDArray[np.float64]   # (1,) sum over blocks of the mean GPU's time
    expert_max_ps: npt.NDArray[np.float64]    # (1,) likewise of the slowest
    spent: npt.NDArray[np.float64]            # (5,) ps, summed over tokens
    iterations: Ints          # (1,)


class BarrierState(NamedTuple):
    control: Control
    fixed: BarrierFixed
    requests: Requests
    admission: Admission
    work: Work
    snapshots: Snapshots
    watch: Watch
    spans: SpanLog


def new_barrier_state(fixed: BarrierFixed, requests: Requests, admission: Admission,
                      snapshots: Snapshots, spans: SpanLog) -> BarrierState:
    gpus, links = fixed.gpus, len(fixed.ps_per_byte)
    count = len(requests.arrival_ps)
    work = Work(np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(gpus, np.int64),
                np.zeros((gpus, gpus), np.int64), np.zeros(len(fixed.expert_gpu), np.int64),
                np.zeros(gpus, np.int64), np.zeros(links, np.int64), np.zeros(links, np.int64),
                np.zeros(fixed.top_k, np.int64), np.zeros(gpus, np.int64),
                np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros(1), np.zeros(1),
                np.zeros(5), np.zeros(1, np.int64))
    watch = new_watch(len(requests.arrival_ps) * fixed.top_k, gpus)
    return BarrierState(new_control(), fixed, requests, admission, work, snapshots, watch, spans)
