"""XML read safely: no entities, no external files, limits on size, depth and count.

A declaration ``<!DOCTYPE name SYSTEM "file">`` is passed over and its file never fetched;
anything declared inside one is refused. Elements remember their lines. Leaves out: namespaces
(prefixes are cut off), comments, processing instructions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from rackwright.errors import InputError

__all__ = ["Element", "parse_xml"]

# Our own limits: real machines stay below a tenth of each.
_MOST_ELEMENTS, _MOST_DEPTH = 200_000, 64
_PIECE = 1 << 16  # characters fed at once, so that a limit stops a large file early


@dataclass(eq=False)
class Element:
    """An element: `tag`, `attributes`, the text directly inside, its children, its line."""

    tag: str
    attributes: Mapping[str, str]
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        """The attribute without blanks around it."""
        return self.attributes.get(name, default).strip()

    def all(self, tag: str) -> Iterator[Element]:
        """The children of that tag."""
        return (child for child in self.children if child.tag == tag)


def parse_xml(text: str, place: object) -> Element:
    """The outermost element. Raises InputError with the line."""
    return _Reader(place).read(text)


class _Reader:
    def __init__(self, place: object) -> None:
        self._place = place
        self._open: list[Element] = []
        self._root: Element | None = None
        self._count = 0
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity

    def read(self, text: str) -> Element:
        try:
            for begin in range(0, len(text), _PIECE):
                self._parser.Parse(text[begin:begin + _PIECE], False)
            self._parser.Parse("", True)
        except expat.ExpatError as problem:
            raise InputError(f"broken XML: {expat.ErrorString(problem.code)} (column "
                             f"{problem.offset})", place=self._place,
                             line=problem.lineno) from None
        assert self._root is not None  # expat refuses a text without an element
        return self._root

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS:
            self._refuse(f"more than {_MOST_ELEMENTS} elements; no machine is described so")
        if len(self._open) >= _MOST_DEPTH:
            self._refuse(f"elements nested more than {_MOST_DEPTH} deep")
        element = Element(tag.rpartition("}")[2].rpartition(":")[2], attributes,
                          self._parser.CurrentLineNumber)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text

    def _doctype(self, _name: str, _system: str | None, _public: str | None, inside: int) -> None:
        if inside:
            self._refuse("a document type with declarations of its own; remove the <!DOCTYPE ...>")

    def _entity(self, name: str, *_: object) -> None:
        self._refuse(f"it declares an entity {name!r}, which could grow without bounds; remove it")

    def _refuse(self, why: str) -> None:
        raise InputError(why, place=self._place, line=self._parser.CurrentLineNumber)
