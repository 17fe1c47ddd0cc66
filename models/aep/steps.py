"""Ends of steps: attention routes tokens to experts, experts send them home, samplers emit.

Source: sections 3.1 and 3.2 of arXiv 2505.08944.
"""

from __future__ import annotations

import numpy as np

from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.models.aep.draws import draw_block, token_key
from rackwright.models.aep.messages import collect, send_results
from rackwright.models.aep.queues import enqueue
from rackwright.models.aep.state import (
    BLOCK,
    CONTEXT,
    EXPERT,
    HOME,
    NEXT,
    OWNER,
    QUEUE,
    SERVICE,
    SINCE,
)
from rackwright.models.aep.watch import watch_batch
from rackwright.models.serving.requests import token_out

__all__ = ["LABEL_SAMPLER", "end_step"]

LABEL_SAMPLER = 2    # span labels: 0 attention, 1 experts (the sides), 2 sampler


@kernel
def account(gpus, gpu, side, since_ps, now_ps):  # type: ignore[no-untyped-def]
    """Split the time of a batch's tokens since they came between queue and service."""
    # below 2**63 ps: 9,000 tokens that each waited for a quarter of an hour
    service_ps = (now_ps - gpus.started_ps[gpu]) * gpus.batch_size[gpu]
    gpus.spent[QUEUE, side] += since_ps - service_ps
    gpus.spent[SERVICE, side] += service_ps


@kernel
def end_attention(fixed, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Route every token of the batch to its experts; collect the parts by GPU."""
    item = gpus.batch[gpu]
    block = gpus.batch_block[gpu]
    since_ps = np.int64(0)   # summed up apart: a sum in memory would hold up the loop
    while item >= 0:
        following = items.of[item, NEXT]
        r = items.of[item, OWNER]
        since_ps += now_ps - items.of[item, SINCE]
        draw_block(fixed.weights, fixed.cumulative, block, fixed.top_k, items.key[r],
                   items.chosen)
        for j in range(fixed.top_k):
            part = r * fixed.top_k + j
            items.of[part, EXPERT] = items.chosen[j]
            items.of[part, BLOCK] = block
            items.of[part, SINCE] = now_ps
            collect(items, gpus, fixed.expert_gpu[items.chosen[j]], part)
        item = following
    account(gpus, gpu, 0, since_ps, now_ps)


@kernel
def end_expert(items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Collect every part of the batch for the GPU that its request lives on."""
    item = gpus.batch[gpu]
    since_ps = np.int64(0)
    while item >= 0:
        following = items.of[item, NEXT]
        since_ps += now_ps - items.of[item, SINCE]
        items.of[item, SINCE] = now_ps
        collect(items, gpus, items.of[item, HOME], item)
        item = following
    account(gpus, gpu, 1, since_ps, now_ps)


@kernel
def end_sampler(fixed, requests, admission, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Hand out a token for each request of the batch; those not finished start over."""
    item = gpus.batch[gpu]
    since_ps = np.int64(0)
    while item >= 0:
        following = items.of[item, NEXT]
        r = items.of[item, OWNER]
        since_ps += now_ps - items.of[item, SINCE]
        if not token_out(requests, admission, r, now_ps):
            items.of[item, BLOCK] = 0
            items.of[item, CONTEXT] += 1
            items.key[r] = token_key(fixed.routing_seed, r, requests.generated[r])
            enqueue(items, gpus, gpu, 0, 0, item, items.of[item, CONTEXT], now_ps)
        item = following
    account(gpus, gpu, 0, since_ps, now_ps)


@kernel
def end_step(state, gpu, now_ps):  # type: ignore[no-untyped-def]
    """A GPU has finished its batch: send the results; True when a request may have ended."""
    fixed, gpus, items = state.fixed, state.gpus, state.items
    side = 0 if gpu < fixed.attention_gpus else 1
    gpus.busy_ps[gpu] += now_ps - gpus.started_ps[gpu]
    gpus.steps[side] += 1
    gpus.handled[side] += gpus.batch_size[gpu]
    sampled = side == 0 and gpus.batch_block[gpu] == fixed.blocks
    label = LABEL_SAMPLER if sampled else side
    watch_batch(state.watch, label, gpus.batch_size[gpu])
    span_add(state.spans, gpu, label, gpus.started_ps[gpu], now_ps, gpus.batch_size[gpu])
    low, high = 0, fixed.attention_gpus
    if sampled:
        end_sampler(fixed, state.requests, state.admission, items, gpus, gpu, now_ps)
    elif side == 0:
        end_attention(fixed, items, gpus, gpu, now_ps)
        low, high = high, high + fixed.expert_gpus
    else:
        end_expert(items, gpus, gpu, now_ps)
    gpus.batch[gpu] = -1
    if not sampled:
        send_results(fixed, state.heap, gpus, state.messages, state.ports, gpu, low, high, now_ps)
    return sampled
