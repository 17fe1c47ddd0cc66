"""Strict JSON: parsing with line numbers, objects with known keys of known types."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rackwright.errors import InputError

__all__ = ["entry_faults", "named", "parsed", "short"]

_WORDS = {str: "text", int: "a whole number", bool: "true or false", dict: "an object {...}",
          list: "a list [...]", (int, float): "a number", (int, str): "a whole number or text"}


def parsed(text: str, place: object) -> Any:
    """What the JSON `text` holds; `place` is the file's name. Raises InputError.

    A key that stands twice and NaN are refused, which `json` alone lets pass.
    """
    try:
        return json.loads(text, object_pairs_hook=_no_twins, parse_constant=_no_constant)
    except json.JSONDecodeError as problem:
        raise InputError(f"broken JSON: {problem.msg} (column {problem.colno})", place=place,
                         line=problem.lineno) from None
    except RecursionError:
        raise InputError("JSON nested too deeply for a topology", place=place) from None
    except ValueError as problem:
        raise InputError(f"not a topology: {problem}", place=place) from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twin = next(key for key in found if sum(key == other for other, _ in pairs) > 1)
        raise ValueError(f"the key {twin!r} stands twice in one object")
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number; rates and latencies are text such as '400Gbps'")


def entry_faults(place: str, entry: Any, allowed: Mapping[str, Any], needed: tuple[str, ...]
                 ) -> Iterator[str]:
    """What is wrong with `entry` as an object of the `allowed` keys (name -> type)."""
    if not isinstance(entry, dict):
        yield f"{place} is {short(entry)}; it must be an object {{...}}"
        return
    yield from (f"{place} has no {key!r}" for key in needed if key not in entry)
    for key, value in entry.items():
        if key not in allowed:
            yield f"{place} has an unknown key {key!r}; allowed: {', '.join(allowed)}"
        elif not _is(value, allowed[key]):
            yield f"{place}: {key!r} is {short(value)}; it must be {_WORDS[allowed[key]]}"


def _is(value: object, kind: Any) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def named(noun: str, number: int, entry: Any, *keys: str) -> str:
    """A node or edge by its name, or by its place in the list when it has none."""
    found = [entry.get(key) for key in keys] if isinstance(entry, dict) else []
    names = [name for name in found if isinstance(name, str)]
    if len(names) == len(keys):
        text = "->".join(names)
        return f"{noun} {text!r}" if noun == "node" else f"{noun} {text}"
    return f"{noun} number {number + 1}"


def short(value: object) -> str:
    """`value` as JSON, cut for a message."""
    text = json.dumps(value, default=str)
    return text if len(text) <= 40 else f"{text[:40]}..."
