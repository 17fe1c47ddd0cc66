"""Faults of a schedule: they happen unless more would fail than CURP claims to survive."""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.curp.backups import backup_clear
from rackwright.models.curp.manager import MASTER
from rackwright.models.curp.outgoing import timer
from rackwright.models.curp.world import HEAL
from rackwright.models.protocols.network import draw

__all__ = ["CLIENT_DEATH", "MASTER_CRASH", "fail", "heal"]

MASTER_CRASH, WITNESS_STOP, WITNESS_LOSS, BACKUP_STOP, BACKUP_LOSS, CLIENT_DEATH = range(6)


@kernel
def fail(w, item):  # type: ignore[no-untyped-def]
    """A fault happens, if CURP claims to survive it now."""
    kind, which = item // 16, (item & 15) % w.plan.replicas  # nonzero: 16 is not, replicas neither
    if kind == MASTER_CRASH:
        i = w.manager[MASTER]
        if w.manager[3] != 0 and w.manager[4] < w.alive.shape[0]:
            i = w.manager[4]           # the one that is taking over
        if w.manager[4] < w.alive.shape[0] - 1:
            w.alive[i] = 0
    elif kind == WITNESS_STOP or (kind == WITNESS_LOSS and spare(w.up, 1, w.lost, 0, which)):
        w.up[1, which] = 0
        if kind == WITNESS_LOSS:
            w.lost[which] = 1
            w.sealed[0, which] = w.witnesses.frozen[which, 0]
        else:
            timer(w.out, HEAL, 16 + which, 20 + draw(w.net.dice, 150))
    elif kind == BACKUP_STOP:
        w.up[0, which] = 0
        timer(w.out, HEAL, which, 20 + draw(w.net.dice, 150))
    elif kind == BACKUP_LOSS and spare(w.up, 0, w.filled, 1, which):
        w.renewed[which] += 1
        w.filled[which] = 0
        backup_clear(w.backups, which)
        i = w.manager[MASTER]
        w.masters.acked[i, which] = 0
        w.generation[i, which] = w.renewed[which]
    elif kind == CLIENT_DEATH:
        w.dead[(item & 15) % w.plan.clients] = 1  # nonzero: a plan has clients


@kernel
def spare(up, family, marks, good, which):  # type: ignore[no-untyped-def]
    """True when another server of the family is up and has its data."""
    for other in range(marks.shape[0]):
        if other != which and up[family, other] == 1 and marks[other] == good:
            return True
    return False


@kernel
def heal(w, item):  # type: ignore[no-untyped-def]
    """A stopped server answers again, with all it had, unless it was lost meanwhile."""
    family, which = item // 16, item & 15  # nonzero: 16
    if family == 0 or w.lost[which] == 0:
        w.up[family, which] = 1
