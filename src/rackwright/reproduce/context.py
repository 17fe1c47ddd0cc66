"""What a simulation of a published claim is handed: shared work, files, stand-ins, a seed.

A system's module maps the key of each row to a function of a `Context` that gives one number in
the row's unit::

    def gain(context: Context) -> float:
        cap = context.parameter("ep_max_running", 170)     # a stand-in or a fitted number
        return replay(context, "defrag") / replay(context, "ep_framework", ep_max_running=cap)

    def replay(context: Context, policy: str, **options: int) -> float:
        def simulate() -> float:
            context.progress(f"{policy}, 250 requests/s")
            ...
        return context.once(("replay", policy, *options.items()), simulate)

    SIMULATIONS = {"aep-1": gain}

*Shared work.* `once` keeps what a function gave, under its key, for all rows of one run.

*Sensitivity.* Whatever a simulation takes through `parameter` is noted, also where it was taken
inside shared work that another row had done before. ``rackwright reproduce --sensitivity`` then
repeats predicted rows and stand-ins with each of their parameters at both ends of its band, and
repeats no shared work that never asked for that parameter. So an author names a stand-in or a
fitted number where it is used, and does nothing else. Names end in their unit, SI, as elsewhere
(`step_host_time`: seconds). The rule that makes it right: a value taken by `parameter` outside of
a `once` must be part of that `once`'s key, or be taken inside it.

*Files.* Data of others is not packaged: `file` looks in the folder that the user named, and
raises `Unavailable` with licence and source; the row is then shown as skipped.

Leaves out: anything published. A simulation cannot see the value it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from rackwright.errors import Interrupted, RackwrightError, UsageError

__all__ = ["Context", "Parameter", "Unavailable"]

Found = TypeVar("Found")
Number = TypeVar("Number", int, float)

_SWING = 0.2  # our own choice: how far a parameter moves either way when no band is stated


class Unavailable(RackwrightError):
    """A simulation needs a file of others that is not there; says where to get it."""


@dataclass(frozen=True)
class Parameter:
    """A stand-in or fitted number, its value and the band over which it may move."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class _Kept:
    """What shared work gave, or the error that ended it, and which parameters it took."""

    value: object
    error: Exception | None
    taken: Mapping[str, Parameter]


class Context:
    """Handed to every simulation of one system; see the module's text.

    `seed`: for everything drawn. `data`: the folder of third-party data, or None. `progress` is
    called with a line about what runs now.
    """

    def __init__(self, seed: int = 0, data: Path | None = None,
                 progress: Callable[[str], None] | None = None) -> None:
        self.seed = seed
        self.data = data
        self._progress = progress
        self._moved: dict[str, float] = {}
        self._kept: dict[Hashable, _Kept] = {}
        self._taken: list[dict[str, Parameter]] = [{}]

    def progress(self, text: str) -> None:
        """Say what is simulated now; shown on stderr, never part of a result."""
        if self._progress is not None:
            self._progress(text)

    def once(self, key: Hashable, function: Callable[[], Found]) -> Found:
        """What `function` gives; called once for each `key`. An error is kept as well."""
        if key not in self._kept:
            self._kept[key] = self._run(function)
        kept = self._kept[key]
        self._taken[-1].update(kept.taken)
        if kept.error is not None:
            raise kept.error
        return cast("Found", kept.value)

    def parameter(self, name: str, value: Number, low: Number | None = None,
                  high: Number | None = None) -> Number:
        """`value`, or another of its band `low` to `high` while sensitivities are measured.

        Without a band: 20 % either way. An integer stays one. One name has one value and band.
        """
        known = Parameter(name, value, _end(value, low, -_SWING), _end(value, high, _SWING))
        self._check(known)
        self._taken[-1][name] = known
        return type(value)(self._moved.get(name, value))

    def file(self, path: str, *, source: str, licence: str) -> Path:
        """The file (or folder) `path` of the data folder.

        `source`: where to get it, `licence`: under which terms. Raises `Unavailable`.
        """
        found = None if self.data is None else self.data / path
        if found is not None and found.exists():
            return found
        where = "no data folder is named" if found is None else "not in the data folder"
        raise Unavailable(f"{path}: {where}; licence: {licence}; get it from {source}; name the "
                          "data folder with --data DIR or RACKWRIGHT_DATA")

    def moved(self, name: str, value: float) -> Context:
        """A context in which parameter `name` is `value`; it knows the work that never took it."""
        other = Context(self.seed, self.data, self._progress)
        other._moved = {**self._moved, name: value}
        other._kept = {key: kept for key, kept in self._kept.items() if name not in kept.taken}
        return other

    @contextmanager
    def noting(self) -> Iterator[dict[str, Parameter]]:
        """Gives a table that fills with the parameters taken inside the block."""
        self._taken.append({})
        try:
            yield self._taken[-1]
        finally:
            inner = self._taken.pop()
            self._taken[-1].update(inner)

    def _run(self, function: Callable[[], object]) -> _Kept:
        with self.noting() as taken:
            try:
                return _Kept(function(), None, taken)
            except Interrupted:
                raise
            except Exception as problem:
                return _Kept(None, problem, taken)

    def _check(self, asked: Parameter) -> None:
        if not asked.low <= asked.value <= asked.high:
            raise UsageError(f"parameter {asked.name!r} is {asked.value}, outside of its band "
                             f"{asked.low} to {asked.high}")
        for taken in self._taken:
            known = taken.get(asked.name, asked)
            if known != asked:
                raise UsageError(f"parameter {asked.name!r} is {_said(known)} in one place and "
                                 f"{_said(asked)} in another; one name has one value and band")


def _said(parameter: Parameter) -> str:
    return f"{parameter.value} ({parameter.low} to {parameter.high})"


def _end(value: float, stated: float | None, swing: float) -> float:
    if stated is not None:
        return stated
    end = value + swing * abs(value)
    return round(end) if isinstance(value, int) else end
