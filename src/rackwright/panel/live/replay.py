"""A replay that the rack steps: one clock for both, and faults between any two of its events.

Making a system ready (tables, compilation) takes seconds and happens in a thread; from then on the
kernel runs in slices when the rack's time moves, never beyond it. The one exception is a barrier
baseline of AEP, which ends the iteration that it has begun. Left out: what the replay's GPUs draw.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from rackwright import run
from rackwright.engine.driver import drive
from rackwright.engine.status import FOREVER_PS
from rackwright.errors import Interrupted, RackwrightError, Stalled
from rackwright.models import registry
from rackwright.panel.live.systems import SYSTEMS, Live, Work
from rackwright.panel.rackfile import SystemReplay
from rackwright.panel.scpi.errors import ScpiError
from rackwright.topologies import Fabric

__all__ = ["LiveReplay"]

SLICE = 0.05  # s of work between two looks at other sessions
_PAUSE = 0.002  # s of waiting for it to be ready, between two looks at other sessions


class _Pause(Exception):
    """The slice is used up."""


class LiveReplay:
    """A system on the rack's own links; an overlapped operation for the interpreter.

    Wait until `ready`, then `begin`; `go_to` moves it on. `error`: why it has no (whole) result.
    """

    def __init__(self, wanted: SystemReplay, fabric: Fabric,
                 push: Callable[[LiveReplay], float]) -> None:
        self.wanted, self.start_ps = wanted, -1
        self.done, self.stalled = False, ""
        self.error: RackwrightError | None = None
        self._fabric, self._push = fabric, push
        self._made: tuple[Any, Live] | None = None
        self._counted: npt.NDArray[np.float64] | None = None
        self._seen: tuple[int, Any] = (-1, None)  # events, and the result that they made
        self._thread = threading.Thread(target=self._prepare, daemon=True,
                                        name=f"prepare {wanted.name}")
        self._thread.start()

    # ---- as an operation

    def advance(self) -> float:
        """Let virtual time run on towards the end; seconds to wait before the next call."""
        return _PAUSE if self.start_ps < 0 else self._push(self)

    def begin(self, now_ps: int) -> None:
        """Its clock is 0 now; from here on it goes when the rack's does."""
        self.start_ps = now_ps

    def stop(self) -> None:
        """`ABORt`: what is done is kept."""
        if not self.done:
            self.done = True
            self.error = Interrupted("stopped before its end")

    def join(self) -> None:
        """Wait until nothing runs in the background."""
        self._thread.join()

    # ---- making ready

    @property
    def preparing(self) -> bool:
        """Whether it is being made ready."""
        return self._thread.is_alive()

    @property
    def ready(self) -> bool:
        """Whether it can go, after a short wait; raises what hindered it."""
        self._thread.join(_PAUSE)
        if self._thread.is_alive():
            return False
        if self._made is None:
            self.done = True
            raise self.error or RackwrightError("the replay could not be made ready")
        return True

    def _prepare(self) -> None:
        wanted = self.wanted
        try:
            trace: Any = wanted.trace
            if wanted.limit is not None:
                trace = run.load_trace(registry.get(wanted.system), trace, wanted.limit)
            work = run._loaded(wanted.system, self._fabric, trace, wanted.seed, None,
                               wanted.options)
            options = work.model.options.checked(work.options)
            live = SYSTEMS[wanted.system](Work(work.fabric, work.trace, options, work.seed))
            # nothing happens before the clock starts: this compiles the kernel
            live.state = drive(live.advance, live.state, grow=live.grow, until_ps=-1)
            live.state.control.now_ps[0] = 0
            self._made = work, live
        except RackwrightError as problem:
            self.error = problem
        except Exception as problem:  # shown to the client; the panel goes on
            self.error = RackwrightError(f"{type(problem).__name__}: {problem}")

    # ---- time

    @property
    def now_ps(self) -> int:
        """The rack's time that it has reached."""
        return self.start_ps if self._made is None else (
            self.start_ps + int(self._live.state.control.now_ps[0]))

    def go_to(self, until_ps: int) -> int:
        """Go on for one slice, at most to `until_ps` of the rack's time; the time reached.

        When all that it waits for is a link that is down, time passes (`stalled` says what waits).
        """
        live, state = self._live, self._live.state
        if self.done or self.now_ps >= until_ps:
            return until_ps
        started = time.perf_counter()

        def look(now: Any) -> None:
            live.state = now
            if time.perf_counter() - started > SLICE:
                raise _Pause

        target = FOREVER_PS if until_ps == FOREVER_PS else until_ps - self.start_ps
        self.stalled = ""
        try:
            live.state = state = drive(live.advance, state, grow=live.grow, until_ps=target,
                                       progress=look, waits=live.waits, faults=live.faults)
        except _Pause:
            return min(self.now_ps, until_ps)
        except Stalled as problem:
            self.stalled = str(problem).removeprefix("nothing can progress ")
            if until_ps != FOREVER_PS:
                live.state.control.now_ps[0] = target
            return until_ps
        except Interrupted:
            raise KeyboardInterrupt from None
        except RackwrightError as problem:
            self.done, self.error = True, problem
            return self.now_ps
        self.done = int(state.control.now_ps[0]) < target
        return self.now_ps if self.done else until_ps

    # ---- links

    def refuse(self, link: int, bandwidth: float, until_known: bool, late: bool) -> None:
        """Raises ScpiError -221 for a fault that this system cannot show."""
        links, name = self._live.links, self._fabric.link_names[link]
        why = links.refusal(link)
        if not why and late and not links.late:
            why = "has no latency of its own in this system"
        if not why and bandwidth == 0 and links.stops == "never":
            why = "cannot be down in this system; INJect:LINK:RATE can slow it"
        if not why and bandwidth == 0 and links.stops == "a while" and not until_known:
            why = ("cannot be down for an unknown time in this system, which books messages ahead; "
                   "INJect:LINK:GLITch gives the outage an end")
        if why:
            raise ScpiError(-221, f"{self.wanted.system} runs: {name} {why}")

    def set_rate(self, link: int, bandwidth: float) -> None:
        """A link has this rate from now on; 0 is left to `hold` where links never stop."""
        if bandwidth > 0 or self._live.links.stops == "ever":
            self._live.links.set_rate(self._live.state, link, bandwidth)
            self.stalled = ""

    def set_latency(self, link: int, latency_ps: int) -> None:
        """A link has this latency from now on."""
        self._live.links.set_latency(self._live.state, link, latency_ps)

    def hold(self, link: int, until_ps: int) -> None:
        """A link is down until this time of the rack."""
        self._live.links.hold(self._live.state, link, until_ps - self.start_ps)

    def moved(self) -> npt.NDArray[np.float64] | None:
        """Bytes on each link since this was last asked, where the system counts them."""
        found = None if self._made is None else self._live.links.nbytes(self._live.state)
        if found is None:
            return None
        before, self._counted = self._counted, found
        return found if before is None else found - before

    # ---- results

    @property
    def done_share(self) -> float:
        if self._made is None:
            return 0.0
        done, total, _ = self._live.progress(self._live.state)
        return done / total if total else 0.0

    @property
    def result(self) -> Any:
        """The result, of what is done so far while it runs."""
        if self._made is None:
            return None
        work, live = self._made
        events = int(live.state.control.events[0]) + self.done
        if self._seen[0] != events:
            complete = self.done and self.error is None
            options = work.model.options.checked(work.options)
            outcome = live.finish(live.state, complete)
            self._seen = events, run._result(work, None, options.plain(), outcome, 0.0, complete)
        return self._seen[1]

    @property
    def _live(self) -> Live:
        assert self._made is not None, "asked before it was ready"
        return self._made[1]
