"""The graph behind a list of layers in the order of execution, from their shapes alone.

A layer follows the one before it, or starts a branch where that one started, or at the last join,
or elsewhere; a layer that takes as many channels as all open ends have together joins them. Where
several readings agree with all shapes, the one with the fewest odd choices (in this order) is
taken; twins that a join has proved are expected of equal neighbours in later blocks. Joins become
layers of their own ("concat").

Leaves out: additions of branches (residual networks are listed with their blocks as one layer).
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import NamedTuple

__all__ = ["Joined", "Shaped", "join_branches"]

Shape = tuple[int, ...]
_MOST_TRIED = 20_000  # readings of a block: those of real networks take some tens
_BRANCH, _FAR = 1, 3  # prices of a choice: from where the layer before starts; from elsewhere


class Shaped(NamedTuple):
    """What is known of a layer: a key that equal layers share, its input, its output."""

    key: str
    entered: Shape
    left: Shape


class Joined(NamedTuple):
    """Layers with joins put between: for each, the listed layer or None; and the edges."""

    layers: list[int | None]
    shapes: list[Shape]
    edges: list[tuple[int, int]]


def join_branches(layers: Sequence[Shaped]) -> Joined:
    """Raises ValueError, starting with ``layer N: ``, where no reading agrees with the shapes."""
    joined = Joined([0], [layers[0].left], [])
    learnt: dict[tuple[str, str], bool] = {}
    at, root = 1, 0
    while at < len(layers):
        parents, stop = _block(layers, at, joined.shapes[root], learnt)
        at, root = _commit(joined, layers, at, root, parents, stop)
    return joined


def _block(layers: Sequence[Shaped], begin: int, root: Shape, learnt: dict[tuple[str, str], bool]
           ) -> tuple[list[int], int]:
    """Parents of the layers from `begin` to the next join or the end (-1: the block's root).

    The reading with the least odd choices: cheapest first, deepest first among equals.
    """
    serial, deepest = 0, begin
    heap: list[tuple[int, int, int, list[int]]] = [(0, 0, 0, [])]
    while heap and serial < _MOST_TRIED:
        cost, _, _, parents = heappop(heap)
        at = begin + len(parents)
        deepest = max(deepest, at)
        if at == len(layers) or _joins(layers, begin, at, parents):
            _learn(layers, begin, parents, learnt)
            return parents, at
        for price, parent in _options(layers, begin, at, parents, root, learnt):
            serial += 1
            heappush(heap, (cost + price, -at, serial, [*parents, parent]))
    entered = list(layers[min(deepest, len(layers) - 1)].entered)
    raise ValueError(f"layer {deepest}: its input {entered} is the output of no layer before it, "
                     "nor of all open branches joined")


def _options(layers: Sequence[Shaped], begin: int, at: int, parents: list[int], root: Shape,
             learnt: dict[tuple[str, str], bool]) -> list[tuple[int, int]]:
    """(price, parent) of the layers that put out the right shape, the nearest first."""
    entered, last = layers[at].entered, len(parents) - 1
    found = [row for row in range(last, -1, -1) if layers[begin + row].left == entered]
    found += [-1] if root == entered else []
    if len(found) == 1:
        return [(0, found[0])]
    twins = last >= 0 and learnt.get((layers[at - 1].key, layers[at].key), False)
    beside = parents[last] if last >= 0 else -1
    return [(_BRANCH * twins if row == last else
             _BRANCH * (not twins) if row in (beside, -1) else _FAR, row) for row in found]


def _joins(layers: Sequence[Shaped], begin: int, at: int, parents: list[int]) -> bool:
    """Whether layer `at` takes all open ends, of which there are several."""
    ends = _ends(parents)
    shapes = [layers[begin + row].left for row in ends]
    entered = layers[at].entered
    return len(ends) > 1 and all(shape[1:] == entered[1:] for shape in shapes) \
        and sum(shape[0] for shape in shapes) == entered[0]


def _ends(parents: list[int]) -> list[int]:
    used = set(parents)
    return [row for row in range(len(parents)) if row not in used]


def _learn(layers: Sequence[Shaped], begin: int, parents: list[int],
           learnt: dict[tuple[str, str], bool]) -> None:
    if begin + len(parents) == len(layers):
        return  # the end proves nothing
    for row in range(1, len(parents)):
        pair = (layers[begin + row - 1].key, layers[begin + row].key)
        learnt.setdefault(pair, parents[row] == parents[row - 1])


def _commit(joined: Joined, layers: Sequence[Shaped], begin: int, root: int, parents: list[int],
            stop: int) -> tuple[int, int]:
    """Add the block and its join; (the next layer, the next block's root)."""
    first = len(joined.layers)
    for row, parent in enumerate(parents):
        joined.layers.append(begin + row)
        joined.shapes.append(layers[begin + row].left)
        joined.edges.append((root if parent < 0 else first + parent, first + row))
    ends = _ends(parents)
    shapes = [layers[begin + row].left for row in ends]
    if len(ends) > 1:
        if len({shape[1:] for shape in shapes}) > 1:
            raise ValueError(f"layer {stop - 1}: branches of outputs "
                             f"{[list(shape) for shape in shapes]} are open at the end")
        joined.layers.append(None)
        joined.shapes.append((sum(shape[0] for shape in shapes), *shapes[0][1:]))
        joined.edges.extend((first + row, len(joined.layers) - 1) for row in ends)
    return stop, len(joined.layers) - 1
