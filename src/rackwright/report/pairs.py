"""Two folders of results compared: the systems, then the baselines that both have."""

from __future__ import annotations

from collections.abc import Mapping

from rackwright.replays import Replays
from rackwright.report.comparison import Comparison, compare
from rackwright.report.table import WIDTH, shorten

__all__ = ["compare_replays", "pairs_text"]

_LONGEST = 24  # characters of a folder's name above a column


def compare_replays(ours: Replays, theirs: Replays) -> dict[str, Comparison]:
    """Name -> comparison; the systems' results come first, under the first one's name."""
    found = {ours.result.label: compare(ours.result, theirs.result)}
    for name, result in ours.baselines.items():
        if name in theirs.baselines:
            found[name] = compare(result, theirs.baselines[name])
    return found


def pairs_text(pairs: Mapping[str, Comparison], ours: str, theirs: str, width: int = WIDTH
               ) -> str:
    """Tables of what differs; runs that are the same take one line."""
    names = (_tail(ours), _tail(theirs))
    return "\n".join(f"{name}: " + found.text(*names, width) if found.same
                     else f"{name}\n{found.text(*names, width)}" for name, found in pairs.items())


def _tail(path: str) -> str:
    """The end of a path, which is where two folders' names differ."""
    return path if len(path) <= _LONGEST else "..." + shorten(path[-(_LONGEST - 3):], _LONGEST)
