"""FIFO ports: a link that carries one message at a time, in the order in which heads arrive.

Cut-through: the head of a message leaves after the link's latency, the tail follows when the
bytes are through, and never before the tail came in from the hop upstream. One event per hop:
book the next port when the head gets there, never earlier, since a port booked at send time
would serve messages in the wrong order.

Not modelled: finite buffers, so no back-pressure; loss. Times are int64 picoseconds, rounded up.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rackwright.engine.kernel import kernel
from rackwright.errors import InputError

__all__ = ["Ports", "new_ports", "port_cross"]


class Ports(NamedTuple):
    """One entry a directed link."""

    ps_per_byte: npt.NDArray[np.float64]   # inf-free: a link of zero capacity never gets here
    latency_ps: npt.NDArray[np.int64]
    free_ps: npt.NDArray[np.int64]         # when the port can take the next head
    busy_ps: npt.NDArray[np.int64]         # time spent sending, for utilisation
    sent_bytes: npt.NDArray[np.int64]
    messages: npt.NDArray[np.int64]


def new_ports(bandwidth: npt.NDArray[np.float64], latency_ps: npt.NDArray[np.int64]) -> Ports:
    """Idle ports of the given bandwidths (bytes/s, all > 0) and latencies (ps, all >= 0).

    Raises `InputError` for anything else, and for arrays of different lengths.
    """
    bandwidth, latency_ps = np.asarray(bandwidth, np.float64), np.asarray(latency_ps, np.int64)
    count = len(bandwidth)
    if latency_ps.shape != bandwidth.shape:
        raise InputError(f"{count} ports have {latency_ps.shape} latencies; one each is needed")
    _refuse(bandwidth, bandwidth >= 1e-3, "bandwidth", "bytes/s; must be 0.001 or more")
    _refuse(latency_ps, latency_ps >= 0, "latency", "ps; must be 0 or more")
    free_ps, busy_ps, sent_bytes, messages = (np.zeros(count, np.int64) for _ in range(4))
    return Ports(1e12 / bandwidth, latency_ps, free_ps, busy_ps, sent_bytes, messages)


def _refuse(values: npt.NDArray[Any], good: npt.NDArray[np.bool_], what: str, rule: str) -> None:
    if not np.all(good):
        bad = int(np.flatnonzero(~good)[0])
        raise InputError(f"port {bad} has {what} {values[bad]} {rule}")


@kernel
def port_cross(ports, link, head_ps, tail_ps, nbytes):  # type: ignore[no-untyped-def]
    """Send a message over `link`, its head being here at `head_ps`, its tail at `tail_ps`.

    Returns (head_ps, tail_ps) at the far end.
    """
    start = max(head_ps, ports.free_ps[link])
    exact = nbytes * ports.ps_per_byte[link]
    serial = int(exact)
    if serial < exact:
        serial += 1
    end = max(start + serial, tail_ps)
    ports.free_ps[link] = end
    ports.busy_ps[link] += serial
    ports.sent_bytes[link] += nbytes
    ports.messages[link] += 1
    return start + ports.latency_ps[link], end + ports.latency_ps[link]
