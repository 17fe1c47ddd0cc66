"""The f backups: copies of the master's log, fenced by epoch.

A backup takes entries of the master that it knows as current and refuses older ones, so that a
master that was replaced can sync nothing more. What arrives must join what is there; the answer is
the position up to which the backup holds the log, from which the master goes on. Left out:
segments, disks, scattering.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel

__all__ = ["REFUSED", "Backups", "backup_fence", "backup_write", "new_backups"]

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


def new_backups(count: int, ring: int) -> Backups:
    """`count` empty backups (at least one row)."""
    count = max(count, 1)
    key, client, rpc, value = (np.zeros((count, ring), np.int64) for _ in range(4))
    return Backups(key, client, rpc, value, np.zeros(count, np.int64), np.zeros(count, np.int64))


@kernel
def backup_write(bs, which, epoch, m, start, to):  # type: ignore[no-untyped-def]
    """Take the updates [start, to) of master `m`: the position held now, or REFUSED."""
    if epoch < bs.epoch[which]:
        return REFUSED
    if start > bs.end[which]:
        return bs.end[which]       # a gap: something before was lost
    mask = bs.log_key.shape[1] - 1
    for position in range(start, to):
        at = position & mask
        bs.log_key[which, at] = m.log_key[at]
        bs.log_client[which, at] = m.log_client[at]
        bs.log_rpc[which, at] = m.log_rpc[at]
        bs.log_value[which, at] = m.log_value[at]
    bs.end[which] = max(bs.end[which], to)
    return bs.end[which]


@kernel
def backup_fence(bs, which, epoch):  # type: ignore[no-untyped-def]
    """From now on only masters of `epoch` or later are served."""
    bs.epoch[which] = max(bs.epoch[which], epoch)
