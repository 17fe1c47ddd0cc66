"""Who sends to whom: the traffic patterns of point-to-point measurements.

`single` (GPU 0 to 1), `bidirectional` (both ways at once), `incastN` (GPUs 1..N to 0), `outcastN`
(GPU 0 to 1..N), `ringN` (each to the next), `pairsN` (N pairs one way; `two_pairs` is `pairs2`),
`all_to_allN`, or a sequence of (source, destination) numbers. Every flow carries the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rackwright.errors import UnknownName, UsageError

__all__ = ["MOST_GPUS", "Pairs", "Pattern", "pairs_of"]

Pairs = tuple[tuple[int, int], ...]
Pattern = str | Sequence[tuple[int, int]]
MOST_GPUS = 72  # one NVLink domain of today: NVIDIA GB200 NVL72
_SHAPES = ("single", "bidirectional", "two_pairs", "incastN", "outcastN", "ringN", "pairsN",
           "all_to_allN")


def pairs_of(pattern: Pattern) -> Pairs:
    """The (source, destination) numbers of a pattern.

    Raises `UnknownName` for a word that is none, `UsageError` for too many GPUs, a flow to oneself
    or the same flow twice.

    >>> pairs_of("incast2")
    ((1, 0), (2, 0))
    """
    pairs = _named(pattern) if isinstance(pattern, str) else _given(pattern)
    gpus = 1 + max(max(pair) for pair in pairs)
    if gpus > MOST_GPUS:
        raise UsageError(f"pattern {pattern!r} needs {gpus} GPUs; up to {MOST_GPUS} are one domain")
    return pairs


def _named(pattern: str) -> Pairs:
    fixed: dict[str, Pairs] = {"single": ((0, 1),), "bidirectional": ((0, 1), (1, 0)),
                               "two_pairs": ((0, 1), (2, 3))}
    if pattern in fixed:
        return fixed[pattern]
    found = re.fullmatch(r"(incast|outcast|ring|pairs|all_to_all)([1-9][0-9]{0,2})", pattern)
    if not found or (found[1] in ("ring", "all_to_all") and found[2] == "1"):
        raise UnknownName("traffic pattern", pattern, _SHAPES)
    return _counted(found[1], int(found[2]))


def _counted(word: str, n: int) -> Pairs:
    if word == "incast":
        return tuple((i, 0) for i in range(1, n + 1))
    if word == "outcast":
        return tuple((0, i) for i in range(1, n + 1))
    if word == "ring":
        return tuple((i, (i + 1) % n) for i in range(n))
    if word == "pairs":
        return tuple((2 * i, 2 * i + 1) for i in range(n))
    return tuple((i, (i + step) % n) for i in range(n) for step in range(1, n))


def _given(pattern: Sequence[tuple[int, int]]) -> Pairs:
    try:
        pairs = tuple((int(source), int(target)) for source, target in pattern)
    except (TypeError, ValueError):
        raise UsageError(f"a traffic pattern is a word or a sequence of (source, destination) "
                         f"numbers, not {pattern!r}") from None
    if not pairs:
        raise UsageError("a traffic pattern needs at least one (source, destination)")
    for pair in pairs:
        if min(pair) < 0 or pair[0] == pair[1]:
            raise UsageError(f"flow {pair}: two different GPUs, numbered from 0, are needed")
    if len(set(pairs)) < len(pairs):
        raise UsageError(f"a flow appears twice in {list(pairs)}; each pair of GPUs sends once")
    return pairs
