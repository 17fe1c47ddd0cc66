"""The f backups: copies of the master's log, fenced by epoch, and reads near by.

A backup takes entries of the master that it knows as current and refuses older ones, so that a
master that was replaced can sync nothing more. What arrives must join what is there; the answer is
the position up to which the backup holds the log, from which the master goes on.

A client may read at a backup once a witness has told it that no update of the key is recorded there
(NSDI 2019), in this order: asked after the read, a witness may just have collected what the backup
did not have. The backup shows only what it knows to be on all backups, as its master's writes tell:
else two reads, of a backup that has an update already and of one that has not, would go back in
time. It serves readers of the current list of witnesses only, since an update under a newer list is
on no witness of an older one; a list takes effect when all backups know it. The last two rules are
ours. Left out: segments, disks, scattering.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.models.protocols.history import join

__all__ = ["REFUSED", "Backups", "backup_clear", "backup_fence", "backup_read", "backup_write",
           "new_backups"]

REFUSED = -1    # the writer is no longer the master

Ints = npt.NDArray[np.int64]


class Backups(NamedTuple):
    """One row a backup."""

    log_key: Ints      # (backups, ring)
    log_client: Ints
    log_rpc: Ints
    log_value: Ints
    end: Ints          # (backups,)
    epoch: Ints        # (backups,): older masters are refused
    value: Ints        # (backups, keys)
    position: Ints     # (backups, keys): behind the last update of the key; 0: none
    known: Ints        # (backups,): up to here all backups have the log, as the master has told
    version: Ints      # (backups,): list of witnesses that readers must have
    whole: Ints        # (backups,): 1: has all that was synced; 0: replaced, and not yet filled


def new_backups(count: int, ring: int, keys: int = 1) -> Backups:
    """`count` empty backups (at least one row)."""
    count = max(count, 1)
    key, client, rpc, put = (np.zeros((count, ring), np.int64) for _ in range(4))
    value, position = (np.zeros((count, keys), np.int64) for _ in range(2))
    end, epoch, known, version = (np.zeros(count, np.int64) for _ in range(4))
    return Backups(key, client, rpc, put, end, epoch, value, position, known, version,
                   np.ones(count, np.int64))


@kernel
def backup_write(bs, which, epoch, m, start, to, known):  # type: ignore[no-untyped-def]
    """Take the updates [start, to) of master `m`: the position held now, or REFUSED.

    `known`: how far the master has synced.
    """
    if epoch < bs.epoch[which]:
        return REFUSED
    if start > bs.end[which]:
        return bs.end[which]       # a gap: something before was lost
    mask = bs.log_key.shape[1] - 1
    for position in range(max(start, bs.end[which]), to):
        at = position & mask
        key = m.log_key[at]
        bs.log_key[which, at] = key
        bs.log_client[which, at] = m.log_client[at]
        bs.log_rpc[which, at] = m.log_rpc[at]
        bs.log_value[which, at] = m.log_value[at]
        bs.value[which, key] = m.log_value[at]
        bs.position[which, key] = position + 1
    bs.end[which] = max(bs.end[which], to)
    bs.known[which] = max(bs.known[which], known)
    bs.whole[which] = 1
    return bs.end[which]


@kernel
def backup_read(bs, which, version, shown, key, objects):  # type: ignore[no-untyped-def]
    """(1, value) of `objects` keys from `key` on, (0, 0) where only the master may answer.

    `version`: list that the reader's witness was of; `shown`: what lies behind it is not.
    """
    told = 0
    if bs.whole[which] == 0 or version != bs.version[which]:
        return 0, told
    for other in range(key, key + objects):
        if bs.position[which, other] > shown:
            return 0, told
        if other == key:
            told = bs.value[which, other]
        else:
            told = join(told, bs.value[which, other])
    return 1, told


@kernel
def backup_clear(bs, which):  # type: ignore[no-untyped-def]
    """Empty, as a new server is."""
    for key in range(bs.position.shape[1]):
        bs.value[which, key] = 0
        bs.position[which, key] = 0
    bs.end[which] = 0
    bs.known[which] = 0
    bs.whole[which] = 0


@kernel
def backup_fence(bs, which, epoch):  # type: ignore[no-untyped-def]
    """From now on only masters of `epoch` or later are served."""
    bs.epoch[which] = max(bs.epoch[which], epoch)
