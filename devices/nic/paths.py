"""Packet pipelines of catalog parts: the stages of `stages`, sized from a part's numbers.

Vendors do not publish their pipelines. From the part: line rate, latency, message rate, PCIe.
Assumed, and to be replaced where something is known: the clock (`CLOCK_HZ`, the order of today's
network chips), a datapath that carries a quarter more than the line, how the latency is spread
over the stages (`SHARES`), the slots before each (`SLOTS`). Only sums and rates of these show in
results that are held to the closed form of the part; the split shows in queues.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rackwright.devices.nic.blocks import OffloadTime
from rackwright.devices.nic.stages import Pipeline, Stage
from rackwright.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rackwright.devices.nic.part import Nic

__all__ = ["CLOCK_HZ", "FRAMING_NBYTES", "PATHS", "offload_stage", "pipeline_of"]

CLOCK_HZ = 1e9                 # assumed
SLOTS = 1024                   # assumed: enough for packets of 64 bytes at line rate
HEADROOM = 1.25                # assumed: datapath over line
FRAMING_NBYTES = 20            # IEEE 802.3: preamble and delimiter 8, gap 12 bytes a frame
SHARES = {"parse": 0.2, "match": 0.3, "offload": 0.1, "dma": 0.3, "egress": 0.1}  # assumed
PATHS = {"forward": ("parse", "match", "offload", "dma", "egress"),
         "receive": ("parse", "match", "offload", "dma"),
         "send": ("dma", "match", "offload", "egress")}


def pipeline_of(nic: Nic, path: str = "forward", *, clock_hz: float = CLOCK_HZ,
                offload: Stage | None = None, slots: int = SLOTS,
                framing_nbytes: int = FRAMING_NBYTES) -> Pipeline:
    """The pipeline of `nic` along `path`: "forward", "receive" or "send".

    `offload` takes the place of the stage of that name (see `offload_stage`), with its own depth
    on top of the part's latency. `framing_nbytes` is added to every packet on the wire. Raises
    `UnknownName` for a path, `UsageError` for a clock or slots that are none.
    """
    if path not in PATHS:
        raise UnknownName("packet path", path, PATHS)
    names = PATHS[path]
    whole = sum(SHARES[name] for name in names)
    cycles = nic.latency_time * clock_hz
    stages = [_stage(nic, name, clock_hz, max(round(cycles * SHARES[name] / whole), 1), slots,
                     framing_nbytes) for name in names]
    if offload is not None:
        stages[names.index("offload")] = offload
    return Pipeline(tuple(stages), clock_hz)


def offload_stage(service: OffloadTime, *, clock_hz: float = CLOCK_HZ,
                  operations: int = 1, nbytes_each: int | None = None,
                  slots: int = SLOTS) -> Stage:
    """A block as a stage of a pipeline of `clock_hz`: `operations` a packet, or one for every
    `nbytes_each` bytes of it. The block's own clock is in `service`; cycles are rounded up."""
    if operations < 1 or (nbytes_each is not None and nbytes_each < 1):
        raise UsageError(f"a packet needs one operation at least, of one byte at least, not "
                         f"{operations!r} of {nbytes_each!r}")
    ratio = clock_hz / service.clock_hz
    each = service.interval_cycles * ratio
    return Stage(f"offload {service.block}", _up(service.latency_cycles * ratio),
                 _up(operations * each), None if nbytes_each is None else nbytes_each / each,
                 whole=nbytes_each is None, slots=slots)


def _stage(nic: Nic, name: str, clock_hz: float, depth: int, slots: int,
           framing_nbytes: int) -> Stage:
    line = nic.rate_bps / 8 / clock_hz
    datapath = 2.0 ** math.ceil(math.log2(line * HEADROOM))
    if name == "match":
        rate = nic.message_rate
        interval = 1 if rate is None else _up(clock_hz / rate)
        return Stage(name, depth, interval, slots=slots)
    if name == "dma":
        from rackwright.devices import catalog

        return Stage(name, depth, 1, catalog.pcie(nic.pcie).bandwidth / clock_hz, slots=slots,
                     paced=True)
    if name == "egress":
        return Stage(name, depth, 1, line, framing_nbytes, slots=slots, paced=True)
    return Stage(name, depth, 1, datapath, slots=slots)


def _up(cycles: float) -> int:
    return max(math.ceil(cycles - 1e-9), 1)
