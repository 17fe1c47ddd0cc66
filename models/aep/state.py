"""The state of an asynchronous expert-parallel replay: NamedTuples of arrays, and their growth.

An *item* is one part of a token: request * top_k + part. A token is in one place at a time, so an
item is in exactly one linked list (a queue, a running batch, a message) or in the join pool, and
one column holds all lists at once. Nothing is copied when a queue is drained or a message is
sent, and nothing but the heap and the message pool can ever be full.
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
from rackwright.models.aep.watch import Watch, new_watch
from rackwright.models.serving.requests import Admission, Requests
from rackwright.models.serving.snapshots import Snapshots

__all__ = [
    "AepState", "BLOCK", "CONTEXT", "DELIVERY", "EXPERT", "Fixed", "GROW_HEAP", "GROW_MESSAGES",
    "Gpus", "HOME", "HOP", "Items", "JOIN", "JOINED", "Messages", "NETWORK", "NEXT",
    "OUTSIDE_TABLE", "OWNER", "PARTS_EXCEEDED", "QUEUE", "SERVICE", "SINCE", "STEP", "grow",
    "new_state",
]

Ints = npt.NDArray[np.int64]
STEP, HOP, DELIVERY = 0, 1, 2          # kinds of events; also their priority: steps come first
GROW_HEAP, GROW_MESSAGES = 1, 2        # what can be full
OUTSIDE_TABLE, PARTS_EXCEEDED = 1, 2   # faults
# columns of Items.of: the item behind it; its request (a division by top_k is slow); since when it
# is where it is, ps; the expert it is bound for; its block; its request's GPU. In the first part of
# a request only: parts back from the experts of this block; tokens of context
NEXT, OWNER, SINCE, EXPERT, BLOCK, HOME, JOINED, CONTEXT = range(8)
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
    weights: Ints             # (blocks, experts) routing weights
    cumulative: Ints          # their sums along a block
    expert_gpu: Ints          # (experts,) GPU that hosts it
    expert_slot: Ints         # (experts,) its index on that GPU
    hosted: Ints              # (gpus,) experts on a GPU; 1 for attention
    host: Ints                # (gpus,) number of its host
    attention: CostTable2     # ps by tokens and mean context
    expert: CostTable1        # ps by tokens
    sampler: CostTable1
    route_offsets: Ints       # CSR over pairs: source * gpus + destination
    route_links: Ints


class Items(NamedTuple):
    """All of an item in one row, which is one line of a cache: items are visited at random."""

    of: Ints                  # (items, 8), columns below
    key: Ints                 # per request: its token's key for draws
    chosen: Ints              # (top_k,) scratch


class Gpus(NamedTuple):
    """Queues are indexed [gpu, block, slot]; attention has a queue `blocks` for its sampler."""

    head: Ints
    tail: Ints
    length: Ints
    context: Ints             # sum of the contexts queued (attention)
    block_length: Ints        # [gpu, block]: sum over slots
    batch: Ints               # per GPU: first item of the running batch, -1: idle
    batch_size: Ints
    batch_block: Ints
    started_ps: Ints
    busy_ps: Ints
    steps: Ints               # (2,) by side
    handled: Ints             # (2,) tokens in those steps, by side
    spent: npt.NDArray[np.float64]   # (4, 2) QUEUE, SERVICE, NETWORK, JOIN by side, ps
    out_head: Ints            # per GPU: scratch lists of a step's results by destination
    out_tail: Ints
    out_count: Ints
    sorted_ps: Ints           # per GPU: when its dispatcher has sorted what it was given
    mean_length: npt.NDArray[np.float64]   # (blocks + 1,) scratch of the scheduler


class Messages(NamedTuple):
    """A pool of messages under way; `free` is a stack of unused slots."""

    first: Ints
    tokens: Ints
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


def new_items(requests: Requests, top_k: int) -> Items:
    count = len(requests.arrival_ps) * top_k
    of = np.zeros((count, 8), np.int64)
    of[:, NEXT] = of[:, HOME] = -1
    of[:, OWNER] = np.arange(count) // top_k
    of[:, CONTEXT] = requests.input_tokens[of[:, OWNER]]
    return Items(of, np.zeros(len(requests.arrival_ps), np.int64), np.zeros(top_k, np.int64))


def new_gpus(gpus: int, blocks: int, slots: int) -> Gpus:
    queues = (gpus, blocks + 1, slots)

    def each(fill: int = 0) -> Ints:
        return np.full(gpus, fill, np.int64)

    return Gpus(head=np.full(queues, -1, np.int64), tail=np.full(queues, -1, np.int64),
                length=np.zeros(queues, np.int64), context=np.zeros(queues, np.int64),
                block_length=np.zeros((gpus, blocks + 1), np.int64), batch=each(-1),
                batch_size=each(), batch_block=each(), started_ps=each(), busy_ps=each(),
                steps=np.zeros(2, np.int64), handled=np.zeros(2, np.int64),
                spent=np.zeros((4, 2)), out_head=each(-1), out_tail=each(-1), out_count=each(),
                sorted_ps=each(), mean_length=np.zeros(blocks + 1))


def new_messages(capacity: int) -> Messages:
    def each() -> Ints:
        return np.zeros(capacity, np.int64)

    return Messages(first=each(), tokens=each(), source=each(), target=each(), hop=each(),
                    tail_ps=each(), free=np.arange(capacity, dtype=np.int64)[::-1].copy(),
                    free_count=np.full(1, capacity, np.int64))


def new_state(fixed: Fixed, requests: Requests, admission: Admission, ports: Ports,
              snapshots: Snapshots, spans: SpanLog) -> AepState:
    """An idle machine before the first arrival."""
    gpus = fixed.attention_gpus + fixed.expert_gpus
    return AepState(new_control(), fixed, new_heap(64 * gpus), requests, admission,
                    new_items(requests, fixed.top_k),
                    new_gpus(gpus, fixed.blocks, int(fixed.hosted.max())),
                    new_messages(16 * gpus), ports, snapshots,
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
