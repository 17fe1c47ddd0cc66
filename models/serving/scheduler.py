"""Making up a step, as vLLM's V1 scheduler does (v0.11, ``vllm/v1/core/sched/scheduler.py``).

There are no phases: a request has tokens (prompt and answer so far) and computed tokens, and a step
gives it the difference, as far as the token budget goes.

1. Running requests in the order of their admission, so that decodes and prompts under way come
   before new ones. A request that finds no free pages preempts the last running one, which loses
   its pages and goes to the front of the queue; when it is itself the last, it is preempted and
   the round ends.
2. If nobody was preempted: waiting requests, first come first served, until the budget, the number
   of running requests or the pages end; a prompt needs pages for its chunk only. A request that
   does not fit holds back those behind it.

With `prefilled`, a request brings the keys and values of its prompt but for the last token; once
preempted, it computes them itself.

With `caching`, a request that comes in holds the known pages of its start (see `prefix`) and
computes the rest, also after a preemption.

Left out: priorities, look-ahead slots, encoder inputs, limits on partial prefills.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel
from rackwright.models.serving.prefix import ASKED, HIT, known_pages, release, take_known

__all__ = ["admit_waiting", "pages_of", "schedule_running", "tokens_of"]


@kernel
def tokens_of(requests, r):  # type: ignore[no-untyped-def]
    """Prompt and answer so far."""
    return requests.input_tokens[r] + requests.generated[r]


@kernel
def pages_of(fixed, tokens):  # type: ignore[no-untyped-def]
    """Pages of the pool that `tokens` tokens of one request take, those of the prefix included."""
    blocks = (tokens + fixed.block_tokens - 1) // fixed.block_tokens  # nonzero: block_tokens >= 1
    kept = min(blocks, fixed.window_blocks)
    return blocks * fixed.full_groups + kept * fixed.window_groups


@kernel
def prefix_of(fixed, requests, r):  # type: ignore[no-untyped-def]
    """Tokens of a prompt that the prefix cache holds: whole blocks, never the last token."""
    if fixed.prefix_tokens == 0:
        return 0
    usable = (requests.input_tokens[r] - 1) // fixed.block_tokens  # nonzero: block_tokens >= 1
    return min(fixed.prefix_tokens, usable * fixed.block_tokens)


@kernel
def own_pages(fixed, requests, r, tokens):  # type: ignore[no-untyped-def]
    """Pages that request `r` itself holds with `tokens` tokens in the cache."""
    return pages_of(fixed, tokens) - pages_of(fixed, prefix_of(fixed, requests, r))


@kernel
def take_pages(fixed, requests, admission, prefix, r, known, tokens):  # type: ignore[no-untyped-def]
    """Let `r` hold pages for `tokens` tokens; False, and nothing is taken, when there are none."""
    if fixed.caching:
        return take_known(prefix, requests, admission, fixed.block_tokens, r, known, tokens)
    more = max(own_pages(fixed, requests, r, tokens) - requests.kv_blocks[r], 0)
    if more > admission.kv_free[0]:
        return False
    admission.kv_free[0] -= more
    requests.kv_blocks[r] += more
    return True


@kernel
def preempt_last(fixed, requests, admission, prefix, sequences, step, work):  # type: ignore[no-untyped-def]
    """Send the last running request back to the front of the queue; returns it."""
    step.running[0] -= 1
    r = sequences.running[step.running[0]]
    if fixed.caching:
        release(prefix, requests, admission, r)
    admission.kv_free[0] += requests.kv_blocks[r]
    requests.kv_blocks[r] = 0
    sequences.computed[r] = 0
    sequences.preemptions[r] += 1
    work.preemptions[0] += 1
    sequences.returned[step.returned[0]] = r
    step.returned[0] += 1
    return r


@kernel
def schedule_running(fixed, requests, admission, prefix, sequences, step, work):  # type: ignore[no-untyped-def]
    """Give running requests their tokens; returns the budget left, or -1 after a preemption."""
    budget = fixed.most_tokens
    preempted = False
    at = 0
    while at < step.running[0]:
        r = sequences.running[at]
        wanted = min(tokens_of(requests, r) - sequences.computed[r], budget)
        # a decode within a block that it holds needs nothing: most rows of most steps
        begun = wanted == 1 and sequences.computed[r] % fixed.block_tokens > 0  # nonzero: >= 1
        # ... but to be known once its page is full
        filled = (sequences.computed[r] + 1) % fixed.block_tokens == 0  # nonzero: >= 1
        begun = begun and not (fixed.caching and filled)
        if wanted > 0 and not begun:
            target = sequences.computed[r] + wanted
            while not take_pages(fixed, requests, admission, prefix, r, 0, target):
                preempted = True
                if preempt_last(fixed, requests, admission, prefix, sequences, step, work) == r:
                    return -1
        step.chunk[at] = wanted
        budget -= wanted
        at += 1
    return -1 if preempted else budget


@kernel
def admit_waiting(fixed, requests, admission, prefix, sequences, step, budget, now_ps):  # type: ignore[no-untyped-def]
    """Admit waiting requests while budget, running slots and pages last."""
    while budget > 0 and step.running[0] < fixed.most_running:
        again = step.returned[0] > 0
        if again:
            r = sequences.returned[step.returned[0] - 1]
        elif admission.admitted[0] < admission.arrived[0]:
            r = admission.admitted[0]
        else:
            break
        cached, known = prefix_of(fixed, requests, r), 0
        if fixed.caching:
            known = known_pages(prefix, requests.input_tokens[r], fixed.block_tokens, r,
                                tokens_of(requests, r))
            cached = known * fixed.block_tokens
        if fixed.prefilled and not again:
            cached = max(cached, requests.input_tokens[r] - 1)
        wanted = tokens_of(requests, r) - cached
        if wanted > budget and not fixed.chunked and budget < fixed.most_tokens:
            break  # it gets a step of its own; what is longer than a step is cut all the same
        wanted = min(wanted, budget)
        if not take_pages(fixed, requests, admission, prefix, r, known, cached + wanted):
            break
        if again:
            step.returned[0] -= 1
        else:
            prefix.counts[ASKED] += requests.input_tokens[r]
            prefix.counts[HIT] += known * fixed.block_tokens
            admission.admitted[0] += 1
            admission.active[0] += 1
            admission.rank_active[0] += 1
            requests.home[r] = 0
            requests.admitted_ps[r] = now_ps
        sequences.computed[r] = cached
        sequences.running[step.running[0]] = r
        step.chunk[step.running[0]] = wanted
        step.running[0] += 1
        budget -= wanted
