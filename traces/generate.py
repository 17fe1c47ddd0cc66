"""Seeded generator of request traces: Poisson arrivals with lengths by a law.

Gaps between arrivals are exponential with mean 1 / rate, the first one counted from 0. Arrivals,
inputs and outputs draw from streams of their own (children of one SeedSequence): changing the
law of lengths leaves the arrivals as they are, and a longer trace starts with the shorter one.
What it leaves out: bursts, daily cycles, sessions.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rackwright.errors import UsageError
from rackwright.traces.lengths import MEDIUM, Lengths, Uniform, UniformLengths
from rackwright.traces.requests import RequestTrace
from rackwright.units import MAX_TIME, exact_time

__all__ = ["generate_requests"]

_MOST = 50_000_000  # requests: 1.2 GB of columns


def generate_requests(
    rate_per_s: float,
    duration_time: float | None = None,
    count: int | None = None,
    input_tokens: Uniform | None = None,
    output_tokens: Uniform | None = None,
    lengths: Lengths | None = None,
    seed: int = 0,
    name: str = "poisson",
) -> RequestTrace:
    """Poisson arrivals at `rate_per_s`, for `duration_time` seconds or `count` requests.

    Lengths are uniform (`input_tokens`, `output_tokens`; where one is not given, that of the AEP
    paper's medium workload) or follow `lengths` (SHORT, MEDIUM, REASONABLE, `fitted_lengths`).
    The trace's `source` states every parameter. Raises UsageError on what cannot be generated,
    an empty trace included.
    """
    law = _law(input_tokens, output_tokens, lengths)
    _check(rate_per_s, duration_time, count, seed)
    arrivals, inputs, outputs = (np.random.default_rng(child)
                                 for child in np.random.SeedSequence(seed).spawn(3))
    if count is not None:
        times, extent = _counted(arrivals, rate_per_s, count), f"{count} requests"
    else:
        assert duration_time is not None
        times, extent = _lasting(arrivals, rate_per_s, duration_time), exact_time(duration_time)
    source = (f"generate_requests: Poisson {float(rate_per_s)!r} requests/s for {extent}; "
              f"{law.text}; seed {seed}")
    return RequestTrace(times, *law.draw(len(times), inputs, outputs), name=name, source=source)


def _law(input_tokens: Uniform | None, output_tokens: Uniform | None, lengths: Lengths | None
         ) -> Lengths:
    if lengths is None:
        return UniformLengths(input_tokens or MEDIUM.input_tokens,
                              output_tokens or MEDIUM.output_tokens)
    if input_tokens or output_tokens:
        raise UsageError("give either lengths= or input_tokens= and output_tokens=, not both")
    return lengths


def _check(rate: float, duration_time: float | None, count: int | None, seed: int) -> None:
    if not 0 < rate < math.inf:
        raise UsageError(f"rate_per_s = {rate}: expected a finite rate above 0")
    if (duration_time is None) == (count is None):
        raise UsageError("give one of duration_time= (seconds) and count= (requests)")
    if duration_time is not None and not 0 < duration_time <= MAX_TIME:
        raise UsageError(f"duration_time = {duration_time}: expected above 0, to {MAX_TIME:.0f} s")
    expected = rate * duration_time if duration_time is not None else count
    if count is not None and count < 1 or expected is not None and expected > _MOST:
        raise UsageError(f"{expected:.6g} requests: expected 1 to {_MOST}")
    if seed < 0:
        raise UsageError(f"seed = {seed}: expected a whole number from 0")


def _counted(stream: np.random.Generator, rate: float, count: int) -> npt.NDArray[np.float64]:
    times = np.cumsum(stream.standard_exponential(count) / rate)
    if times[-1] > MAX_TIME:
        raise UsageError(f"{count} requests at {rate:g}/s take {times[-1]:.6g} s; at most "
                         f"{MAX_TIME:.0f} s: raise the rate or lower the count")
    return times


def _lasting(stream: np.random.Generator, rate: float, duration_time: float
             ) -> npt.NDArray[np.float64]:
    """Arrivals before `duration_time`, drawing more gaps until they reach it."""
    mean = rate * duration_time
    gaps = stream.standard_exponential(int(mean + 6 * math.sqrt(mean)) + 16) / rate
    while (times := np.cumsum(gaps))[-1] < duration_time:
        gaps = np.concatenate([gaps, stream.standard_exponential(len(gaps)) / rate])
    times = times[times < duration_time]
    if not len(times):
        raise UsageError(f"no request arrives within {duration_time:g} s at {rate:g}/s with this "
                         "seed; lengthen the trace or raise the rate")
    return times
