"""The pace of a stream of requests over a path: what wires, windows and memories allow.

For `closed`: how often the event model would start one full-sized request after another, and when
a single one is answered. See `closed` for what is left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from rackwright.devices.arguments import Floats
from rackwright.devices.pcie.path import PciePath, flit_end
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.wire import COMPLETION, CREDIT_NBYTES, NON_POSTED, POSTED

__all__ = [
    "ANSWERS", "CREDITS", "REQUESTS", "Stream", "Window", "answer_time", "answered",
    "control_share", "in_order", "reads_stream", "writes_stream",
]

REQUESTS, ANSWERS, CREDITS = 0, 1, 2


class Window(NamedTuple):
    """`most` things may be under way, each for `loop` seconds; a full request has `each` of them.

    `what`: requests, answers (completions), or units of data credits. Of these there are `credits`,
    `most` when rounded down to whole TLPs.
    """

    what: int
    most: float
    each: float
    loop: float
    credits: float

    @property
    def pace(self) -> float:
        """Seconds for a full request."""
        return self.loop * self.each / self.most


class Stream(NamedTuple):
    """A full-sized request's pace: `wire` s on the slowest link (which is `link`), `memory` s, and
    the windows. `clean`: `wire` without DLLPs; `burst`: with those of the `first` requests,
    which go out as fast as they can."""

    link: int
    clean: float
    burst: float
    wire: float
    memory: float
    first: float
    windows: list[Window]

    @property
    def pace(self) -> float:
        return max(self.wire, self.memory, *(window.pace for window in self.windows))


def writes_stream(path: PciePath) -> Stream:
    size = path.payload_nbytes
    wire = [_with_replays(link, POSTED, size) for link in path.links]
    windows = [window for j in range(len(path.links))
               for window in _windows(path, j, POSTED, size, wire, REQUESTS, 1.0)]
    slowest = int(np.argmax(wire))
    return Stream(slowest, wire[slowest], wire[slowest], wire[slowest],
                  size / path.host_bandwidth, np.inf, windows)


def reads_stream(path: PciePath, waits: float = 0.0) -> Stream:
    """Paced by requests: the completions of one on the way back, tags, credits.

    `waits`: seconds that a request waits for others on its way.
    """
    request, chunk, back = path.links[0].max_read_request_nbytes, path.chunk_nbytes, path.back()
    answers = request / chunk
    out = [float(link.tlp_time(NON_POSTED)) for link in path.links]
    clean = [answers * _with_replays(link, COMPLETION, chunk) for link in back.links]
    half = [0.0 if link.flit_time else float(link.tlp_time(COMPLETION, chunk)) / 2
            for link in path.links]
    asked = [window for j in range(len(path.links))
             for window in _windows(path, j, NON_POSTED, 0, out, REQUESTS, 1.0, half[j])]
    gap = max(*out, *(window.pace for window in asked))  # of the first requests
    wire = [time / (1 - control_share(link, np.inf, max(time, gap), True))
            for link, time in zip(back.links, clean, strict=True)]
    slowest = int(np.argmax(wire))
    burst = clean[slowest] + control_share(back.links[slowest], np.inf, gap, True) * gap
    each = [time / answers for time in wire]
    given = [window for j in range(len(back.links))
             for window in _windows(back, j, COMPLETION, chunk, each, ANSWERS, answers)]
    inside = max(wire[slowest] * (1 - 1 / answers), *(
        max(np.ceil((answers * (window.each / answers) - window.credits) / window.most), 0.0)
        * window.loop for window in given))
    home = path.home_time + path.links[0].link_time  # flits of the next request start then
    trip = float(answered(path, slowest, float(chunk), inside, request / path.host_bandwidth,
                           home)) - home + waits
    if path.links[0].tags > 1:
        trip += path.links[0].flit_time / 4  # they start anywhere in a flit: a middle value
    windows = [Window(REQUESTS, path.links[0].tags, 1.0, trip, path.links[0].tags), *asked, *given]
    return Stream(slowest, clean[slowest], burst, max(wire[slowest], *out),
                  request / path.host_bandwidth, path.links[0].tags, windows)


def _windows(path: PciePath, j: int, kind: int, nbytes: int, wire: list[float], what: int,
             each: float, waits: float = 0.0) -> list[Window]:
    """What credits and the replay buffer allow on link `j`; `each` TLPs make a request.

    `waits`: seconds until the TLP is through that a DLLP with credits meets on the link.
    """
    link, last = path.links[j], j == len(path.links) - 1
    end = path.home_time if kind == COMPLETION and last else path.end_time
    start = link.link_time  # credits that came over the link start a TLP at this phase of a flit
    arrived = flit_end(link, start + link.tlp_time(kind, nbytes)) + link.link_time
    freed = arrived + end + (nbytes / path.host_bandwidth if kind == POSTED else 0.0)
    if not last:
        head = 0 if path.cut_through else nbytes
        freed = start + link.tlp_time(kind, head) + link.link_time + path.node_time(j) \
            + max(wire[j + 1], wire[j] if path.cut_through else 0)
    back = link.return_time + link.dllp_time + link.link_time - start
    held = float(flit_end(link, freed)) + back + waits
    arrived = float(flit_end(link, arrived)) + back
    found = [Window(what, link.replay_tlps, each, arrived, link.replay_tlps)]
    headers, data = path.credits(j, kind)
    units = -(-nbytes // CREDIT_NBYTES)
    if headers:
        found.append(Window(what, headers, each, held, headers))
    if data and units:
        found.append(Window(CREDITS, data // units * units, each * units, held, data))
    return found


def answer_time(link: PcieSetup, request: int, chunk: int) -> float:
    """Seconds that the completions of a full read take on a link."""
    return float(request / chunk * link.tlp_time(COMPLETION, chunk))


def answered(path: PciePath, slowest: int, last: float | Floats, before: float | Floats,
              memory: float | Floats, asked: float = 0.0, ahead: Any = 0) -> Floats:
    """When the last completion, of `last` bytes, is home, if it was asked for at `asked` and has
    to wait for `before` on the link `slowest` of the way back, where others are served first; the
    last of these has `ahead` bytes."""
    back = path.back()
    ready = path.arrival(NON_POSTED, 0, 0, np.full(np.shape(before), asked)) + 2 * path.end_time \
        + memory
    start = before + back.lead(COMPLETION, slowest, last, ready)
    return np.asarray(in_order(back, COMPLETION, slowest, last, start, ahead) + path.home_time)


def in_order(path: PciePath, kind: int, link: int, last: Any, start: Any, ahead: Any) -> Any:
    """`path.arrival`, but not before the TLP of `ahead` bytes in front has made room."""
    alone = path.arrival(kind, link, last, start)
    if link == len(path.links) - 1:
        return alone
    sooner = path.arrival(kind, link, ahead, start - path.links[link].tlp_time(kind, ahead))
    behind = sooner + path.links[-1].tlp_time(kind, last)
    return np.where(np.asarray(ahead) > 0, np.maximum(alone, behind), alone)


def _with_replays(link: PcieSetup, kind: int, nbytes: int) -> float:
    """Seconds of a TLP and of what is sent for nothing: an error costs the TLP, the way of the
    NAK, and on average half of another TLP."""
    time = float(link.tlp_time(kind, nbytes))
    chance = min((nbytes + link.overhead_nbytes(kind)) * link.byte_error, 0.5)
    lost = 1.5 * time + 2 * link.link_time + link.dllp_time + link.flit_time
    return time + chance / (1 - chance) * lost


def control_share(link: PcieSetup, tlp_gap: float, read_gap: float, credits: bool) -> float:
    """Share of a direction that DLLPs take for TLPs every `tlp_gap` and `read_gap` s the other way.

    A timer starts with the first TLP after it ran out: it is sent once for all that came until
    then.
    """
    if not link.dllp_time:
        return 0.0
    rate = _timer_rate(link, min(tlp_gap, read_gap))
    if credits:
        rate += _timer_rate(link, tlp_gap) * (link.credits(POSTED) != (0, 0))
        rate += _timer_rate(link, read_gap) * (link.credits(NON_POSTED) != (0, 0))
    return rate * link.dllp_time


def _timer_rate(link: PcieSetup, gap: float) -> float:
    """DLLPs/s of a timer that TLPs every `gap` s start."""
    return 0.0 if gap == np.inf else 1 / (gap * (np.floor(link.return_time / gap) + 1))
