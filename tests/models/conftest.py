"""Looks inside a replay's state, for all systems."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="session")
def digest() -> Callable[[Any], str]:
    """SHA-256 over every array of a state, nested tuples included."""
    def of(state: Any) -> str:
        found = hashlib.sha256()
        _walk(state, found)
        return found.hexdigest()
    return of


def _walk(value: Any, found: Any) -> None:
    if isinstance(value, np.ndarray):
        found.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, tuple):
        for each in value:
            _walk(each, found)
    else:
        found.update(repr(value).encode())
