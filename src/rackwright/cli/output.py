"""What commands print: text of a width that fits the terminal, or canonical JSON."""

from __future__ import annotations

import shutil
import sys
from typing import Any

import click

from rackwright.canonical import canonical_json
from rackwright.report.table import WIDTH

__all__ = ["emit", "emit_json", "width"]

_NARROW = 60


def width() -> int:
    """Columns to use: at most `WIDTH`; a terminal may make it narrower, a file never does."""
    if not sys.stdout.isatty():
        return WIDTH
    return max(_NARROW, min(WIDTH, shutil.get_terminal_size().columns))


def emit(text: str) -> None:
    """Print `text`, which ends in a newline, on stdout."""
    click.echo(text, nl=False)


def emit_json(value: Any) -> None:
    """Print `value` as canonical JSON on stdout."""
    emit(canonical_json(value, indent=1) + "\n")
