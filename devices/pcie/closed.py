"""PCI Express in closed form: times and rates of writes, reads, and both at once over a path.

A stream of TLPs has a pace: the largest of what the links need for one (with DLLPs of the other
direction and expected replays), what a window allows (round trip over window: credits, tags,
replay buffer), and what the memory takes. A transfer's time is the larger of two forms: the wire
time of all its TLPs behind the delay of the first, and rounds of the tightest window. Vectorised
over sizes and addresses.

Held within 2 % of the event model (`cycle`) by `tests/devices/pcie/test_agreement.py`. Leaves out
what that leaves out; in addition: the order in which flows take turns, windows that interact.
Errors are counted to first order. Units: seconds, bytes, bytes/s.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.pcie.path import PciePath
from rackwright.devices.pcie.setup import PcieSetup
from rackwright.devices.pcie.streams import (
    REQUESTS,
    Stream,
    answer_time,
    answered,
    control_share,
    in_order,
    reads_stream,
    writes_stream,
)
from rackwright.devices.pcie.wire import COMPLETION, CREDIT_NBYTES, NON_POSTED, POSTED

__all__ = ["duplex_bandwidth", "duplex_time", "read_bandwidth", "read_time", "write_bandwidth",
           "write_time"]


def write_time(path: PciePath | PcieSetup, nbytes: Sizes, address: Sizes = 0) -> Seconds:
    """Seconds until posted writes of `nbytes` to `address` are all in the target's memory.

    Nothing else crosses the path. Raises `UsageError`.
    """
    path = _path(path)
    n, at = sizes(nbytes=nbytes, address=address)
    size = path.payload_nbytes
    count = np.ceil((at % size + n) / size)
    last = _last(n, at, size)
    stream = writes_stream(path)
    link = path.links[stream.link]
    wire = (n - last + (count - 1) * link.overhead_nbytes(POSTED)) * link.byte_time
    wire = wire * (stream.wire / link.tlp_time(POSTED, size))
    rounds = _rounds(stream, (count, count, _units(n, at, size)), (1, 1, _credits(last)))
    before = np.maximum(np.maximum(wire, (n - last) / path.host_bandwidth), rounds)
    start = before + path.lead(POSTED, stream.link, last)
    time = in_order(path, POSTED, stream.link, last, start, np.where(count > 1, size, 0)) \
        + path.end_time + last / path.host_bandwidth
    return bare(np.where(n > 0, time, 0.0))


def read_time(path: PciePath | PcieSetup, nbytes: Sizes, address: Sizes = 0) -> Seconds:
    """Seconds until reads of `nbytes` from `address` have all their completions back.

    Nothing else crosses the path. Raises `UsageError`.
    """
    path = _path(path)
    n, at = sizes(nbytes=nbytes, address=address)
    request, chunk = path.links[0].max_read_request_nbytes, path.chunk_nbytes
    count = np.ceil((at % request + n) / request)
    answers = np.ceil((at % chunk + n) / chunk)
    rest, last = _last(n, at, request), _last(n, at, chunk)
    stream = reads_stream(path)
    link = path.back().links[stream.link]
    wire = (n - last + (answers - 1) * link.overhead_nbytes(COMPLETION)) * link.byte_time
    wire = wire * (stream.clean / answer_time(link, request, chunk))
    told = count - 1  # of the last request, by DLLPs of its own
    own = _between(link.return_time, 2 * path.end_time, wire, count)
    if link.nonposted_headers:
        own = own + _between(link.return_time + path.end_time, 2 * path.end_time, wire, count)
    wire = wire + np.minimum(told, stream.first) * (stream.burst - stream.clean) \
        + np.maximum(told - stream.first, 0) * (stream.wire - stream.clean) + own * link.dllp_time
    slot = link.tlp_time(COMPLETION, chunk) / chunk  # of a byte, with its part of the headers
    rounds = _rounds(stream, (count, answers, _units(n, at, chunk)), (1, 1, _credits(last)),
                     inside=(rest - last) * slot,
                     short=(request - np.minimum(n, request - at % request)) * slot)
    before = np.maximum(np.maximum(wire, (n - rest) / path.host_bandwidth), rounds)
    time = answered(path, stream.link, last, before, rest / path.host_bandwidth,
                     ahead=np.where(answers > 1, chunk, 0))
    return bare(np.where(n > 0, time, 0.0))


def write_bandwidth(path: PciePath | PcieSetup) -> float:
    """Bytes/s of payload of a long posted write."""
    path = _path(path)
    return path.payload_nbytes / writes_stream(path).pace


def read_bandwidth(path: PciePath | PcieSetup) -> float:
    """Bytes/s of a long read."""
    path = _path(path)
    return path.links[0].max_read_request_nbytes / reads_stream(path).pace


def duplex_bandwidth(path: PciePath | PcieSetup) -> tuple[float, float]:
    """(reads, writes) bytes/s when the requester does both at once over the path.

    The requests of the reads take their part of the writes' direction, the acknowledgements and
    credits of each that of the other.
    """
    path = _path(path)
    size, request = path.payload_nbytes, path.links[0].max_read_request_nbytes
    posted = [float(link.tlp_time(POSTED, size)) for link in path.links]
    asked = [float(link.tlp_time(NON_POSTED)) for link in path.links]
    reads, writes = reads_stream(path, posted[0] / 2), writes_stream(path)
    read, write = reads.pace, writes.pace
    for _ in range(4):  # each slows the other; settles within rounding
        turns = [ask / (1 - post / max(writes.pace, post + ask))  # they take turns on the way out
                 for ask, post in zip(asked, posted, strict=True)]
        read = max(reads.pace, *turns, *(
            answer_time(link, request, path.chunk_nbytes)
            / (1 - control_share(link, write, read, True)) for link in path.links))
        write = max(writes.pace, *(
            post / (1 - ask / read
                    - control_share(link, read * path.chunk_nbytes / request, np.inf, False))
            for link, ask, post in zip(path.links, asked, posted, strict=True)))
    both = request / read + size / write
    share = min(1.0, path.host_bandwidth / both)
    return request / read * share, size / write * share


def duplex_time(path: PciePath | PcieSetup, nbytes: Sizes) -> Seconds:
    """Seconds until a read and a write of `nbytes` each, started together, have both ended."""
    path = _path(path)
    n, = sizes(nbytes=nbytes)
    reads, writes = duplex_bandwidth(path)
    slow = min(reads, writes)
    alone_rate = read_bandwidth(path) if reads < writes else write_bandwidth(path)
    together = n / max(reads, writes)
    rest = (n - together * slow) / alone_rate
    alone = np.maximum(read_time(path, n), write_time(path, n))
    fixed = alone - n / min(read_bandwidth(path), write_bandwidth(path))
    return bare(np.where(n > 0, np.maximum(alone, together + rest + np.maximum(fixed, 0.0)), 0.0))


def _path(given: PciePath | PcieSetup) -> PciePath:
    return PciePath((given,)) if isinstance(given, PcieSetup) else given


def _last(n: Floats, at: Floats, size: int) -> Floats:
    """Bytes of the last of the pieces that end at multiples of `size`."""
    end = (at + n) % size
    return np.minimum(n, np.where(end == 0, size, end))


def _between(due: float, first: float, wire: Floats, count: Floats) -> Floats:
    """1 where a DLLP that is due then comes among completions, 0 before and after them."""
    return np.where((due <= first + wire) & ((due >= first) | (count > 1)), 1.0, 0.0)


def _credits(nbytes: Floats) -> Floats:
    return np.ceil(nbytes / CREDIT_NBYTES)


def _units(n: Floats, at: Floats, size: int) -> Floats:
    """Data credits of all pieces that end at multiples of `size`."""
    first = np.minimum(n, size - at % size)
    last = np.where(n > first, _last(n, at, size), 0.0)
    return _credits(first) + _credits(last) + (n - first - last) / CREDIT_NBYTES


def _rounds(stream: Stream, all_of: tuple[Floats, ...], last: tuple[Any, ...], *,
            inside: Any = 0.0, short: Any = 0.0) -> Floats:
    """When the last TLP may start as far as the windows go; 0 where they never close.

    `all_of` and `last`: requests, answers and data credits of all, and of the last one. `inside`:
    from the start of the last request's first completion to that of its last; `short`: what the
    first request takes less than a full one.
    """
    pace = max(stream.wire, stream.memory)
    time = np.zeros(np.shape(all_of[0]))
    for window in stream.windows:
        if window.pace <= pace:
            continue
        whole = np.ceil(np.maximum(all_of[window.what] - window.credits, 0.0) / window.most)
        more = np.maximum(all_of[window.what] - last[window.what] - whole * window.most, 0.0)
        start = whole * window.loop + more * (pace / window.each)
        if window.what == REQUESTS:
            start = start + inside - np.where(more == 0, short, 0.0)
        time = np.maximum(time, np.where(whole > 0, start, 0.0))
    return time
