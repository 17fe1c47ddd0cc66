"""A GPU's queues: put an item in, drain a queue into a batch, start a step.

Source: sections 3.2 and 3.3 of arXiv 2505.08944: an idle GPU drains one queue completely.
"""

from __future__ import annotations

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.heap import heap_push
from rackwright.engine.kernel import kernel
from rackwright.models.aep.schedulers import pick_queue
from rackwright.models.aep.state import CONTEXT, NEXT, OUTSIDE_TABLE, SINCE, STEP

__all__ = ["drain", "enqueue", "start_step"]


@kernel
def enqueue(items, gpus, gpu, block, slot, item, context, now_ps):  # type: ignore[no-untyped-def]
    """Append an item to a queue."""
    items.of[item, NEXT] = -1
    items.of[item, SINCE] = now_ps
    tail = gpus.tail[gpu, block, slot]
    if tail < 0:
        gpus.head[gpu, block, slot] = item
    else:
        items.of[tail, NEXT] = item
    gpus.tail[gpu, block, slot] = item
    gpus.length[gpu, block, slot] += 1
    gpus.context[gpu, block, slot] += context
    gpus.block_length[gpu, block] += 1


@kernel
def drain(fixed, items, gpus, gpu, block, slot, cap):  # type: ignore[no-untyped-def]
    """Take the whole queue (or its first `cap` items) as the GPU's batch: its context sum."""
    first = gpus.head[gpu, block, slot]
    size = gpus.length[gpu, block, slot]
    context = gpus.context[gpu, block, slot]
    rest = -1
    if cap > 0 and size > cap:
        size, context, last = cap, 0, first
        walk = first
        for _ in range(cap):
            if gpu < fixed.attention_gpus:
                context += items.of[walk, CONTEXT]
            last = walk
            walk = items.of[walk, NEXT]
        items.of[last, NEXT] = -1
        rest = walk
    gpus.batch[gpu] = first
    gpus.batch_size[gpu] = size
    gpus.batch_block[gpu] = block
    gpus.head[gpu, block, slot] = rest
    if rest < 0:
        gpus.tail[gpu, block, slot] = -1
    gpus.length[gpu, block, slot] -= size
    gpus.context[gpu, block, slot] -= context
    gpus.block_length[gpu, block] -= size
    return context


@kernel
def start_step(control, fixed, heap, items, gpus, gpu, now_ps):  # type: ignore[no-untyped-def]
    """If the GPU is idle and has work, drain a queue and start; False on a fault."""
    if gpus.batch[gpu] >= 0:
        return True
    attends = gpu < fixed.attention_gpus
    blocks = fixed.blocks + 1 if attends else fixed.blocks
    picked = pick_queue(fixed.policy, gpus.length[gpu], gpus.block_length[gpu], blocks,
                        fixed.hosted[gpu], fixed.decay, fixed.look_ahead, fixed.group_blocks,
                        gpus.mean_length)
    if picked < 0:
        return True
    slots = gpus.length.shape[2]
    block, slot = picked // slots, picked % slots  # nonzero: every GPU has a slot
    cap = fixed.attention_cap if attends else fixed.expert_cap
    context = drain(fixed, items, gpus, gpu, block, slot, cap)
    size = gpus.batch_size[gpu]
    if not attends:
        service = table1_ps(fixed.expert, size)
    elif block == fixed.blocks:
        service = table1_ps(fixed.sampler, size)
    else:
        service = table2_ps(fixed.attention, size, context / size)  # nonzero: size >= 1
    if service < 0:
        control.code[0], control.code[1], control.code[2] = OUTSIDE_TABLE, gpu, size
        return False
    gpus.started_ps[gpu] = now_ps
    heap_push(heap, now_ps + service, STEP, STEP, gpu)
    return True
