"""Throughput against latency over request rates, and the highest rate that a system sustains.

Both drive any system of the registry that replays request traces. Arrivals are Poisson, with the
same seed at every rate: requests differ by their spacing only.

Three throughputs are told apart: over the middle three quarters of the arrivals, in the steady
window (see `windows`), and the searched maximum, the highest steady throughput of a rate that
does not overload the system. Beyond saturation throughput depends on how long the overload lasts,
so a sweep stops at the first overload unless told not to.

Left out: arrivals in bursts, latency objectives (compare the points yourself).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from rackwright.errors import UsageError
from rackwright.models import registry
from rackwright.models.outcome import Outcome
from rackwright.topologies.fabric import Fabric
from rackwright.traces import Lengths, Uniform, generate_requests

__all__ = ["Probes", "RatePoint", "Saturation", "Sweep", "narrowed", "rate_sweep", "saturation"]

MOST_DOUBLINGS = 40


@dataclass(frozen=True)
class RatePoint:
    """One replay: requests/s offered, tokens/s in the steady and middle windows (None: no such
    window), whether it was steady or an overload, and every metric."""

    rate_per_s: float
    steady_tokens_per_s: float | None
    middle_tokens_per_s: float | None
    stable: bool
    overloaded: bool
    metrics: Mapping[str, float]

    @property
    def tokens_per_s(self) -> float:
        """The steady throughput, or the best substitute for it."""
        found = self.steady_tokens_per_s or self.middle_tokens_per_s
        return self.metrics["throughput_tokens_per_s"] if found is None else found


@dataclass(frozen=True)
class Sweep:
    """The points in order of rate, and why there are not more ("" when all rates were run)."""

    system: str
    points: tuple[RatePoint, ...]
    stopped: str = ""

    @property
    def best(self) -> RatePoint | None:
        """The highest throughput of a rate without overload; None when all overload."""
        carried = [point for point in self.points if not point.overloaded]
        return max(carried, key=lambda point: point.tokens_per_s, default=None)

    def rows(self, names: Sequence[str] = ("ttft_p50_s", "ttft_p99_s", "itl_mean_s", "itl_p99_s",
                                           "latency_p50_s")) -> list[dict[str, float | None]]:
        """One row a point: the rate, its throughput, and the metrics called `names`."""
        return [{"rate_per_s": point.rate_per_s, "tokens_per_s": point.tokens_per_s,
                 **{name: point.metrics.get(name) for name in names}} for point in self.points]


@dataclass(frozen=True)
class Saturation:
    """`rate_per_s`: the highest found to be carried, `overload_per_s`: the lowest found not to be;
    `tokens_per_s`: the highest steady throughput of a carried rate; `points`: all that were run."""

    rate_per_s: float
    overload_per_s: float
    tokens_per_s: float
    points: tuple[RatePoint, ...]


def rate_sweep(system: str, fabric: Fabric, rates: Sequence[float], *, duration_time: float = 120.0,
               input_tokens: Uniform | None = None, output_tokens: Uniform | None = None,
               lengths: Lengths | None = None, seed: int = 0, stop_at_overload: bool = True,
               **options: Any) -> Sweep:
    """Replay `system` at each of `rates` (requests/s, rising) for `duration_time` seconds.

    Lengths as `traces.generate_requests` takes them. Raises `UsageError` for rates that do not
    rise, and whatever the replay raises.
    """
    steps = [float(rate) for rate in rates]
    if not steps or any(b <= a for a, b in zip(steps, steps[1:], strict=False)) or steps[0] <= 0:
        raise UsageError(f"rates = {list(rates)!r}: expected numbers above 0 that rise")
    load = _Load(system, fabric, duration_time, input_tokens, output_tokens, lengths, seed, options)
    points: list[RatePoint] = []
    for rate in steps:
        points.append(load.at(rate))
        if stop_at_overload and points[-1].overloaded and rate < steps[-1]:
            return Sweep(system, tuple(points), f"overloaded at {rate:g} requests/s")
    return Sweep(system, tuple(points))


def saturation(system: str, fabric: Fabric, *, start_per_s: float = 1.0, tolerance: float = 0.05,
               duration_time: float = 120.0, input_tokens: Uniform | None = None,
               output_tokens: Uniform | None = None, lengths: Lengths | None = None, seed: int = 0,
               **options: Any) -> Saturation:
    """The highest rate that `system` carries, within `tolerance`, and its throughput.

    Doubles from `start_per_s` until a rate overloads (halves until one does not), then bisects.
    A run must be long against its requests for overload to be told: see `windows`. Raises
    `UsageError` when nothing is found, and whatever the replay raises.
    """
    if not start_per_s > 0 or not 0 < tolerance < 1:
        raise UsageError(f"start_per_s = {start_per_s!r}, tolerance = {tolerance!r}: expected "
                         "above 0, and between 0 and 1")
    load = _Load(system, fabric, duration_time, input_tokens, output_tokens, lengths, seed, options)
    probes = Probes(load.at)
    low, high = narrowed(probes.overloads, *_bracket(probes, start_per_s, system), tolerance)
    points = [probes.at(rate) for rate in sorted(probes.points)]
    return Saturation(low, high, max(point.tokens_per_s for point in points
                                     if not point.overloaded), tuple(points))


class _Probe(Protocol):
    @property
    def overloaded(self) -> bool: ...


P = TypeVar("P", bound=_Probe)


class Probes(Generic[P]):
    """Points by their rate, each made once, by `probe`, when it is first asked for."""

    def __init__(self, probe: Callable[[float], P]) -> None:
        self.probe = probe
        self.points: dict[float, P] = {}

    def at(self, rate: float) -> P:
        if rate not in self.points:
            self.points[rate] = self.probe(rate)
        return self.points[rate]

    def overloads(self, rate: float) -> bool:
        """Whether the system does not carry this rate: what `narrowed` asks."""
        return self.at(rate).overloaded


def narrowed(overloads: Callable[[float], bool], low: float, high: float, within: float
             ) -> tuple[float, float]:
    """A rate that is carried and one that `overloads`, at most a share `within` apart.

    `low` is known to be carried, `high` is known not to be; in between, halves are tried.
    """
    while high > low * (1 + within):
        middle = (low + high) / 2
        low, high = (low, middle) if overloads(middle) else (middle, high)
    return low, high


def _bracket(probes: Probes[RatePoint], start: float, system: str) -> tuple[float, float]:
    """A rate that is carried and one that is not."""
    rising = not probes.overloads(start)
    for rate in _powers(start, 2.0 if rising else 0.5):
        if probes.overloads(rate) == rising:
            return (rate / 2, rate) if rising else (rate, 2 * rate)
    raise UsageError(f"no rate from {start:g} to {rate:g} requests/s "
                     f"{'overloads' if rising else 'is carried by'} {system}; give another "
                     "start_per_s or a longer duration_time")


def _powers(start: float, factor: float) -> Iterator[float]:
    rate = start
    for _ in range(MOST_DOUBLINGS):
        rate *= factor
        yield rate


@dataclass(frozen=True)
class _Load:
    """A system and a law of requests, to be replayed at any rate."""

    system: str
    fabric: Fabric
    duration_time: float
    input_tokens: Uniform | None
    output_tokens: Uniform | None
    lengths: Lengths | None
    seed: int
    options: Mapping[str, Any]

    def at(self, rate: float) -> RatePoint:
        model = registry.get(self.system)
        trace = generate_requests(rate, self.duration_time, input_tokens=self.input_tokens,
                                  output_tokens=self.output_tokens, lengths=self.lengths,
                                  seed=self.seed)
        return _point(rate, model.replay(self.fabric, trace, model.options.checked(self.options),
                                         self.seed, None))


def _point(rate: float, found: Outcome) -> RatePoint:
    metrics = found.metrics
    return RatePoint(rate, metrics.get("throughput_steady_tokens_per_s"),
                     metrics.get("throughput_middle_tokens_per_s"),
                     metrics.get("stable") == 1.0, metrics.get("overloaded") == 1.0, metrics)
