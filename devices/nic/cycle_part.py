"""Adapters under ``fidelity="cycle"``: message times from the packet pipeline.

A message is cut into packets of `MTU_NBYTES`, all waiting in host memory, which go through the
part's "send" pipeline (`paths`) cycle by cycle. Of very long messages the first `MOST_PACKETS`
are replayed; the rest goes on at the spacing that these have reached. Headers are the link's to
count, as in the closed form, which a test holds this to: within 1 % of it.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.nic.part import Nic, SmartNic
from rackwright.devices.nic.paths import pipeline_of
from rackwright.devices.nic.pipeline import run_pipeline
from rackwright.devices.nic.stages import Pipeline

__all__ = ["CycleNic", "CycleSmartNic", "message_seconds"]

MTU_NBYTES = 4096       # the largest payload of an InfiniBand or RoCE packet
MOST_PACKETS = 1 << 14


@dataclass(frozen=True, kw_only=True)
class CycleNic(Nic):
    """A plain adapter whose messages go through its pipeline."""

    def message_time(self, nbytes: Sizes) -> Seconds:
        """As `Nic.message_time`, from the pipeline; sizes are replayed one by one."""
        return message_seconds(self, nbytes)


@dataclass(frozen=True, kw_only=True)
class CycleSmartNic(SmartNic):
    """A smart NIC whose messages go through its pipeline."""

    def message_time(self, nbytes: Sizes) -> Seconds:
        """As `Nic.message_time`, from the pipeline; sizes are replayed one by one."""
        return message_seconds(self, nbytes)


def message_seconds(nic: Nic, nbytes: Sizes) -> Seconds:
    """Seconds of messages of `nbytes`, each alone in the pipeline of `nic`."""
    n, = sizes(nbytes=nbytes)
    pipeline = _deep(pipeline_of(nic, "send", framing_nbytes=0))
    distinct, places = np.unique(n, return_inverse=True)
    times: Floats = np.array([_one(pipeline, int(size)) for size in distinct])
    return bare(times[places].reshape(n.shape))


def _one(pipeline: Pipeline, nbytes: int) -> float:
    whole, rest = divmod(nbytes, MTU_NBYTES)
    packets = [MTU_NBYTES] * min(whole, MOST_PACKETS)
    more = whole - len(packets)
    if rest or not whole:
        packets.append(rest)
    left = run_pipeline(pipeline, np.zeros(len(packets)), packets).left_time
    return float(left.max()) + more / float(pipeline.packet_rate(MTU_NBYTES))


def _deep(pipeline: Pipeline) -> Pipeline:
    """Its first queue holds any message: host memory does."""
    first, *others = pipeline.stages
    return Pipeline((dataclasses.replace(first, slots=MOST_PACKETS + 1), *others),
                    pipeline.clock_hz)
