"""How wide the tiles of attention kernels are: head_dim is padded to one of a few widths.

Sources: the names of the kernels that PyTorch 2.11 ran on an H100 under its profiler: for heads of
96, 128 and 256 elements tiles of 128, 128 and 256 (cuDNN, one query or a prefill); narrower ones
are inferred from measured times of 64. Leaves out: heads wider than 256, which no kernel there
takes. Latent attention (rows of 576) has kernels of its own elsewhere, which load ahead: such heads
are costed as narrow ones of their width, not measured.
"""

from __future__ import annotations

import numpy as np

from rackwright.devices.arguments import Floats

__all__ = ["is_wide", "tile_width"]

NARROW = 128            # the widest tile of which two fit on an SM
WIDTHS = (64, 128, 256)


def is_wide(head_dim: Floats) -> Floats:
    """1.0 for heads whose tile leaves no room for a second one on an SM, else 0.0."""
    return np.where((head_dim > NARROW) & (head_dim <= WIDTHS[-1]), 1.0, 0.0)


def tile_width(head_dim: Floats) -> Floats:
    """Elements of a head that the kernels work on: `head_dim` rounded up to a tile's width."""
    width = np.maximum(head_dim, WIDTHS[0])
    for less, more in zip(WIDTHS, WIDTHS[1:], strict=False):
        width = np.where((head_dim > less) & (head_dim < more), more, width)
    return width
