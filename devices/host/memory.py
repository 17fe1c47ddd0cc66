"""DRAM: the channels of one socket or one board.

Models: peak = channels x transfers/s x width; the share that long streams get; random accesses,
bound by how often rows may be opened (row cycle over the banks, four activates a window and
rank) and, by Little's law, by how many are outstanding; energy by the bit moved and by idle time.

Leaves out: single commands, refresh and turnarounds (inside `stream_share`), NUMA. Every random
access opens a row anew, spread evenly over banks and channels: an upper bound, since chance
collides; `dram_queue` replays it and gets 0.8 to 1 of it. Row timings are JEDEC's for the speed
grade; sources in the part files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Floats, Seconds, Sizes, bare, sizes
from rackwright.devices.part import Part, quantity
from rackwright.devices.power import Power, known
from rackwright.errors import UnknownName, UsageError

__all__ = ["Memory"]

PATTERNS = ("random", "stream")


@dataclass(frozen=True, kw_only=True)
class Memory(Part):
    """`bandwidth` is bytes/s by datasheet; a copy reads and writes, so it counts twice.

    `channel_bits` data bits a channel, `ranks` and `banks` a channel; `row_cycle_time` (tRC)
    between two openings of one bank, `activate_window_time` (tFAW) in which a rank opens four
    rows; `latency_time` of one load that finds memory idle; `idle_watts` of all of it.
    """

    nbytes: int = quantity("bytes", "capacity")
    bandwidth: float = quantity("bandwidth")
    channels: int = quantity("count")
    transfer_rate: float | None = quantity("lane_rate", required=False)
    channel_bits: int | None = quantity("count", required=False)
    stream_share: float | None = quantity("ratio", required=False)
    ranks: int | None = quantity("count", required=False)
    banks: int | None = quantity("count", required=False)
    row_cycle_time: float | None = quantity("time", "row_cycle", required=False)
    activate_window_time: float | None = quantity("time", "activate_window", required=False)
    latency_time: float | None = quantity("time", "load_latency", required=False)
    energy_per_bit: float | None = quantity("energy", required=False)
    idle_watts: float | None = quantity("power", "idle_power", required=False)
    price_usd: float | None = quantity("money", "price", required=False)

    @property
    def peak_bandwidth(self) -> float:
        """Bytes/s of all channels, from transfers and width where the file has them."""
        if self.transfer_rate is None or self.channel_bits is None:
            return self.bandwidth
        return self.channels * self.transfer_rate * self.channel_bits / 8

    @property
    def stream_bandwidth(self) -> float:
        """Bytes/s in long streams."""
        return self.peak_bandwidth * (1.0 if self.stream_share is None else self.stream_share)

    def random_bandwidth(self, grain: Sizes = 64, outstanding: Sizes | None = None) -> Seconds:
        """Bytes/s of accesses of `grain` bytes, each to a row that is closed.

        `outstanding`: accesses under way at once over all channels; None for as many as it
        takes. Raises `UsageError` for none, for empty accesses, or without row timings.
        """
        g, = sizes(grain=grain)
        self._positive("grain", g)
        found = np.minimum(self.stream_bandwidth, g * self._openings())
        if outstanding is not None:
            g, many = sizes(grain=grain, outstanding=outstanding)
            self._positive("outstanding", many)
            latency = known(self, "load_latency", self.latency_time)
            transfer = g * self.channels / self.stream_bandwidth  # an access is on one channel
            found = np.minimum(found, many * g / (latency + transfer))
        return bare(found)

    def access_time(self, nbytes: Sizes, pattern: str = "stream", grain: Sizes = 64) -> Seconds:
        """Seconds to move `nbytes` as one stream or as random accesses of `grain` bytes, at
        full concurrency. Raises `UnknownName`, `UsageError`."""
        if pattern not in PATTERNS:
            raise UnknownName("access pattern", pattern, PATTERNS)
        n, g = sizes(nbytes=nbytes, grain=grain)
        if pattern == "stream":
            return bare(n / self.stream_bandwidth)
        self._positive("grain", g)
        return bare(np.ceil(n / g) * g / np.minimum(self.stream_bandwidth, g * self._openings()))

    def power(self) -> Power:
        """Idle (refresh, interfaces), and joules a byte moved in either direction."""
        return Power(known(self, "idle_power", self.idle_watts),
                     joules_each={"byte": 8 * known(self, "energy_per_bit", self.energy_per_bit)})

    def _openings(self) -> float:
        """Rows that all channels together can open in a second."""
        cycle = known(self, "row_cycle", self.row_cycle_time)
        window = known(self, "activate_window", self.activate_window_time)
        banks = known(self, "banks", self.banks)
        ranks = 1 if self.ranks is None else self.ranks
        return self.channels * min(ranks * banks / cycle, ranks * 4 / window)

    def _positive(self, name: str, values: Floats) -> None:
        if (values < 1).any():
            raise UsageError(f"{self.name}: {name} must be 1 or more, not "
                             f"{values[values < 1].flat[0]:g}")
