"""Pieces of work for processes of their own, which can import this folder but no test's module."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator


def counting(job: int, tell: Callable[[str], None]) -> Iterator[int]:
    tell(f"job {job}")
    yield from range(job)


def dying(job: int, tell: Callable[[str], None]) -> Iterator[int]:
    yield job
    if job == 1:
        os._exit(9)


def endless(job: int, tell: Callable[[str], None]) -> Iterator[int]:
    while True:
        yield os.getpid()
        time.sleep(0.01)
