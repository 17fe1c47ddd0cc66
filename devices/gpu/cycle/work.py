"""A kernel as thread blocks: what `run_streams` takes, and how one is made from a time alone.

`GpuKernel` is the description; `tiled_kernel` and `streaming_kernel` find one whose run alone on
the GPU takes a given time. Units: seconds; room as a share of an SM.

Sources: BLOCK_TIME and ISSUE_ROOM are fitted to rows of set "fit" of `measured/h100-sxm/
streams.csv.gz`; STREAM_GAIN is `l2_per_clock` of h100-sxm over what HBM gives an SM.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rackwright.devices.gpu.cycle.state import ROOM
from rackwright.errors import UsageError

__all__ = ["GpuKernel", "GAP_TIME", "streaming_kernel", "tiled_kernel"]

GAP_TIME = 0.5e-6    # s from the end of a kernel to the next one of its graph (measured: 0.48 on
                     # average in a ResNet-50 step of batch 16)
BLOCK_TIME = 6.0e-6  # s that a block of a long streaming kernel stays on its SM
STREAM_GAIN = 2.3    # times faster that a block streams when memory is free
ISSUE_ROOM = 3.0     # issue slots that a block asks for over the room it holds, at most
BUNDLES = 4          # groups of blocks into which a full SM of a streaming kernel is cut
STREAMING = 0.5      # share of its time that a kernel must need memory for to be a streaming one


@dataclass(frozen=True, kw_only=True)
class GpuKernel:
    """`blocks` walk `tiles` (as many as blocks unless told), each in `tile_time` at full speed.

    `memory_time`: seconds of the GPU's whole memory system that a tile takes. `room`: the part of
    an SM that a block holds, above 0 to 1; tiles that do not divide evenly need more than a half.
    `issue`: the part of an SM's issue slots that a block asks for, above 0 to 1: how many of them
    an SM takes before they slow each other down.
    `gap_time`: from the end of the kernel before it to its first blocks. `ranked`: false for what
    has no priority of its own and waits with the lowest, as copies do.

    Raises `UsageError` for anything else.
    """

    blocks: int
    tile_time: float
    memory_time: float = 0.0
    room: float = 1.0
    issue: float = 1.0
    tiles: int = 0
    gap_time: float = GAP_TIME
    ranked: bool = True

    def __post_init__(self) -> None:
        if self.tiles == 0:
            object.__setattr__(self, "tiles", self.blocks)
        wrong = [text for bad, text in (
            (not 1 <= self.blocks < 2 ** 31, f"blocks must be 1 or more, not {self.blocks}"),
            (not self.blocks <= self.tiles < 2 ** 40, f"tiles must be at least as many as the "
             f"{self.blocks} blocks, not {self.tiles}"),
            (not 1e-12 <= self.tile_time < 1e6, f"tile_time must be a picosecond or more, not "
             f"{self.tile_time!r} s"),
            (not 0 <= self.memory_time < 1e6, f"memory_time must be 0 or more, not "
             f"{self.memory_time!r} s"),
            (not 0 < self.room <= 1, f"room must be a part of an SM, not {self.room!r}"),
            (not 0 < self.issue <= 1, f"issue must be a part of an SM, not {self.issue!r}"),
            (not 0 <= self.gap_time < 1e6, f"gap_time must be 0 or more, not {self.gap_time!r}"),
        ) if bad]
        if not wrong and self.tiles % self.blocks and self.units <= ROOM // 2:
            wrong = [f"{self.tiles} tiles on {self.blocks} blocks of {self.room:g} SM: uneven "
                     "blocks must have an SM of their own"]
        if wrong:
            raise UsageError(f"kernel: {wrong[0]}")

    @property
    def units(self) -> int:
        """Units of room that a block holds."""
        return max(math.ceil(self.room * ROOM - 1e-9), 1)


def tiled_kernel(sms: int, time: float, memory_time: float, tiles: int, *, room: float = 1.0,
                 gap_time: float = GAP_TIME) -> GpuKernel:
    """A kernel that walks `tiles` and takes `time` alone, launch included.

    With a whole SM a block its blocks stay and take tile after tile, as product libraries have
    it. `memory_time`: of all tiles; one that needs memory most of the time is made streaming.
    """
    gap, body = _parts(time, gap_time)
    if memory_time >= STREAMING * body:
        return streaming_kernel(sms, time, memory_time, tiles, room=room, gap_time=gap_time)
    slots = sms * math.floor(1 / room + 1e-9)
    waves = math.ceil(tiles / slots)
    return GpuKernel(blocks=min(tiles, slots) if room > 0.5 else tiles, tiles=tiles,
                     tile_time=body / waves, memory_time=memory_time / tiles, room=room,
                     issue=_issue(min(math.ceil(tiles / sms), slots // sms), room), gap_time=gap)


def streaming_kernel(sms: int, time: float, memory_time: float, blocks: int, *,
                     room: float = 1 / 16, ranked: bool = True, gap_time: float = GAP_TIME
                     ) -> GpuKernel:
    """A kernel of `blocks` that takes `time` alone, of which it needs memory for `memory_time`.

    Blocks are bundled, a quarter of an SM or so each, and cut to BLOCK_TIME; they run up to
    STREAM_GAIN times faster when few of them have the memory to themselves.
    """
    gap, body = _parts(time, gap_time)
    full = math.floor(1 / room + 1e-9)
    bundle = min(max(blocks // sms, 1), math.ceil(full / BUNDLES))
    share = min(bundle * room, 1.0)
    slots = sms * math.floor(1 / share + 1e-9)
    count = math.ceil(blocks / bundle)
    waves = min(max(round(body / BLOCK_TIME), 1), math.ceil(count / slots))
    tiles = waves * slots if count >= slots else count
    work, memory = body, min(memory_time, body)
    if memory >= STREAMING * body:
        work, memory = body - memory + memory / STREAM_GAIN, body
    packed = min(math.ceil(tiles / sms), slots // sms)
    return GpuKernel(blocks=tiles, tile_time=work / waves, memory_time=memory / tiles, room=share,
                     issue=_issue(packed, share), gap_time=gap, ranked=ranked)


def _issue(packed: int, room: float) -> float:
    """Issue slots of a block of which an SM holds `packed` when the kernel runs alone."""
    return min(1 / packed, ISSUE_ROOM * room)


def _parts(time: float, gap_time: float) -> tuple[float, float]:
    """Launch and body of a kernel: a body takes a tenth of the time at least."""
    if not 1e-11 <= time < 1e6:
        raise UsageError(f"kernel: its time alone must be 10 ps or more, not {time!r} s")
    gap = min(gap_time, 0.9 * time)
    return gap, time - gap
