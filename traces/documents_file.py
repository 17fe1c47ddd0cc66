"""Document files: reader and writer of our CSV (schema in the README of this folder).

``arrival_time_s,query_tokens,documents``; the documents of a row are ``id:tokens`` joined by ``|``,
best first. Comments above the header: `name`, `source`. No public standard was found for which
documents a retrieval system fetches. Strict, streamed and deterministic like the request files.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from os import PathLike
from pathlib import Path

import numpy as np

from rackwright.errors import TraceError
from rackwright.traces.documents import MAX_DOCUMENT, DocumentTrace
from rackwright.traces.requests import MAX_TOKENS
from rackwright.traces.table import Column, Table, decimal, open_table, short, whole
from rackwright.traces.write import write_lines
from rackwright.units import MAX_TIME

__all__ = ["DOCUMENTS_HEADER", "documents_from", "read_documents", "write_documents"]

DOCUMENTS_HEADER = "arrival_time_s,query_tokens,documents"


def write_documents(trace: DocumentTrace, path: str | PathLike[str]) -> Path:
    """Write `trace` as our CSV, gzip when the name ends in .gz. Raises InputError."""
    return write_lines(_lines(trace), Path(path))


def read_documents(path: str | PathLike[str], limit: int | None = None) -> DocumentTrace:
    """Read a document file, or its first `limit` rows. Raises InputError and TraceError."""
    return documents_from(open_table(Path(path)), limit)


def documents_from(table: Table, limit: int | None) -> DocumentTrace:
    """The queries of an open table; see read_documents."""
    if table.header != DOCUMENTS_HEADER:
        raise TraceError(f"unknown header {short(repr(table.header))}; expected "
                         f"{DOCUMENTS_HEADER!r}", place=table.path, line=table.header_line)
    times, queries, counts = array("d"), array("q"), array("q")
    ids, tokens = array("q"), array("q")
    for block in table.blocks(_columns(), limit):
        times.extend(block.columns[0])
        queries.extend(block.columns[1])
        for row in block.columns[2]:
            counts.append(len(row) // 2)
            ids.extend(row[::2])
            tokens.extend(row[1::2])
    offsets = np.concatenate([[0], np.cumsum(np.frombuffer(counts, np.int64))])
    return _trace(table, times, queries, offsets, ids, tokens)


def _trace(table: Table, times: array[float], queries: array[int], offsets: object,
           ids: array[int], tokens: array[int]) -> DocumentTrace:
    """The checked trace; a fault found across rows gets the line of its row."""
    stem = table.path.name.removesuffix(".gz").removesuffix(".csv")
    name = table.comments.get("name") or stem or "documents"
    try:
        return DocumentTrace(
            np.frombuffer(times, np.float64), np.frombuffer(queries, np.int64),
            np.asarray(offsets, np.int64), np.frombuffer(ids, np.int64),
            np.frombuffer(tokens, np.int64), name,
            table.comments.get("source", table.path.name))
    except TraceError as problem:
        raise table.located(problem) from None


def _lines(trace: DocumentTrace) -> Iterator[str]:
    yield "# rackwright document trace, schema 1"
    yield f"# name: {trace.name}"
    yield f"# source: {trace.source}"
    yield "# units: arrival_time_s in seconds from the start of the trace; documents are id:tokens"
    yield DOCUMENTS_HEADER
    pairs = [f"{number}:{length}" for number, length
             in zip(trace.document.tolist(), trace.document_tokens.tolist(), strict=True)]
    offsets = trace.offsets.tolist()
    rows = zip(trace.arrival_time.tolist(), trace.query_tokens.tolist(), offsets, offsets[1:],
               strict=False)
    for at, query, begin, end in rows:
        yield f"{at!r},{query},{'|'.join(pairs[begin:end])}"


def _columns() -> tuple[Column, ...]:
    return (Column("arrival_time_s", decimal(MAX_TIME),
                   f"seconds from the start, 0 to {MAX_TIME:.0f}, never going back"),
            Column("query_tokens", whole(1, MAX_TOKENS),
                   f"a whole number of tokens, 1 to {MAX_TOKENS}"),
            Column("documents", _documents(), "different documents as id:tokens, joined by '|', "
                                              "such as 17:256|4:301"))


def _documents() -> Callable[[str], list[int]]:
    number, length = whole(0, MAX_DOCUMENT), whole(1, MAX_TOKENS)

    def read(text: str) -> list[int]:
        """Ids and lengths in turn."""
        found: list[int] = []
        for part in text.split("|"):
            name, colon, tokens = part.partition(":")
            if not colon:
                raise ValueError(f"{short(repr(part))} is no id:tokens")
            found += (number(name), length(tokens))
        if len(set(found[::2])) * 2 != len(found):
            raise ValueError("a document comes twice")
        return found

    return read
