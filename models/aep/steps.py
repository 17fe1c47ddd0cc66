"""Ends of steps: attention routes tokens to experts, experts send them home, samplers emit.

Source: sections 3.1 and 3.2 of arXiv 2505.08944.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.models.aep.messages import collect, send_results
from rackwright.models.aep.queues import enqueue
from rackwright.models.aep.state import QUEUE, SERVICE
from rackwright.models.serving.requests import context_tokens, token_out
from rackwright.traces.routing import draw_experts

__all__ = ["LABEL_SAMPLER", "end_step"]

LABEL_SAMPLER = 2    # span labels: 0 attention, 1 experts (the sides), 2 sampler


@kernel
def end_attention(fixed, requests, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Route every token of the batch to its experts; collect the parts by GPU."""
    item = gpus.batch[gpu]
    block = gpus.batch_block[gpu]
    started = gpus.started_ps[gpu]
    while item >= 0:
        following = items.next_item[item]
        r = items.owner[item]
        gpus.spent[QUEUE, 0] += started - items.since_ps[item]
        gpus.spent[SERVICE, 0] += now_ps - started
        draw_experts(fixed.weights, block, fixed.top_k, fixed.routing_seed, r,
                     requests.generated[r], items.chosen)
        for j in range(fixed.top_k):
            part = r * fixed.top_k + j
            items.expert[part] = items.chosen[j]
            items.since_ps[part] = now_ps
            collect(items, gpus, fixed.expert_gpu[items.chosen[j]], part)
        item = following


@kernel
def end_expert(fixed, requests, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Collect every part of the batch for the GPU that its request lives on."""
    item = gpus.batch[gpu]
    started = gpus.started_ps[gpu]
    while item >= 0:
        following = items.next_item[item]
        gpus.spent[QUEUE, 1] += started - items.since_ps[item]
        gpus.spent[SERVICE, 1] += now_ps - started
        items.since_ps[item] = now_ps
        collect(items, gpus, requests.home[items.owner[item]], item)
        item = following


@kernel
def end_sampler(fixed, requests, admission, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Hand out a token for each request of the batch; those not finished start over."""
    item = gpus.batch[gpu]
    started = gpus.started_ps[gpu]
    while item >= 0:
        following = items.next_item[item]
        r = items.owner[item]
        gpus.spent[QUEUE, 0] += started - items.since_ps[item]
        gpus.spent[SERVICE, 0] += now_ps - started
        if not token_out(requests, admission, r, now_ps):
            items.block[r] = 0
            enqueue(items, gpus, gpu, 0, 0, item, context_tokens(requests, r), now_ps)
        item = following


@kernel
def end_step(state, gpu, now_ps):  # type: ignore[no-untyped-def]
    """A GPU has finished its batch: send the results; True when a request may have ended."""
    fixed, gpus, items = state.fixed, state.gpus, state.items
    side = 0 if gpu < fixed.attention_gpus else 1
    gpus.busy_ps[gpu] += now_ps - gpus.started_ps[gpu]
    gpus.steps[side] += 1
    gpus.handled[side] += gpus.batch_size[gpu]
    sampled = side == 0 and gpus.batch_block[gpu] == fixed.blocks
    span_add(state.spans, gpu, LABEL_SAMPLER if sampled else side, gpus.started_ps[gpu], now_ps,
             gpus.batch_size[gpu])
    low, high = 0, fixed.attention_gpus
    if sampled:
        end_sampler(fixed, state.requests, state.admission, items, gpus, gpu, now_ps)
    elif side == 0:
        end_attention(fixed, state.requests, items, gpus, gpu, now_ps)
        low, high = high, high + fixed.expert_gpus
    else:
        end_expert(fixed, state.requests, items, gpus, gpu, now_ps)
    gpus.batch[gpu] = -1
    if not sampled:
        send_results(fixed, state.heap, gpus, state.messages, state.ports, gpu, low, high, now_ps)
    return sampled
