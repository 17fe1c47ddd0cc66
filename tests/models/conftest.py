"""Replays run in other ways, and looks inside their states, for all systems."""

from __future__ import annotations

import hashlib
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.engine.status import RUNNING
from rackwright.models.outcome import Outcome
from rackwright.models.query_metrics import latencies


class Run(NamedTuple):
    """A replay with its state, and what it was made of."""

    made: Any
    state: Any
    outcome: Outcome

    @property
    def metrics(self) -> dict[str, float]:
        return dict(self.outcome.metrics)

    @property
    def latency_time(self) -> Any:
        """Seconds of each query."""
        return latencies(self.state.queries)


@pytest.fixture(scope="session")
def a_run() -> type[Run]:
    return Run


def hash_of_arrays(value: Any) -> str:
    """SHA-256 over every array of a state, nested tuples included."""
    found = hashlib.sha256()
    walk_arrays(value, found)
    return found.hexdigest()


def walk_arrays(value: Any, found: Any) -> None:
    if isinstance(value, np.ndarray):
        found.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple):
        for each in value:
            walk_arrays(each, found)
    else:
        found.update(repr(value).encode())


@pytest.fixture(scope="session")
def digest() -> Callable[..., str]:
    """SHA-256 over the arrays of a state; of fields of it when some are named: arrays that grew
    at other moments may be longer."""
    def of(state: Any, *names: str) -> str:
        return hash_of_arrays(tuple(getattr(state, name) for name in names) if names else state)
    return of


@pytest.fixture(scope="session")
def printed() -> Callable[..., tuple[str, str]]:
    """What a program prints in a process of its own, compiled and interpreted.

    It finds `hash_of_arrays`.
    """
    head = "\n".join(["import hashlib, sys", "import numpy as np", "from typing import Any",
                      inspect.getsource(hash_of_arrays), inspect.getsource(walk_arrays)])

    def run(program: str, disabled: str, *args: str) -> str:
        done = subprocess.run([sys.executable, "-W", "error", "-c", head + program, *args],
                              env={**os.environ, "NUMBA_DISABLE_JIT": disabled},
                              capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return lambda program, *args: (run(program, "0", *args), run(program, "1", *args))


@pytest.fixture(scope="session")
def with_stops() -> Callable[..., Any]:
    """The end of a replay that was stopped nine times in its first second; `whole`: it stops
    between steps only, behind the time asked for."""
    def run(advance: Any, state: Any, *, grow: Any = None, whole: bool = False) -> Any:
        for until_ps in range(10**11, 10**12, 10**11):
            state = drive(advance, state, grow=grow, until_ps=until_ps)
            now_ps = state.control.now_ps[0]
            assert now_ps == until_ps or whole and now_ps > until_ps
        assert advance(state, until_ps, 10) == RUNNING
        return drive(advance, state, grow=grow)
    return run
