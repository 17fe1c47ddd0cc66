"""The cocotb tests that benches have in common, and the frame around those that are a block's own.

A bench says how words are queued (its `TB`, a `StreamBench` or something with the same methods),
which bins have to be met, and what a stimulus is; a `Suite` makes cocotb tests of that::

    suite = Suite(__name__, TB, COVERAGE)

    @suite.under_pauses()
    def random_words(tb: TB) -> None:
        ...                                   # tb.send, tb.expect

    suite.standard({"word": traffic})         # last: load, resets, coverage

A stimulus is a function of the bench; one that has to wait in between is `async`. Every test starts
the bench before it and waits afterwards for all that is due. `us` are microseconds of simulated
time, after which a test fails. Importable without cocotb; making a test needs it.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from rackwright.hdl.lib.axis import AxisSink, AxisSource
from rackwright.hdl.lib.load import load_sweep, size_sweep
from rackwright.hdl.lib.resets import reset_sweep
from rackwright.hdl.lib.session import Coverage, publish, seed

__all__ = ["Suite"]

PAUSES_IN = (0.0, 0.3)       # chance of a pause at a clock, either side: our choice
PAUSES_OUT = (0.0, 0.5)


class _Bench(Protocol):
    """What a suite asks of a bench."""

    @property
    def dut(self) -> Any: ...
    @property
    def source(self) -> AxisSource: ...
    @property
    def sink(self) -> AxisSink: ...
    async def start(self) -> None: ...
    async def reset(self) -> Any: ...
    async def finish(self) -> None: ...
    async def taken(self, beats: int) -> None: ...
    def clocks(self) -> tuple[int, int]: ...
    def stop(self) -> None: ...


Bench = TypeVar("Bench", bound=_Bench)
Stimulus = Callable[[Bench], Any]
Sizes = tuple[Iterable[int], Callable[[Bench, int], None]]
Play = Callable[..., Coroutine[Any, Any, None]]


class Suite(Generic[Bench]):
    """Tests of the bench module `module` (its ``__name__``), with benches that `make` makes.

    `excused` are bins that a geometry cannot meet; they count as met.
    """

    def __init__(self, module: str, make: Callable[..., Bench], coverage: Coverage | None = None,
                 excused: Callable[[Any], Iterable[str]] = lambda dut: ()) -> None:
        self.module, self.make, self.excused = module, make, excused
        self.coverage = Coverage([]) if coverage is None else coverage

    def test(self, us: float = 100, **pauses: float) -> Callable[[Stimulus[Bench]], Any]:
        """A test of one stimulus; `pauses` are those of the bench (pause_in, pause_out)."""
        def make(stimulus: Stimulus[Bench]) -> Any:
            async def play(dut: Any) -> None:
                await self._play(dut, stimulus, **pauses)
            return _as_test(play, stimulus, us)
        return make

    def under_pauses(self, us: float = 100) -> Callable[[Stimulus[Bench]], Any]:
        """Four tests of one stimulus: without and with pauses on either side."""
        def make(stimulus: Stimulus[Bench]) -> Any:
            import cocotb

            async def play(dut: Any, pause_in: float, pause_out: float) -> None:
                print(f"{dut._name}: seed {seed()}, pauses {pause_in} in, {pause_out} out")
                await self._play(dut, stimulus, pause_in=pause_in, pause_out=pause_out)
            return cocotb.parametrize(pause_in=PAUSES_IN, pause_out=PAUSES_OUT)(
                _as_test(play, stimulus, us))
        return make

    def cut(self, stops: Iterable[int], met: str, us: float = 100, **pauses: float
            ) -> Callable[[Callable[[Bench], Iterator[None]]], Any]:
        """A test of resets in mid-stream: the stimulus is a generator, and a reset comes at its
        ``yield``, when as many words as each of `stops` says (or all there are) were taken. What
        is queued after it has to come out whole. `met` is the bin of it.
        """
        def make(stimulus: Callable[[Bench], Iterator[None]]) -> Any:
            async def play(dut: Any) -> None:
                bench = self.make(dut, **pauses)
                await bench.start()
                for stop in stops:
                    parts = stimulus(bench)
                    next(parts)
                    await bench.taken(min(stop, len(bench.source.queue)))
                    await bench.reset()
                    self.coverage.hit(met)
                    next(parts, None)
                    await bench.finish()
            return _as_test(play, stimulus, us)
        return make

    def measure(self, latency: Mapping[str, float], sizes: Mapping[str, Sizes[Bench]] | None = None,
                us: float = 100) -> Callable[[Callable[[Bench], tuple[int, int]]], Any]:
        """A test of exact cycles at full throughput: the stimulus says after how many clocks the
        first and the last word come out. `latency` is published by operation, with one clock from
        each to the next, and, by operation, clocks of items of some sizes: (sizes, queue one).
        """
        def make(stimulus: Callable[[Bench], tuple[int, int]]) -> Any:
            async def play(dut: Any) -> None:
                bench = self.make(dut)
                await bench.start()
                due = stimulus(bench)
                await bench.finish()
                assert bench.clocks() == due, f"first and last after {bench.clocks()}, due {due}"
                cycles = {"startup_cycles": 0, "latency_cycles": latency,
                          "interval_cycles": dict.fromkeys(latency, 1)}
                found = {name: await size_sweep(bench, some, queue)
                         for name, (some, queue) in (sizes or {}).items()}
                publish("cycles", cycles | ({"size_cycles": found} if found else {}))
            return _as_test(play, stimulus, us)
        return make

    def standard(self, traffic: Mapping[str, Callable[[Bench], int]] | None = None, *,
                 resets: Stimulus[Bench] | None = None,
                 clocks: Callable[[Bench], Iterable[int]] = lambda bench: range(1, 9)) -> None:
        """Register what every bench ends with: ``measure_load`` and ``reset_at_any_clock`` where
        there is traffic (operation -> queue words, say how many operations), and
        ``coverage_is_complete``. `resets` is other traffic for the resets, `clocks` when they come.
        """
        if traffic:
            first = resets or next(iter(traffic.values()))

            async def measure_load(dut: Any) -> None:
                """Clocks an operation and stalls, by offered load."""
                await load_sweep(lambda pause: self.make(dut, pause_in=pause), traffic)

            async def reset_at_any_clock(dut: Any) -> None:
                """A reset of one clock leaves nothing behind, in whatever stage the words are."""
                bench = self.make(dut)
                await reset_sweep(bench, first, clocks(bench))

            self._register(measure_load, 400)
            self._register(reset_at_any_clock, 800)

        async def coverage_is_complete(dut: Any) -> None:
            """Every bin was met."""
            for name in {*self.excused(dut)} & {*self.coverage.missing()}:
                self.coverage.hit(name)
            print(self.coverage.report())
            publish("coverage", self.coverage.counts)
            missing = self.coverage.missing()
            assert not missing, f"never met: {', '.join(missing)}"

        self._register(coverage_is_complete, 1)

    async def _play(self, dut: Any, stimulus: Stimulus[Bench], **pauses: float) -> None:
        bench = self.make(dut, **pauses)
        await bench.start()
        waiting = stimulus(bench)
        if inspect.isawaitable(waiting):
            await waiting
        await bench.finish()

    def _register(self, play: Play, us: float) -> None:
        """Put a test into the bench's module, where cocotb looks for it."""
        setattr(sys.modules[self.module], play.__name__, _as_test(play, play, us))


def _as_test(play: Play, named: Callable[..., Any], us: float) -> Any:
    """The cocotb test `play`, with the name and the words of another function."""
    import cocotb

    play.__name__, play.__qualname__ = named.__name__, named.__qualname__
    play.__module__, play.__doc__ = named.__module__, named.__doc__
    return cocotb.test(timeout_time=us, timeout_unit="us", name=named.__name__)(play)
