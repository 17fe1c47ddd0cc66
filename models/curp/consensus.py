"""The consensus variant of CURP: 2f + 1 replicas, each with a witness, and no reliable manager.

A client is done in one round trip when the leader has answered and a superquorum of
f + ceil(f / 2) + 1 witnesses has accepted. A new leader asks f + 1 witnesses, and replays what at
least ceil(f / 2) + 1 of them hold: every update that was answered is among it, and no two that do
not commute are. Witnesses carry the leader's term, and reject records of other terms (NSDI 2019,
appendix). The log's own consensus (Raft or the like) is left out here; the timed replay has it as
the leader's writes to a majority (option `group`).

Witnesses are those of `witnesses.py`; a set of witnesses is given as bits.
"""

from __future__ import annotations

from collections.abc import Sequence

from rackwright.errors import UsageError
from rackwright.hdl.witness_table.golden import ACCEPT
from rackwright.models.curp.formulas import recovery_threshold, superquorum
from rackwright.models.curp.witnesses import Witnesses, key_hash, record

__all__ = ["held_by", "may_answer", "propose", "recovered"]


def propose(ws: Witnesses, reached: int, term: int, key: int, client: int, rpc: int,
            body: int) -> int:
    """Record an update at the witnesses `reached`; those that accept, as bits."""
    accepted = 0
    hashed = key_hash(ws, key)
    for which in range(len(ws.owner)):
        if reached >> which & 1 and record(ws, which, term, hashed, client, rpc, body) == ACCEPT:
            accepted |= 1 << which
    return accepted


def may_answer(accepted: int, f: int) -> bool:
    """True if that many accepts do for one round trip.

    >>> may_answer(0b111, 1), may_answer(0b011, 1)
    (True, False)
    """
    return accepted.bit_count() >= superquorum(f)


def held_by(ws: Witnesses, asked: int) -> dict[int, int]:
    """Update (body) -> those of the witnesses `asked` that hold it, as bits."""
    found: dict[int, int] = {}
    for which in range(len(ws.owner)):
        if asked >> which & 1:
            for body in ws.body[which][ws.valid[which] == 1].tolist():
                found[body] = found.get(body, 0) | 1 << which
    return found


def recovered(held: dict[int, int], asked: int, f: int) -> Sequence[int]:
    """The updates that a new leader replays, in the order of their numbers. Raises UsageError."""
    if asked.bit_count() < f + 1:
        raise UsageError(f"{asked.bit_count()} witnesses answered; a recovery needs {f + 1}")
    return sorted(body for body, holders in held.items()
                  if (holders & asked).bit_count() >= recovery_threshold(f))
