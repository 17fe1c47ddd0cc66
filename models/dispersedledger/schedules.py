"""Runs of the protocol under an adversary: any order, delay and doubling, up to f Byzantine nodes.

Messages between nodes are never lost (the protocol assumes that), but come in any order, late and
twice. A Byzantine node runs the protocol, and what it sends is bent on its way out: to nobody from
some time on (`silent`), two versions of its block (`equivocates`), chunks that are no codeword
(`garbles`), spoilt chunks to clients (`lies`), a different vote for everybody (`two_faced`), chunks
for k nodes only (`half`), the same transactions again (`copies`). `slow` nodes are correct.

What a run must satisfy is in `checks`, which knows nothing of how it came about. Units: ticks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rackwright.engine.heap import heap_pop
from rackwright.engine.kernel import kernel
from rackwright.engine.rng import stream
from rackwright.errors import ModelFault, UnknownName, UsageError
from rackwright.models.dispersedledger.bend import bent
from rackwright.models.dispersedledger.checks import problems
from rackwright.models.dispersedledger.node import START, settle, take
from rackwright.models.dispersedledger.world import (
    DL,
    EPOCH,
    EVERYBODY,
    LENGTH,
    PROPOSED,
    ROLES,
    SILENT,
    SLOW,
    VARIANTS,
    World,
    new_world,
)
from rackwright.models.protocols.network import (
    SCALE,
    Network,
    draw,
    net_clear,
    net_send,
    net_timer,
    new_network,
)

__all__ = ["Findings", "play", "run_schedules"]

DELAY = 12          # ticks: the longest usual delay
SLOWER = 15         # times
ROOM = 1 << 17      # messages under way


@dataclass(frozen=True)
class Findings:
    """What became of schedules: `bad` maps a seed to what was wrong."""

    count: int
    messages: int
    delivered: int
    bad: dict[int, tuple[str, ...]]


@kernel
def dispatch(w, net, now, quiet_from, doubling):  # type: ignore[no-untyped-def]
    """Send what the outbox holds, bent by what its sender is."""
    for row in range(w.outbox.size[0]):
        source, target, kind, a, b, c, d = w.outbox.rows[row]
        if w.role[source] == SILENT and now >= quiet_from[source]:
            continue
        first, last = (0, w.plan.nodes) if target == EVERYBODY else (target, target + 1)
        for to in range(first, last):
            value, flip = bent(w, net.dice, source, kind, b, d)
            slow = w.role[source] == SLOW or w.role[to] == SLOW
            net.law[2] = DELAY * SLOWER if slow else DELAY
            net.law[1] = doubling
            net_send(net, now, source, to, kind, a, value, c, flip, 0, 0, 0)
    w.outbox.size[0] = 0


@kernel
def run_messages(w, m, net, quiet_from, doubling, most):  # type: ignore[no-untyped-def]
    """Everything from the start on: messages heard, or -1 if more than `most`."""
    for node in range(w.plan.nodes):
        net_timer(net.heap, draw(net.dice, DELAY), START, node)
    heard = 0
    while net.heap.size[0] > 0:
        now, kind, item = heap_pop(net.heap)
        node, source, instance, b, c, d = item, item, 0, 0, 0, 0
        if kind != START:
            words = net.words[item]
            node, source = net.target[item], net.source[item]
            instance, b, c, d = words[0], words[1], words[2], words[3]
            net.free[net.free_count[0]] = item
            net.free_count[0] += 1
        heard += 1
        if heard > most:
            return -1
        take(w, m, node, source, kind, instance, b, c, d)
        settle(w, m, node, instance, instance + (1 if kind != START else 0))
        dispatch(w, net, now, quiet_from, doubling)
    return heard


def clear(world: World) -> None:
    """As before the first message."""
    core = world.core
    for part in (core.dispersal, core.agreement, core.ledger, world.matter or ()):
        for array in part:
            if isinstance(array, np.ndarray):
                array.fill(0)
    for array in world.dispersal.votes[:3]:
        array.fill(0)
    core.outbox.size[0] = core.overrun[0] = 0
    world.agreement.table.fill(-1)
    world.agreement.terms.fill(-1)
    world.ledger.node[:, EPOCH] = -1
    world.ledger.own[:, :, PROPOSED] = -1


def play(world: World, net: Network, seed: int, roles: Sequence[str] | None = None) -> int:
    """One run; what became of it lies in `world`. Messages heard.

    `roles`: one of ROLES a node, drawn from the seed if None. Raises UnknownName and UsageError
    for other roles, ModelFault if the run does not fit its arrays or does not end.
    """
    plan, rng = world.plan, stream(seed, "schedule")
    world.role[:] = _roles(plan.nodes, plan.faults, rng, roles)
    clear(world)
    quiet_from = rng.integers(0, 40 * plan.epochs, plan.nodes)
    net_clear(net, seed, 0, 0, DELAY)
    doubling = int(rng.choice([0, SCALE // 8]))
    heard = run_messages(world.core, world.matter, net, quiet_from, doubling, 4_000_000)
    if heard < 0 or net.dropped.any() or world.core.overrun[0]:
        raise ModelFault(f"schedule {seed}: no end, or out of room ({net.dropped.tolist()} "
                         f"messages dropped, {int(world.core.overrun[0])} agreements without end)")
    return int(heard)


def _roles(nodes: int, faults: int, rng: np.random.Generator, given: Sequence[str] | None
           ) -> list[int]:
    if given is None:
        found = [ROLES.index("correct")] * nodes
        for node in rng.permutation(nodes)[:faults]:
            found[node] = int(rng.integers(0, ROLES.index("slow")))
        if rng.random() < 0.3:
            found = [ROLES.index("slow") if each == ROLES.index("correct") and rng.random() < 0.3
                     else each for each in found]
        return found
    for role in given:
        if role not in ROLES:
            raise UnknownName("role", role, ROLES)
    wrong = sum(role not in ("slow", "correct") for role in given)
    if len(given) != nodes or wrong > faults:
        raise UsageError(f"{len(given)} roles, {wrong} of them Byzantine, for {nodes} nodes; one a "
                         f"node is needed, at most {faults} Byzantine")
    return [ROLES.index(role) for role in given]


def run_schedules(count: int, nodes: int = 4, *, first: int = 0, epochs: int = 3,
                  variant: str = "dl", common_coin: bool = False,
                  roles: Sequence[str] | None = None, eager: bool = False) -> Findings:
    """Run schedules of the seeds `first` .. `first` + `count` - 1 and check each.

    `eager`: nodes ask for blocks that are complete, as in timed replays by messages.

    Raises UsageError, UnknownName, and ModelFault if a run does not end.
    """
    if count < 1 or first < 0:
        raise UsageError(f"count = {count}, first = {first}: at least one schedule, seeds from 0")
    if variant not in VARIANTS:
        raise UnknownName("variant", variant, VARIANTS)
    world = new_world(nodes, epochs, VARIANTS.index(variant), 1 if common_coin else 0, eager)
    net = new_network(ROOM)
    messages = delivered = 0
    bad: dict[int, tuple[str, ...]] = {}
    for seed in range(first, first + count):
        if common_coin:
            plan = world.plan._replace(coin_seed=seed + 1)
            world = world._replace(core=world.core._replace(plan=plan))
        messages += play(world, net, seed, roles)
        delivered += int(world.ledger.node[:, LENGTH].sum())
        found = problems(world)
        if found:
            bad[seed] = found
    return Findings(count, messages, delivered, bad)


assert VARIANTS[DL] == "dl"
