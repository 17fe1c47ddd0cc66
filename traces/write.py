"""Writers: deterministic bytes, never a half-written file.

`write_requests` writes our request CSV, with the blocks that prompts share if there are any
(schema in the README of this folder). Float times are written with the shortest text that reads
back as the same float. A name that ends in ``.gz`` is compressed with time stamp 0 and no file name
inside, so equal traces give equal files (for one version of zlib). The file appears under its name
only when it is complete.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import IO, Any

from rackwright.errors import InputError
from rackwright.traces.read import NATIVE_HEADER, PREFIX_HEADER
from rackwright.traces.requests import RequestTrace

__all__ = ["write_lines", "write_requests"]

_CHUNK = 10_000  # lines joined at a time


def write_requests(trace: RequestTrace, path: str | PathLike[str]) -> Path:
    """Write `trace` as our CSV, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_request_lines(trace), Path(path))


def _request_lines(trace: RequestTrace) -> Iterator[str]:
    yield "# rackwright request trace, schema 1"
    yield f"# name: {trace.name}"
    yield f"# source: {trace.source}"
    yield "# units: arrival_time_s in seconds from the start of the trace; lengths in tokens"
    columns = [each.tolist() for each in
               (trace.arrival_time, trace.input_tokens, trace.output_tokens)]
    found = trace.prefixes
    if found is None:
        yield NATIVE_HEADER
        yield from (f"{at!r},{entered},{made}" for at, entered, made in zip(*columns, strict=True))
        return
    yield f"# prefix_block_tokens: {found.block_tokens}"
    yield PREFIX_HEADER
    ends = found.offsets.tolist()
    for at, entered, made, start, end in zip(*columns, ends[:-1], ends[1:], strict=True):
        yield f"{at!r},{entered},{made},{'|'.join(map(str, found.ids[start:end].tolist()))}"


def write_lines(lines: Iterable[str], path: Path) -> Path:
    """Write text lines to `path` as UTF-8 with LF. Raises InputError when that is impossible."""
    target = Path(os.path.realpath(path))  # a link keeps pointing to what it pointed to
    if target.exists() and not target.is_file():
        raise InputError("is no ordinary file; give the name of the file to write", place=path)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file, _sink(file, path) as sink:
            for block in _batched(lines):
                sink.write("".join(f"{line}\n" for line in block).encode())
        part.replace(target)
    except OSError as problem:
        raise InputError(f"cannot be written: {problem.strerror}", place=path) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return path


def _sink(file: IO[bytes], path: Path) -> AbstractContextManager[Any]:
    if path.suffix == ".gz":
        return gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0)
    return nullcontext(file)


def _batched(lines: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(lines)
    while block := list(islice(rest, _CHUNK)):
        yield block
