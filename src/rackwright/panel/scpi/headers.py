"""Headers: patterns such as ``MEASure[:SCALar]:POWer`` and the tree in which they are looked up.

A node may be typed in its short form (the capitals of the pattern) or its long form, in any case;
``[:NODE]`` may be left out. Numeric suffixes are not used by this tree: 1 is accepted and means
nothing, others are -114.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rackwright.panel.scpi.errors import ScpiError

__all__ = ["Tree", "forms"]

T = TypeVar("T")
_NODE = re.compile(r"(\[?):?([A-Za-z*]+)(\]?)")


def forms(word: str) -> set[str]:
    """The ways to write a keyword, in capitals: MEASure is MEAS or MEASURE.

    >>> sorted(forms("MEASure"))
    ['MEAS', 'MEASURE']
    """
    return {word.upper(), "".join(letter for letter in word if not letter.islower())}


@dataclass
class _Node(Generic[T]):
    below: dict[str, _Node[T]] = field(default_factory=dict)
    entry: T | None = None


class Tree(Generic[T]):
    """Entries by header. `add` takes a pattern, `find` what was typed."""

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, pattern: str, entry: T) -> None:
        """Raises ValueError when two patterns collide."""
        for words in _spellings(pattern):
            node = self._root
            for word in words:
                node = self._child(node, word)
            if node.entry is not None and node.entry is not entry:
                raise ValueError(f"two commands are called {':'.join(words)}")
            node.entry = entry

    def find(self, words: Iterable[str]) -> T:
        """The entry under these words. Raises ScpiError -113 or -114."""
        node, typed = self._root, list(words)
        for word in typed:
            node = self._step(node, word, typed)
        if node.entry is None:
            raise ScpiError(-113, ":".join(typed))
        return node.entry

    def _step(self, node: _Node[T], word: str, typed: list[str]) -> _Node[T]:
        found = node.below.get(word)
        if found is not None:
            return found
        stem = word.rstrip("0123456789")
        if stem != word and stem in node.below:
            if word[len(stem):] == "1":
                return node.below[stem]
            raise ScpiError(-114, word)
        raise ScpiError(-113, ":".join(typed))

    def _child(self, node: _Node[T], word: str) -> _Node[T]:
        known = [node.below.get(name) for name in forms(word)]
        if any(one is not known[0] for one in known):
            raise ValueError(f"the short form of {word} is short for two words")
        child = known[0] if known[0] is not None else _Node()
        node.below.update(dict.fromkeys(forms(word), child))
        return child


def _spellings(pattern: str) -> Iterator[list[str]]:
    """Every list of words that a pattern allows, with and without its optional nodes."""
    nodes = [(match[2], bool(match[1])) for match in _NODE.finditer(pattern)]
    choices = [([word], []) if optional else ([word],) for word, optional in nodes]
    for picked in itertools.product(*choices):
        yield [word for words in picked for word in words]
