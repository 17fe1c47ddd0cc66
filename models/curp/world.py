"""The state of a fault schedule: clients, masters, witnesses, backups and the manager, in ticks.

Nodes are numbered: clients, masters (in the order in which they take over), backups, witnesses, the
manager. Everything is allocated once and cleared for each schedule.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.models.curp.backups import Backups, new_backups
from rackwright.models.curp.clients import Clients, new_clients
from rackwright.models.curp.master import Masters, new_masters
from rackwright.models.curp.witnesses import Witnesses, new_witnesses
from rackwright.models.protocols.history import History
from rackwright.models.protocols.network import Network, new_network

__all__ = [
    "COUNTS", "MASTERS", "RULES", "Outgoing", "Plan", "World", "new_world",
]

# rules that can be broken one by one, to see whether the checker notices
RULES = ("accept_conflicts", "no_rifl", "answer_unsynced", "no_freeze", "no_fence", "no_lease",
         "collect_early", "complete_short", "stale_list", "acks_in_replay", "answer_duplicates",
         "first_object", "skip_probe", "show_unsynced")
(ACCEPT_CONFLICTS, NO_RIFL, ANSWER_UNSYNCED, NO_FREEZE, NO_FENCE, NO_LEASE, COLLECT_EARLY,
 COMPLETE_SHORT, STALE_LIST, ACKS_IN_REPLAY, ANSWER_DUPLICATES, FIRST_OBJECT, SKIP_PROBE,
 SHOW_UNSYNCED) = range(14)

LOG = 256            # entries; more than the updates of a schedule, two keys each
MASTERS = 6
MOST_POSTS = 64
# places in World.todo, -1 for nothing: client to decide, to send, to ask for a sync; master to sync
# and whether in any case; write to repeat; master that executes `found`, and how
DECIDE, SEND, ASK, SYNC, FORCE, REPEAT, EXECUTE, HOW = range(8)
SUSPECTED, REPLAYED_ROWS = 0, 1    # HOW
# messages, then timers; a message's words are described where it is sent
(UPDATE, RECORD, REPLY, RECORDED, WRITE_LOG, LOGGED, COLLECT, COLLECTED, PROBE, LOOK, LOOKED, START,
 RETRY, RESEND, TICK, FAULT, HEAL) = range(17)
AT_MASTER, AT_WITNESS, AT_BACKUP = range(3)     # World.nearby: whom a read asks next
COUNTS = ("finished", "fast", "tagged", "recoveries", "replayed", "adopted", "collected_unsynced",
          "refused_lists", "deposed", "suspects", "duplicates", "frozen_accepts", "stale_fast",
          "dropped", "near", "near_refused", "several", "full")
(FINISHED_OPS, FAST_OPS, TAGGED_OPS, RECOVERIES, REPLAYED, ADOPTED, COLLECTED_UNSYNCED,
 REFUSED_LISTS, DEPOSED, SUSPECTS, DUPLICATES, FROZEN_ACCEPTS, STALE_FAST, DROPPED, NEAR,
 NEAR_REFUSED, SEVERAL, FULL) = range(18)

Ints = npt.NDArray[np.int64]


class Plan(NamedTuple):
    """Sizes of a world."""

    clients: int
    operations: int      # of each client
    keys: int
    replicas: int
    batch: int
    reads: int           # 1: clients read at backups now and then
    several: int         # 1: operations touch two keys now and then


class Outgoing(NamedTuple):
    """Messages and timers that an event causes, sent at its end."""

    rows: Ints           # (MOST_POSTS, 11)
    count: Ints          # type: ignore[assignment]  # (1,)


class World(NamedTuple):
    plan: Plan
    net: Network
    masters: Masters
    witnesses: Witnesses
    backups: Backups
    clients: Clients
    history: History     # operation o of client c stands in row c x operations + o
    turn: Ints           # (clients,): operation under way; `operations` when done
    dead: Ints           # (clients,): 1 after a crash
    config: Ints         # (clients, 2): list version and master that the client knows
    tries: Ints          # (clients,)
    nearby: Ints         # (clients,): AT_MASTER, AT_WITNESS or AT_BACKUP
    alive: Ints          # (MASTERS,)
    serving: Ints        # (MASTERS,)
    lease: Ints          # (MASTERS,): may answer before this time
    waiting: Ints        # (MASTERS, clients, 3): rpc (-1: none), position, result
    again: Ints          # (MASTERS, LOG): requests to collect once more
    again_count: Ints    # (MASTERS,)
    generation: Ints     # (MASTERS, replicas): of the backup that acknowledgements count for
    up: Ints             # (2, replicas): backups, witnesses that answer
    filled: Ints         # (replicas,): backups that have all that was ever synced
    renewed: Ints        # (replicas,): generation of each backup
    lost: Ints           # (replicas,): witnesses that must be replaced
    born: Ints           # (replicas,): list version since which a witness is who it is
    sealed: Ints         # (2, replicas): 1: frozen when it was lost; list that ended such a one
    manager: Ints        # (8,): see manager.py
    found: Ints          # (2, room): rows that a master executes, by HOW
    found_count: Ints    # (2,)
    rules: Ints          # (14,): 1 where a rule is broken
    counts: Ints         # (18,): see COUNTS
    out: Outgoing
    away: Ints           # (1,): nodes that the manager cannot reach now, as bits
    todo: Ints           # (8,): what is left for the end of the event, see TODO


def new_world(plan: Plan, witness_sets: int = 8, witness_ways: int = 2) -> World:
    """An empty world; small witnesses, so that sets overflow."""
    c, f = plan.clients, max(plan.replicas, 1)
    total = c * plan.operations
    memory = 1 << (plan.operations - 1).bit_length()
    def zeros(*shape: int) -> Ints:
        return np.zeros(shape, np.int64)

    return World(
        plan, new_network(), new_masters(MASTERS, plan.keys, c, f, ring=LOG, memory=memory),
        new_witnesses(f, witness_sets, witness_ways), new_backups(f, LOG, plan.keys),
        new_clients(c), History(*(zeros(total) for _ in range(7))), zeros(c), zeros(c),
        zeros(c, 2), zeros(c), zeros(c),
        zeros(MASTERS), zeros(MASTERS), zeros(MASTERS), zeros(MASTERS, c, 3), zeros(MASTERS, LOG),
        zeros(MASTERS), zeros(MASTERS, f), zeros(2, f), zeros(f), zeros(f), zeros(f), zeros(f),
        zeros(2, f), zeros(8),
        zeros(2, witness_sets * witness_ways + 4), zeros(2), zeros(len(RULES)),
        zeros(len(COUNTS)),
        Outgoing(zeros(MOST_POSTS, 11), zeros(1)),
        zeros(1), zeros(8))
