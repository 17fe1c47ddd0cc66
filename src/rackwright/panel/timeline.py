"""The rack's event log: what ran, moved and broke when, as spans for the timeline.

Tracks are boards ("h0/gpu0": computing), streams ("h0/gpu0 to h0/gpu1": a span for every stretch
of one rate, its bytes as the amount) and links ("h0/gpu0->h0/nvswitch": faults). Beyond `MOST`
spans, later ones are counted and left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rackwright.models.outcome import Spans
from rackwright.units import format_bandwidth

if TYPE_CHECKING:
    from rackwright.panel.traffic import Stream

__all__ = ["Log", "Segments"]

MOST = 200_000  # spans kept; some 60 MB of memory


class Log:
    """Spans as they end; `spans` also shows those that are still open, up to now."""

    def __init__(self) -> None:
        self._tracks: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        self._rows: list[tuple[int, int, int, int, int]] = []  # start, track, label, end, amount
        self._open: dict[tuple[str, str], int] = {}
        self._dropped = 0

    def add(self, track: str, label: str, start_ps: int, end_ps: int, amount: float = 0) -> None:
        """One span. Those of no length are left out."""
        if end_ps <= start_ps:
            return
        if len(self._rows) >= MOST:
            self._dropped += 1
            return
        self._rows.append(self._row(track, label, start_ps, end_ps, amount))

    def begin(self, track: str, label: str, now_ps: int) -> None:
        """A state that lasts until `end`."""
        self._open.setdefault((track, label), now_ps)

    def end(self, track: str, now_ps: int) -> None:
        """All open states of a track end."""
        for key in [key for key in self._open if key[0] == track]:
            self.add(*key, self._open.pop(key), now_ps)

    def spans(self, now_ps: int) -> Spans:
        """What there is, in order of start."""
        rows = list(self._rows)
        rows += [self._row(track, label, start, now_ps, 0)
                 for (track, label), start in self._open.items() if start < now_ps]
        table = np.array(sorted(rows), np.int64).reshape(-1, 5)
        return Spans(tuple(self._tracks), tuple(self._labels), table[:, 1].astype(np.int32),
                     table[:, 2].astype(np.int32), table[:, 0], table[:, 3], table[:, 4],
                     self._dropped)

    def _row(self, track: str, label: str, start_ps: int, end_ps: int, amount: float
             ) -> tuple[int, int, int, int, int]:
        return (start_ps, self._tracks.setdefault(track, len(self._tracks)),
                self._labels.setdefault(label, len(self._labels)), end_ps, round(amount))


class Segments:
    """Stretches of one rate of streams under way; each ends as a span of the log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._open: dict[Stream, tuple[int, float, float]] = {}  # since, rate, bytes then

    def at(self, stream: Stream, rate: float, now_ps: int) -> None:
        """A stream has this rate from now on."""
        before = self._open.get(stream)
        if before is None or before[1] != rate:
            self.close(stream, now_ps)
            self._open[stream] = (now_ps, rate, stream.sent)

    def close(self, stream: Stream, now_ps: int) -> None:
        """A stream ends, or changes its rate."""
        since = self._open.pop(stream, None)
        if since is not None:
            start_ps, rate, sent = since
            self._log.add(stream.name, format_bandwidth(rate), start_ps, now_ps,
                          stream.sent - sent)
