"""The published claims about one system: ``targets.toml``, read strictly.

The file has ``system``, ``paper`` and one ``[[row]]`` a number (see `Claim`). All faults of a
file are one `InputError`, each with its line: unknown, missing or contradictory fields, wrong
types, unknown units, two rows of one key, a fit on rows that are not there, and a predicted row
that something was fitted on.

What it leaves out: whether the paper says so; `figure` names the place for a reader to look.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from rackwright.errors import InputError
from rackwright.reproduce.claim import KINDS, Claim

__all__ = ["Claims", "read"]

_MOST_FAULTS = 40
_WORDS = {"missing": "is missing", "extra_forbidden": "is not a field of a row",
          "string_type": "must be text", "float_type": "must be a number",
          "literal_error": f"must be one of {', '.join(KINDS)}",
          "tuple_type": "must be a list of ids", "too_short": "must name a row",
          "finite_number": "must be finite", "greater_than_equal": "must not be negative"}


@dataclass(frozen=True)
class Claims:
    """What a paper says about a system, in the order of the file."""

    system: str
    paper: str
    rows: tuple[Claim, ...]
    path: Path

    def __getitem__(self, key: str) -> Claim:
        return next(row for row in self.rows if row.key == key)

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(row.key for row in self.rows)


class _Fault(NamedTuple):
    line: int | None
    text: str


def read(path: Path, system: str) -> Claims:
    """The claims in the file `path` about `system`; raises `InputError` with every fault."""
    raw, text = _load(path)
    lines = _Lines(text)
    faults = list(_file_faults(raw, lines, system))
    rows = []
    for place, entry in enumerate(_tables(raw)):
        row, found = _row(entry, lines, place)
        faults += found
        rows += [row] if row is not None else []
    if not faults:
        faults += [*_repeated(rows), *_fit_faults(rows)]
    if faults:
        raise _error(path, sorted(faults, key=lambda fault: fault.line or 0))
    return Claims(raw["system"], raw["paper"], tuple(rows), path)


def _load(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise InputError(f"cannot read the claims: {problem}", place=path) from None
    try:
        return tomllib.loads(text), text
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise InputError(f"not TOML: {problem}", place=path) from None


def _tables(raw: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = raw.get("row")
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _file_faults(raw: Mapping[str, Any], lines: _Lines, system: str) -> Iterator[_Fault]:
    for name in raw:
        if name not in ("system", "paper", "row"):
            yield _Fault(lines.top(name), f"{name}: not a field of the file; it has system, "
                         "paper and [[row]]")
    for name in ("system", "paper"):
        if not isinstance(raw.get(name), str) or not raw[name].strip():
            yield _Fault(lines.top(name), f"{name}: must be text that is not empty")
    if isinstance(raw.get("system"), str) and raw["system"] != system:
        yield _Fault(lines.top("system"), f"system: {raw['system']!r} in the folder of {system!r}")
    if not raw.get("row") or len(_tables(raw)) != len(raw["row"]):
        yield _Fault(lines.top("row"), "row: claims are tables, at least one: [[row]]")


def _row(entry: Mapping[str, Any], lines: _Lines, place: int) -> tuple[Claim | None, list[_Fault]]:
    line = lines.row(place)
    if "line" in entry:
        return None, [_Fault(lines.row(place, "line"), "line: is not a field of a row")]
    try:
        return Claim.model_validate({**entry, "line": line or 0}), []
    except ValidationError as problem:
        return None, [_Fault(lines.row(place, _field(fault)), _worded(fault, entry))
                      for fault in problem.errors()]


def _field(fault: ErrorDetails) -> str:
    return str(fault["loc"][0]) if fault["loc"] else ""


def _worded(fault: ErrorDetails, entry: Mapping[str, Any]) -> str:
    text = _WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, "))
    field = _field(fault)
    if not field:
        return f"row {entry.get('id', '?')}: {text}"
    value = f", not {entry[field]!r}" if field in entry and fault["type"] in _WORDS and \
        fault["type"] != "extra_forbidden" else ""
    return f"row {entry.get('id', '?')}: {field} {text}{value}"


def _repeated(rows: Sequence[Claim]) -> Iterator[_Fault]:
    first: dict[str, Claim] = {}
    for row in rows:
        known = first.setdefault(row.key, row)
        if known is not row:
            yield _Fault(row.line, f"row {row.key}: line {known.line} has this id and part already")
    for row in rows:
        if row.part is not None and row.id in first:
            yield _Fault(row.line, f"row {row.key}: line {first[row.id].line} has the id without "
                         "a part; give it one")


def _fit_faults(rows: Sequence[Claim]) -> Iterator[_Fault]:
    for row in rows:
        for name in row.fitted_on or ():
            used = [other for other in rows if name in (other.id, other.key)]
            if not used:
                yield _Fault(row.line, f"row {row.key}: fitted_on names {name!r}; there is no "
                             "such row")
            elif all(other.kind == "predicted" for other in used):
                yield _Fault(used[0].line, f"row {used[0].key}: cannot be predicted, "
                             f"{row.fits} was fitted on it (line {row.line})")


def _error(path: Path, faults: Sequence[_Fault]) -> InputError:
    first, *more = faults
    text = first.text + "".join(f"\n{path}:{fault.line or 1}: {fault.text}"
                                for fault in more[:_MOST_FAULTS - 1])
    if len(more) >= _MOST_FAULTS:
        text += f"\nand {len(faults) - _MOST_FAULTS} more"
    return InputError(text, place=path, line=first.line)


class _Lines:
    """Where keys stand, which TOML's reader does not tell: keys and headers that start a line."""

    def __init__(self, text: str) -> None:
        self._rows: list[dict[str, int]] = []
        self._top: dict[str, int] = {}
        self._inside = False  # of a text over several lines
        for number, line in enumerate(text.splitlines(), 1):
            self._take(number, line)

    def top(self, name: str) -> int | None:
        return self._top.get(name)

    def row(self, place: int, name: str = "") -> int | None:
        """The line of field `name` of the row, or of its header."""
        if place >= len(self._rows):  # rows written in another way
            return None
        return self._rows[place].get(name, self._rows[place][""])

    def _take(self, number: int, line: str) -> None:
        if not self._inside:
            if re.match(r"\s*\[\[\s*\"?row\"?\s*\]\]", line):
                self._rows.append({"": number})
                self._top.setdefault("row", number)
            elif named := re.match(r"\s*\[*\s*\"?([\w-]+)\"?\s*[=\].]", line):
                table = self._rows[-1] if self._rows else self._top
                table.setdefault(named[1], number)
        if (line.count('"""') + line.count("'''")) % 2:
            self._inside = not self._inside
