"""Closed forms of congestion: what the packet model is held against.

Incast at one port, the wait of an M/D/1 queue, headroom and time of pauses. Vectorised.
Left out: end effects of unequal transfers. Units: seconds, bytes, bits/s.
Sources: M/D/1 by Pollaczek and Khinchine; pause quanta of 512 bit times: IEEE 802.3 annex 31B
(recalled).
"""

from __future__ import annotations

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.ethernet.framing import GAP, PREAMBLE, ROCE, Framing
from rackwright.devices.ethernet.packets import PAUSE_BYTES
from rackwright.devices.ethernet.path import Hop, transit_time
from rackwright.errors import UsageError

__all__ = ["headroom_nbytes", "incast_time", "md1_wait_time", "pause_time"]

PAUSE_QUANTUM_BITS = 512
SPACING = PREAMBLE + GAP
MOST_QUANTA = 65_535


def incast_time(senders: Sizes, nbytes: Sizes, hop: Hop, framing: Framing = ROCE) -> Seconds:
    """Seconds until `senders` hosts have sent `nbytes` each to one other host of their switch.

    `hop`: the links' rate and latency and the switch before the second one. Nothing is lost; the
    receiver's port never idles once the first frames came. Raises `UsageError`.
    """
    many, n = sizes(senders=senders, nbytes=nbytes)
    if (many < 1).any():
        raise UsageError(f"senders is {many.min():g}; 1 or more are needed")
    first, last = framing.ends(n)
    count, full = framing.frames(n), np.full_like(n, float(framing.full_nbytes))
    alone = transit_time(count, first, full, last, (hop, hop))
    others = (many - 1) * framing.wire_nbytes(n) * 8 / hop.rate_bps
    return bare(np.where(n > 0, alone + others, 0.0))


def md1_wait_time(load: float, service_time: float) -> float:
    """Mean seconds of waiting before a service of fixed length, Poisson arrivals of `load` < 1."""
    if not 0 <= load < 1 or not service_time >= 0:
        raise UsageError(f"load {load!r} (0 to below 1) and service_time {service_time!r} s are "
                         "needed")
    return load * service_time / (2 * (1 - load))


def headroom_nbytes(rate_bps: float, latency_time: float, frame_nbytes: int,
                    switch_time: float = 0.0, response_time: float = 0.0) -> int:
    """Bytes that still come on a link after xoff was exceeded: what losslessness needs.

    The pause's way (a frame before it, itself, `latency_time`, `response_time`), the bytes then on
    the wire and on their way through the switch to its queues (`switch_time`), the frame that the
    sender has just begun, and the one whose coming was found to exceed xoff. Frames are of
    `frame_nbytes` without preamble and gap.
    """
    silent = PAUSE_BYTES * 8 / rate_bps + 2 * latency_time + switch_time + response_time
    if not 1e6 <= rate_bps < 1e15 or not 0 <= silent < 1 or frame_nbytes < 64:
        raise UsageError(f"headroom needs a rate above 1e6 bits/s, times below 1 s and frames of "
                         f"64 bytes or more, not {rate_bps!r}, {latency_time!r}, {frame_nbytes!r}")
    return int(np.ceil(silent * rate_bps / 8)) + 3 * frame_nbytes + SPACING


def pause_time(quanta: int, rate_bps: float) -> float:
    """Seconds of silence that a pause frame of so many quanta asks for."""
    if not 0 <= quanta <= MOST_QUANTA or not rate_bps > 0:
        raise UsageError(f"quanta {quanta!r} (0 to {MOST_QUANTA}) and rate {rate_bps!r} are needed")
    return quanta * PAUSE_QUANTUM_BITS / rate_bps
