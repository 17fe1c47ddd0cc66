"""Traces that a study generates: ``trace = "generate:requests"`` with ``trace_args``.

The arguments are those of `rackwright.traces.generate_<kind>`. Times are text with a unit, ranges
of tokens ``"50-150"``, `lengths` is ``"short"`` or ``"medium"`` (those of the AEP paper).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from rackwright import units
from rackwright.errors import UnknownName, UsageError

__all__ = ["GENERATE", "check_generator", "generated"]

GENERATE = "generate:"
_KINDS = ("documents", "operations", "queries", "requests")
_NOT_TEXT = ("templates", "name")  # arguments that a study file cannot hold
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")


def check_generator(text: str, argument: str = "") -> None:
    """Raises UnknownName for a kind, or one of its arguments, that is not there."""
    kind = text.removeprefix(GENERATE)
    allowed = _arguments(_generator(kind))
    if argument and argument not in allowed:
        raise UnknownName(f"argument of {GENERATE}{kind}:", argument, allowed)


def generated(text: str, arguments: Mapping[str, Any]) -> Any:
    """The trace of these arguments. Raises UsageError, UnknownName, UnitError."""
    kind = text.removeprefix(GENERATE)
    make = _generator(kind)
    allowed = _arguments(make)
    for name in arguments:
        check_generator(text, name)
    missing = [name for name, argument in allowed.items()
               if argument.default is inspect.Parameter.empty and name not in arguments]
    if missing:
        raise UsageError(f"{text} needs {', '.join(missing)}: write trace_args = "
                         f"{{ {missing[0]} = ... }}")
    values = {name: _read(name, value) for name, value in arguments.items()}
    try:
        return make(**values, name=kind)
    except TypeError as problem:
        raise UsageError(f"{text}: {problem}") from None


def _generator(kind: str) -> Callable[..., Any]:
    from rackwright import traces

    if kind not in _KINDS:
        raise UnknownName("kind of trace to generate", kind, _KINDS)
    make: Callable[..., Any] = getattr(traces, f"generate_{kind}")
    return make


def _arguments(make: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return {name: argument for name, argument in inspect.signature(make).parameters.items()
            if name not in _NOT_TEXT}


def _read(name: str, value: Any) -> Any:
    from rackwright import traces

    if name == "lengths":
        known = {"medium": traces.MEDIUM, "short": traces.SHORT}
        if value not in known:
            raise UnknownName("lengths", value, known)
        return known[value]
    if name.endswith("_time"):
        return units.parse_time(value, what=f"trace.args.{name}")
    if name.endswith("_tokens"):
        found = _RANGE.fullmatch(str(value))
        if not found:
            raise UsageError(f"trace.args.{name} is {value!r}; write a range such as \"50-150\"")
        return traces.Uniform(int(found[1]), int(found[2]))
    return value
