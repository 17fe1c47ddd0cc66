"""A bounded number of words, live on the RTL: what it answers and at which clock.

One simulation for all of them: the words go in back to back and the sink takes everything, so the
clocks are service times without any queue. A replay takes its cycles from ``timing.toml``; this is
for holding a part of a replay against the RTL itself. About 2,000 clocks a second.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import NamedTuple

from rackwright.errors import InputError, UsageError
from rackwright.hdl.folders import block
from rackwright.hdl.lib.axis import Beat
from rackwright.hdl.run import TIMEOUT, run_bench

__all__ = ["MOST_WORDS", "Live", "run_live"]

MOST_WORDS = 100_000     # our choice: about a minute of simulation for a block of 64 bits


class Live(NamedTuple):
    """What a live run saw. Clocks are counted from the start of the simulation."""

    taken: tuple[Beat, ...]      # the words as the block took them
    answers: tuple[Beat, ...]    # the words that came out

    @property
    def cycles(self) -> int:
        """Clocks from the first word taken to the last one out."""
        return self.answers[-1].cycle - self.taken[0].cycle if self.answers else 0


def run_live(name: str | os.PathLike[str], words: Sequence[int | tuple[int, bool]],
             geometry: str | None = None, *, quiet: int = 1000,
             timeout_time: float = TIMEOUT, simulator: str = "icarus") -> Live:
    """Play words (integers, or pairs of one and its tlast) to a block with one stream in, one out.

    The run ends `quiet` clocks after the last answer: more than the block ever takes for one. On
    ``verilator`` (see `rackwright.hdl.simulators`) long runs are faster, the first one not.
    Raises UsageError (no words, too many), UnknownName, InputError, MissingTool, Stalled.
    """
    if not 0 < len(words) <= MOST_WORDS:
        raise UsageError(f"{len(words)} words: a live run takes 1 to {MOST_WORDS:,}")
    rows = [(word, True) if isinstance(word, int) else word for word in words]
    given = json.dumps({"words": [(str(word), last) for word, last in rows], "quiet": quiet})
    what = block(name)
    report = run_bench(what, what.geometry(geometry), timeout_time=timeout_time,
                       given={"words.json": given}, bench="rackwright.hdl.lib.live.bench",
                       simulator=simulator)
    if not report.passed:
        raise InputError(f"the words could not be played: {report.tests[0].message}",
                         place=what.folder)
    return Live(*(tuple(Beat(int(word), last, cycle) for word, last, cycle in report.cycles[key])
                  for key in ("taken", "out")))
