"""The state of an asynchronous expert-parallel replay: NamedTuples of arrays, and their growth.

An *item* is one part of a token: request * top_k + part. A token is in one place at a time, so an
item is in exactly one chain (a queue, a running batch, a list of a message) or in the join pool,
and one column holds all chains at once. A chain has a first item, a last one and a count; what
follows its last item means nothing. Nothing is copied or visited when a queue is drained or a
message is sent or delivered, and nothing but the heap and the message pool can ever be full.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.devices.cost_table import CostTable1, CostTable2
from rackwright.engine.heap import EventHeap, grown_heap, new_heap
from rackwright.engine.ports import Ports
from rackwright.engine.record import SpanLog
from rackwright.engine.status import Control, new_control
from rackwright.models.aep.draws import Draws
from rackwright.models.aep.watch import Watch, new_watch
from rackwright.models.serving.requests import Admission, Requests
from rackwright.models.serving.snapshots import Snapshots

__all__ = [
    "AepState", "DELIVERY", "Fixed", "GROW_HEAP", "GROW_MESSAGES", "Gpus", "HOP", "Items", "JOIN",
    "Messages", "NETWORK", "OUTSIDE_TABLE", "PARTS_EXCEEDED", "QUEUE", "SERVICE", "STEP", "grow",
    "new_state",
]

Ints = npt.NDArray[np.int64]
Shorts = npt.NDArray[np.int32]
STEP, HOP, DELIVERY = 0, 1, 2          # kinds of events; also their priority: steps come first
GROW_HEAP, GROW_MESSAGES = 1, 2        # what can be full
OUTSIDE_TABLE, PARTS_EXCEEDED = 1, 2   # faults
# rows of Gpus.spent, by side (0 attention, 1 expert): where a token's time goes
QUEUE, SERVICE, NETWORK, JOIN = 0, 1, 2, 3


class Fixed(NamedTuple):
    """What does not change during a replay. GPUs 0..A-1 run attention, A..A+X-1 experts."""

    attention_gpus: int
    expert_gpus: int
    blocks: int
    experts: int
    top_k: int
    policy: int
    look_ahead: int
    group_blocks: int
    routing_seed: int
    token_bytes: int
    message_ps: int           # metadata of a message before its payload starts
    remote_ps: int            # more of it between hosts
    part_ps: int              # dispatcher's time for a part of a token; one at a time
    attention_cap: int        # most tokens in one step; 0: none
    expert_cap: int
    decay: npt.NDArray[np.float64]   # delta**k, index k
    draws: Draws
    expert_gpu: Ints          # (experts,) GPU that hosts it
    expert_slot: Ints         # (experts,) its index on that GPU
    first_expert: Ints        # (gpus + 1,) experts first_expert[g]..first_expert[g + 1]-1 are on g
    hosted: Ints              # (gpus,) experts on a GPU; 1 for attention
    host: Ints                # (gpus,) number of its host
    attention: CostTable2     # ps by tokens and mean context
    expert: CostTable1        # ps by tokens
    sampler: CostTable1
    route_offsets: Ints       # CSR over pairs: source * gpus + destination
    route_links: Ints


class Items(NamedTuple):
    """Columns, since an end of a step visits items at random and reads few of them. Those that are
    visited most are half as wide as numbers elsewhere, so that more of them stay near."""

    next: Shorts              # the item behind it; then a place for the head of each scratch list
    first: Shorts             # first part of its request, under which a whole token travels
    home: Shorts              # GPU of its request
    context: Shorts           # in the first part: tokens of context
    key: Ints                 # in the first part: its token's key for draws
    joined: Shorts            # in the first part: parts back from the experts of this block
    joined_ps: Ints           # sum of the times at which they came
    chosen: Ints              # (top_k,) scratch


class Gpus(NamedTuple):
    """Queues are indexed [gpu, block, slot]; attention has a queue `blocks` for its sampler."""

    head: Ints
    tail: Ints
    length: Ints
    context: Ints             # sum of the contexts queued (attention)
    waited_ps: Ints           # sum of what those in the queue have waited until touched_ps
    touched_ps: Ints
    block_length: Ints        # [gpu, block]: sum over slots
    batch: Ints               # per GPU: first item of the running batch, -1: idle
    batch_size: Ints
    batch_block: Ints
    batch_slot: Ints
    batch_waited_ps: Ints     # sum over its items, in the queue
    started_ps: Ints
    busy_ps: Ints
    steps: Ints               # (2,) by side
    handled: Ints             # (2,) tokens in those steps, by side
    spent: npt.NDArray[np.float64]   # (4, 2) QUEUE, SERVICE, NETWORK, JOIN by side, ps
    out_tail: Ints            # scratch: a step's results, a list for each expert or home
    out_count: Ints
    out_context: Ints
    sorted_ps: Ints           # per GPU: when its dispatcher has sorted what it was given
    ring: npt.NDArray[np.float64]    # (2, blocks + 1 + look_ahead) scratch of the scheduler


class Messages(NamedTuple):
    """A pool of messages under way; `free` is a stack of unused slots.

    A message holds a list for each expert of its target, or one list for an attention GPU.
    """

    first: Ints               # (messages, lists)
    last: Ints
    counts: Ints
    tokens: Ints              # (messages,) in all its lists
    context: Ints             # sum of theirs, to an attention GPU; to experts 0
    block: Ints
    sent_ps: Ints
    source: Ints
    target: Ints
    hop: Ints                 # index into route_links of the link whose entrance it is at
    tail_ps: Ints
    free: Ints
    free_count: Ints          # (1,)


class AepState(NamedTuple):
    control: Control
    fixed: Fixed
    heap: EventHeap
    requests: Requests
    admission: Admission
    items: Items
    gpus: Gpus
    messages: Messages
    ports: Ports
    snapshots: Snapshots
    watch: Watch
    spans: SpanLog


def new_items(requests: Requests, top_k: int, lists: int) -> Items:
    count = len(requests.arrival_ps) * top_k
    owner = np.arange(count) // top_k

    def each() -> Ints:
        return np.zeros(count, np.int64)

    return Items(next=np.full(count + lists, -1, np.int32), first=(owner * top_k).astype(np.int32),
                 home=np.full(count, -1, np.int32),
                 context=requests.input_tokens[owner].astype(np.int32), key=each(),
                 joined=np.zeros(count, np.int32), joined_ps=each(),
                 chosen=np.zeros(top_k, np.int64))


def new_gpus(gpus: int, blocks: int, slots: int, lists: int, look_ahead: int) -> Gpus:
    def queues() -> Ints:
        return np.zeros((gpus, blocks + 1, slots), np.int64)

    def each(count: int = gpus) -> Ints:
        return np.zeros(count, np.int64)

    return Gpus(head=queues(), tail=queues(), length=queues(), context=queues(),
                waited_ps=queues(), touched_ps=queues(),
                block_length=np.zeros((gpus, blocks + 1), np.int64), batch=each() - 1,
                batch_size=each(), batch_block=each(), batch_slot=each(), batch_waited_ps=each(),
                started_ps=each(), busy_ps=each(), steps=each(2), handled=each(2),
                spent=np.zeros((4, 2)), out_tail=each(lists), out_count=each(lists),
                out_context=each(lists), sorted_ps=each(),
                ring=np.zeros((2, blocks + 1 + look_ahead)))


def new_messages(capacity: int, slots: int) -> Messages:
    def each() -> Ints:
        return np.zeros(capacity, np.int64)

    def lists() -> Ints:
        return np.zeros((capacity, slots), np.int64)

    return Messages(first=lists(), last=lists(), counts=lists(), tokens=each(), context=each(),
                    block=each(), sent_ps=each(), source=each(), target=each(), hop=each(),
                    tail_ps=each(), free=np.arange(capacity, dtype=np.int64)[::-1].copy(),
                    free_count=np.full(1, capacity, np.int64))


def new_state(fixed: Fixed, requests: Requests, admission: Admission, ports: Ports,
              snapshots: Snapshots, spans: SpanLog) -> AepState:
    """An idle machine before the first arrival."""
    gpus = fixed.attention_gpus + fixed.expert_gpus
    slots, lists = int(fixed.hosted.max()), max(fixed.experts, gpus)
    return AepState(new_control(), fixed, new_heap(64 * gpus), requests, admission,
                    new_items(requests, fixed.top_k, lists),
                    new_gpus(gpus, fixed.blocks, slots, lists, fixed.look_ahead),
                    new_messages(16 * gpus, slots), ports, snapshots,
                    new_watch(len(requests.arrival_ps) * fixed.top_k, gpus), spans)


def grow(state: AepState, what: int) -> AepState:
    """The driver's `grow`: twice the room in the heap or in the message pool."""
    if what == GROW_HEAP:
        return state._replace(heap=grown_heap(state.heap))
    old = state.messages
    more = len(old.first)
    wider = Messages(*(np.concatenate([array, np.zeros_like(array)]) for array in old))
    count = int(old.free_count[0])
    wider.free[count:count + more] = np.arange(2 * more - 1, more - 1, -1)
    return state._replace(messages=wider._replace(free_count=np.full(1, count + more, np.int64)))
