"""What `kernel` refuses, with the reason, and how the same function runs interpreted."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable
from enum import IntEnum
from typing import Any

import numpy as np
import pytest

from rackwright.engine import Kernel, heap, kernel

LIMITS = {"a": 1}
FACTOR = 3


class Kind(IntEnum):
    ARRIVAL = 4


@kernel
def root(x):  # type: ignore[no-untyped-def]
    """Square root of x, tripled."""
    return FACTOR * math.sqrt(x) + np.sqrt(x)


@kernel
def kind_of(x):  # type: ignore[no-untyped-def]
    return x + Kind.ARRIVAL


@kernel
def through_module(h):  # type: ignore[no-untyped-def]
    return heap.heap_room(h)


def plain(x: float) -> float:
    return x


@kernel
def calls_plain(x):  # type: ignore[no-untyped-def]
    return plain(x)


@kernel
def reads_dict(x):  # type: ignore[no-untyped-def]
    return LIMITS["a"] + x


@kernel
def forever(x):  # type: ignore[no-untyped-def]
    return back(x)


@kernel
def back(x):  # type: ignore[no-untyped-def]
    return forever(x)


@kernel
def attribute_named_like_a_module(state):  # type: ignore[no-untyped-def]
    return state.heap[0]


def test_a_kernel_is_called_like_its_function() -> None:
    assert root(4.0) == root.function(4.0) == 8.0
    assert kind_of(1) == 5


def test_a_kernel_keeps_name_and_docstring() -> None:
    assert root.__doc__ == "Square root of x, tripled."
    assert root.function.__name__ == "root" and root.name.endswith(".root")
    assert repr(root) == f"<kernel {root.name}>"


def test_a_closure_is_refused_at_once() -> None:
    outer = 3
    with pytest.raises(TypeError, match=r"reads \('outer',\) of an enclosing function"):
        @kernel
        def inner(x):  # type: ignore[no-untyped-def]
            return x + outer


@pytest.mark.parametrize(("bad", "reason"), [
    (through_module, r"reads module 'heap' \(rackwright.engine.heap\): import the kernel"),
    (calls_plain, "reads 'plain', a plain function: decorate it with @kernel"),
    (reads_dict, "reads 'LIMITS', a dict: a kernel may read numbers"),
    (forever, "calls itself .*forever -> .*back -> .*forever.*: a kernel cannot recurse"),
])
def test_what_the_cache_cannot_follow_is_refused_with_the_reason(
        bad: Kernel[..., Any], reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        bad(1)


def test_an_attribute_may_be_called_like_an_imported_module() -> None:
    from typing import NamedTuple

    class State(NamedTuple):
        heap: Any

    assert attribute_named_like_a_module.function(State(np.array([5]))) == 5
    assert attribute_named_like_a_module.source_hash


def test_constants_of_an_enum_are_part_of_the_hash() -> None:
    from rackwright.engine.fingerprint import constant

    class Other(IntEnum):
        ARRIVAL = 5

    Other.__qualname__ = Kind.__qualname__
    assert constant(Kind) != constant(Other)


@pytest.mark.parametrize(("one", "other"), [
    (np.arange(5_000), np.arange(5_000) * (np.arange(5_000) != 2_500)),  # repr would hide it
    ((1, 2.0), (1, 2)), (np.float32(1), np.float64(1)), (True, 1), ((1, (2, 3)), (1, 2, 3)),
    (np.zeros(2, np.int32), np.zeros(2, np.int64)), (0.1, np.nextafter(0.1, 1)),
])
def test_constants_that_differ_have_other_fingerprints(one: Any, other: Any) -> None:
    from rackwright.engine.fingerprint import constant

    assert constant(one) != constant(other)
    assert constant(one) == constant(one)


def test_fingerprints_are_the_same_in_every_process(run_python: Callable[..., Any]) -> None:
    code = "from rackwright.engine.share import share_advance; print(share_advance.source_hash)"
    hashes = {run_python(code, PYTHONHASHSEED=seed).stdout for seed in ("1", "2")}
    assert len(hashes) == 1 and len(hashes.pop().strip()) == 64


def test_a_kernel_is_pickled_by_name() -> None:
    from rackwright.engine import heap_push

    assert pickle.loads(pickle.dumps(heap_push)) is heap_push


def test_numba_is_imported_at_the_first_call_and_never_when_disabled(
        run_python: Callable[..., Any]) -> None:
    code = """
import sys
import rackwright.engine
from rackwright.engine import Simulation, drive, heap_push, hash31, share_flows, streams
assert "numba" not in sys.modules and "scipy" not in sys.modules, "heavy import"
sim = Simulation()
sim.run(until=sim.timeout(1.0))
sim.port(1e9).send(5)
assert "numba" not in sys.modules
hash31(1, 2, 3, 4, 5)
print("numba" in sys.modules)
"""
    assert run_python(code, NUMBA_DISABLE_JIT="1").stdout == "False\n"
    assert run_python(code, NUMBA_DISABLE_JIT="0").stdout == "True\n"


def test_a_kernel_typed_at_a_prompt_works_without_a_cache(run_python: Callable[..., Any]) -> None:
    code = """
from rackwright.engine import hash31, kernel
@kernel
def twice(x):
    return 2 * hash31(x, 0, 0, 0, 0)
print(twice(1) == 2 * hash31(1, 0, 0, 0, 0))
"""
    outcome = run_python(code)
    assert outcome.stdout == "True\n", outcome.stderr


def test_the_package_lists_its_names(run_python: Callable[..., Any]) -> None:
    import rackwright.engine as engine

    assert engine.__all__ == sorted(engine.__all__)
    for name in engine.__all__:
        assert getattr(engine, name) is not None
        assert name in dir(engine)
    assert set(engine._HOME) | {"Kernel", "cache_folder", "kernel"} == set(engine.__all__)
    with pytest.raises(AttributeError, match="no attribute 'flow_opened'"):
        engine.flow_opened  # noqa: B018
