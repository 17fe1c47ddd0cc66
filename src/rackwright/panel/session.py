"""One client's way to one instrument without a network: messages in, answers out, at once.

Used by the in-process backend. What a message waits for runs here: virtual time without a pause,
real time and replays by sleeping, at most as long as a read may take. IEEE 488.2's exchange rules
hold: a message that comes before an answer was read drops the answer (-410), so that no answer is
ever stale; a read without a question is -420.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator

from rackwright.panel.framing import Framer
from rackwright.panel.panel import Panel
from rackwright.panel.scpi import ScpiError

__all__ = ["Session"]


class Session:
    """A session on an instrument of a panel. Raises UnknownName."""

    def __init__(self, panel: Panel, name: str) -> None:
        self.panel, self.name = panel, name
        self.interpreter = panel.open(name)
        self._framer = Framer()
        self._waiting: deque[bytes | None] = deque()
        self._current: Generator[float, None, bytes] | None = None
        self._output = bytearray()

    def write(self, data: bytes) -> None:
        """One message, or several with newlines between."""
        if self._output:
            self._output.clear()
            self.interpreter.fail(ScpiError(-410))
        self._waiting += self._framer.feed(data, end=True)
        self._go_on(0.0)

    def read(self, count: int, timeout: float) -> tuple[bytes, bool] | None:
        """At most `count` bytes and whether that is all; None when none come in `timeout` s."""
        if not self._output and self._current is None:
            self.interpreter.fail(ScpiError(-420))
            return None
        if not self._output:
            self._go_on(timeout)
        if not self._output:
            return None
        taken = bytes(self._output[:count])
        del self._output[:count]
        self.interpreter.reading = bool(self._output)
        return taken, not self._output

    def peek(self) -> bytes:
        """What waits to be read."""
        return bytes(self._output)

    def status_byte(self) -> int:
        """A serial poll."""
        self._go_on(0.0)
        return self.interpreter.status_byte()

    def clear(self) -> None:
        """Device clear: forget input, output and what waits."""
        self._waiting.clear()
        self._output.clear()
        self._framer.clear()
        if self._current is not None:
            self._current.close()
            self._current = None
        self.interpreter.clear_device()

    def close(self) -> None:
        self.clear()
        self.panel.close(self.interpreter)

    def _go_on(self, timeout: float) -> None:
        """Carry out what has come in; with a timeout of 0 up to the first pause."""
        deadline = time.monotonic() + timeout
        while self._current is not None or self._waiting:
            if self._current is None and not self._start():
                continue
            assert self._current is not None
            try:
                pause = next(self._current)
            except StopIteration as end:
                self._current = None
                self._answer(end.value)
                continue
            if pause > 0:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                time.sleep(min(pause, left))

    def _start(self) -> bool:
        message = self._waiting.popleft()
        if message is None:
            self.interpreter.fail(ScpiError(-363))
            return False
        if self._output:
            self._output.clear()
            self.interpreter.fail(ScpiError(-410))
        self.interpreter.reading = False
        self._current = self.interpreter.run(message)
        return True

    def _answer(self, answer: bytes) -> None:
        if answer:
            self._output += answer + b"\n"
            self.interpreter.reading = True
