"""Drives and DRAM under ``fidelity="cycle"``: rates from `nvme_queue` and `dram_queue`.

Every shape is replayed, and the second half of the replay counts, so a call over many shapes is
slow. Tests hold both to their closed forms: drives within 1 % for reads or writes alone and 5 %
for a mix, whose commands have two latencies; random accesses of DRAM between 0.8 and 1 of the
closed form, which knows no collisions on banks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rackwright.devices.arguments import Seconds, Sizes, bare, sizes
from rackwright.devices.host.dram_queue import MOST_OUTSTANDING, run_dram
from rackwright.devices.host.memory import Memory
from rackwright.devices.host.nvme import UNIT, Nvme
from rackwright.devices.host.nvme_queue import NvmeRun, run_nvme

__all__ = ["CycleMemory", "CycleNvme"]

COMMANDS = 4000
ACCESSES = 4000
PLENTY = 512    # accesses outstanding on a channel when nobody limits them


@dataclass(frozen=True, kw_only=True)
class CycleMemory(Memory):
    """Memory whose random accesses collide on banks."""

    def random_bandwidth(self, grain: Sizes = 64, outstanding: Sizes | None = None) -> Seconds:
        """As `Memory.random_bandwidth`, replayed on one channel, with its share of
        `outstanding` (one at least)."""
        limit = PLENTY * self.channels if outstanding is None else outstanding
        super().random_bandwidth(grain, limit)
        g, many = sizes(grain=grain, outstanding=limit)
        found = [self._replayed(int(each), int(deep))
                 for each, deep in zip(g.flat, many.flat, strict=True)]
        return bare(np.array(found).reshape(g.shape))

    def _replayed(self, grain: int, outstanding: int) -> float:
        deep = min(max(round(outstanding / self.channels), 1), MOST_OUTSTANDING)
        run = run_dram(self, grain=grain, outstanding=deep, accesses=max(ACCESSES, 8 * deep))
        return run.rate * grain * min(self.channels, outstanding)


@dataclass(frozen=True, kw_only=True)
class CycleNvme(Nvme):
    """A drive whose commands queue."""

    def io_rate(self, nbytes: Sizes = UNIT, depth: Sizes = 1, read_share: float = 1.0) -> Seconds:
        """As `Nvme.io_rate`, replayed."""
        return self._replayed("rate", nbytes, depth, read_share)

    def io_time(self, nbytes: Sizes = UNIT, depth: Sizes = 1, read_share: float = 1.0) -> Seconds:
        """As `Nvme.io_time`, replayed."""
        return self._replayed("mean_time", nbytes, depth, read_share)

    def _replayed(self, what: str, nbytes: Sizes, depth: Sizes, read_share: float) -> Seconds:
        n, many = sizes(nbytes=nbytes, depth=depth)
        self._commands(n, many)
        found = [getattr(self._run(int(size), int(deep), read_share), what)
                 for size, deep in zip(n.flat, many.flat, strict=True)]
        return bare(np.array(found).reshape(n.shape))

    def _run(self, nbytes: int, depth: int, read_share: float) -> NvmeRun:
        return run_nvme(self, nbytes=nbytes, depth=depth, read_share=read_share,
                        commands=max(COMMANDS, 8 * depth))
