"""Errors as SCPI counts them: standard numbers and texts, and the queue that `SYSTem:ERRor?` reads.

Numbers and their texts are those of SCPI-99, volume 2, chapter 21.8; those listed are the ones
that this interpreter raises. The sign and hundreds give the bit of the standard event status
register (`EVENT_BITS`). Left out: positive, device-defined numbers.
"""

from __future__ import annotations

from collections import deque

__all__ = ["NO_ERROR", "TEXTS", "ErrorQueue", "ScpiError", "event_bit"]

NO_ERROR = '0,"No error"'
LONGEST = 255  # characters of a message with its device-dependent part (SCPI-99 21.8.1)
ROOM = 30      # entries; our own choice, as real instruments have 20 to 30

TEXTS = {
    -100: "Command error",
    -101: "Invalid character",
    -102: "Syntax error",
    -108: "Parameter not allowed",
    -109: "Missing parameter",
    -112: "Program mnemonic too long",
    -113: "Undefined header",
    -114: "Header suffix out of range",
    -121: "Invalid character in number",
    -123: "Exponent too large",
    -124: "Too many digits",
    -128: "Numeric data not allowed",
    -131: "Invalid suffix",
    -138: "Suffix not allowed",
    -141: "Invalid character data",
    -148: "Character data not allowed",
    -151: "Invalid string data",
    -158: "String data not allowed",
    -161: "Invalid block data",
    -168: "Block data not allowed",
    -171: "Invalid expression",
    -178: "Expression data not allowed",
    -200: "Execution error",
    -211: "Trigger ignored",
    -213: "Init ignored",
    -214: "Trigger deadlock",
    -221: "Settings conflict",
    -222: "Data out of range",
    -223: "Too much data",
    -224: "Illegal parameter value",
    -230: "Data corrupt or stale",
    -241: "Hardware missing",
    -310: "System error",
    -350: "Queue overflow",
    -363: "Input buffer overrun",
    -410: "Query INTERRUPTED",
    -420: "Query UNTERMINATED",
}
EVENT_BITS = {1: 5, 2: 4, 3: 3, 4: 2}  # command, execution, device, query error


class ScpiError(Exception):
    """What a command raises: a standard `number`, and what this instrument has to add."""

    def __init__(self, number: int, detail: str = "") -> None:
        self.number, self.detail = number, " ".join(detail.split())
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{TEXTS[self.number]}; {self.detail}" if self.detail else TEXTS[self.number]
        quoted = text.replace('"', "'").encode("ascii", "replace").decode()
        return f'{self.number},"{quoted[:LONGEST]}"'


def event_bit(number: int) -> int:
    """The bit of the standard event status register that an error sets, as a mask."""
    return 1 << EVENT_BITS[min(abs(number) // 100, 4)]


class ErrorQueue:
    """First in, first out; the newest entry turns into -350 when there is no room."""

    def __init__(self) -> None:
        self._entries: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, problem: ScpiError) -> None:
        if len(self._entries) < ROOM:
            self._entries.append(str(problem))
        else:
            self._entries[-1] = str(ScpiError(-350))

    def take(self) -> str:
        """The oldest entry, or 0."""
        return self._entries.popleft() if self._entries else NO_ERROR

    def clear(self) -> None:
        self._entries.clear()
