"""The CURP master: duplicate filter, execution, log, synchronisation with the backups.

Transitions as kernels, without time: the timed replay and the fault schedules drive the same ones.
The log is a ring of updates; a *position* counts the updates before it, so an update that ends at
position p is synced when p <= SYNCED. An object is unsynced while the position behind its last
update lies beyond SYNCED (Park and Ousterhout, NSDI 2019, section 3.2.3). An operation may touch
several neighbouring keys: it is executed as one, with a log entry for each, and syncs end at its
last.

RIFL's filter keeps one completion record for each of the last `memory` RPCs of a client; older ones
are acknowledged by then and ignored. Left out: log cleaning, segments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError
from rackwright.models.protocols.history import join

__all__ = [
    "ACKS", "ADD", "CLEAN", "CONFLICT", "DUPLICATE", "END", "EPOCH", "IDLE", "IGNORED", "READ",
    "SYNCED", "SYNC_TO", "VERSION", "WRITE", "Master", "Masters", "log_at", "master_acknowledge",
    "master_apply", "master_at", "master_begin_sync", "master_execute", "master_read", "new_master",
    "new_masters",
]

READ, WRITE, ADD = 0, 1, 2          # operations; ADD gives back the sum
# what becomes of a request
CLEAN = 0        # done; touches nothing unsynced
CONFLICT = 1     # done, but it read or overwrote something unsynced: sync before the reply
DUPLICATE = 2    # done before; the saved result
IGNORED = 3      # so old that its client has acknowledged the result
# places in Master.counts
END, SYNCED, SYNC_TO, EPOCH, VERSION, ACKS = range(6)    # ACKS: backups that make a sync complete
IDLE = -1        # SYNC_TO: no sync is under way

Ints = npt.NDArray[np.int64]


class Master(NamedTuple):
    value: Ints        # (keys,)
    position: Ints     # (keys,): behind the last update of the key; 0: never updated
    log_key: Ints      # (ring,)
    log_client: Ints
    log_rpc: Ints
    log_value: Ints    # of the key, after the update
    rifl_rpc: Ints     # (clients, memory): -1 for none
    rifl_value: Ints   # what the client is told
    rifl_end: Ints     # position behind the update
    acked: Ints        # (backups,): what each has acknowledged
    counts: Ints       # (6,)


class Masters(NamedTuple):
    """Several masters, one row each: those of a fault schedule, in the order they take over."""

    value: Ints
    position: Ints
    log_key: Ints
    log_client: Ints
    log_rpc: Ints
    log_value: Ints
    rifl_rpc: Ints
    rifl_value: Ints
    rifl_end: Ints
    acked: Ints
    counts: Ints


def new_master(keys: int, clients: int, backups: int, *, ring: int = 1 << 16,
               memory: int = 64, acks: int | None = None) -> Master:
    """A master with an empty store; every value 0. Raises UsageError.

    `acks`: backups that must have an update before it counts as synced; None: all.
    """
    for name, size in (("ring", ring), ("memory", memory)):
        if size < 1 or size & (size - 1):
            raise UsageError(f"{name}={size}: a power of two is needed")
    def zeros(*shape: int) -> Ints:
        return np.zeros(shape, np.int64)

    counts = zeros(6)
    counts[SYNC_TO] = IDLE
    counts[ACKS] = max(backups, 1) if acks is None else acks
    return Master(zeros(keys), zeros(keys), zeros(ring), zeros(ring), zeros(ring), zeros(ring),
                  np.full((clients, memory), -1, np.int64), zeros(clients, memory),
                  zeros(clients, memory), zeros(max(backups, 1)), counts)


def new_masters(count: int, keys: int, clients: int, backups: int, *, ring: int,
                memory: int) -> Masters:
    """`count` empty masters."""
    one = new_master(keys, clients, backups, ring=ring, memory=memory)
    return Masters(*(np.stack([array] * count) for array in one))


@kernel
def master_at(ms, which):  # type: ignore[no-untyped-def]
    """One of several masters."""
    return Master(ms.value[which], ms.position[which], ms.log_key[which], ms.log_client[which],
                  ms.log_rpc[which], ms.log_value[which], ms.rifl_rpc[which],
                  ms.rifl_value[which], ms.rifl_end[which], ms.acked[which], ms.counts[which])


@kernel
def master_read(m, key, objects):  # type: ignore[no-untyped-def]
    """Read `objects` keys from `key` on: (verdict, what it tells, position to wait for)."""
    end, told = m.position[key], m.value[key]
    for other in range(key + 1, min(key + objects, m.position.shape[0])):
        end = max(end, m.position[other])
        told = join(told, m.value[other])
    verdict = CLEAN
    if end > m.counts[SYNCED]:
        verdict = CONFLICT
    return verdict, told, end


@kernel
def master_apply(m, key, client, rpc, value):  # type: ignore[no-untyped-def]
    """Append the update of one key and the completion record; the position behind it.

    Further keys of an operation follow it at once, and its completion record tells them all.
    """
    at = m.counts[END] & (m.log_key.shape[0] - 1)
    m.log_key[at] = key
    m.log_client[at] = client
    m.log_rpc[at] = rpc
    m.log_value[at] = value
    end = m.counts[END] + 1
    m.counts[END] = end
    m.position[key] = end
    m.value[key] = value
    seat = rpc & (m.rifl_rpc.shape[1] - 1)
    told = value
    if m.rifl_rpc[client, seat] == rpc:
        told = join(m.rifl_value[client, seat], value)
    m.rifl_rpc[client, seat] = rpc
    m.rifl_value[client, seat] = told
    m.rifl_end[client, seat] = end
    return end


@kernel
def master_execute(m, kind, key, objects, argument, client, rpc):  # type: ignore[no-untyped-def]
    """An update of `objects` keys from `key` on: (verdict, result, position to wait for)."""
    seat = rpc & (m.rifl_rpc.shape[1] - 1)
    known = m.rifl_rpc[client, seat]
    if known == rpc:
        return DUPLICATE, m.rifl_value[client, seat], m.rifl_end[client, seat]
    if known > rpc:
        return IGNORED, known - known, known - known
    verdict = CLEAN
    for other in range(key, key + objects):
        if m.position[other] > m.counts[SYNCED]:
            verdict = CONFLICT
    for other in range(key, key + objects):
        value = argument
        if kind == ADD:
            value += m.value[other]
        master_apply(m, other, client, rpc, value)
    return verdict, m.rifl_value[client, seat], m.counts[END]


@kernel
def master_begin_sync(m, to):  # type: ignore[no-untyped-def]
    """Start to sync what is unsynced up to `to`: (from, to), equal when there is nothing to start.

    One at a time: nothing starts while a sync is under way.
    """
    counts = m.counts
    if counts[SYNC_TO] == IDLE and to > counts[SYNCED]:
        counts[SYNC_TO] = to
        return counts[SYNCED], to
    return to, to


@kernel
def master_acknowledge(m, backup, end):  # type: ignore[no-untyped-def]
    """A backup holds the log up to `end`; True when that completes the sync under way."""
    m.acked[backup] = max(m.acked[backup], end)
    to = m.counts[SYNC_TO]
    if to == IDLE:
        return False
    good = 0
    for other in range(m.acked.shape[0]):
        if m.acked[other] >= to:
            good += 1
    if good < m.counts[ACKS]:
        return False
    m.counts[SYNCED] = to
    m.counts[SYNC_TO] = IDLE
    return True


@kernel
def log_at(m, position):  # type: ignore[no-untyped-def]
    """(key, client, rpc) of the update at `position`, which must still be in the ring."""
    at = position & (m.log_key.shape[0] - 1)
    return m.log_key[at], m.log_client[at], m.log_rpc[at]
