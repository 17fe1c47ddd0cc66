"""Where messages end in a stream of bytes: at a newline that stands in no block.

A message longer than the limit is dropped up to its newline and reported once, so that whatever a
client sends costs a bounded amount of memory and the stream stays in step.
"""

from __future__ import annotations

import re

__all__ = ["MOST_MESSAGE", "Framer"]

MOST_MESSAGE = 1 << 20  # bytes; our own limit
_MARK = re.compile(rb"[\n#\"']")


class Framer:
    """`feed` it bytes; it gives whole messages, and None for one that was too long."""

    def __init__(self, most: int = MOST_MESSAGE) -> None:
        self._most = most
        self._buffer = bytearray()
        self._at = 0          # looked at so far
        self._quote = b""
        self._dropping = False

    def feed(self, data: bytes, end: bool = False) -> list[bytes | None]:
        """More bytes; `end`: the transport says that the message is complete."""
        self._buffer += data
        found: list[bytes | None] = []
        while (message := self._next()) is not _MORE:
            found.append(message)  # type: ignore[arg-type]
        if end:
            found += self._rest()
        return [message for message in found if message is None or message.strip()]

    def clear(self) -> None:
        """Forget what has come in."""
        self._cut(len(self._buffer))
        self._dropping = False

    def _rest(self) -> list[bytes | None]:
        rest, dropping = bytes(self._buffer), self._dropping
        self.clear()
        return [] if dropping or not rest else [rest]

    def _next(self) -> bytes | None | object:
        """The next message, None for one that is too long, or _MORE."""
        end = self._end()
        if end >= 0:
            message = bytes(self._buffer[:end]) if end <= self._most else None
            self._cut(end + 1)
            if self._dropping:  # the end of what has been reported already
                self._dropping = False
                return self._next()
            return message
        if self._dropping:
            self._cut(len(self._buffer))
        elif len(self._buffer) > self._most:
            self._cut(len(self._buffer))
            self._dropping = True
            return None
        return _MORE

    def _end(self) -> int:
        """Where the newline is that ends the message; -1 for not yet."""
        if self._dropping:
            return self._buffer.find(b"\n")
        while (mark := _MARK.search(self._buffer, self._at)) is not None:
            if mark[0] == b"\n":
                return mark.start()
            if mark[0] == b"#" and not self._quote:
                after = self._block(mark.start())
                if after < 0:
                    return -1
                self._at = after
                continue
            if mark[0] != b"#":
                self._quote = b"" if self._quote == mark[0] else self._quote or mark[0]
            self._at = mark.end()
        self._at = len(self._buffer)
        return -1

    def _block(self, start: int) -> int:
        """Where a block ends that starts at `start`; -1 when that is not known yet."""
        digit = self._buffer[start + 1:start + 2]
        if not digit:
            return -1
        if not digit.isdigit() or digit == b"0":
            return start + 1
        head = self._buffer[start + 2:start + 2 + int(digit)]
        if not head.isdigit() and head:
            return start + 1
        if len(head) < int(digit):
            return -1
        end = start + 2 + int(digit) + int(head)
        if end > self._most:  # no such block is taken; its bytes are read as a message
            return start + 1
        return end if end <= len(self._buffer) else -1

    def _cut(self, upto: int) -> None:
        del self._buffer[:upto]
        self._at, self._quote = 0, b""


_MORE = object()
