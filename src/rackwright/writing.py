"""Files written whole or not at all: beside their place first, then renamed.

A full disk, a crash or Ctrl-C leaves what was there before.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from rackwright.errors import InputError

__all__ = ["write_text", "write_whole"]


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write a text in UTF-8 as it is, whatever the platform's line ends. Raises InputError."""
    return write_whole(path, lambda waiting: waiting.write_text(text, encoding="utf-8",
                                                                newline="\n"))


def write_whole(path: str | os.PathLike[str], write: Callable[[Path], object]) -> Path:
    """Let `write` make a file, then put it at `path`. Raises InputError."""
    target = Path(path)
    waiting = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        write(waiting)
        waiting.replace(target)
    except OSError as problem:
        raise InputError(f"cannot be written: {problem.strerror}", place=target) from None
    finally:
        try:
            waiting.unlink(missing_ok=True)
        except OSError:
            pass  # a folder that is none: said above
    return target
