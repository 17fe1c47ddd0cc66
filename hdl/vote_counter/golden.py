"""Golden of the vote counter: AVID-M's thresholds, as kernels on arrays.

A slot counts the votes for one root of one instance of the dispersal (Yang, Park, Alizadeh,
Kannan, Tse: DispersedLedger, NSDI 2022). With N nodes of which F may lie: N-F GotChunk, or F+1
Ready, call for a Ready of one's own; 2F+1 Ready make the dispersal Complete. Each is said once, a
sender counts once.

Left out: that a sender of one instance may vote for two roots; the protocol keeps it to one vote
before it comes here.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import UsageError

__all__ = ["COMPLETE_NOW", "GOT", "IS_COMPLETE", "NEW", "READY", "READY_SENT", "REFUSED",
           "SEND_READY", "Votes", "new_votes", "votes_add", "votes_clear", "votes_flags"]

GOT, READY, CLEAR, READ = 1, 2, 3, 4     # operations

NEW = 1               # the vote was not counted before
SEND_READY = 2        # this vote calls for a Ready
COMPLETE_NOW = 4      # this vote completes the dispersal
READY_SENT = 8        # a Ready was called for, now or before
IS_COMPLETE = 16
REFUSED = 128         # no such operation, slot or sender


class Votes(NamedTuple):
    """Slots of votes; `new_votes` makes it."""

    voted: npt.NDArray[np.int64]   # shape (slots, 2, nodes): 1 where a sender has voted
    counts: npt.NDArray[np.int64]  # shape (slots, 2): votes of each kind
    states: npt.NDArray[np.int64]  # shape (slots,): READY_SENT and IS_COMPLETE
    limits: npt.NDArray[np.int64]  # shape (3,): N-F, F+1, 2F+1


def new_votes(nodes: int, faults: int, slots: int) -> Votes:
    """Empty slots. Raises UsageError unless 3 faults + 1 <= nodes."""
    if not 0 <= 3 * faults < nodes or slots < 1:
        raise UsageError(f"vote counter: nodes={nodes}, faults={faults}, slots={slots}: "
                         "3 faults + 1 <= nodes and slots >= 1 must hold")
    return Votes(np.zeros((slots, 2, nodes), np.int64), np.zeros((slots, 2), np.int64),
                 np.zeros(slots, np.int64),
                 np.array([nodes - faults, faults + 1, 2 * faults + 1], np.int64))


@kernel
def votes_add(votes, slot, kind, sender):  # type: ignore[no-untyped-def]
    """Count a vote (`GOT` or `READY`) of `sender`; the flags that say what follows."""
    flags = 0
    if votes.voted[slot, kind - GOT, sender] == 0:
        votes.voted[slot, kind - GOT, sender] = 1
        votes.counts[slot, kind - GOT] += 1
        flags = NEW
    before = votes.states[slot]
    after = before
    if votes.counts[slot, 0] >= votes.limits[0] or votes.counts[slot, 1] >= votes.limits[1]:
        after |= READY_SENT
    if votes.counts[slot, 1] >= votes.limits[2]:
        after |= IS_COMPLETE
    if after & READY_SENT and not before & READY_SENT:
        flags |= SEND_READY
    if after & IS_COMPLETE and not before & IS_COMPLETE:
        flags |= COMPLETE_NOW
    votes.states[slot] = after
    return flags | after


@kernel
def votes_flags(votes, slot):  # type: ignore[no-untyped-def]
    """READY_SENT and IS_COMPLETE of a slot."""
    return votes.states[slot]


@kernel
def votes_clear(votes, slot):  # type: ignore[no-untyped-def]
    """Forget a slot's votes."""
    for kind in range(2):
        votes.counts[slot, kind] = 0
        for sender in range(votes.voted.shape[2]):
            votes.voted[slot, kind, sender] = 0
    votes.states[slot] = 0


def response(votes: Votes, op: int, slot: int, sender: int, tag: int) -> int:
    """The RTL's answer to a word, which is applied to `votes`."""
    slots, _, nodes = votes.voted.shape
    vote = op in (GOT, READY)
    if op not in (GOT, READY, CLEAR, READ) or slot >= slots or (vote and sender >= nodes):
        return tag << 32 | REFUSED << 8 | op
    if op == CLEAR:
        votes_clear(votes, slot)
        return tag << 32 | op
    flags = int(votes_add(votes, slot, op, sender) if vote else votes_flags(votes, slot))
    got, ready = (int(one) for one in votes.counts[slot])
    return tag << 32 | ready << 24 | got << 16 | flags << 8 | op
