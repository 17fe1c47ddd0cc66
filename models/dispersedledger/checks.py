"""What must hold at the end of any run of the protocol, read off its arrays in plain Python.

It shares no code with the transitions: votes are counted again, blocks are read as bytes. Each
check gives sentences; none means that all is well.
"""

from __future__ import annotations

from collections.abc import Iterator

from rackwright.models.dispersedledger.world import (
    ASKED,
    BAD,
    COMPLETE,
    DECIDED,
    DELIVERED,
    EQUIVOCATES,
    GARBLES,
    GIVEN,
    GOOD,
    HB,
    LENGTH,
    LOG,
    OUTPUT,
    SLOW,
    STORED,
    UNKNOWN,
    VERDICT,
    VERSIONS,
    Bytes,
    World,
)

__all__ = ["problems", "running_problems", "transactions"]


def problems(world: World) -> tuple[str, ...]:
    """What is wrong with a finished run; empty if nothing is."""
    honest = [node for node in range(world.plan.nodes) if world.role[node] >= SLOW]
    return (*_dispersal(world, honest), *_retrieval(world, honest), *_agreement(world, honest),
            *_ledger(world, honest), *_linking(world, honest))


def transactions(world: World, node: int, instance: int) -> list[tuple[int, int]]:
    """(proposer, number) of the transactions in a block that `node` retrieved."""
    n, block = world.plan.nodes, _block(world, node, instance).tolist()
    return [(block[n + 1 + 2 * at], block[n + 2 + 2 * at]) for at in range(block[n])]


def running_problems(world: World) -> tuple[str, ...]:
    """What is wrong in a run that was cut at some time, of real or symbolic blocks."""
    return tuple(_running(world, [node for node in range(world.plan.nodes)
                                  if world.role[node] >= SLOW]))


def _running(world: World, honest: list[int]) -> Iterator[str]:
    """Nodes may be behind one another, but what they say must be the same."""
    plan, table = world.plan, world.dispersal.table
    for instance in range(plan.nodes * plan.epochs):
        for name, values, unknown in (
                ("completed", table[honest, instance, COMPLETE], 0),
                ("found", table[honest, instance, VERDICT], UNKNOWN),
                ("decided", world.agreement.table[honest, instance, DECIDED], -1)):
            known = sorted({int(value) for value in values} - {unknown})
            if len(known) > 1:
                yield f"instance {instance}: correct nodes {name} {known}"
    ledger = world.ledger
    logs = [ledger.log[node, :ledger.node[node, LENGTH], LOG].tolist() for node in honest]
    longest = max(logs, key=len)
    for node, log in zip(honest, logs, strict=True):
        if log != longest[:len(log)]:
            yield f"node {node}: its log is not the start of the longest one"
    if len(set(longest)) != len(longest):
        yield "a block was delivered twice"


def _block(world: World, node: int, instance: int) -> Bytes:
    """The bytes of a block that a node retrieved."""
    assert world.matter is not None, "a symbolic world has no bytes"
    block: Bytes = world.matter.block[node, instance]
    return block


def _dispersal(world: World, honest: list[int]) -> Iterator[str]:
    plan, d = world.plan, world.dispersal
    for instance in range(plan.nodes * plan.epochs):
        roots = {int(d.table[node, instance, COMPLETE]) for node in honest}
        if len(roots) != 1:
            yield f"instance {instance}: correct nodes completed {sorted(roots)} (version + 1)"
        for node in honest:
            done = int(d.table[node, instance, COMPLETE])
            if done:
                slot = (node * plan.nodes * plan.epochs + instance) * VERSIONS + done - 1
                ready = int(d.votes.voted[slot, 1].sum())
                if ready < 2 * plan.faults + 1:
                    yield f"node {node} completed instance {instance} by {ready} Ready"
        done = max(roots)
        keepers = sum(int(d.table[node, instance, STORED]) == done for node in honest)
        if done and keepers < plan.needed:
            yield f"instance {instance} complete; only {keepers} correct nodes keep its chunk"


def _retrieval(world: World, honest: list[int]) -> Iterator[str]:
    plan, d = world.plan, world.dispersal
    for instance in range(plan.nodes * plan.epochs):
        wanted = [node for node in honest if d.table[node, instance, ASKED]]
        verdicts = {int(d.table[node, instance, VERDICT]) for node in wanted}
        blocks = {_block(world, node, instance).tobytes() for node in wanted}
        if len(verdicts) > 1:
            yield f"instance {instance}: correct clients found {sorted(verdicts)}"
        elif verdicts == {UNKNOWN}:
            yield f"instance {instance}: asked for and never retrieved"
        elif verdicts == {GOOD} and len(blocks) > 1:
            yield f"instance {instance}: correct clients rebuilt {len(blocks)} different blocks"
        role = int(world.role[instance % plan.nodes])
        if wanted and role == GARBLES and verdicts != {BAD}:
            yield f"instance {instance}: a proposer that garbles was not found"
        if wanted and role not in (GARBLES, EQUIVOCATES) and verdicts != {GOOD}:
            yield f"instance {instance}: an honest encoding was called bad"


def _agreement(world: World, honest: list[int]) -> Iterator[str]:
    plan, a = world.plan, world.agreement
    for instance in range(plan.nodes * plan.epochs):
        decided = {int(a.table[node, instance, DECIDED]) for node in honest}
        given = {int(a.table[node, instance, GIVEN]) for node in honest}
        if len(decided) != 1 or -1 in decided:
            yield f"agreement {instance}: correct nodes decided {sorted(decided)}"
        elif not decided <= given:
            yield f"agreement {instance}: decided {decided}, which no correct node put in"


def _ledger(world: World, honest: list[int]) -> Iterator[str]:
    plan, ledger = world.plan, world.ledger
    logs = {tuple(ledger.log[node, :ledger.node[node, LENGTH], LOG].tolist()) for node in honest}
    if len(logs) != 1:
        yield f"correct nodes delivered {len(logs)} different logs"
    node, log = honest[0], next(iter(logs))
    if len(set(log)) != len(log):
        yield "a block was delivered twice"
    if {int(ledger.node[each, OUTPUT]) for each in honest} != {plan.epochs}:
        yield f"output stops at epochs {[int(ledger.node[each, OUTPUT]) for each in honest]}"
    for epoch in range(plan.epochs):
        ones = sum(int(world.agreement.table[node, epoch * plan.nodes + j, DECIDED]) == 1
                   for j in range(plan.nodes))
        if ones < plan.nodes - plan.faults:
            yield f"epoch {epoch} commits {ones} blocks"
    seen = [each for instance in log if world.dispersal.table[node, instance, VERDICT] == GOOD
            and world.role[instance % plan.nodes] >= SLOW
            for each in transactions(world, node, instance)]
    if len(set(seen)) != len(seen):
        yield "a correct node's transaction was delivered twice"


def _linking(world: World, honest: list[int]) -> Iterator[str]:
    """E_j is covered by a correct node's word, so it was complete there; no gap below it."""
    plan, d, ledger = world.plan, world.dispersal, world.ledger
    if plan.variant == HB:
        return
    for epoch in range(plan.epochs):
        for j in range(plan.nodes):
            ends = {int(ledger.linked[node, epoch, j]) for node in honest}
            if len(ends) != 1:
                yield f"epoch {epoch}: correct nodes link proposer {j} up to {sorted(ends)}"
            for before in range(max(ends)):
                instance = before * plan.nodes + j
                if not d.table[honest[0], instance, COMPLETE]:
                    yield f"epoch {epoch} links instance {instance}, which never completed"
                if not ledger.log[honest[0], instance, DELIVERED]:
                    yield f"epoch {epoch} links instance {instance}, which was not delivered"
    last = plan.epochs - 1
    for j in honest:
        for before in range(last):
            instance = before * plan.nodes + j
            words = [int(ledger.linked[honest[0], epoch, j]) for epoch in range(plan.epochs)]
            if before < max(words) and not ledger.log[honest[0], instance, DELIVERED]:
                yield f"instance {instance} of a correct node was linked and lost"


assert BAD != GOOD
