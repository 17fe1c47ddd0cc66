"""Fixed accelerators of a smart NIC: crypto, compression, checksums, storage.

Models: each as one queue, first come first served, that takes its bytes at a stated rate
("storage": commands at a stated rate) after a fixed latency that overlaps with other work.
Leaves out: how algorithms, levels and sizes change the rate, sessions, engines that share a
port. A rate is a vendor's unless its source says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.errors import UnknownName, UsageError

if TYPE_CHECKING:
    from rackwright.devices.nic.part import SmartNic

__all__ = ["Accelerator", "accelerator", "accelerators"]

_FIELDS = {"checksum": "checksum_bps", "compression": "compression_bps", "crypto": "crypto_bps",
           "decompression": "decompression_bps", "storage": "storage_iops"}


@dataclass(frozen=True)
class Accelerator:
    """`rate_bps` for bytes, or `rate_iops` for commands; the other one is None."""

    name: str
    rate_bps: float | None
    rate_iops: float | None
    latency_time: float

    def service_time(self, nbytes: Sizes) -> Seconds:
        """Seconds that a request of `nbytes` occupies it."""
        n, = sizes(nbytes=nbytes)
        if self.rate_bps is None:
            assert self.rate_iops is not None
            return bare(np.full_like(n, 1 / self.rate_iops))
        return bare(8 * n / self.rate_bps)

    def request_time(self, nbytes: Sizes) -> Seconds:
        """Seconds from handing over a request until its result, nothing else being there."""
        return self.latency_time + self.service_time(nbytes)

    def finish_time(self, arrival_time: npt.ArrayLike, nbytes: Sizes) -> npt.NDArray[np.float64]:
        """When requests that arrive at `arrival_time` (s) have their results, queue included."""
        from rackwright.engine.serve import serve_jobs

        n, arrived = np.broadcast_arrays(sizes(nbytes=nbytes)[0],
                                         np.asarray(arrival_time, np.float64))
        left = serve_jobs(arrived, self.service_time(n))
        return np.asarray(left + self.latency_time)

    def wait_time(self, nbytes: int, load: float) -> float:
        """Mean seconds in its queue at `load` (0..1) of Poisson requests of one size (M/D/1)."""
        if not 0 <= load < 1:
            raise UsageError(f"load must be from 0 to below 1, not {load!r}")
        return float(load * self.service_time(nbytes) / (2 * (1 - load)))


def accelerators(part: SmartNic) -> tuple[str, ...]:
    """Those whose rates the part's file gives, sorted."""
    return tuple(name for name, field in _FIELDS.items() if getattr(part, field) is not None)


def accelerator(part: SmartNic, name: str) -> Accelerator:
    """One of them; raises `UnknownName`."""
    if name not in accelerators(part):
        raise UnknownName(f"accelerator of {part.name}", name, accelerators(part))
    rate: float = getattr(part, _FIELDS[name])
    latency = part.accelerator_time or 0.0
    if name == "storage":
        return Accelerator(name, None, rate, latency)
    return Accelerator(name, rate, None, latency)
