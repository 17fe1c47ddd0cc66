"""Plain-text tables and paragraphs of bounded width, the same bytes on every terminal.

The first column is flush left, the others flush right. A table that is too wide is cut into
blocks of columns, each with the first column again; a cell that is too wide itself is cut with an
ellipsis.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

__all__ = ["WIDTH", "paragraph", "shorten", "table"]

WIDTH = 100
_GAP = 2
_LABEL_SHARE = 0.45  # of the width, at most, for the first column


def table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int = WIDTH,
          keep: int = 1, left: Sequence[int] = (0,)) -> str:
    """Lines of a table, each ending in a newline.

    `keep`: columns that must stay together when the table is cut into blocks (2: pairs).
    `left`: columns that are flush left.
    """
    labels = [shorten(row[0], int(width * _LABEL_SHARE)) for row in (header, *rows)]
    room = width - max(map(len, labels)) - _GAP  # for the widest other cell
    cells = [[label, *(shorten(cell, room) for cell in row[1:])]
             for label, row in zip(labels, (header, *rows), strict=True)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    blocks = list(_blocks(widths, width, keep))
    return "\n".join(_block(cells, widths, block, left) for block in blocks)


def paragraph(label: str, text: str, indent: int, width: int = WIDTH) -> str:
    """`label`, then `text` wrapped beside it, `indent` columns in."""
    start = f"{label:<{indent - 1}} "
    return textwrap.fill(text, width, initial_indent=start, subsequent_indent=" " * indent,
                         break_on_hyphens=False) + "\n"


def shorten(text: str, width: int) -> str:
    """`text`, or its beginning and an ellipsis when it is longer than `width`."""
    return text if len(text) <= width else text[:max(width - 3, 1)] + "..."


def _blocks(widths: Sequence[int], width: int, keep: int) -> Iterator[list[int]]:
    """Column numbers of each block; the first column is in all of them."""
    block, used = [0], widths[0]
    for group in _groups(widths, width, keep):
        need = sum(widths[place] + _GAP for place in group)
        if used + need > width and len(block) > 1:
            yield block
            block, used = [0], widths[0]
        block += group
        used += need
    yield block


def _groups(widths: Sequence[int], width: int, keep: int) -> Iterator[list[int]]:
    """Columns that stay together; one by one where they do not fit beside the first."""
    for first in range(1, len(widths), keep):
        group = list(range(first, min(first + keep, len(widths))))
        fits = widths[0] + sum(widths[place] + _GAP for place in group) <= width
        yield from [group] if fits else [[place] for place in group]


def _block(cells: Sequence[Sequence[str]], widths: Sequence[int], block: Sequence[int],
           left: Sequence[int]) -> str:
    lines = [(" " * _GAP).join(_padded(row[place], widths[place], place in left)
                               for place in block).rstrip() for row in cells]
    rule = "-" * (sum(widths[place] for place in block) + _GAP * (len(block) - 1))
    return "\n".join([lines[0], rule, *lines[1:]]) + "\n"


def _padded(text: str, width: int, left: bool) -> str:
    return text.ljust(width) if left else text.rjust(width)
