"""CSV tables with a header, read strictly: every row is used or is an error.

A table is comment lines (``# key: value``), one header line, then rows of as many fields as the
header has, without quotes, blanks or blank lines. What it leaves out: quoting, which no trace
format here uses; types of columns other than those below.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from rackwright.errors import TraceError, UsageError
from rackwright.traces.lines import numbered_lines

__all__ = ["Block", "Column", "Table", "decimal", "open_table", "short", "whole"]

_BLOCK = 4096  # rows read at a time
_DECIMAL = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


class Column(NamedTuple):
    """A column: its name, its reader (raises ValueError), and what it accepts, in words."""

    name: str
    read: Callable[[str], Any]
    expected: str


class Block(NamedTuple):
    """Consecutive rows: the line of the first, their texts, one list of values a column."""

    first_line: int
    texts: list[str]
    columns: list[list[Any]]


class Table(NamedTuple):
    """An open table: where it is, its comments, its header, the lines that follow it."""

    path: Path
    comments: dict[str, str]
    header: str
    header_line: int
    lines: Generator[tuple[int, str]]

    def blocks(self, columns: Sequence[Column], limit: int | None) -> Iterator[Block]:
        """The rows, at most `limit` of them. Raises TraceError at the first bad row."""
        if limit is not None and limit < 1:
            raise UsageError(f"limit = {limit}: at least 1 row must be read")
        line = self.header_line
        with closing(self.lines):
            while texts := [text for _, text in islice(self.lines, _block_size(limit))]:
                yield Block(line + 1, texts, self._values(line + 1, texts, columns))
                line += len(texts)
                limit = None if limit is None else limit - len(texts)
        if line == self.header_line:
            raise TraceError("the header is followed by no row", place=self.path, line=line)

    def fail(self, line: int, column: Column, value: object, problem: str) -> NoReturn:
        """Raise the TraceError for a `value` of a `column`."""
        raise TraceError(f"column {column.name}: {short(repr(value))}: {problem}; expected "
                         f"{column.expected}", place=self.path, line=line)

    def located(self, problem: TraceError, header_rows: int = 1) -> TraceError:
        """A fault found across rows, "row 3: ...", with the line of its row."""
        head, _, rest = problem.message.partition(": ")
        row = head.removeprefix("row ")
        if not row.isdigit():
            return TraceError(problem.message, place=self.path)
        return TraceError(rest, place=self.path, line=self.header_line + header_rows + int(row))

    def whole_comment(self, key: str, high: int) -> int:
        """The whole number, 1 to `high`, of a comment that the file must have."""
        if key not in self.comments:
            raise TraceError(f"the comment '# {key}: ...' is missing above the header",
                             place=self.path, line=self.header_line)
        try:
            return whole(1, high)(self.comments[key])
        except ValueError as problem:
            raise TraceError(f"comment {key}: {short(repr(self.comments[key]))}: {problem}; "
                             f"expected a whole number, 1 to {high}", place=self.path) from None

    def _values(self, first: int, texts: list[str], columns: Sequence[Column]) -> list[list[Any]]:
        """One list of values a column; a whole block is split at once, for speed."""
        width = len(columns)
        fields = ",".join(texts).split(",")
        try:
            if all(text.count(",") == width - 1 for text in texts):
                return [list(map(column.read, fields[at::width]))
                        for at, column in enumerate(columns)]
        except ValueError:
            pass
        for line, text in enumerate(texts, first):
            self._check(line, text, columns)
        raise AssertionError("a block that could not be read has no bad row")

    def _check(self, line: int, text: str, columns: Sequence[Column]) -> None:
        """Raise the TraceError of a row, if it is bad."""
        fields = text.split(",")
        if text == self.header:
            raise TraceError("the header line is repeated; was the file joined from several?",
                             place=self.path, line=line)
        if not text.strip():
            raise TraceError("a blank line; remove it", place=self.path, line=line)
        if len(fields) != len(columns):
            cut = " (is the file cut off?)" if len(fields) < len(columns) else ""
            raise TraceError(f"{len(fields)} fields in {short(repr(text))}; expected "
                             f"{len(columns)}: {self.header}{cut}", place=self.path, line=line)
        for column, field in zip(columns, fields, strict=True):
            try:
                column.read(field)
            except ValueError as problem:
                self.fail(line, column, field, str(problem))


def _block_size(limit: int | None) -> int:
    return _BLOCK if limit is None else min(_BLOCK, limit)


def short(text: str) -> str:
    """`text`, cut to what fits into a message."""
    return text if len(text) <= 80 else f"{text[:80]}..."


def open_table(path: Path) -> Table:
    """Read comments and the header line of `path`. Raises InputError and TraceError."""
    comments: dict[str, str] = {}
    lines = numbered_lines(path)
    for line, text in lines:
        if not text.startswith("#"):
            return Table(path, comments, text, line, lines)
        key, colon, value = text[1:].partition(":")
        if colon:
            if key.strip() in comments:
                raise TraceError(f"the comment {key.strip()!r} stands twice; keep one",
                                 place=path, line=line)
            comments[key.strip()] = value.strip()
    raise TraceError("only comments; a header line and rows are expected", place=path)


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of whole numbers from `low` to `high`, written in plain digits."""

    @lru_cache(maxsize=4096)  # the same counts come again and again
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit()):
            raise ValueError("not a whole number")
        number = int(text[:20])  # longer is out of range whatever follows
        if not low <= number <= high:
            raise ValueError("out of range")
        return number

    return read


def decimal(high: float) -> Callable[[str], float]:
    """A reader of decimal numbers from 0 to `high`, such as 12.5 or 1e-06."""

    def read(text: str) -> float:
        plain = text.isascii() and text.replace(".", "", 1).isdigit()
        if not plain and _DECIMAL.fullmatch(text) is None:
            raise ValueError("not a plain decimal number")
        number = float(text)
        if not number <= high:
            raise ValueError("out of range")
        return number

    return read
