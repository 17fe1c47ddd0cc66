"""Progress on stderr: a bar on a terminal, a line every ten seconds elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Report", "progress"]

Report = Callable[[float, float, str], None]
"""Called with (done, total, text); total 0 means unknown."""

_EVERY = 10.0  # seconds between lines when stderr is not a terminal


@contextmanager
def progress(quiet: bool = False) -> Iterator[Report | None]:
    """Gives what replays call between slices, or None when `quiet`."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:"
                   ">3.0f} %"), TimeElapsedColumn(), console=Console(stderr=True), transient=True)
    with bar:
        task = bar.add_task("", total=None)

        def report(done: float, total: float, text: str) -> None:
            bar.update(task, completed=done, total=total or None, description=text)

        yield report


def _lines() -> Report:
    last = time.monotonic()

    def report(done: float, total: float, text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY:
            last = now
            share = f" {100 * done / total:.0f} %" if total else ""
            print(f"rackwright: {text}{share}", file=sys.stderr, flush=True)

    return report
