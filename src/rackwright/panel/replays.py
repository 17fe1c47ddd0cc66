"""A registered system replayed to its end while the panel goes on answering.

The replay runs in a thread, since a model's `replay` is one call; between its slices (some 0.1 s)
it reports progress, and there an `ABORt` reaches it as Ctrl-C would, so that what is done is
kept. It has a clock of its own: the rack's virtual time stands still for it. Faults of the live
rack do not reach it; its topology is the rack's, healthy, unless a system needs another.
"""

from __future__ import annotations

import threading
from typing import Any

from rackwright import run
from rackwright.errors import Interrupted, RackwrightError
from rackwright.models import registry
from rackwright.panel.rackfile import SystemReplay
from rackwright.topologies import Fabric

__all__ = ["ReplayRun"]

PAUSE = 0.01  # s between two looks at a replay that runs


class ReplayRun:
    """A replay under way; an overlapped operation for the interpreter."""

    def __init__(self, wanted: SystemReplay, fabric: Fabric) -> None:
        self.wanted = wanted
        self.done_share, self.text = 0.0, ""
        self.result: Any = None
        self.error: RackwrightError | None = None
        self._fabric, self._stop = fabric, False
        self._thread = threading.Thread(target=self._work, name=f"replay {wanted.name}",
                                        daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def advance(self) -> float:
        """Seconds to wait before the next look."""
        return PAUSE

    def stop(self) -> None:
        """`ABORt`: the replay ends at its next slice and keeps what is done."""
        self._stop = True

    def join(self) -> None:
        """Wait for the end, as at shutdown."""
        self._thread.join()

    def _work(self) -> None:
        wanted = self.wanted
        try:
            trace: Any = wanted.trace
            if wanted.limit is not None:
                trace = run.load_trace(registry.get(wanted.system), wanted.trace, wanted.limit)
            fabric: Any = wanted.topology or self._fabric
            self.result = run.replay(wanted.system, fabric, trace, wanted.seed,
                                     self._progress, **wanted.options)
        except Interrupted as stop:
            self.result = stop.partial
            self.error = stop
        except RackwrightError as problem:
            self.error = problem
        except Exception as problem:  # shown to the client; the panel goes on
            self.error = RackwrightError(f"{type(problem).__name__}: {problem}")

    def _progress(self, done: float, total: float, text: str) -> None:
        self.done_share, self.text = (done / total if total else 0.0), text
        if self._stop:
            raise KeyboardInterrupt
