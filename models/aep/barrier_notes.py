"""What the barrier baseline notes as it goes: waits by phase, spans, snapshots."""

from __future__ import annotations

import numpy as np

from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.models.aep.barrier_state import BARRIER_WAIT, EXPERT
from rackwright.models.serving.snapshots import take_snapshots

__all__ = ["look_until", "record_phase", "weigh_waits"]


@kernel
def tokens_at(fixed, admission, work, phase, gpu):  # type: ignore[no-untyped-def]
    """Tokens, or parts of tokens for experts, that a GPU handles in a phase."""
    if phase != EXPERT:
        return admission.rank_active[gpu]
    tokens = np.int64(0)
    for source in range(fixed.gpus):
        tokens += work.sent[source, gpu]
    return tokens


@kernel
def weigh_waits(fixed, requests, admission, work, phase, worst):  # type: ignore[no-untyped-def]
    """Split the phase's time between service and waiting at the barrier, over all tokens."""
    for gpu in range(fixed.gpus):
        tokens = tokens_at(fixed, admission, work, phase, gpu)
        share = tokens / fixed.top_k if phase == EXPERT else tokens * 1.0  # nonzero: top_k >= 1
        work.spent[phase] += share * work.gpu_ps[gpu]
        work.spent[BARRIER_WAIT] += share * (worst - work.gpu_ps[gpu])


@kernel
def record_phase(state, label, start_ps):  # type: ignore[no-untyped-def]
    fixed, work = state.fixed, state.work
    for gpu in range(fixed.gpus):
        if work.gpu_ps[gpu] > 0:
            tokens = tokens_at(fixed, state.admission, work, label, gpu)
            span_add(state.spans, gpu, label, start_ps, start_ps + work.gpu_ps[gpu], tokens)


@kernel
def look_until(state, end_ps):  # type: ignore[no-untyped-def]
    """Snapshots up to `end_ps`, each with the requests that had arrived by then.

    To be called before tokens are handed out at `end_ps`: afterwards, those that end there would
    be missing from the running ones all the iteration long.
    """
    snapshots, requests, admission = state.snapshots, state.requests, state.admission
    total = requests.arrival_ps.shape[0]
    while True:
        at = snapshots.taken[0]
        if at == snapshots.time_ps.shape[0] or snapshots.time_ps[at] > end_ps:
            return
        look_ps = snapshots.time_ps[at]
        while admission.arrived[0] < total and requests.arrival_ps[admission.arrived[0]] < look_ps:
            admission.arrived[0] += 1
        take_snapshots(snapshots, look_ps, admission, state.work.busy_ps, state.work.link_busy_ps)
