"""The state of a timed replay: NamedTuples of arrays; times in int64 picoseconds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.heap import EventHeap, grown_heap, new_heap
from rackwright.engine.ports import Ports
from rackwright.engine.record import SpanLog
from rackwright.engine.status import Control, new_control
from rackwright.models.curp.backups import Backups
from rackwright.models.curp.clients import Clients
from rackwright.models.curp.master import Master
from rackwright.models.curp.witnesses import Witnesses

__all__ = [
    "Counts", "CurpState", "Fixed", "Jobs", "Noise", "Ops", "Outbox", "Paths", "Server", "grow",
    "new_counts", "new_jobs", "new_outbox", "new_server", "new_state",
]

Ints = npt.NDArray[np.int64]

GC_RING = 64    # gc requests on their way to a witness, and requests collected once more


class Fixed(NamedTuple):
    """What does not change during a replay."""

    variant: int
    backups: int
    witnesses: int
    quorum: int            # witnesses that must accept
    late: int              # 1: a client need not hear of all of them: every answer is an event
    near: int              # 1: reads go to a backup near by
    workers: int
    clients: int
    batch: int
    closed: int            # 1: the trace's times are not used
    gap_ps: int            # between a client's operations when it is paced; 0: none
    hot_entries: int       # sync at once after a key updated this recently; 0: off
    polls: int             # 1: a worker that waits for a sync is blocked
    before_ps: int         # client software before its first request leaves
    after_ps: int          # and after its last answer has come
    send_ps: int           # client software for one more request
    dispatch_ps: int       # a request and its answer on the dispatch thread
    write_ps: int          # a worker executes
    read_ps: int
    send_fixed_ps: int     # dispatch thread: one write to a backup
    send_entry_ps: int
    ack_ps: int
    gc_fixed_ps: int       # one gc to a witness
    gc_entry_ps: int
    backup_ps: int         # a backup takes a write
    backup_busy_ps: int    # of that, what keeps it from the next one
    look_ps: int           # a backup's software takes a read, before it asks the witness
    record_ps: int         # a witness is occupied by a record, and by a gc
    answer_ps: int         # until it answers one
    each_entry: int        # 1: a gc or a record occupies it once an entry, not once
    request_bytes: int     # of a write but its value; with the key
    key_bytes: int         # of each further key
    read_bytes: int
    answer_bytes: int
    record_bytes: int      # more than the request it holds
    record_answer_bytes: int
    gc_bytes: int
    gc_entry_bytes: int
    entry_bytes: int       # a log entry but its value
    rpc_bytes: int         # an empty answer


class Paths(NamedTuple):
    """From end to end: (ends, ends)."""

    first: Ints            # port that the message leaves through; -1: the same machine
    last: Ints             # port that it arrives through; -1: the first one is the only one
    middle_ps: Ints        # latency in between, added to the first port's
    ps_per_byte: npt.NDArray[np.float64]   # of the slowest link on the way


class Ops(NamedTuple):
    """One entry an operation of the trace."""

    kind: npt.NDArray[np.int8]
    key: npt.NDArray[np.int32]
    nbytes: npt.NDArray[np.int32]      # of the value
    objects: npt.NDArray[np.int32]
    client: npt.NDArray[np.int32]      # -1: not yet taken
    due_ps: Ints                       # when the trace has it arrive
    start_ps: Ints                     # when its client turned to it
    finish_ps: Ints                    # -1: not yet
    trips: npt.NDArray[np.int8]        # round trips that it took


class Jobs(NamedTuple):
    """The dispatch thread: two FIFO rings, urgent ones first."""

    kind: Ints             # (2, ring)
    item: Ints
    amount: Ints           # log position or entries
    ready_ps: Ints
    head: Ints             # (2,)
    tail: Ints
    now: Ints              # (3,): the job that runs (kind, item, amount); kind -1: idle
    busy_ps: Ints          # (2,): of requests; of replication


class Server(NamedTuple):
    """Everything else that has a state."""

    op: Ints               # per client: operation under way
    stage: Ints            # per client: REQUESTS, ASKS or NEARBY
    turn: Ints             # per client: requests so far
    near: Ints             # per client: the backup that it reads at
    wrote: Ints            # per client: 1 once a read-modify-write writes
    trips: Ints            # per client: round trips so far
    answers: Ints          # per client: answers that have not been computed yet; late: 1: it waits
    ready_ps: Ints         # per client: when the last of them arrives
    reply_ps: Ints         # per client: when the master's arrives
    wait_end: Ints         # per client: position that its request waits for
    result: Ints           # per client: what the master will answer
    resume_ps: Ints        # per client: when its next operation is due, if paced
    free_ps: Ints          # per worker: when it is free
    held: Ints             # per worker: 1 while it waits for a sync
    worker_of: Ints        # per client: the worker that runs its request
    queue: Ints            # ring of clients whose requests wait for a worker
    queue_ends: Ints       # (2,): head, tail
    waiting: Ints          # clients whose requests wait for a sync
    waiting_count: Ints    # (1,)
    freed: Ints            # clients to be answered at the end of this event
    freed_count: Ints      # (1,)
    idle: Ints             # stack of clients without an operation
    idle_count: Ints       # (1,)
    next_op: Ints          # (1,): the first one that nobody has taken
    arrived: Ints          # (1,): operations that have arrived (by the trace's times)
    done: Ints             # (1,)
    hot: Ints              # (1,): 1: the next sync should start at once
    sync_start_ps: Ints    # (1,)
    log_total: Ints        # (ring,): value bytes of all log entries up to this one
    backup_free_ps: Ints
    witness_free_ps: Ints
    witness_busy_ps: Ints
    gc_from: Ints          # (witnesses, GC_RING): ranges of the log under way
    gc_to: Ints
    gc_ends: Ints          # (witnesses, 2): head, tail
    retry: Ints            # (GC_RING,): operations to collect once more
    retry_ends: Ints       # (1 + witnesses,): how many; how many each witness has been told
    worker_busy_ps: Ints   # (2,): executing; waiting for a sync


class Outbox(NamedTuple):
    """What an event causes, carried out at its end in order: messages, answers, clients that begin.

    Kernels are inlined, so that whatever books a port or pushes an event stands in one place.
    """

    at_ps: Ints            # when it is sent; a message from an end to itself is a plain event
    source: Ints
    target: Ints
    nbytes: Ints
    kind: Ints
    item: Ints
    count: Ints            # type: ignore[assignment]  # (1,)
    answer_ps: Ints        # answers to clients
    answer_source: Ints
    answer_client: Ints
    answer_nbytes: Ints
    answer_good: Ints      # 1: accepted, or after a sync, or read at a backup
    answer_count: Ints     # (1,)
    beginning: Ints        # clients
    beginning_count: Ints  # (1,)


class Counts(NamedTuple):
    number: Ints           # (16,)
    sent_bytes: Ints       # (5,): to the master, its answers, replication, witnesses, reads near by


class Noise(NamedTuple):
    """Jitter of messages, drawn beforehand; used again from the start when spent."""

    delay_ps: Ints         # a power of two of them
    taken: Ints            # (1,)


class CurpState(NamedTuple):
    control: Control
    fixed: Fixed
    heap: EventHeap
    ports: Ports
    paths: Paths
    ops: Ops
    jobs: Jobs
    server: Server
    clients: Clients
    master: Master
    witnesses: Witnesses
    backups: Backups
    noise: Noise
    counts: Counts
    outbox: Outbox
    spans: SpanLog


def new_jobs(capacity: int) -> Jobs:
    def rings() -> Ints:
        return np.zeros((2, capacity), np.int64)

    return Jobs(rings(), rings(), rings(), rings(), np.zeros(2, np.int64), np.zeros(2, np.int64),
                np.full(3, -1, np.int64), np.zeros(2, np.int64))


def new_server(fixed: Fixed, log_ring: int, near: Ints) -> Server:
    """Idle clients, workers and witnesses; `near`: see Server."""
    clients, workers = fixed.clients, fixed.workers
    ring = 1 << max(4, (clients + 1).bit_length())
    def each(count: int, fill: int = 0) -> Ints:
        return np.full(count, fill, np.int64)

    backups, witnesses = max(fixed.backups, 1), max(fixed.witnesses, 1)
    return Server(
        op=each(clients, -1), stage=each(clients), turn=each(clients), near=near,
        wrote=each(clients), trips=each(clients),
        answers=each(clients), ready_ps=each(clients), reply_ps=each(clients),
        wait_end=each(clients), result=each(clients), resume_ps=each(clients),
        free_ps=each(workers), held=each(workers), worker_of=each(clients), queue=each(ring),
        queue_ends=each(2), waiting=each(clients), waiting_count=each(1), freed=each(clients),
        freed_count=each(1),
        idle=np.arange(clients, dtype=np.int64)[::-1].copy(), idle_count=each(1, clients),
        next_op=each(1), arrived=each(1), done=each(1), hot=each(1),
        sync_start_ps=each(1), log_total=each(log_ring), backup_free_ps=each(backups),
        witness_free_ps=each(witnesses), witness_busy_ps=each(witnesses),
        gc_from=np.zeros((witnesses, GC_RING), np.int64),
        gc_to=np.zeros((witnesses, GC_RING), np.int64),
        gc_ends=np.zeros((witnesses, 2), np.int64), retry=each(GC_RING),
        retry_ends=each(1 + witnesses), worker_busy_ps=each(2))


def new_counts() -> Counts:
    return Counts(np.zeros(16, np.int64), np.zeros(5, np.int64))


def new_outbox(clients: int, ends: int) -> Outbox:
    """Room for what one event can cause at most: every client begins and is answered."""
    room = clients * (ends + 2) + 4 * ends + 16
    def each(count: int) -> Ints:
        return np.zeros(count, np.int64)

    return Outbox(each(room), each(room), each(room), each(room), each(room), each(room), each(1),
                  each(room), each(room), each(room), each(room), each(room), each(1),
                  each(clients), each(1))


def new_state(fixed: Fixed, ports: Ports, paths: Paths, ops: Ops, server: Server,
              clients: Clients, master: Master, witnesses: Witnesses, backups: Backups,
              noise: Noise, spans: SpanLog) -> CurpState:
    """Everything idle, before the first operation."""
    ring = 1 << (4 * fixed.clients + 8 * (fixed.backups + fixed.witnesses) + 64).bit_length()
    outbox = new_outbox(fixed.clients, 1 + fixed.backups + fixed.witnesses)
    heap = new_heap(max(256, 2 * len(outbox.at_ps)))
    return CurpState(new_control(), fixed, heap, ports, paths, ops, new_jobs(ring), server,
                     clients, master, witnesses, backups, noise, new_counts(), outbox, spans)


def grow(state: CurpState, what: int) -> CurpState:
    """The driver's `grow`: only the heap can be full."""
    return state._replace(heap=grown_heap(state.heap))
