"""Arithmetic of virtual time, for processor sharing: int64 picoseconds and a 62-bit part.

Where jobs of total weight W share a server, virtual time passes W times slower than real time.
Quotients are rounded to 2**-62 ps, down when the clock advances and up when a job's service is
divided by its weight: late by events x W x 2**-62 ps at most. What ends within 2**-20 ps has
ended, which takes that delay off again (while events x W stays below 2**42 in a busy period) and
is all that an end can be early. Only integers: the same bytes everywhere.

A weight, and a total of weights, is a whole number from 1 to 2**31 - 1.
"""

from __future__ import annotations

from rackwright.engine.kernel import kernel

__all__ = ["CLOCK_LAST_PS", "PART_BITS", "PART_MASK", "divided", "real_ps"]

HALF = 31
HALF_MASK = (1 << HALF) - 1
PART_BITS = 2 * HALF
PART_MASK = (1 << PART_BITS) - 1
SLACK = 1 << 11  # 2**-20 ps, in units of 2**-31 ps
CLOCK_LAST_PS = 9_200_000_000_000_000_000  # a little below 2**63, above any time of the clock


@kernel
def divided(time_ps, weight, up):  # type: ignore[no-untyped-def]
    """``time_ps / weight`` as (ps, part), rounded down, or up with `up` = 1."""
    whole = time_ps // weight                   # nonzero: weights are 1 or more
    rest = (time_ps - whole * weight) << HALF
    high = rest // weight                       # nonzero: as above
    rest = (rest - high * weight) << HALF
    low = rest // weight                        # nonzero: as above
    part = (high << HALF) + low
    if up == 1 and low * weight < rest:
        part += 1
    return whole + (part >> PART_BITS), part & PART_MASK


@kernel
def real_ps(whole, part, weight):  # type: ignore[no-untyped-def]
    """``(whole + part) * weight - 2**-20`` in whole ps, rounded up; 0 to `CLOCK_LAST_PS`."""
    if whole > CLOCK_LAST_PS // weight - 1:     # nonzero: weights are 1 or more
        return CLOCK_LAST_PS
    low = ((part & HALF_MASK) * weight + HALF_MASK) >> HALF
    return whole * weight + (((part >> HALF) * weight + low + HALF_MASK - SLACK) >> HALF)
