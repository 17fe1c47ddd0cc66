"""Throughput against latency over request rates, and the most that a system sustains.

Three throughputs are told apart, since a run that starts empty is mostly ramp: the middle three
quarters of the arrivals (the paper's 60 of 80 s), the steady window, and the searched maximum: the
steady throughput at the highest rate that is no overload (`rackwright.models.serving.windows`).
A rate and a length of arrivals belong to each of them, so points carry both.

The length of a run is found: long enough that the steady window, which begins after 1.5 longest
outputs, is a third of it, and twice that before it is called an overload, up to a limit. A run that
is near the limit of what is sustained, and a few hundred requests short, can be told wrong by some
10 %. Rates in requests/s, times in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from rackwright.errors import UsageError
from rackwright.models.aep.options import AepOptions
from rackwright.models.aep.workload import replay
from rackwright.models.serving.rates import Probes, narrowed
from rackwright.models.serving.windows import RAMP_OUTPUTS
from rackwright.topologies.fabric import Fabric
from rackwright.traces import MEDIUM, Lengths, generate_requests

__all__ = ["LoadPoint", "Workload", "load_point", "maximum_of_rates", "rate_curve",
           "search_maximum"]

FIRST_SECONDS = 20.0
STEADY_SHARE = 1 / 3     # of a run, after the ramp
STEADY = "throughput_steady_tokens_per_s"


@dataclass(frozen=True)
class Workload:
    """Poisson arrivals with these lengths; `seed` decides arrivals and lengths."""

    lengths: Lengths = MEDIUM
    seed: int = 1
    most_seconds: float = 240.0    # a run's arrivals last no longer, steady or not


@dataclass(frozen=True)
class LoadPoint:
    """One replay: what was offered, for how long, and what came out."""

    rate: float
    seconds: float
    metrics: Mapping[str, float]

    @property
    def throughput(self) -> float:
        """Tokens/s in the steady window; nan without one."""
        return self.metrics.get(STEADY, float("nan"))

    @property
    def overloaded(self) -> bool:
        """More arrives than is finished and requests pile up; also a run without steady window."""
        return self.metrics.get("overloaded", 1.0) == 1.0


def load_point(fabric: Fabric, rate: float, options: AepOptions, workload: Workload = Workload(),
               seed: int = 0) -> LoadPoint:
    """Replay at one rate, again and longer while the steady window is too short."""
    seconds = FIRST_SECONDS
    while True:
        trace = generate_requests(rate, duration_time=seconds, lengths=workload.lengths,
                                  seed=workload.seed)
        metrics = replay(fabric, trace, options, seed).metrics
        longest = float(trace.output_tokens.max())
        ramp = RAMP_OUTPUTS * longest * metrics.get("itl_mean_s", 0.0)
        wanted = ramp / (1 - STEADY_SHARE)
        point = LoadPoint(rate, seconds, metrics)
        needed = min(2 * wanted if point.overloaded else wanted, workload.most_seconds)
        if seconds >= needed:
            return point
        # latency still grows with the length of a short run: aim beyond
        seconds = min(max(1.2 * wanted, 1.5 * seconds), workload.most_seconds)


def rate_curve(fabric: Fabric, rates: Iterable[float], options: AepOptions,
               workload: Workload = Workload(), seed: int = 0, executor: Executor | None = None
               ) -> tuple[LoadPoint, ...]:
    """A point a rate, in the order given: throughput against latency.

    Any executor of `concurrent.futures`, a process pool say, replays points side by side and gives
    the same. Compile before (`replay` once), or every process does.
    """
    if executor is None:
        return tuple(load_point(fabric, rate, options, workload, seed) for rate in rates)
    points = [executor.submit(load_point, fabric, rate, options, workload, seed) for rate in rates]
    return tuple(point.result() for point in points)


def maximum_of_rates(fabric: Fabric, rates: Sequence[float], options: AepOptions,
                     workload: Workload = Workload(), seed: int = 0) -> LoadPoint:
    """The point with most throughput of those up to the first rate that overloads.

    Beyond it throughput depends on how long the overload lasts. The first overload is looked for
    by halving, so not every rate is replayed. Raises `UsageError` without rates.
    """
    if not rates or list(rates) != sorted(set(rates)):
        raise UsageError(f"rates must ascend and be at least one, not {list(rates)!r}")
    low, high = -1, len(rates) - 1      # rates[low] is sustained
    best = at = load_point(fabric, rates[high], options, workload, seed)
    if not at.overloaded:
        return at
    while high - low > 1:
        middle = (low + high) // 2
        at = load_point(fabric, rates[middle], options, workload, seed)
        if at.overloaded:
            high, best = middle, at
        else:
            low = middle
            best = max(best, at, key=lambda point: point.throughput)
    return best


def search_maximum(fabric: Fabric, low: float, high: float, options: AepOptions,
                   workload: Workload = Workload(), seed: int = 0, within: float = 0.03
                   ) -> LoadPoint:
    """The highest rate that is no overload, between `low` and `high`, to a relative `within`.

    Raises `UsageError` when `low` overloads or `high` does not: search elsewhere then.
    """
    if not 0 < low < high or not 0 < within < 1:
        raise UsageError(f"low {low}, high {high}, within {within}: expected 0 < low < high and "
                         "0 < within < 1")
    probes = Probes(lambda rate: load_point(fabric, rate, options, workload, seed))
    if probes.overloads(low):
        raise UsageError(f"{low:g} requests/s is an overload already: lower `low`")
    if not probes.overloads(high):
        raise UsageError(f"{high:g} requests/s is sustained: raise `high`")
    return probes.at(narrowed(probes.overloads, low, high, within)[0])
