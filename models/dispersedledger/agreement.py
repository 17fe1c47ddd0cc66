"""Binary agreement (after Mostefaoui, Hamouma, Raynal, 2014, as the ledger uses it).

A round: everybody says which value is *viable* for it; f+1 such voices are relayed, 2f+1 believed.
Its first believed value a node sends as its one Agreement. N-f Agreements with believed values
leave one or two candidates: one that equals the round's coin is decided, and Term tells so, which
counts as Viable and Agreement in later rounds; one that does not is the next estimate; of two, the
coin is.

The coin is 1 in even rounds and 0 in odd ones, or common and drawn from a seed. Kernels over
`World`.
"""

from __future__ import annotations

from rackwright.engine.hashing import hash31
from rackwright.engine.kernel import kernel
from rackwright.models.dispersedledger.avid import send
from rackwright.models.dispersedledger.world import (
    AGREE,
    AGREED,
    DECIDED,
    ESTIMATE,
    EVERYBODY,
    RELAYED,
    ROUND,
    SAID,
    TERM,
    VIABLE,
    VIABLES,
)

__all__ = ["advance_agreement", "hear_opinion", "hear_term", "voices"]


@kernel
def voices(bits):  # type: ignore[no-untyped-def]
    """How many senders a set has."""
    count = 0
    while bits != 0:
        bits &= bits - 1
        count += 1
    return count


@kernel
def coin(w, instance, at):  # type: ignore[no-untyped-def]
    """The coin of a round: the same at every node."""
    if w.plan.coin_seed == 0:
        return 1 - (at & 1)
    return hash31(w.plan.coin_seed, instance, at, 0, 0) & 1


@kernel
def said_so(row):  # type: ignore[no-untyped-def]
    """Senders whose Agreement of the round is there, as bits."""
    return row[AGREED] | row[AGREED + 1]


@kernel
def hear_opinion(w, node, sender, kind, instance, value, at):  # type: ignore[no-untyped-def]
    """Viable or Agreement; of a sender's Agreements in a round the first counts."""
    a = w.agreement
    if at < 0 or at >= a.rounds.shape[2]:
        return
    if kind == VIABLE:
        a.rounds[node, instance, at, VIABLES + value] |= 1 << sender
    elif (said_so(a.rounds[node, instance, at]) >> sender) & 1 == 0:
        a.rounds[node, instance, at, AGREED + value] |= 1 << sender


@kernel
def hear_term(w, node, sender, instance, value, at):  # type: ignore[no-untyped-def]
    """The sender has decided in round `at`; its first Term counts."""
    if w.agreement.terms[node, instance, sender, 0] < 0:
        w.agreement.terms[node, instance, sender, 0] = max(at, 0)
        w.agreement.terms[node, instance, sender, 1] = value


@kernel
def ended(w, node, instance, value, at):  # type: ignore[no-untyped-def]
    """Senders that decided `value` before round `at`, as bits."""
    a, found = w.agreement, 0
    for sender in range(w.plan.nodes):
        before = a.terms[node, instance, sender, 0]
        if 0 <= before < at and a.terms[node, instance, sender, 1] == value:
            found |= 1 << sender
    return found


@kernel
def relay(w, node, instance):  # type: ignore[no-untyped-def]
    """Repeat what f+1 hold viable, in every round up to the node's own.

    Also in rounds that it has left, and after its decision: others may still need its voice there.
    """
    a = w.agreement
    for at in range(a.table[node, instance, ROUND] + 1):
        for value in range(2):
            if a.rounds[node, instance, at, RELAYED + value] == 0:
                count = voices(a.rounds[node, instance, at, VIABLES + value]
                               | ended(w, node, instance, value, at))
                own = at == a.table[node, instance, ROUND] and \
                    value == a.table[node, instance, ESTIMATE] and \
                    a.table[node, instance, DECIDED] < 0
                if own or count > w.plan.faults:
                    a.rounds[node, instance, at, RELAYED + value] = 1
                    send(w, node, EVERYBODY, VIABLE, instance, value, at, 0)


@kernel
def advance_agreement(w, node, instance):  # type: ignore[no-untyped-def]
    """Everything that what was heard allows: 1 if the node decides."""
    a, faults = w.agreement, w.plan.faults
    while a.table[node, instance, ROUND] >= 0:
        at = a.table[node, instance, ROUND]
        relay(w, node, instance)
        if a.table[node, instance, DECIDED] >= 0:
            return 0
        if at >= a.rounds.shape[2] - 1:
            w.overrun[0] += 1
            return 0
        spoken = said_so(a.rounds[node, instance, at])
        total, candidate, candidates = 0, 0, 0
        for value in range(2):
            term = ended(w, node, instance, value, at)
            if voices(a.rounds[node, instance, at, VIABLES + value] | term) > 2 * faults:
                if a.rounds[node, instance, at, SAID] == 0:
                    a.rounds[node, instance, at, SAID] = 1
                    send(w, node, EVERYBODY, AGREE, instance, value, at, 0)
                agreeing = voices(a.rounds[node, instance, at, AGREED + value] | (term & ~spoken))
                total += agreeing
                if agreeing > 0:
                    candidates += 1
                    candidate = value
        if total < w.plan.nodes - faults:
            return 0
        toss = coin(w, instance, at)
        if candidates == 1 and candidate == toss:
            a.table[node, instance, DECIDED] = candidate
            send(w, node, EVERYBODY, TERM, instance, candidate, at, 0)
            return 1
        a.table[node, instance, ESTIMATE] = candidate if candidates == 1 else toss
        a.table[node, instance, ROUND] = at + 1
    return 0
