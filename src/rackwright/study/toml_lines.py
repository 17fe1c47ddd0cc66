"""Where the keys of a TOML file stand, which Python's reader of TOML does not tell.

Sees headers and keys that start a line; what stands inside a value has the line of its key.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["TomlLines"]

_HEADER = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_WORD = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")

Place = tuple[str | int, ...]


class TomlLines:
    """Lines by path: ("axis", 1, "values").

    >>> TomlLines('[[axis]]\\npath = "seed"\\n').of(["axis", 0, "path", "more"])
    2
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        self._tables: Counter[Place] = Counter()  # of an array of tables, how many so far
        self._section: Place = ()
        inside = ""  # the quotes of a text over several lines
        for number, line in enumerate(text.splitlines(), 1):
            if not inside:
                self._take(number, line)
            inside = _still_inside(line, inside)

    def of(self, place: Sequence[str | int]) -> int | None:
        """The line of `place`, or of what it stands in."""
        path = tuple(place)
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path)

    def _take(self, number: int, line: str) -> None:
        if header := _HEADER.match(line):
            self._section = self._opened(_words(header[2]), header[1] == "[[")
            self._lines.setdefault(self._section, number)
        elif key := _KEY.match(line):
            words = _words(key[1])
            for end in range(1, len(words) + 1):
                self._lines.setdefault((*self._section, *words[:end]), number)

    def _opened(self, words: Sequence[str], another: bool) -> Place:
        """The path of a header: an array of tables stands for its last entry."""
        path: Place = ()
        for place, word in enumerate(words):
            path = (*path, word)
            if another and place == len(words) - 1:
                self._tables[path] += 1
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        return path


def _words(text: str) -> list[str]:
    return [word.strip("\"'") for word in _WORD.findall(text)]


def _still_inside(line: str, inside: str) -> str:
    for quotes in ('"""', "'''"):
        if inside in ("", quotes) and line.count(quotes) % 2:
            return "" if inside else quotes
    return inside
