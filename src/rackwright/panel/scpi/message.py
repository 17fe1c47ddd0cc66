"""Program messages: bytes into units, units into a header and arguments (IEEE 488.2, 7).

``MEAS:POW? "h0/gpu0";*OPC?`` has two units. A string is quoted with ' or ", doubled inside; a
block is ``#`` + digits + length + bytes, or ``#0`` up to the end of the message; an expression,
such as a channel list, stands in parentheses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from rackwright.panel.scpi.errors import ScpiError
from rackwright.panel.scpi.numbers import whole_of

__all__ = ["Argument", "Unit", "block", "quoted", "units"]

_SPACE = " \t\r\n\v\f\x00"
_HEADER = re.compile(r"(\*?)(:?)([A-Za-z][A-Za-z0-9_]*(?::[A-Za-z][A-Za-z0-9_]*)*)(\??)")
_WORD = re.compile(r"[^,;\"'#()\x00-\x1f\x7f-\xff]+")
_RADIX = re.compile(r"#[HhQqBb][0-9A-Za-z]*")
_STOPS = re.compile(r"[()\"']")
MOST_ARGUMENTS = 1000  # our own limit
LONGEST_MNEMONIC = 12  # IEEE 488.2 7.6.1.4.1


class Argument(NamedTuple):
    """`kind`: "word" (numbers and keywords), "string", "block" or "expression"; `text` without
    quotes or the outer parentheses."""

    kind: str
    text: str


@dataclass(frozen=True)
class Unit:
    """One command: its words in capitals, whether it starts at the root, asks, is common."""

    words: tuple[str, ...]
    rooted: bool
    common: bool
    query: bool
    arguments: tuple[Argument, ...] = ()


def units(message: bytes) -> list[Unit | ScpiError]:
    """The units of one message; the first thing that cannot be read ends the list."""
    text, at = message.decode("latin-1"), 0
    found: list[Unit | ScpiError] = []
    while at < len(text):
        at = _skip(text, at)
        if at == len(text):
            break
        if text[at] == ";":  # an empty unit
            at += 1
            continue
        try:
            unit, at = _unit(text, at)
        except ScpiError as problem:
            found.append(problem)
            break
        found.append(unit)
    return found


def block(content: bytes) -> bytes:
    """`content` as a definite-length block.

    >>> block(b"ABCDEFGH")
    b'#18ABCDEFGH'
    """
    length = str(len(content))
    return f"#{len(length)}{length}".encode() + content


def quoted(text: str) -> str:
    """`text` as a string, quotes doubled."""
    return '"' + text.replace('"', '""') + '"'


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _unit(text: str, at: int) -> tuple[Unit, int]:
    header = _HEADER.match(text, at)
    if header is None or (header[1] and (header[2] or ":" in header[3])):
        raise _refused(text, at)
    at = header.end()
    for word in header[3].split(":"):
        if len(word.rstrip("0123456789")) > LONGEST_MNEMONIC:
            raise ScpiError(-112, word[:40])
    if at < len(text) and text[at] not in _SPACE + ";":
        raise _refused(text, at)
    arguments, at = _arguments(text, _skip(text, at))
    words = tuple(header[3].upper().split(":"))
    if header[1]:
        words = ("*" + words[0],)
    return Unit(words, bool(header[2]), bool(header[1]), bool(header[4]), arguments), at


def _refused(text: str, at: int) -> ScpiError:
    shown = text[at:at + 20]
    odd = shown[:1] and not " " <= shown[0] <= "~"
    return ScpiError(-101 if odd else -102, f"at character {at + 1}: {shown!r}")


def _arguments(text: str, at: int) -> tuple[tuple[Argument, ...], int]:
    """Arguments up to the end of the unit, and where the next unit starts."""
    found: list[Argument] = []
    while at < len(text) and text[at] != ";":
        if len(found) == MOST_ARGUMENTS:
            raise ScpiError(-223, f"more than {MOST_ARGUMENTS} arguments")
        argument, at = _argument(text, at)
        found.append(argument)
        at = _skip(text, at)
        if at < len(text) and text[at] == ",":
            at = _skip(text, at + 1)
            if at == len(text) or text[at] == ";":
                raise ScpiError(-109, "after a comma")
        elif at < len(text) and text[at] != ";":
            raise _refused(text, at)
    return tuple(found), at + 1


def _argument(text: str, at: int) -> tuple[Argument, int]:
    if text[at] in "\"'":
        return _string(text, at)
    if text[at] == "(":
        return _expression(text, at)
    if (radix := _RADIX.match(text, at)) is not None:
        number = whole_of(radix[0])
        if number is None:
            raise ScpiError(-121, radix[0][:40])
        return Argument("word", number), radix.end()
    if text[at] == "#":
        return _block(text, at)
    word = _WORD.match(text, at)
    if word is None:
        raise _refused(text, at)
    return Argument("word", word[0].strip(_SPACE)), word.end()


def _string(text: str, at: int) -> tuple[Argument, int]:
    quote, start, pieces = text[at], at + 1, []
    while True:
        end = text.find(quote, start)
        if end < 0:
            raise ScpiError(-151, f"no closing {quote} after character {at + 1}")
        pieces.append(text[start:end])
        if text[end + 1:end + 2] != quote:
            return Argument("string", quote.join(pieces)), end + 1
        start = end + 2


def _expression(text: str, at: int) -> tuple[Argument, int]:
    """Up to the parenthesis that closes; those in strings do not count."""
    depth, end = 0, at
    while (stop := _STOPS.search(text, end)) is not None:
        end = stop.end()
        if stop[0] in "\"'":
            end = _string(text, stop.start())[1]
            continue
        depth += 1 if stop[0] == "(" else -1
        if depth == 0:
            return Argument("expression", text[at + 1:end - 1]), end
    raise ScpiError(-171, f"no closing ) after character {at + 1}")


def _block(text: str, at: int) -> tuple[Argument, int]:
    digits = text[at + 1:at + 2]
    if digits == "0":
        return Argument("block", text[at + 2:]), len(text)
    start = at + 2 + int(digits) if digits.isdecimal() and digits.isascii() else at
    length = text[at + 2:start]
    if start == at or not (length.isdecimal() and length.isascii()):
        raise ScpiError(-161, "write #, the number of digits, the length, the bytes")
    end = start + int(length)
    if end > len(text):
        raise ScpiError(-161, f"{len(text) - start} of {int(length)} bytes are there")
    return Argument("block", text[start:end]), end
