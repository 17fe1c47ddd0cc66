"""Epochs: proposing, agreeing on N instances, retrieving, linking, delivering in one order.

A block carries V: for each node the first epoch whose dispersal has not completed at the proposer.
An epoch is dispersed when its N agreements are decided; then the next may start (in HB and HB-Link
only after everything before it was output). With linking, E_j is the (f+1)-th largest V[j] over the
blocks agreed on: every block of j from an epoch below E_j is available, so it is delivered first;
then the blocks agreed on, by index. A block of a BAD_UPLOADER counts as empty.

Kernels over `Core`. Left out: freeing of old epochs.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.dispersedledger.avid import send, want
from rackwright.models.dispersedledger.coding import keep_own, make_version
from rackwright.models.dispersedledger.world import (
    ASKED,
    CHUNK,
    COMPLETE,
    COPIES,
    DECIDED,
    DELIVERED,
    DL_COUPLED,
    EPOCH,
    EQUIVOCATES,
    ESTIMATE,
    GARBLES,
    GIVEN,
    GOOD,
    HALF,
    HB,
    HB_LINK,
    LENGTH,
    LOG,
    LOST,
    NEXT,
    OUTPUT,
    PROPOSED,
    ROUND,
    TRANSACTIONS,
    UNKNOWN,
    VERDICT,
    WINDOW,
)

__all__ = ["advance_node", "give_input", "in_window", "propose"]


@kernel
def transactions_for(w, node, epoch):  # type: ignore[no-untyped-def]
    """Number of the first transaction to propose: lost ones again, else new ones; -1 for none."""
    ledger = w.ledger
    if w.role[node] == COPIES and epoch > 0:
        return ledger.own[node, 0, PROPOSED]
    if w.plan.variant == DL_COUPLED and epoch - ledger.node[node, OUTPUT] > 2:
        return -1
    if w.plan.variant == HB:
        for before in range(epoch):
            if ledger.own[node, before, LOST] == 1:
                ledger.own[node, before, LOST] = 0
                return ledger.own[node, before, PROPOSED]
    first = ledger.node[node, NEXT]
    ledger.node[node, NEXT] += TRANSACTIONS
    return first


@kernel
def propose(w, m, node, epoch):  # type: ignore[no-untyped-def]
    """Start an epoch: disperse a block, and vote for it at once."""
    n, instance = w.plan.nodes, epoch * w.plan.nodes + node
    w.ledger.node[node, EPOCH] = epoch
    first = transactions_for(w, node, epoch)
    w.ledger.own[node, epoch, PROPOSED] = first
    versions = 2 if w.role[node] == EQUIVOCATES else 1
    for version in range(versions):
        make_version(w, m, node, epoch, version, first,
                     (epoch * 5 + node) % n if w.role[node] == GARBLES else -1)  # nonzero: n >= 4
    if w.plan.eager == 1:
        keep_own(w, m, node, instance)
    for target in range(n):
        if w.role[node] != HALF or target < w.plan.needed:
            send(w, node, target, CHUNK, instance, target % versions, target, 0)  # nonzero: 1 or 2
    give_input(w, node, instance, 1)


@kernel
def give_input(w, node, instance, value):  # type: ignore[no-untyped-def]
    """Input of an agreement, if it has none."""
    if w.agreement.table[node, instance, GIVEN] < 0:
        w.agreement.table[node, instance, GIVEN] = value
        w.agreement.table[node, instance, ESTIMATE] = value
        w.agreement.table[node, instance, ROUND] = 0


@kernel
def agreed_ones(w, node, epoch):  # type: ignore[no-untyped-def]
    """(agreements of the epoch decided, those decided for 1)."""
    decided, ones = 0, 0
    for j in range(w.plan.nodes):
        verdict = w.agreement.table[node, epoch * w.plan.nodes + j, DECIDED]
        if verdict >= 0:
            decided += 1
            ones += verdict
    return decided, ones


@kernel
def close_epoch(w, node, epoch):  # type: ignore[no-untyped-def]
    """0 for instances without input once N-f are agreed on: 1 if any input was given."""
    if epoch < 0:
        return 0
    _, ones = agreed_ones(w, node, epoch)
    changed = 0
    if ones >= w.plan.nodes - w.plan.faults:
        for j in range(w.plan.nodes):
            if w.agreement.table[node, epoch * w.plan.nodes + j, GIVEN] < 0:
                give_input(w, node, epoch * w.plan.nodes + j, 0)
                changed = 1
    return changed


@kernel
def linked_epoch(w, node, epoch, j):  # type: ignore[no-untyped-def]
    """E_j: the (f+1)-th largest V[j] of the blocks agreed on (0 for the others)."""
    n, values = w.plan.nodes, w.ledger.vector
    for i in range(n):
        instance = epoch * n + i
        values[i] = 0
        if w.agreement.table[node, instance, DECIDED] == 1 and \
                w.dispersal.table[node, instance, VERDICT] == GOOD:
            values[i] = min(int(w.dispersal.claims[node, instance, j]), epoch)
    largest = 0
    for _ in range(w.plan.faults + 1):
        best = 0
        for i in range(1, n):
            if values[i] > values[best]:
                best = i
        largest = values[best]
        values[best] = -1
    return max(largest, 0)


@kernel
def deliver(w, node, instance):  # type: ignore[no-untyped-def]
    ledger = w.ledger
    if ledger.log[node, instance, DELIVERED] == 0:
        ledger.log[node, ledger.node[node, LENGTH], LOG] = instance
        ledger.node[node, LENGTH] += 1
        ledger.log[node, instance, DELIVERED] = ledger.node[node, LENGTH]


@kernel
def retrieved(w, node, epoch):  # type: ignore[no-untyped-def]
    """True if all blocks agreed on are there; asks for those that are not."""
    ready = True
    for j in range(w.plan.nodes):
        instance = epoch * w.plan.nodes + j
        if w.agreement.table[node, instance, DECIDED] == 1 and \
                w.dispersal.table[node, instance, VERDICT] == UNKNOWN:
            want(w, node, instance)
            ready = False
    return ready


@kernel
def links_retrieved(w, node, epoch):  # type: ignore[no-untyped-def]
    """The same for the blocks that the epoch links; keeps E_j."""
    ready = True
    for j in range(w.plan.nodes):
        end = linked_epoch(w, node, epoch, j)
        w.ledger.linked[node, epoch, j] = end
        for before in range(end):
            instance = before * w.plan.nodes + j
            if w.dispersal.table[node, instance, VERDICT] == UNKNOWN:
                want(w, node, instance)
                ready = False
    return ready


@kernel
def output_epoch(w, node, epoch):  # type: ignore[no-untyped-def]
    """1 if the epoch could be output: what it links first, then what was agreed on."""
    n = w.plan.nodes
    decided, _ = agreed_ones(w, node, epoch)
    if decided < n or not retrieved(w, node, epoch):
        return 0
    if w.plan.variant != HB:
        if not links_retrieved(w, node, epoch):
            return 0
        for before in range(epoch):
            for j in range(n):
                if before < w.ledger.linked[node, epoch, j]:
                    deliver(w, node, before * n + j)
    for j in range(n):
        if w.agreement.table[node, epoch * n + j, DECIDED] == 1:
            deliver(w, node, epoch * n + j)
    own = w.agreement.table[node, epoch * n + node, DECIDED]
    if own == 0 and w.ledger.own[node, epoch, PROPOSED] >= 0:
        w.ledger.own[node, epoch, LOST] = 1
    w.ledger.node[node, OUTPUT] = epoch + 1
    return 1


@kernel
def early_retrieval(w, node, epoch):  # type: ignore[no-untyped-def]
    """Epochs that are dispersed are fetched, whether or not their turn to be output has come."""
    for at in range(w.ledger.node[node, OUTPUT], epoch + 1):
        decided, _ = agreed_ones(w, node, at)
        if decided == w.plan.nodes:
            retrieved(w, node, at)


@kernel
def in_window(w, node, instance):  # type: ignore[no-untyped-def]
    """True if an eager node may ask for the block: of the past or of some epochs to come."""
    return instance < (w.ledger.node[node, OUTPUT] + WINDOW) * w.plan.nodes


@kernel
def eager_retrieval(w, node):  # type: ignore[no-untyped-def]
    """Blocks that are complete are fetched; those of the past were asked for on completion."""
    table, first = w.dispersal.table, w.ledger.node[node, OUTPUT] * w.plan.nodes
    for instance in range(first, min(first + WINDOW * w.plan.nodes, table.shape[1])):
        if table[node, instance, COMPLETE] != 0 and table[node, instance, ASKED] == 0:
            want(w, node, instance)


@kernel
def next_epoch(w, node):  # type: ignore[no-untyped-def]
    """The epoch that the node may start now, or -1."""
    epoch = w.ledger.node[node, EPOCH]
    if epoch < 0:
        return 0
    decided, _ = agreed_ones(w, node, epoch)
    if decided < w.plan.nodes or epoch + 1 >= w.plan.epochs:
        return -1
    if w.plan.variant in (HB, HB_LINK) and w.ledger.node[node, OUTPUT] <= epoch:
        return -1
    return epoch + 1


@kernel
def advance_node(w, node):  # type: ignore[no-untyped-def]
    """Output and retrieve what can be; the epoch to propose next, or -1."""
    if w.plan.eager == 1:
        eager_retrieval(w, node)
    else:
        early_retrieval(w, node, w.ledger.node[node, EPOCH])
    while w.ledger.node[node, OUTPUT] <= w.ledger.node[node, EPOCH] and \
            output_epoch(w, node, w.ledger.node[node, OUTPUT]) == 1:
        pass
    return next_epoch(w, node)
