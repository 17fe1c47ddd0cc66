"""A GPU's queues: put items in, drain a queue into a batch, start a step.

Source: sections 3.2 and 3.3 of arXiv 2505.08944: an idle GPU drains one queue completely.
"""

from __future__ import annotations

import numpy as np

from rackwright.devices.cost_table import table1_ps, table2_ps
from rackwright.engine.heap import heap_push
from rackwright.engine.kernel import kernel
from rackwright.models.aep.schedulers import pick_queue
from rackwright.models.aep.state import OUTSIDE_TABLE, STEP

__all__ = ["drain", "enqueue", "start_step"]


@kernel
def enqueue(items, gpus, gpu, block, slot, first, last, count, context, now_ps):  # type: ignore[no-untyped-def]
    """Hang a chain of `count` items, with `context` tokens between them, on to a queue."""
    length = gpus.length[gpu, block, slot]
    if length == 0:
        gpus.head[gpu, block, slot] = first
    else:
        items.next[gpus.tail[gpu, block, slot]] = first
        gpus.waited_ps[gpu, block, slot] += length * (now_ps - gpus.touched_ps[gpu, block, slot])
    gpus.touched_ps[gpu, block, slot] = now_ps
    gpus.tail[gpu, block, slot] = last
    gpus.length[gpu, block, slot] = length + count
    gpus.context[gpu, block, slot] += context
    gpus.block_length[gpu, block] += count


@kernel
def cut(items, gpus, gpu, block, slot, cap):  # type: ignore[no-untyped-def]
    """Leave what is beyond the first `cap` items in the queue: the context of those taken."""
    context = np.int64(0)
    walk = gpus.head[gpu, block, slot]
    for _ in range(cap):
        context += items.context[walk]
        walk = np.int64(items.next[walk])
    gpus.head[gpu, block, slot] = walk
    return context


@kernel
def drain(fixed, items, gpus, gpu, block, slot, cap, now_ps):  # type: ignore[no-untyped-def]
    """Take the whole queue (or its first `cap` items) as the GPU's batch: its context sum."""
    size = gpus.length[gpu, block, slot]
    context = gpus.context[gpu, block, slot]
    gpus.batch[gpu] = gpus.head[gpu, block, slot]
    # with a cap, those left have their waits so far counted with this batch
    gpus.batch_waited_ps[gpu] = gpus.waited_ps[gpu, block, slot] + size * (
        now_ps - gpus.touched_ps[gpu, block, slot])
    gpus.waited_ps[gpu, block, slot] = 0
    gpus.touched_ps[gpu, block, slot] = now_ps
    if cap > 0 and size > cap:
        size = cap
        context = cut(items, gpus, gpu, block, slot, cap)
    gpus.batch_size[gpu] = size
    gpus.batch_block[gpu] = block
    gpus.batch_slot[gpu] = slot
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
                        gpus.ring)
    if picked < 0:
        return True
    slots = gpus.length.shape[2]
    block, slot = picked // slots, picked % slots  # nonzero: every GPU has a slot
    cap = fixed.attention_cap if attends else fixed.expert_cap
    context = drain(fixed, items, gpus, gpu, block, slot, cap, now_ps)
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
