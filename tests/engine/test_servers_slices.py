"""Stations and shared devices give the same bytes however they are sliced, grown or compiled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rackwright.engine.driver import drive
from rackwright.engine.serve import new_serve, serve_advance, serve_grow
from rackwright.engine.sharing import new_sharing, sharing_advance, sharing_grow
from rackwright.errors import InputError, UnknownName

HERE = str(Path(__file__).parent)


def load(discipline: str, jobs: int = 300, **how: Any) -> Any:
    """Jobs on their way through a station, or through three shared devices."""
    rng = np.random.Generator(np.random.PCG64(3))
    arrival = np.cumsum(rng.exponential(1e-6, jobs))
    service = rng.exponential(0.9e-6, jobs)
    rank = rng.integers(0, 3, jobs)
    if discipline == "devices":
        return new_sharing(arrival, 3 * service, rng.random((jobs, 2)) ** 2, priority=rank // 2,
                           weight=1 + rng.random(jobs), station=rng.integers(0, 3, jobs), **how)
    servers = 1 if discipline == "sharing" else 2
    return new_serve(arrival, service * servers, servers=servers, discipline=discipline,
                     priority=rank, weight=1 + rank, **how)


def run(state: Any, **how: Any) -> Any:
    if hasattr(state, "fluids"):
        return drive(sharing_advance, state, grow=sharing_grow, **how)
    return drive(serve_advance, state, grow=serve_grow, **how)


SCRIPT = f"""
import sys; sys.path.insert(0, {HERE!r})
import hashlib
import numpy as np
from test_servers_slices import ALL, load, run
from test_counters import replay
walk = lambda v: b"".join(map(walk, v)) if isinstance(v, tuple) else np.asarray(v).tobytes()
for name in ALL:
    state = run(load(name, 100))
    assert state.control.events[0] >= (100 if name == "fifo" else 200)
    print(name, hashlib.sha256(walk(state)).hexdigest())
print(hashlib.sha256(walk(replay(200))).hexdigest())
"""
ALL = ("fifo", "priority", "preemptive", "sharing", "devices")


@pytest.mark.parametrize("name", ALL)
def test_slices_change_nothing(name: str, digest: Callable[..., str]) -> None:
    whole = digest(run(load(name)))
    assert digest(run(load(name))) == whole
    for events in (1, 7):
        assert digest(run(load(name), max_events=events)) == whole
    state = load(name)
    for until_ps in range(0, 3 * 10**8, 17_000_003):
        state = run(state, until_ps=until_ps)
    assert digest(run(state)) == whole


@pytest.mark.parametrize("name", ALL)
def test_the_first_room_changes_no_end(name: str) -> None:
    ends = [run(load(name, slots=slots)).batch.finish_ps.tolist() for slots in (1, 512)]
    assert ends[0] == ends[1]


def test_the_interpreter_gives_the_bytes_of_the_compiled_kernels(
        run_python: Callable[..., Any]) -> None:
    compiled, interpreted = (run_python(SCRIPT, NUMBA_DISABLE_JIT=off) for off in ("0", "1"))
    assert compiled.returncode == interpreted.returncode == 0, interpreted.stderr
    assert compiled.stdout == interpreted.stdout
    assert len(compiled.stdout.splitlines()) == len(ALL) + 1


@pytest.mark.parametrize(("how", "words"), [
    ({"service_time": [1.0, -1.0]}, r"service_time\[1\] is -1.0; 0 or more seconds is needed"),
    ({"service_time": [1.0] * 3}, r"service_time has shape \(3,\); there are 2 jobs"),
    ({"arrival_time": [0.0, np.nan]}, r"arrival_time\[1\] is nan"),
    ({"arrival_time": ["a", "b"]}, "arrival_time holds <U1; numbers are needed"),
    ({"priority": 1.5}, "priority holds float64; whole numbers are needed"),
    ({"priority": -1}, r"priority\[0\] is -1; 0 to 1023 is allowed"),
    ({"weight": [1, 0]}, r"weight\[1\] is 0; 1 to 2147483647 is allowed"),
    ({"servers": 0}, "station 0 has 0 servers"),
    ({"servers": 2, "discipline": "sharing"}, "a sharing station has one server and weights that"),
    ({"weight": 1 << 30, "discipline": "sharing"}, "add up to 2147483647 at most, not 1 and 2147")])
def test_impossible_jobs_are_refused(how: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        new_serve(**{"arrival_time": [0.0, 1.0], "service_time": 1.0, **how})


def test_an_unknown_discipline_is_refused() -> None:
    with pytest.raises(UnknownName, match="queueing discipline 'fifi'. Did you mean 'fifo'"):
        new_serve(0.0, 1.0, discipline="fifi")
