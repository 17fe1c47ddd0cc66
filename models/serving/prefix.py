"""Automatic prefix caching: pages known by what they hold, kept after their request has ended.

As vLLM's V1 engine does it (``vllm/v1/core/block_pool.py`` and ``kv_cache_manager.py``, v0.11). A
full page has a key that stands for its tokens and all before them. A request that comes in takes
the longest run of known pages from its start, but never its last token, which must be computed to
get a logit. Pages count the requests that hold them; at zero a page goes to the end of the queue of
free pages, a request's last page first, and stays known until it comes to the front and is handed
out again: least recently used first. Pages are known from the step on that computes them. A page
that is computed twice is held twice; the older one is found first.

Keys are whole numbers: of the blocks of the trace (`PrefixBlocks`) for prompts, of the request
alone for the rest, so that a preempted request finds its own pages again. A page that
straddles two blocks of the trace goes by the later one.

Left out: answers that a later prompt repeats, unless the trace says so; hybrid models (windows);
vLLM's one empty page.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.traces.prefixes import PrefixBlocks

__all__ = ["ASKED", "EVICTED", "HIT", "Prefix", "caching_off", "known_pages", "new_prefix",
           "release", "take_known"]

HIT, ASKED, EVICTED = 0, 1, 2     # of `Prefix.counts`: tokens, tokens, pages

Ints = npt.NDArray[np.int64]
Small = npt.NDArray[np.int32]     # pages and positions: most of the memory


class Prefix(NamedTuple):
    """Pages 0 to `pages` - 1; page `pages` is both ends of the queue of free ones."""

    first: Ints          # (requests + 1,) where a request's rows in `held` begin
    held: Small          # pages of each request, in order
    known: Ints          # (requests,) of them, those that have their key
    chains: Ints         # (requests + 1,) where a request's rows in `blocks` begin
    blocks: Ints         # blocks of the trace, numbered from 0
    block_tokens: int    # of a block of the trace
    parts: int           # pages that end in such a block, at most
    own_keys: int        # keys from here on are a request's own
    page_of: Small       # key -> the page that was given it first, -1: none
    key_of: Ints         # (pages,) -1: none
    next_same: Small     # (pages,) the next page with that key, -1: none
    users: Small         # (pages,) requests that hold it
    after: Small         # (pages + 1,) the queue of free pages
    before: Small
    counts: Ints         # (3,) HIT, ASKED, EVICTED


def caching_off() -> Prefix:
    """What an engine without a prefix cache carries along."""
    none, small = np.zeros(0, np.int64), np.zeros(0, np.int32)
    return Prefix(none, small, none, none, none, 1, 1, 0, small, none, small, small, small, small,
                  np.zeros(3, np.int64))


def new_prefix(tokens: Ints, pages: int, page_tokens: int, shared: PrefixBlocks | None) -> Prefix:
    """An empty cache for requests of so many `tokens`, prompts and answers."""
    first = np.concatenate([[0], np.cumsum(-(-tokens // page_tokens))])
    chains, blocks, size = np.zeros(len(tokens) + 1, np.int64), np.zeros(0, np.int64), page_tokens
    if shared is not None:
        chains, size = shared.offsets.copy(), shared.block_tokens
        blocks = np.unique(shared.ids, return_inverse=True)[1].astype(np.int64)
    parts = -(-size // page_tokens)
    own = (int(blocks.max()) + 1) * parts if len(blocks) else 0
    nothing = np.full(pages, -1, np.int32)
    ring = np.arange(pages + 1, dtype=np.int32)
    return Prefix(
        first.astype(np.int64), np.full(first[-1], -1, np.int32), np.zeros(len(tokens), np.int64),
        chains, blocks, size, parts, own, np.full(own + int(first[-1]), -1, np.int32),
        nothing.astype(np.int64), nothing.copy(), np.zeros(pages, np.int32),
        np.roll(ring, -1), np.roll(ring, 1), np.zeros(3, np.int64))


@kernel
def key_at(prefix, input_tokens, page_tokens, r, j):  # type: ignore[no-untyped-def]
    """The key of page `j` of request `r`, once it is full."""
    last = (j + 1) * page_tokens - 1
    if last < input_tokens:
        block = last // prefix.block_tokens  # nonzero: at least 1
        at = prefix.chains[r] + block
        if at < prefix.chains[r + 1]:
            part = (last - block * prefix.block_tokens) // page_tokens  # nonzero: at least 1
            return prefix.blocks[at] * prefix.parts + part
    return prefix.own_keys + prefix.first[r] + j


@kernel
def known_pages(prefix, input_tokens, page_tokens, r, tokens):  # type: ignore[no-untyped-def]
    """Pages at the start of request `r`, of `tokens` tokens, that are known; not the last token."""
    most = (tokens - 1) // page_tokens  # nonzero: at least 1
    j = 0
    while j < most and prefix.page_of[key_at(prefix, input_tokens, page_tokens, r, j)] >= 0:
        j += 1
    return j


@kernel
def unlink(prefix, page):  # type: ignore[no-untyped-def]
    """Out of the queue of free pages."""
    prefix.after[prefix.before[page]] = prefix.after[page]
    prefix.before[prefix.after[page]] = prefix.before[page]


@kernel
def forget(prefix, page):  # type: ignore[no-untyped-def]
    """A page that is handed out again is not known any longer."""
    key = prefix.key_of[page]
    if key < 0:
        return
    prefix.counts[EVICTED] += 1
    prefix.key_of[page] = -1
    at = prefix.page_of[key]
    if at == page:
        prefix.page_of[key] = prefix.next_same[page]
    else:
        while prefix.next_same[at] != page:
            at = prefix.next_same[at]
        prefix.next_same[at] = prefix.next_same[page]
    prefix.next_same[page] = -1


@kernel
def learn(prefix, page, key):  # type: ignore[no-untyped-def]
    """A full page gets its key, behind those that have it already."""
    prefix.key_of[page] = key
    at = prefix.page_of[key]
    if at < 0:
        prefix.page_of[key] = page
        return
    while prefix.next_same[at] >= 0:
        at = prefix.next_same[at]
    prefix.next_same[at] = page


@kernel
def take_known(prefix, requests, admission, page_tokens, r, known, tokens):  # type: ignore[no-untyped-def]
    """Let `r` hold pages for `tokens` tokens; False, and nothing is taken, when there are none.

    `known`: pages found by `known_pages`, for a request that holds none yet; else 0.
    """
    entered = requests.input_tokens[r]
    held = requests.kv_blocks[r]
    more = max((tokens + page_tokens - 1) // page_tokens - held - known, 0)  # nonzero: at least 1
    idle = 0
    for j in range(known):
        page = prefix.page_of[key_at(prefix, entered, page_tokens, r, j)]
        if prefix.users[page] == 0:
            idle += 1
    if more + idle > admission.kv_free[0]:
        return False
    admission.kv_free[0] -= more + idle
    end = prefix.users.shape[0]
    for j in range(held, held + known + more):
        if j < known:
            page = prefix.page_of[key_at(prefix, entered, page_tokens, r, j)]
            if prefix.users[page] == 0:
                unlink(prefix, page)
            prefix.users[page] += 1
        else:
            page = prefix.after[end]
            unlink(prefix, page)
            forget(prefix, page)
            prefix.users[page] = 1
        prefix.held[prefix.first[r] + j] = page
    requests.kv_blocks[r] += known + more
    prefix.known[r] = max(prefix.known[r], known)
    full = tokens // page_tokens  # nonzero: at least 1
    for j in range(prefix.known[r], full):
        learn(prefix, prefix.held[prefix.first[r] + j],
              key_at(prefix, entered, page_tokens, r, j))
    prefix.known[r] = max(prefix.known[r], full)
    return True


@kernel
def release(prefix, requests, admission, r):  # type: ignore[no-untyped-def]
    """Give up the pages of `r`, the last one first; those nobody holds join the free ones."""
    end = prefix.users.shape[0]
    for back in range(requests.kv_blocks[r]):
        page = prefix.held[prefix.first[r] + requests.kv_blocks[r] - 1 - back]
        prefix.users[page] -= 1
        if prefix.users[page] == 0:
            last = prefix.before[end]
            prefix.after[last] = page
            prefix.before[page] = last
            prefix.after[page] = end
            prefix.before[end] = page
            admission.kv_free[0] += 1
    requests.kv_blocks[r] = 0
    prefix.known[r] = 0
