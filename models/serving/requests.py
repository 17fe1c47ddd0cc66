"""Requests inside a kernel: arrival, admission by free KV blocks, tokens, the end.

A request is admitted to the rank with the most free KV-cache blocks (ties: lowest rank), stays
there, and reserves the blocks of its whole context, prompt and output, until it ends; so no
request is ever preempted. Requests that do not fit wait in order of arrival, behind one another.

Left out: preemption and swapping, prefix sharing. Times are int64 picoseconds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.histogram import hist_add, new_histogram
from rackwright.engine.kernel import kernel

__all__ = ["Admission", "Requests", "admit_one", "context_tokens", "new_admission",
           "new_requests", "token_out"]

Ints = npt.NDArray[np.int64]


class Requests(NamedTuple):
    """One entry a request, in order of arrival."""

    arrival_ps: Ints
    input_tokens: Ints
    output_tokens: Ints
    kv_blocks: Ints       # reserved while it runs
    home: Ints            # rank, or -1 before admission
    generated: Ints       # tokens so far
    admitted_ps: Ints     # -1: not yet (likewise below)
    first_ps: Ints
    last_ps: Ints
    finish_ps: Ints


class Admission(NamedTuple):
    """Counters of the whole replay and the free KV blocks of each rank."""

    arrived: Ints         # (1,) requests that have arrived
    admitted: Ints        # (1,)
    active: Ints          # (1,) admitted and not finished
    finished: Ints        # (1,)
    tokens: Ints          # (1,) tokens handed out
    kv_free: Ints         # (ranks,)
    rank_active: Ints     # (ranks,)
    itl_counts: Ints      # histogram of inter-token latencies, ps
    itl_sum_ps: npt.NDArray[np.float64]  # (1,) float: an int64 sum could overflow


def new_requests(arrival_ps: Ints, input_tokens: Ints, output_tokens: Ints,
                 kv_block_tokens: int) -> Requests:
    count = len(arrival_ps)
    total = input_tokens + output_tokens
    unset = (np.full(count, -1, np.int64) for _ in range(4))
    return Requests(arrival_ps, input_tokens, output_tokens, -(-total // kv_block_tokens),
                    np.full(count, -1, np.int64), np.zeros(count, np.int64), *unset)


def new_admission(kv_blocks_per_rank: Ints) -> Admission:
    def zero() -> Ints:
        return np.zeros(1, np.int64)

    return Admission(arrived=zero(), admitted=zero(), active=zero(), finished=zero(),
                     tokens=zero(), kv_free=kv_blocks_per_rank.copy(),
                     rank_active=np.zeros_like(kv_blocks_per_rank), itl_counts=new_histogram(),
                     itl_sum_ps=np.zeros(1))


@kernel
def context_tokens(requests, r):  # type: ignore[no-untyped-def]
    """Tokens whose keys and values the next decode step of request `r` reads."""
    return requests.input_tokens[r] + requests.generated[r]


@kernel
def admit_one(requests, admission, most_active, now_ps):  # type: ignore[no-untyped-def]
    """Admit the next waiting request if a rank has room: its number, or -1."""
    r = admission.admitted[0]
    if r >= admission.arrived[0] or admission.active[0] >= most_active:
        return -1
    best = 0
    for rank in range(1, admission.kv_free.shape[0]):
        if admission.kv_free[rank] > admission.kv_free[best]:
            best = rank
    if admission.kv_free[best] < requests.kv_blocks[r]:
        return -1
    admission.kv_free[best] -= requests.kv_blocks[r]
    admission.rank_active[best] += 1
    admission.admitted[0] += 1
    admission.active[0] += 1
    requests.home[r] = best
    requests.admitted_ps[r] = now_ps
    return r


@kernel
def token_out(requests, admission, r, now_ps):  # type: ignore[no-untyped-def]
    """Hand out one token of request `r`; True when it was the last one."""
    requests.generated[r] += 1
    admission.tokens[0] += 1
    if requests.generated[r] == 1:
        requests.first_ps[r] = now_ps
    else:
        latency = now_ps - requests.last_ps[r]
        hist_add(admission.itl_counts, latency, 1)
        admission.itl_sum_ps[0] += latency
    requests.last_ps[r] = now_ps
    if requests.generated[r] < requests.output_tokens[r]:
        return False
    requests.finish_ps[r] = now_ps
    rank = requests.home[r]
    admission.kv_free[rank] += requests.kv_blocks[r]
    admission.rank_active[rank] -= 1
    admission.active[0] -= 1
    admission.finished[0] += 1
    return True
