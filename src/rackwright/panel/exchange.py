"""What the network transports share: a session driven by an event loop.

Messages of one session run one after the other; a session that waits lets the others go on. A
session whose instrument is locked by another waits for it. When a client is gone, what it waited
for is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from rackwright.panel.locks import Locks
from rackwright.panel.panel import Panel
from rackwright.panel.scpi import ScpiError

__all__ = ["Exchange"]

_LOCK_PAUSE = 0.005  # s between two looks at a lock that another holds


class Exchange:
    """A client's session on an instrument. Raises UnknownName."""

    def __init__(self, panel: Panel, name: str, locks: Locks) -> None:
        self.panel, self.name, self.locks = panel, name, locks
        self.interpreter = panel.open(name)

    async def answer(self, message: bytes | None, gone: Callable[[], bool]) -> bytes:
        """The answer to one message, without terminator; None is one that was too long."""
        while not self.locks.free_for(self):
            if gone():
                return b""
            await asyncio.sleep(_LOCK_PAUSE)
        if message is None:
            self.interpreter.fail(ScpiError(-363))
            return b""
        self.interpreter.reading = False
        running = self.interpreter.run(message)
        try:
            while not gone():
                await asyncio.sleep(next(running))
        except StopIteration as end:
            return bytes(end.value)
        finally:
            running.close()
        return b""

    def close(self) -> None:
        self.locks.drop(self)
        self.panel.close(self.interpreter)
