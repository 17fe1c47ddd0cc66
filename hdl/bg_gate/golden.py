"""Golden of the multiplexer's gate: may the next piece of background work start?

Kernels on integers. Times are whole and in one unit (the block: microseconds): `benchmark`, of the
foreground tasklet that runs, measured alone; `recent`, an exponential average of what it took
lately; `last`, what its last run took. They must lie below 2**58.

Source: the public code of DeepPool (arXiv 2112.10065); the order of the rules (`RULES`) is
inferred. The published code works in floating point with a weight of 0.1; the block takes
``RELEASE / 256`` = 0.102 and rounds down, as an arithmetic shift does: the average falls to the
benchmark, but stays up to 9 below a last run that is higher.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["ALLREDUCE", "COMPUTE", "FLAGS", "MEMCPY", "MULTIPLEX", "P2P", "P2P_RECV", "RELEASE",
           "RULES", "gate_admit", "gate_recent"]

COMPUTE, MEMCPY, P2P, P2P_RECV, ALLREDUCE, MULTIPLEX = 1, 2, 4, 8, 16, 32
FLAGS = {"compute": COMPUTE, "memcpy": MEMCPY, "p2p": P2P, "p2p_recv": P2P_RECV,
         "all_reduce": ALLREDUCE, "multiplex": MULTIPLEX}
"""Bits of a tasklet's flags (published names; the values are ours)."""

RELEASE = 26           # of 256

RULES = ("MULTIPLEX: yes", "ALLREDUCE: no", "P2P_RECV, benchmark > 500 us: yes",
         "10 recent > 11 benchmark: no", "else: yes")


@kernel
def gate_admit(flags, benchmark, recent, long_recv):  # type: ignore[no-untyped-def]
    """1 where a background piece may start, else 0; the first of `RULES` that applies.

    `long_recv`: 500 us in the unit of the times.
    """
    if flags & MULTIPLEX:
        return 1
    if flags & ALLREDUCE:
        return 0
    if (flags & P2P_RECV) and benchmark > long_recv:
        return 1
    return 0 if 10 * recent > 11 * benchmark else 1


@kernel
def gate_recent(benchmark, recent, last):  # type: ignore[no-untyped-def]
    """The average after a run of `last`: that run itself if it was above 1.1 times the benchmark
    (fast attack), else a step towards it (slow release).
    """
    if 10 * last > 11 * benchmark:
        return last
    return recent + (((last - recent) * RELEASE) >> 8)
