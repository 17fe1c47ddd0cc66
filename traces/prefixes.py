"""`PrefixBlocks`: which requests begin with the same tokens, without saying what the tokens are.

A prompt is cut into blocks of `block_tokens` tokens. A block id stands for the tokens of its block
and of everything before it, so two prompts that have an id in common are equal up to the end of
that block; the last block of a prompt may be partly filled. This is what the published traces of
Mooncake call `hash_ids`. Blocks behind the last id of a request are shared with nobody.

Left out: what answers hold. A later prompt that repeats an earlier answer (the next turn of a
conversation) shares only what the ids say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rackwright.errors import TraceError
from rackwright.traces.checked_columns import column_of

__all__ = ["MAX_BLOCK_ID", "PrefixBlocks"]

MAX_BLOCK_ID = (1 << 31) - 1  # our bound

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PrefixBlocks:
    """Ids of n requests: `ids[offsets[i]:offsets[i + 1]]` are those of request i, in order.

    `offsets`: int64, n + 1 of them, from 0 up to the number of ids. `ids`: int64, 0 to
    MAX_BLOCK_ID; an id always follows the same id, or none. Columns are copied, and checked: raises
    TraceError naming the first wrong row (from 0).
    """

    offsets: Ints
    ids: Ints
    block_tokens: int

    def __post_init__(self) -> None:
        for name in ("offsets", "ids"):
            object.__setattr__(self, name, column_of(f"prefix {name}", getattr(self, name),
                                                     np.int64))
        if self.block_tokens < 1:
            raise TraceError(f"prefix blocks of {self.block_tokens} tokens; expected 1 or more")
        steps = np.diff(self.offsets)
        if len(self.offsets) < 1 or self.offsets[0] != 0 or (steps < 0).any() \
                or self.offsets[-1] != len(self.ids):
            raise TraceError("offsets of prefix blocks must rise from 0 to the "
                             f"{len(self.ids)} ids")
        outside = (self.ids < 0) | (self.ids > MAX_BLOCK_ID)
        if outside.any():
            at = int(np.argmax(outside))
            raise TraceError(f"row {self.row_of(at)}: prefix block {self.ids[at]}; expected 0 to "
                             f"{MAX_BLOCK_ID}")
        self._check_chains()

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row_of(self, at: int) -> int:
        """The request that `ids[at]` belongs to."""
        return int(np.searchsorted(self.offsets, at, side="right")) - 1

    def rows(self, wanted: slice) -> PrefixBlocks:
        """The ids of some requests."""
        starts, ends = self.offsets[:-1][wanted], self.offsets[1:][wanted]
        parts = [self.ids[start:end] for start, end in zip(starts, ends, strict=True)]
        ids = np.concatenate(parts) if parts else self.ids[:0]
        return PrefixBlocks(np.concatenate([[0], np.cumsum(ends - starts)]), ids,
                            self.block_tokens)

    @property
    def counts(self) -> Ints:
        """Ids of each request."""
        return np.diff(self.offsets)

    def _check_chains(self) -> None:
        """An id stands for all before it, so what comes before it never changes."""
        before = np.empty_like(self.ids)
        before[1:] = self.ids[:-1]
        before[self.offsets[:-1][self.counts > 0]] = -1
        _, first, back = np.unique(self.ids, return_index=True, return_inverse=True)
        wrong = before != before[first[back]]
        if wrong.any():
            at = int(np.argmax(wrong))
            row, seen = self.row_of(at), self.row_of(int(first[back[at]]))
            raise TraceError(f"row {row}: prefix block {self.ids[at]} comes after "
                             f"{_block(before[at])}, in row {seen} after "
                             f"{_block(before[first[back[at]]])}; an id stands for everything "
                             "before it too")


def _block(number: int) -> str:
    return "nothing" if number < 0 else f"block {number}"
