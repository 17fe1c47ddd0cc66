"""The baseline: synchronous expert parallelism over all GPUs, one iteration at a time.

Every iteration takes one token of every running request through all blocks: attention on each
request's GPU, an all-to-all, the experts, an all-to-all back; each of the four ends in a barrier,
so a block takes the slowest GPU's time twice. Requests join and leave between iterations.

The exchange is ideal: its latency plus the bytes of the busiest link at full bandwidth. That
bound favours the baseline. The variants differ in numbers only: host times in the tables, the
exchange's latency, `layer_ps`, `most_running`.
Source: section 2 of arXiv 2505.08944 for the structure.
"""

from __future__ import annotations

import numpy as np

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.kernel import kernel
from rackwright.engine.status import DONE, FAULT, RUNNING, STALLED
from rackwright.models.aep.barrier_notes import look_until, record_phase, weigh_waits
from rackwright.models.aep.barrier_state import ATTENTION, EXCHANGE, EXPERT, SAMPLER
from rackwright.models.aep.draws import draw_block, token_key
from rackwright.models.aep.state import OUTSIDE_TABLE
from rackwright.models.aep.steps import LABEL_SAMPLER
from rackwright.models.aep.watch import watch_batch
from rackwright.models.serving.requests import admit_one, context_tokens, token_out

__all__ = ["advance_barrier"]


@kernel
def slowest(gpu_ps):  # type: ignore[no-untyped-def]
    worst = np.int64(0)
    for gpu in range(gpu_ps.shape[0]):
        worst = max(worst, gpu_ps[gpu])
    return worst


@kernel
def attention_phase(fixed, admission, work, watch):  # type: ignore[no-untyped-def]
    """Times of the attention step on every rank into gpu_ps; False outside the table."""
    for gpu in range(fixed.gpus):
        tokens = admission.rank_active[gpu]
        work.gpu_ps[gpu] = 0
        if tokens > 0:
            mean = work.rank_context[gpu] / tokens  # nonzero: tokens > 0
            service = table2_ps(fixed.attention, tokens, mean)
            if service < 0:
                return False
            work.gpu_ps[gpu] = service
            work.busy_ps[gpu] += service
            work.steps[0] += 1
            work.handled[0] += tokens
            watch_batch(watch, ATTENTION, tokens)
    return True


@kernel
def route_tokens(fixed, requests, admission, work, block):  # type: ignore[no-untyped-def]
    """Draw the experts of every running request; count them by expert and by pair of GPUs."""
    work.sent[:, :] = 0
    work.expert_tokens[:] = 0
    for i in range(admission.active[0]):
        r = work.running[i]
        draw_block(fixed.draws, block, fixed.top_k, work.key[r], work.chosen)
        for j in range(fixed.top_k):
            expert = work.chosen[j]
            work.expert_tokens[expert] += 1
            work.sent[requests.home[r], fixed.expert_gpu[expert]] += 1


@kernel
def exchange_ps(fixed, work, back):  # type: ignore[no-untyped-def]
    """Time of the all-to-all in `sent` (or back the same ways): the busiest link's."""
    work.link_bytes[:] = 0
    for source in range(fixed.gpus):
        for target in range(fixed.gpus):
            tokens = work.sent[source, target]
            if tokens == 0 or source == target:
                continue
            pair = target * fixed.gpus + source if back else source * fixed.gpus + target
            for at in range(fixed.route_offsets[pair], fixed.route_offsets[pair + 1]):
                work.link_bytes[fixed.route_links[at]] += tokens * fixed.token_bytes
    worst = np.int64(0)
    for link in range(work.link_bytes.shape[0]):
        if work.link_bytes[link] > 0:
            service = np.int64(work.link_bytes[link] * fixed.ps_per_byte[link] + 1.0)
            work.link_busy_ps[link] += service
            worst = max(worst, service)
    return fixed.exchange_ps + worst


@kernel
def expert_phase(fixed, work, watch):  # type: ignore[no-untyped-def]
    """Times of the experts on every GPU into gpu_ps, one after the other on a GPU."""
    work.gpu_ps[:] = 0
    for expert in range(work.expert_tokens.shape[0]):
        tokens = work.expert_tokens[expert]
        if tokens > 0:
            service = table1_ps(fixed.expert, tokens)
            if service < 0:
                return False
            gpu = fixed.expert_gpu[expert]
            work.gpu_ps[gpu] += service
            work.busy_ps[gpu] += service
            work.steps[1] += 1
            work.handled[1] += tokens
            watch_batch(watch, EXPERT, tokens)
    return True


@kernel
def one_block(state, block, now_ps):  # type: ignore[no-untyped-def]
    """All four phases of a block; the time at its end, or -1 outside a table."""
    fixed, work, admission = state.fixed, state.work, state.admission
    if not attention_phase(fixed, admission, work, state.watch):
        return np.int64(-1)
    worst = slowest(work.gpu_ps)
    route_tokens(fixed, state.requests, admission, work, block)
    weigh_waits(fixed, state.requests, admission, work, ATTENTION, worst)
    record_phase(state, ATTENTION, now_ps)
    now_ps += worst
    there, back = exchange_ps(fixed, work, False), exchange_ps(fixed, work, True)
    if not expert_phase(fixed, work, state.watch):
        return np.int64(-1)
    worst = slowest(work.gpu_ps)
    weigh_waits(fixed, state.requests, admission, work, EXPERT, worst)
    record_phase(state, EXPERT, now_ps + there)
    total = np.int64(0)
    for gpu in range(fixed.gpus):
        total += work.gpu_ps[gpu]
    work.expert_mean_ps[0] += total / fixed.gpus  # nonzero: a fabric with GPUs
    work.expert_max_ps[0] += worst
    work.spent[EXCHANGE] += (there + back + fixed.layer_ps) * 1.0 * admission.active[0]
    return now_ps + there + worst + back + fixed.layer_ps


@kernel
def sampler_phase(state, now_ps):  # type: ignore[no-untyped-def]
    """Every rank samples its tokens; the time at the end, or -1 outside the table."""
    fixed, work, admission = state.fixed, state.work, state.admission
    worst = np.int64(0)
    for gpu in range(fixed.gpus):
        tokens = admission.rank_active[gpu]
        work.gpu_ps[gpu] = 0
        if tokens > 0:
            service = table1_ps(fixed.sampler, tokens)
            if service < 0:
                return np.int64(-1)
            work.gpu_ps[gpu] = service
            work.busy_ps[gpu] += service
            watch_batch(state.watch, LABEL_SAMPLER, tokens)
            worst = max(worst, service)
    record_phase(state, LABEL_SAMPLER, now_ps)
    work.spent[SAMPLER] += worst * 1.0 * admission.active[0]
    return now_ps + worst


@kernel
def hand_out(requests, admission, work, now_ps):  # type: ignore[no-untyped-def]
    """A token to every running request; those that end leave the list, in order."""
    active = admission.active[0]
    kept = 0
    for i in range(active):
        r = work.running[i]
        if not token_out(requests, admission, r, now_ps):
            work.running[kept] = r
            kept += 1


@kernel
def iterate(state, now_ps):  # type: ignore[no-untyped-def]
    """One iteration of all running requests from `now_ps`; the time at its end, or -1."""
    requests, admission, work = state.requests, state.admission, state.work
    work.rank_context[:] = 0
    for i in range(admission.active[0]):
        r = work.running[i]
        work.rank_context[requests.home[r]] += context_tokens(requests, r)
        work.key[r] = token_key(state.fixed.routing_seed, r, requests.generated[r])
    for block in range(state.fixed.blocks):
        now_ps = one_block(state, block, now_ps)
        if now_ps < 0:
            return now_ps
    return sampler_phase(state, now_ps)


@kernel
def arrive_and_admit(state, now_ps):  # type: ignore[no-untyped-def]
    """Count the arrivals up to now; admit what fits under the cap."""
    requests, admission = state.requests, state.admission
    total = requests.arrival_ps.shape[0]
    while admission.arrived[0] < total and requests.arrival_ps[admission.arrived[0]] <= now_ps:
        admission.arrived[0] += 1
    while True:
        at = admission.active[0]
        r = admit_one(requests, admission, state.fixed.most_running, now_ps)
        if r < 0:
            break
        state.work.running[at] = r


@kernel
def advance_barrier(state, until_ps, max_events):  # type: ignore[no-untyped-def]
    """Run whole iterations; see `rackwright.engine.status`."""
    control, requests, admission = state.control, state.requests, state.admission
    total = requests.arrival_ps.shape[0]
    stop = control.events[0] + max_events
    while control.events[0] < stop:
        if admission.finished[0] == total:
            return DONE
        now_ps = control.now_ps[0]
        if now_ps > until_ps:
            return RUNNING
        look_until(state, now_ps)
        arrive_and_admit(state, now_ps)
        if admission.active[0] == 0:
            if admission.arrived[0] == total:
                return STALLED
            control.now_ps[0] = requests.arrival_ps[admission.arrived[0]]
            continue
        # an event is a token through a block, so that slices are of even length
        control.events[0] += admission.active[0] * state.fixed.blocks
        end_ps = iterate(state, now_ps)
        if end_ps < 0:
            control.code[0] = OUTSIDE_TABLE
            return FAULT
        control.now_ps[0] = end_ps
        state.work.iterations[0] += 1
        look_until(state, end_ps)
        hand_out(requests, admission, state.work, end_ps)
    return RUNNING
