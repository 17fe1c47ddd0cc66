"""Canonical JSON: one text for one value, so that texts can be compared and hashed.

Keys are sorted, floats have the shortest text that reads back as the same float, NaN and
infinities are refused, text is UTF-8. NumPy scalars and arrays become plain numbers and lists;
sets are refused since they have no order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

__all__ = ["canonical_json", "content_hash", "plain"]


def plain(value: Any) -> Any:
    """`value` made of dict, list, str, int, float, bool and None only.

    Raises TypeError for anything that has no such form, ValueError for a NaN or an infinity.

    >>> plain({"b": (1, 2), "a": {"x": 0.1}})
    {'b': [1, 2], 'a': {'x': 0.1}}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _finite(float(value))
    if isinstance(value, Mapping):
        return {_key(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    if hasattr(value, "tolist"):  # NumPy, without importing it
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} has no canonical JSON form: {value!r}")


def canonical_json(value: Any, *, indent: int | None = None) -> str:
    """The canonical text of `value`; compact, or indented for files that people read.

    >>> canonical_json({"b": 1.0, "a": [True, None]})
    '{"a":[true,null],"b":1.0}'
    """
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(plain(value), sort_keys=True, ensure_ascii=False, allow_nan=False,
                      indent=indent, separators=separators)


def content_hash(value: Any) -> str:
    """SHA-256 (hex) of the canonical text of `value`."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


def _finite(value: float) -> float:
    if value - value != 0.0:
        raise ValueError(f"{value} has no canonical JSON form")
    return value


def _key(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"a key must be text, not {name!r}")
    return name
