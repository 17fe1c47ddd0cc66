"""NVMe drives.

Models: sequential bandwidth, rates and latencies of random 4 KiB reads and writes, mixes of the
two, and the queue depth: with `depth` commands kept outstanding the drive does
``min(depth / latency, 1 / service)`` commands a second (Little's law below the knee, its slowest
part above), so that a command takes ``max(latency, depth x service)``. A command's service is the
larger of its share of the rate limit and of the bandwidth. `nvme_queue` replays it event by event.

Leaves out: write cliffs and garbage collection (figures are sustained where a datasheet says so),
the write cache's bursts, thermal limits, spread of latencies. PCIe is a link of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.part import Part, quantity, text
from rackwright.devices.power import Power, known
from rackwright.errors import UsageError

__all__ = ["Nvme"]

UNIT = 4096  # bytes of the random commands that datasheets count


@dataclass(frozen=True, kw_only=True)
class Nvme(Part):
    """`read_bandwidth`, `write_bandwidth`: sequential bytes/s; `latency_time`: one random read
    of 4 KiB, alone; `write_latency_time`: one write, acknowledged from the drive's cache;
    `*_iops`: 4 KiB commands a second at any depth. `pcie` names its connection."""

    pcie: str = text()
    nbytes: int = quantity("bytes", "capacity")
    read_bandwidth: float = quantity("bandwidth")
    write_bandwidth: float = quantity("bandwidth")
    latency_time: float = quantity("time", "read_latency")
    write_latency_time: float | None = quantity("time", "write_latency", required=False)
    read_iops: float | None = quantity("per_second", required=False)
    write_iops: float | None = quantity("per_second", required=False)
    idle_watts: float | None = quantity("power", "idle_power", required=False)
    active_watts: float | None = quantity("power", "active_power", required=False)
    write_watts: float | None = quantity("power", "write_power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)

    def io_rate(self, nbytes: Sizes = UNIT, depth: Sizes = 1, read_share: float = 1.0) -> Seconds:
        """Commands a second with `depth` of them always outstanding, `read_share` of them reads.

        Raises `UsageError` for a depth of 0 or a share outside 0..1, and for writes where the
        part's file gives no latency for them.
        """
        n, many = self._commands(nbytes, depth)
        return bare(np.minimum(many / self._latency(n, read_share),
                               1 / self._service(n, read_share)))

    def io_time(self, nbytes: Sizes = UNIT, depth: Sizes = 1, read_share: float = 1.0) -> Seconds:
        """Mean seconds of a command under the same load: outstanding / rate."""
        n, many = self._commands(nbytes, depth)
        return bare(np.maximum(self._latency(n, read_share),
                               many * self._service(n, read_share)))

    def bandwidth(self, nbytes: Sizes = UNIT, depth: Sizes = 1,
                  read_share: float = 1.0) -> Seconds:
        """Bytes/s under the same load, both directions together."""
        n, _ = self._commands(nbytes, depth)
        return bare(np.asarray(self.io_rate(nbytes, depth, read_share) * n))

    def knee_depth(self, nbytes: Sizes = UNIT, read_share: float = 1.0) -> Seconds:
        """The depth from which on more commands only wait longer."""
        n, _ = self._commands(nbytes, 1)
        return bare(self._latency(n, read_share) / self._service(n, read_share))

    def power(self) -> Power:
        """Idle, and what reading or writing all the time adds."""
        idle = known(self, "idle_power", self.idle_watts)
        read = known(self, "active_power", self.active_watts)
        write = read if self.write_watts is None else self.write_watts
        return Power(idle, {"read": max(read - idle, 0.0), "write": max(write - idle, 0.0)})

    def _commands(self, nbytes: Sizes, depth: Sizes) -> tuple[Floats, Floats]:
        n, many = sizes(nbytes=nbytes, depth=depth)
        for name, values in (("nbytes", n), ("depth", many)):
            if (values < 1).any():
                raise UsageError(f"{self.name}: {name} of a command must be 1 or more, not "
                                 f"{values[values < 1].flat[0]:g}")
        return n, many

    def _latency(self, n: Floats, read_share: float) -> Floats:
        """Mean seconds of a command that is alone: 4 KiB's latency, and the bytes beyond."""
        if not 0 <= read_share <= 1:
            raise UsageError(f"read_share must be from 0 to 1, not {read_share!r}")
        more = np.maximum(n - UNIT, 0)
        found = read_share * (self.latency_time + more / self.read_bandwidth)
        if read_share < 1:
            write = known(self, "write_latency", self.write_latency_time)
            found = found + (1 - read_share) * (write + more / self.write_bandwidth)
        return np.maximum(found, self._service(n, read_share))

    def _service(self, n: Floats, read_share: float) -> Floats:
        """Mean seconds that a command takes of what is slowest in the drive."""
        return (read_share * _slower(n, self.read_bandwidth, self.read_iops)
                + (1 - read_share) * _slower(n, self.write_bandwidth, self.write_iops))


def _slower(n: Floats, bandwidth: float, iops: float | None) -> Floats:
    return n / bandwidth if iops is None else np.maximum(n / bandwidth, 1 / iops)
