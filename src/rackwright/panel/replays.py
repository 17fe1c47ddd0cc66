"""A registered system replayed to its end, apart from the rack, while the panel goes on answering.

So run systems that the rack cannot step (`live` says which and why), and those on a topology of
their own. The replay runs in a thread, since a model's `replay` is one call; between its slices
(some 0.1 s) it reports progress, and there an `ABORt` reaches it as Ctrl-C would, so that what is
done is kept. It has a clock of its own: the rack's virtual time stands still for it. Faults of the
rack would go unnoticed: while it runs they are refused.
"""

from __future__ import annotations

import threading
from typing import Any, NoReturn

from rackwright import run
from rackwright.errors import Interrupted, RackwrightError
from rackwright.models import registry
from rackwright.panel.live import unreached
from rackwright.panel.rackfile import SystemReplay
from rackwright.panel.scpi.errors import ScpiError
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
        self.stalled, self.now_ps = "", -1
        self._thread = threading.Thread(target=self._work, name=f"replay {wanted.name}",
                                        daemon=True)

    def begin(self, now_ps: int) -> None:
        """Start it; the rack's clock is not its own."""
        self._thread.start()

    @property
    def done(self) -> bool:
        return self._thread.ident is not None and not self._thread.is_alive()

    def advance(self) -> float:
        """Seconds to wait before the next look."""
        return PAUSE

    @property
    def preparing(self) -> bool:
        """Never: see `ready`."""
        return False

    @property
    def ready(self) -> bool:
        """It makes itself ready as it goes."""
        return True

    @property
    def deaf(self) -> str:
        """Why no fault of the rack reaches it."""
        if self.wanted.topology is not None:
            return "it has a topology of its own, in the rack file"
        return unreached(self.wanted.system, self.wanted.options)

    def refuse(self, link: int, bandwidth: float, until_known: bool, late: bool) -> NoReturn:
        """Raises ScpiError -221: no fault reaches it."""
        raise ScpiError(-221, f"{self.wanted.system} cannot see a fault of "
                              f"{self._fabric.link_names[link]}: {self.deaf}; ABORt it, or "
                              "INJect:CLEar before INITiate")

    def set_rate(self, link: int, bandwidth: float) -> None:
        """Never asked: `refuse` comes first."""

    def set_latency(self, link: int, latency_ps: int) -> None:
        """Never asked."""

    def hold(self, link: int, until_ps: int) -> None:
        """Never asked."""

    def go_to(self, until_ps: int) -> int:
        """The rack's time passes without it."""
        return until_ps

    def moved(self) -> None:
        """Its bytes are not on the rack's links."""

    def stop(self) -> None:
        """`ABORt`: the replay ends at its next slice and keeps what is done."""
        self._stop = True

    def join(self) -> None:
        """Wait for the end, as at shutdown."""
        if self._thread.ident is not None:
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
