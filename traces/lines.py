"""Text files of rows, read line by line: one clear error for anything that is no such file.

Gives numbered lines of UTF-8 text, plain or gzip (told by content), LF or CRLF. Files stream: no
more than one line is held. What it leaves out: what a line means (`table`).
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Generator
from pathlib import Path
from typing import IO

from rackwright.errors import InputError, TraceError

__all__ = ["LONGEST_LINE", "numbered_lines"]

LONGEST_LINE = 1 << 20  # bytes; a longer line means that the file is not made of rows
_GZIP = b"\x1f\x8b"
_BOM = "\ufeff"


def numbered_lines(path: Path) -> Generator[tuple[int, str]]:
    """(1-based number, text without its line end) of each line of `path`.

    Raises InputError when the file cannot be opened, TraceError at the line that cannot be read.
    """
    number = 0
    with _opened(path) as file:
        try:
            while raw := file.readline(LONGEST_LINE):
                number += 1
                try:
                    text = raw.decode()
                except UnicodeDecodeError as problem:
                    raise _not_utf8(problem, path, number) from None
                if "\0" in text or len(raw) == LONGEST_LINE:
                    raise _not_rows(raw, path, number)
                if number == 1:
                    text = text.removeprefix(_BOM)
                yield number, text.removesuffix("\n").removesuffix("\r")
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise TraceError(f"the gzip data is damaged or cut off after about {number} lines "
                             f"({problem}); get the file again", place=path) from None
        except OSError as problem:
            raise InputError(f"cannot be read: {problem.strerror}", place=path) from None
    if number == 0:
        raise TraceError("the file is empty; a header line and rows are expected", place=path)


def _opened(path: Path) -> IO[bytes]:
    if path.is_dir():
        raise InputError("is a folder; give the file of a trace", place=path)
    try:
        file = path.open("rb")
        zipped = file.peek(2).startswith(_GZIP)
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the name
        reason = getattr(problem, "strerror", None) or problem
        raise InputError(f"cannot be opened: {reason}", place=path) from None
    if zipped:
        return io.BufferedReader(_OwningGzip(file))
    if path.suffix == ".gz":
        file.close()
        raise TraceError("is named .gz and holds no gzip data; rename it or compress it",
                         place=path)
    return file


class _OwningGzip(gzip.GzipFile):
    """A gzip reader that closes the file below it."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(fileobj=file, mode="rb")
        self._below = file

    def close(self) -> None:
        super().close()
        self._below.close()


def _not_utf8(problem: UnicodeDecodeError, path: Path, line: int) -> TraceError:
    byte = problem.object[problem.start]
    return TraceError(f"byte 0x{byte:02x} at column {problem.start + 1} is not UTF-8; save the "
                      "file as UTF-8 text", place=path, line=line)


def _not_rows(raw: bytes, path: Path, line: int) -> TraceError:
    if b"\0" in raw:
        return TraceError(f"a NUL byte at column {raw.index(0) + 1}; the file is binary, UTF-16 or "
                          "damaged, and UTF-8 text is expected", place=path, line=line)
    return TraceError(f"the line is longer than {LONGEST_LINE - 1} bytes; a trace has one short "
                      "row a line", place=path, line=line)
