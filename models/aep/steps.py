"""Ends of steps: attention routes tokens to experts, experts send them home, samplers emit.

Source: sections 3.1 and 3.2 of arXiv 2505.08944.
"""

from __future__ import annotations

import numpy as np

from rackwright.engine.kernel import kernel
from rackwright.engine.record import span_add
from rackwright.models.aep.draws import draw_block, draw_first, token_key
from rackwright.models.aep.messages import collect, open_lists
from rackwright.models.aep.queues import enqueue
from rackwright.models.aep.state import QUEUE, SERVICE
from rackwright.models.aep.watch import watch_batch
from rackwright.models.serving.requests import token_out

__all__ = ["LABEL_SAMPLER", "end_step"]

LABEL_SAMPLER = 2    # span labels: 0 attention, 1 experts (the sides), 2 sampler


@kernel
def account(gpus, gpu, side, now_ps):  # type: ignore[no-untyped-def]
    """What a batch's tokens waited in their queue, and what they were served."""
    # below 2**63 ps: 9,000 tokens that each waited for a quarter of an hour
    gpus.spent[QUEUE, side] += gpus.batch_waited_ps[gpu]
    gpus.spent[SERVICE, side] += (now_ps - gpus.started_ps[gpu]) * gpus.batch_size[gpu]


@kernel
def end_attention(fixed, items, gpus, gpu):  # type: ignore[no-untyped-def]
    """Route every token of the batch to its experts; collect the parts by expert."""
    item = gpus.batch[gpu]
    block = gpus.batch_block[gpu]
    if fixed.top_k == 1:   # the same as below, faster
        for _ in range(gpus.batch_size[gpu]):
            following = np.int64(items.next[item])
            collect(items, gpus, draw_first(fixed.draws, block, items.key[item]), item)
            item = following
        return
    for _ in range(gpus.batch_size[gpu]):
        following = np.int64(items.next[item])
        draw_block(fixed.draws, block, fixed.top_k, items.key[item], items.chosen)
        for j in range(fixed.top_k):
            collect(items, gpus, items.chosen[j], item + j)
        item = following


@kernel
def end_expert(items, gpus, gpu):  # type: ignore[no-untyped-def]
    """Collect every part of the batch for the GPU that its request lives on."""
    item = gpus.batch[gpu]
    for _ in range(gpus.batch_size[gpu]):
        following = np.int64(items.next[item])
        home = items.home[item]
        collect(items, gpus, home, item)
        gpus.out_context[home] += items.context[item]
        item = following


@kernel
def end_sampler(fixed, requests, admission, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """Hand out a token for each request of the batch; those not finished start over."""
    item = gpus.batch[gpu]
    for _ in range(gpus.batch_size[gpu]):
        following = np.int64(items.next[item])
        r = item // fixed.top_k  # nonzero: a token has parts
        if not token_out(requests, admission, r, now_ps):
            items.context[item] += 1
            items.key[item] = token_key(fixed.routing_seed, r, requests.generated[r])
            enqueue(items, gpus, gpu, 0, 0, item, item, 1, np.int64(items.context[item]), now_ps)
        item = following


@kernel
def end_step(state, gpu, now_ps):  # type: ignore[no-untyped-def]
    """A GPU has finished its batch. True: it sampled; False: its results are to be sent."""
    fixed, gpus, items = state.fixed, state.gpus, state.items
    side = 0 if gpu < fixed.attention_gpus else 1
    gpus.busy_ps[gpu] += now_ps - gpus.started_ps[gpu]
    gpus.steps[side] += 1
    gpus.handled[side] += gpus.batch_size[gpu]
    sampled = side == 0 and gpus.batch_block[gpu] == fixed.blocks
    label = LABEL_SAMPLER if sampled else side
    watch_batch(state.watch, label, gpus.batch_size[gpu])
    span_add(state.spans, gpu, label, gpus.started_ps[gpu], now_ps, gpus.batch_size[gpu])
    account(gpus, gpu, side, now_ps)
    if sampled:
        end_sampler(fixed, state.requests, state.admission, items, gpus, gpu, now_ps)
    else:
        open_lists(fixed, items, gpus)
        if side == 0:
            end_attention(fixed, items, gpus, gpu)
        else:
            end_expert(items, gpus, gpu)
    return sampled
