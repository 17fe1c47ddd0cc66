"""Fault schedules of CURP: everything drawn from a seed, then checked for linearizability.

A schedule is a few clients with a few operations each on very few keys, some on two keys at once,
some reads at backups, a network that loses, doubles and delays, and up to four faults: the master
crashes (also in the middle of a recovery), a witness or backup stops for a while or is lost and
replaced, a client dies, a group of servers is cut off. Its history goes to
`protocols.linearizability`, which knows nothing of CURP. `broken` names rules that are switched
off, to see that the checker notices (`world.RULES`).

What is left out: a manager that fails, more failures at a time than CURP claims to survive, clocks
that drift apart (leases rest on them).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.engine.heap import heap_pop, heap_room
from rackwright.engine.kernel import kernel
from rackwright.errors import ModelFault, UnknownName, UsageError
from rackwright.models.curp.client_role import (
    begin,
    hear_master,
    hear_near,
    hear_witness,
    retry,
)
from rackwright.models.curp.faults import fail, heal
from rackwright.models.curp.manager import tick
from rackwright.models.curp.master_role import hear_log, hear_suspects, serve
from rackwright.models.curp.outgoing import manager_node
from rackwright.models.curp.roles import clean_up
from rackwright.models.curp.schedule_plan import clear, plan_work
from rackwright.models.curp.server_role import gather, keep, probe, show, store
from rackwright.models.curp.world import (
    COLLECT,
    COLLECTED,
    COUNTS,
    DROPPED,
    FAULT,
    FULL,
    HEAL,
    LOGGED,
    LOOK,
    LOOKED,
    PROBE,
    RECORD,
    RECORDED,
    REPEAT,
    REPLY,
    RESEND,
    RETRY,
    RULES,
    START,
    TICK,
    UPDATE,
    WRITE_LOG,
    Plan,
    World,
    new_world,
)
from rackwright.models.protocols.history import History
from rackwright.models.protocols.linearizability import (
    MOST_KEYS,
    MOST_OPERATIONS,
    NOT_LINEARIZABLE,
    TOO_LARGE,
    Search,
    check_history,
    new_search,
)
from rackwright.models.protocols.network import away_from, net_send, net_timer

__all__ = ["Findings", "history_of", "run_schedules"]

LAST = 6000        # ticks after which a schedule ends, finished or not
QUIET = 1500       # no fault begins later, so that what can finish does
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Findings:
    """What became of the schedules `first` .. `first + count - 1`.

    `bad`: seeds whose history is not linearizable; `counts`: sums over all, by name.
    """

    first: int
    count: int
    operations: int
    bad: tuple[int, ...]
    counts: dict[str, int]


@kernel
def deliver(w, kind, place, now):  # type: ignore[no-untyped-def]
    """A message arrives."""
    words = w.net.words[place]
    a, b, c, d, e, f = words[0], words[1], words[2], words[3], words[4], words[5]
    w.net.free[w.net.free_count[0]] = place
    w.net.free_count[0] += 1
    if kind == UPDATE:
        serve(w, f, a, b, c, d, e, now)
    elif kind == RECORD:
        keep(w, a, b, c, d, e, f)
    elif kind == REPLY:
        hear_master(w, a, b, c, d, e)
    elif kind == RECORDED:
        hear_witness(w, a, b, c, d, e)
    elif kind == WRITE_LOG:
        store(w, a, b, c, d, e, f)
    elif kind == LOGGED:
        hear_log(w, a, b, c, d)
    elif kind == COLLECT:
        gather(w, a, b, c, d, e)
    elif kind == COLLECTED:
        hear_suspects(w, a, c, d, e)
    elif kind == PROBE:
        probe(w, a, b, c, d, f)
    elif kind == LOOK:
        show(w, a, b, c, d, f)
    elif kind == LOOKED:
        hear_near(w, a, b, c, d, e, f)


@kernel
def step(w):  # type: ignore[no-untyped-def]
    """Handle the next event; its time, or LAST when the schedule is over."""
    now, kind, item = heap_pop(w.net.heap)
    if now >= LAST:
        return LAST
    w.away[0] = away_from(w.net, manager_node(w.plan), now)
    if kind <= LOOKED:
        deliver(w, kind, item, now)
    elif kind == START:
        begin(w, item, now)
    elif kind == RETRY:
        retry(w, item)
    elif kind == RESEND:
        w.todo[REPEAT] = item
    elif kind == TICK:
        tick(w, now)
    elif kind == FAULT:
        fail(w, item)
    elif kind == HEAL:
        heal(w, item)
    clean_up(w, now)
    for place in range(w.out.count[0]):
        row = w.out.rows[place]
        if row[0] < 0:
            net_timer(w.net.heap, now + row[4], row[2], row[3])
        else:
            net_send(w.net, now, row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7],
                     row[8], row[9])
    w.out.count[0] = 0
    return now


@kernel
def finished(w):  # type: ignore[no-untyped-def]
    """True when every client that lives has nothing left to do."""
    for c in range(w.plan.clients):
        if w.dead[c] == 0 and w.turn[c] < w.plan.operations:
            return False
    return True


@kernel
def run_one(w, seed):  # type: ignore[no-untyped-def]
    """One schedule, up to its end; its history lies in the world."""
    clear(w, seed)
    plan_work(w)
    while w.net.heap.size[0] > 0 and not finished(w):
        if heap_room(w.net.heap) < w.out.rows.shape[0] * 2:
            w.counts[FULL] += 1
            break
        if step(w) >= LAST:
            break
    w.counts[DROPPED] += w.net.dropped[0]
    w.counts[FULL] += w.net.dropped[1]


@kernel
def run_many(w, search, first, verdicts):  # type: ignore[no-untyped-def]
    """Schedules of seeds first, first + 1, ...: one verdict each."""
    for place in range(verdicts.shape[0]):
        run_one(w, first + place)
        verdicts[place], _ = check_history(w.history, search, w.plan.keys)


def run_schedules(count: int, *, first: int = 0, replicas: int = 3, clients: int = 4,
                  operations: int = 6, keys: int = 2, batch: int = 4, near: bool = True,
                  several: bool = True, broken: Iterable[str] = ()) -> Findings:
    """Run `count` schedules, of the seeds from `first` on, and check each history.

    `near`: half of the reads go to a backup first; `several`: a quarter of the operations touch two
    keys (if there are two to eight, since the checker then searches all of them together).
    Raises UsageError and UnknownName for a plan that cannot be, ModelFault when a schedule does not
    fit its arrays.
    """
    world = _world(replicas, clients, operations, keys, batch, near, several, broken)
    if count < 1 or first < 0:
        raise UsageError(f"count = {count}, first = {first}: at least one schedule, seeds from 0")
    verdicts = np.zeros(count, np.int64)
    run_many(world, _search(), first, verdicts)
    counts = dict(zip(COUNTS, world.counts.tolist(), strict=True))
    if (verdicts == TOO_LARGE).any() or counts["full"]:
        raise ModelFault("a schedule does not fit its arrays: fewer clients or operations")
    bad = tuple((first + np.flatnonzero(verdicts == NOT_LINEARIZABLE)).tolist())
    return Findings(first, count, count * clients * operations, bad, counts)


def history_of(seed: int, *, replicas: int = 3, clients: int = 4, operations: int = 6,
               keys: int = 2, batch: int = 4, near: bool = True, several: bool = True,
               broken: Iterable[str] = ()) -> History:
    """The history of one schedule, for a closer look. Raises as `run_schedules`."""
    world = _world(replicas, clients, operations, keys, batch, near, several, broken)
    run_many(world, _search(), seed, np.zeros(1, np.int64))  # compiled for `run_schedules` too
    return world.history


def _search() -> Search:
    return new_search(1 << 15)


def _world(replicas: int, clients: int, operations: int, keys: int, batch: int, near: bool,
           several: bool, broken: Iterable[str]) -> World:
    if not 1 <= replicas <= 4 or not 1 <= clients <= 15 or keys < 1 or batch < 1:
        raise UsageError(f"replicas = {replicas}, clients = {clients}, keys = {keys}, batch = "
                         f"{batch}: expected 1 to 4, 1 to 15, at least 1, at least 1")
    if not 1 <= clients * operations <= MOST_OPERATIONS:
        raise UsageError(f"{clients} clients with {operations} operations: 1 to {MOST_OPERATIONS} "
                         "in all")
    world = new_world(Plan(clients, operations, keys, replicas, batch, int(near),
                           int(several and 2 <= keys <= MOST_KEYS)))
    for rule in broken:
        if rule not in RULES:
            raise UnknownName("rule", rule, RULES)
        world.rules[RULES.index(rule)] = 1
    return world
