"""A DMA engine with descriptors: doorbell, descriptor fetch, data, status, notice. Closed form.

The host writes a doorbell; the device reads descriptors, a batch at a time and some batches ahead;
it starts one descriptor after another, with several under way and their data in order; each ends
with a status entry written to host memory; the last one is seen by a host that polls, or raises an
interrupt (a posted write, then the host's own delay). Descriptors of one buffer each.

`dma_steps` writes the same engine down as transfers that wait for each other, which the event
model runs; a test holds the two within 5 %. Leaves out: writing descriptors into memory, address
translation, completion coalescing, errors, other traffic.

Sizes of the defaults are those of NVM Express (64 bytes a command, 16 a completion entry, 4 a
doorbell); times of the engine and the host are assumed. Units: seconds, bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.pcie import closed
from rackwright.devices.pcie.cycle_net import PcieNetwork
from rackwright.devices.pcie.path import PciePath
from rackwright.errors import UnknownName, UsageError

__all__ = ["NVME", "Dma", "dma_steps", "dma_time"]

MOST_DESCRIPTORS = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Dma:
    """An engine. `batch` descriptors are fetched at once, `batches` of them ahead of the data;
    `active` descriptors may be under way; `start_time` passes between the starts of two.

    `notice`: "polled" or "interrupt". `poll_time`: the mean time until a polling host looks
    (assumed: 50 ns, a load that hits its cache); `interrupt_time`: from the message's arrival to
    the host's handler (assumed: 2 us). `start_time` assumed: 20 ns.
    """

    descriptor_nbytes: int = 64
    batch: int = 8
    batches: int = 2
    active: int = 16
    start_time: float = 20e-9
    status_nbytes: int = 16
    doorbell_nbytes: int = 4
    notice: str = "polled"
    poll_time: float = 50e-9
    interrupt_time: float = 2e-6
    interrupt_nbytes: int = 4

    def __post_init__(self) -> None:
        if self.notice not in ("interrupt", "polled"):
            raise UnknownName("notice of a DMA engine", self.notice, ["interrupt", "polled"])
        for name in ("descriptor_nbytes", "batch", "batches", "active", "status_nbytes",
                     "doorbell_nbytes", "interrupt_nbytes"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value < 1 << 20:
                raise UsageError(f"{name} of a DMA engine is {value!r}; a whole number of 1 or "
                                 "more is needed")
        for name in ("start_time", "poll_time", "interrupt_time"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} of a DMA engine is {getattr(self, name)!r} s; 0 or more "
                                 "is needed")

    @property
    def notice_time(self) -> float:
        """Seconds that the host takes once the notice is in its memory."""
        return self.interrupt_time if self.notice == "interrupt" else self.poll_time


NVME = Dma()  # with the sizes of NVM Express


def dma_time(path: PciePath, engine: Dma, nbytes: Sizes, buffer_nbytes: Sizes = 4096,
             direction: str = "h2d") -> Seconds:
    """Seconds from the doorbell's write until the host knows that `nbytes` have been moved.

    `path` leads from the device to the host; `buffer_nbytes` are those of one descriptor;
    "h2d" reads host memory, "d2h" writes it. No bytes take no time. Raises `UsageError`,
    `UnknownName`.
    """
    n, buffer = sizes(nbytes=nbytes, buffer_nbytes=buffer_nbytes)
    reads = _reads(direction)
    _check_buffers(n, buffer)
    count = np.ceil(n / buffer)
    size = np.maximum(np.minimum(buffer, n), 1.0)
    last = n - (np.maximum(count, 1) - 1) * buffer
    data = closed.read_time if reads else closed.write_time
    fetch = closed.read_time(path, np.minimum(engine.batch, count) * engine.descriptor_nbytes)
    pace = _pace(path, engine, size, reads)
    alone = np.asarray(data(path, size)) + engine.start_time
    group = engine.batch * engine.batches
    behind = np.minimum(size * min(engine.active, group - engine.batch), _tagged(path)) \
        / closed.read_bandwidth(path) / 2 if reads else 0.0  # a fetch waits for data asked before
    loop = fetch + alone + (engine.batch - 1) * pace + np.where(count > group, behind, 0.0)
    before = np.maximum(_rounds(count, engine.active, alone, pace),
                        _rounds(count, group, loop, pace))
    doorbell = closed.write_time(path.back(), engine.doorbell_nbytes)
    end = np.asarray(data(path, last))
    if not reads:  # the status is sent behind the data, not after their arrival
        end = end - closed.write_time(path, 1) + path.links[0].tlp_time(0, 1)
    notice = closed.write_time(path, engine.status_nbytes)
    if engine.notice == "interrupt":
        notice += path.links[0].tlp_time(0, engine.interrupt_nbytes)
    time = doorbell + fetch + before + engine.start_time + end + notice \
        + engine.notice_time
    return bare(np.where(n > 0, time, 0.0))


def _tagged(path: PciePath) -> int:
    """The most bytes that may be asked for at once."""
    return path.links[0].tags * path.links[0].max_read_request_nbytes


def _rounds(count: Floats, group: int, loop: Any, pace: Floats) -> Floats:
    """When the last of `count` descriptors starts, if `group` may be under way for `loop` s."""
    whole = np.floor((np.maximum(count, 1) - 1) / group)
    return np.asarray(whole * np.maximum(loop, group * pace) + (count - 1 - whole * group) * pace)


def _pace(path: PciePath, engine: Dma, size: Floats, reads: bool) -> Floats:
    """Seconds from one descriptor's start to the next: what the link needs, or the engine."""
    one = path.links[0]
    into, out = _bandwidths(path, size, reads)
    posted = (engine.status_nbytes + one.overhead_nbytes(0)) * one.byte_time
    fetched = engine.descriptor_nbytes / into
    wire = np.maximum(size / into + fetched, posted) if reads else \
        np.maximum(size / out + posted, fetched)
    writes = 1.0 + (0.0 if reads else np.ceil(size / path.payload_nbytes))
    held = one.tlp_time(0, engine.status_nbytes) + 2 * one.link_time + path.end_time \
        + one.return_time + one.dllp_time
    credits = writes * held / one.posted_headers if one.posted_headers else 0.0
    return np.asarray(np.maximum(np.maximum(wire, engine.start_time), credits))


def _bandwidths(path: PciePath, size: Floats, reads: bool) -> tuple[Any, Any]:
    """Bytes/s in and out of the device for transfers of `size` back to back."""
    into, out = closed.read_bandwidth(path), closed.write_bandwidth(path)
    if reads:
        chunk = path.chunk_nbytes
        whole = path.links[-1].tlp_time(2, chunk) / chunk
        each = (np.ceil(size / chunk) * path.links[-1].tlp_time(2, 0)
                + size * path.links[-1].byte_time) / size
        return into * np.minimum(1.0, whole / each), out
    payload = path.payload_nbytes
    whole = path.links[0].tlp_time(0, payload) / payload
    each = (np.ceil(size / payload) * path.links[0].tlp_time(0, 0)
            + size * path.links[0].byte_time) / size
    return into, out * np.minimum(1.0, whole / each)


def dma_steps(network: PcieNetwork, engine: Dma, nbytes: int, buffer_nbytes: int = 4096,
              direction: str = "h2d", device: str = "requester", host: str = "target") -> int:
    """Adds the engine's transfers to `network`; returns the flow whose end the host notices.

    The notice's own time is a flow of no bytes. Raises `UsageError`, `UnknownName`.
    """
    reads = _reads(direction)
    _check_buffers(np.asarray(float(nbytes)), np.asarray(float(buffer_nbytes)))
    count = -(-nbytes // buffer_nbytes)
    doorbell = network.write(host, device, engine.doorbell_nbytes)
    fetched: list[int] = []
    data: list[int] = []
    started: list[int] = []  # a flow of no bytes: the engine at work on a descriptor
    status = doorbell
    for i in range(count):
        batch = i // engine.batch
        if i % engine.batch == 0:
            before = (batch - engine.batches + 1) * engine.batch - 1
            here = min(engine.batch, count - i) * engine.descriptor_nbytes
            fetched.append(network.read(device, host, here,
                                        after=(data[before],) if before >= 0 else (doorbell,)))
        after = [*started, fetched[batch]]
        if i >= engine.active:
            after.append(data[i - engine.active])
        started = [network.write(device, host, 0, after=after, delay=engine.start_time)]
        move = network.read if reads else network.write
        data.append(move(device, host, min(buffer_nbytes, nbytes - i * buffer_nbytes),
                         after=started, issued=data[-1:]))
        wait: dict[str, Any] = {"after" if reads else "issued": (data[i],)}
        status = network.write(device, host, engine.status_nbytes, **wait)
    if engine.notice == "interrupt":
        status = network.write(device, host, engine.interrupt_nbytes, issued=(status,))
    return network.write(device, host, 0, after=(status,), delay=engine.notice_time)


def _reads(direction: str) -> bool:
    if direction not in ("d2h", "h2d"):
        raise UnknownName("direction", direction, ["d2h", "h2d"])
    return direction == "h2d"


def _check_buffers(n: Floats, buffer: Floats) -> None:
    if (buffer < 1).any():
        raise UsageError("buffer_nbytes must be 1 or more")
    if (n / buffer > MOST_DESCRIPTORS).any():
        raise UsageError(f"{float((n / buffer).max()):g} descriptors for one transfer; at most "
                         f"{MOST_DESCRIPTORS} are modelled: take larger buffers")
