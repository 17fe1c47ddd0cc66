"""A TOML file read strictly: every entry is asked for by name and type, and errors give its line.

Lines are found by a scan of the text for ``[table]`` and ``key =`` lines; a key written inside an
inline table has the line of that table. What it leaves out: everything about racks.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rackwright.errors import InputError, RackwrightError, UnitError

__all__ = ["Table", "read_tables"]

T = TypeVar("T")
_HEAD = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*=""")
_MOST_BYTES = 1 << 20  # our own limit on a rack file


class Table:
    """One table of the file; `take_*` hand out entries, `done` refuses what nobody asked for."""

    def __init__(self, path: Path, name: str, content: Mapping[str, Any],
                 lines: Mapping[tuple[str, str], int]) -> None:
        self.path, self.name = path, name
        self._content, self._lines, self._asked = content, lines, set[str]()

    def error(self, key: str, message: str) -> InputError:
        """An error at the line of `key`, else of the table."""
        line = self._lines.get((self.name, key)) or self._lines.get((self.name, ""))
        where = f"{self.name}.{key}: " if key else f"[{self.name}]: "
        return InputError(where + message, place=self.path, line=line)

    def tables(self, key: str) -> list[Table]:
        """The sub-tables ``[key.NAME]``, in the order of the file."""
        self._asked.add(key)
        found = self._content.get(key, {})
        if not isinstance(found, Mapping):
            raise self.error(key, f"is {found!r}; write a table [{key}.NAME]")
        name = f"{self.name}.{key}" if self.name else key
        for sub, value in found.items():
            if not isinstance(value, Mapping):
                raise Table(self.path, name, found, self._lines).error(
                    sub, f"is {value!r}; write a table [{name}.{sub}]")
        return [Table(self.path, f"{name}.{sub}", value, self._lines)
                for sub, value in found.items()]

    def table(self, key: str) -> Table:
        """The sub-table ``[key]``; an empty one when it is absent."""
        self._asked.add(key)
        found = self._content.get(key, {})
        if not isinstance(found, Mapping):
            raise self.error(key, f"is {found!r}; write a table [{key}]")
        return Table(self.path, key, found, self._lines)

    def table_below(self, key: str) -> dict[str, Any]:
        """The entries of ``[THIS.key]``, whatever they are called; {} when it is absent."""
        self._asked.add(key)
        found = self._content.get(key, {})
        if not isinstance(found, Mapping):
            raise self.error(key, f"is {found!r}; write a table [{self.name}.{key}]")
        return dict(found)

    def has(self, key: str) -> bool:
        self._asked.add(key)
        return key in self._content

    def text(self, key: str, default: str | None = None) -> str:
        found = self._found(key, default)
        if not isinstance(found, str) or not found.strip():
            raise self.error(key, f"is {found!r}; text in quotes is needed")
        return found

    def texts(self, key: str) -> list[str]:
        """A list of texts; one text is a list of one."""
        found = self._found(key, None)
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not listed or not all(
                isinstance(entry, str) and entry for entry in listed):
            raise self.error(key, f"is {found!r}; a text or a list of texts is needed")
        return list(listed)

    def quantity(self, key: str, parser: Callable[..., T], default: T) -> T:
        """A quantity with its unit, as `rackwright.units` reads it."""
        if not self.has(key):
            return default
        found = self._found(key, None)
        try:
            return parser(found)
        except UnitError as problem:
            raise self.error(key, str(problem)) from None

    def number(self, key: str, least: float, most: float, default: float) -> float:
        found = self._found(key, default)
        if isinstance(found, bool) or not isinstance(found, int | float) or not (
                math.isfinite(found) and least <= found <= most):
            raise self.error(key, f"is {found!r}; a number from {least:g} to {most:g} is needed")
        return float(found)

    def whole(self, key: str, least: int, most: int, default: int) -> int:
        found = self._found(key, default)
        if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= most:
            raise self.error(key, f"is {found!r}; a whole number from {least} to {most} is needed")
        return found

    def choice(self, key: str, allowed: Iterable[str], default: str) -> str:
        found = self.text(key, default or None)
        names = sorted(allowed)
        if found not in names:
            raise self.error(key, f"is {found!r}; allowed: {', '.join(names)}")
        return found

    def checked(self, key: str, make: Callable[[], T]) -> T:
        """`make()`; what it refuses is an error of this key."""
        try:
            return make()
        except RackwrightError as problem:
            raise self.error(key, str(problem)) from None

    def done(self) -> None:
        """Refuse entries that nobody asked for."""
        for key in self._content:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked)) or "(nothing)"
                raise self.error(key, f"is not known; {self.name or 'the file'} has: {known}")

    def _found(self, key: str, default: Any) -> Any:
        self._asked.add(key)
        if key not in self._content and default is None:
            raise self.error("", f"{key} is missing")
        return self._content.get(key, default)


def read_tables(path: str | Path) -> Table:
    """The file's root table. Raises InputError."""
    place = Path(path)
    try:
        if place.stat().st_size > _MOST_BYTES:
            raise InputError(f"is larger than {_MOST_BYTES} bytes; this is no rack file",
                             place=place)
        source = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as problem:
        raise InputError(f"cannot be read: {problem}", place=path) from None
    try:
        content = tomllib.loads(source)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        line = re.search(r"at line (\d+)", str(problem))
        raise InputError(f"is no TOML: {problem}", place=place,
                         line=int(line[1]) if line else None) from None
    return Table(place, "", content, _lines(source))


def _lines(source: str) -> dict[tuple[str, str], int]:
    """(table, key) -> line; the table itself has the key ""."""
    found: dict[tuple[str, str], int] = {}
    table = ""
    for number, text in enumerate(source.splitlines(), 1):
        if head := _HEAD.match(text):
            table = re.sub(r"[\"'\s]", "", head[1])
            found.setdefault((table, ""), number)
            parent, _, last = table.rpartition(".")
            found.setdefault((parent, last), number)
            found.setdefault(("", table.split(".")[0]), number)
        elif key := _KEY.match(text):
            found.setdefault((table, key[1] or key[2] or key[3]), number)
    return found
