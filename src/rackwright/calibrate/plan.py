"""Which points are measured, table by table, each with its set.

Shapes are those of published models: dense and grouped-query language models from 0.1 to 175
billion parameters, also cut for tensor parallelism; mixtures of experts; ResNet-50 and VGG-16
(see `shapes`). The list is a constant: the same points in the same order every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rackwright.calibrate import shapes
from rackwright.calibrate.sets import assign
from rackwright.calibrate.tables import TABLES, Point, tables_of
from rackwright.errors import UnknownName

__all__ = ["estimated_seconds", "plan", "plan_of"]

MIB = 2 ** 20
SEVERAL = (1, 2, 4, 8)  # GPUs that work at once
COLLECTIVE_BYTES = sorted([2 ** power for power in range(10, 31)]
                          + [3 * 2 ** power for power in range(11, 28, 2)])
PATTERNS = {"single": (2,), "bidirectional": (2,), "incast": (3, 4, 8), "outcast": (3, 4, 8),
            "pairs": (4, 8), "ring": (4, 8)}
"""Point-to-point patterns by the GPUs that take part."""


def plan(only: Sequence[str] = ()) -> list[Point]:
    """All points, or those of the tables named; sets do not depend on `only`.

    Raises `UnknownName` for a table that there is not.
    """
    for name in only:
        if name not in TABLES:
            raise UnknownName("operation to measure", name, TABLES)
    return [point for point in assign(_all()) if not only or point.table in only]


def plan_of(command: str, only: Sequence[str] = ()) -> list[Point]:
    """Points of the tables of a command of ``rackwright calibrate``, or of those named.

    Raises `UnknownName` for a table that is not one of the command's.
    """
    for name in only:
        if name not in tables_of(command):
            raise UnknownName("operation to measure", name, tables_of(command))
    return plan(list(only) or tables_of(command))


def estimated_seconds(points: Iterable[Point]) -> float:
    """About how long `points` take to measure, in seconds."""
    return sum(TABLES[point.table].seconds for point in points)


def _all() -> Iterator[Point]:
    for name, makers in _MAKERS.items():
        for values in makers():
            yield Point(name, values)


def _launch() -> Iterator[tuple[str, ...]]:
    for kind in TABLES["launch"].keys["kind"]:
        yield (kind,)


def _memory() -> Iterator[tuple[str | int, ...]]:
    powers = [2 ** power for power in range(10, 33)]
    between = [step * MIB for step in (3, 6, 12, 20, 24, 28, 40, 48, 56, 80, 96, 384, 768)]
    for nbytes in sorted(powers + between):
        for op in TABLES["memory"].keys["op"]:
            yield op, "warm", nbytes
            if 65536 <= nbytes <= 128 * MIB:
                yield op, "cold", nbytes


def _pieces() -> Iterator[tuple[str | int, ...]]:
    for op in TABLES["pieces"].keys["op"]:
        for dim in (1024, 2048, 4096, 5120, 8192):
            for tokens in (1, 8, 64, 256, 1024, 4096, 16384):
                yield op, tokens, dim


def _attention() -> Iterator[tuple[str | int, ...]]:
    for heads in shapes.HEADS:
        yield from _decode(heads)
        yield from _prefill(heads)
        for batch, q_len, kv_len in shapes.EXTENDS:
            yield "extend", "yes", "warm", batch, *heads, q_len, kv_len


def _decode(heads: tuple[int, int, int]) -> Iterator[tuple[str | int, ...]]:
    _, kv_heads, head_dim = heads
    for batch in (1, 8, 32, 128):
        for kv_len in (128, 512, 2048, 8192, 32768):
            if 4 * batch * kv_heads * head_dim * kv_len <= 12 * 2 ** 30:
                yield "decode", "no", "cold", batch, *heads, 1, kv_len
            if heads in shapes.WARM_HEADS and batch * kv_len <= 16384 and batch <= 8:
                yield "decode", "no", "warm", batch, *heads, 1, kv_len


def _prefill(heads: tuple[int, int, int]) -> Iterator[tuple[str | int, ...]]:
    for batch in (1, 8):
        for length in (128, 512, 1024, 2048, 4096, 8192):
            yield "prefill", "yes", "warm", batch, *heads, length, length
            if length <= 512:
                yield "prefill", "no", "warm", batch, *heads, length, length


def _gemm() -> Iterator[tuple[str | int, ...]]:
    for n, k in shapes.WEIGHTS:
        for m in shapes.ROWS:
            yield "bf16", "linear", m, n, k
    for dtype, rows in shapes.OTHER_ROWS.items():
        for n, k in shapes.OTHER_WEIGHTS:
            for m in rows:
                yield dtype, "linear", m, n, k
    for n, k in shapes.OTHER_WEIGHTS:
        for m in shapes.PLAIN_ROWS:
            yield "bf16", "plain", m, n, k


def _expert() -> Iterator[tuple[int, ...]]:
    for hidden, ffn in shapes.EXPERTS:
        for tokens in (1, 4, 16, 32, 64, 128, 256, 512, 1024, 2048):
            yield hidden, ffn, tokens


def _grouped() -> Iterator[tuple[str | int, ...]]:
    for experts, n, k in shapes.GROUPED:
        for rows in (8, 32, 128, 512, 2048, 8192):
            yield "even", experts, n, k, rows
            if rows >= 128:
                yield "zipf", experts, n, k, rows


def _conv() -> Iterator[tuple[str | int, ...]]:
    for layer in shapes.CONVOLUTIONS:
        for batch in (1, 16, 64):
            for direction in TABLES["conv"].keys["direction"]:
                yield direction, batch, *layer


def _pcie() -> Iterator[tuple[str | int, ...]]:
    for power in range(10, 31):
        for direction in ("h2d", "d2h", "both"):
            yield direction, "pinned", 2 ** power
        for direction in ("h2d", "d2h"):
            yield direction, "pageable", 2 ** power


def _streams() -> Iterator[tuple[str | int, ...]]:
    works = (*shapes.STREAM_WORKS, *(("resnet50", batch) for batch in shapes.STREAM_BATCHES))
    for work in works:
        yield "alone", *work, "none", 0
    for place, first in enumerate(shapes.STREAM_WORKS):
        for second in shapes.STREAM_WORKS[place:]:
            yield "equal", *first, *second
            yield "high", *first, *second
            if first != second:
                yield "high", *second, *first
    behind: tuple[str, int] = ("resnet50", shapes.STREAM_BEHIND)
    for batch in shapes.STREAM_BATCHES:
        for priority in ("equal", "high"):
            yield priority, "resnet50", batch, *behind
    for work in shapes.STREAM_WORKS:
        yield "high", *behind, *work
        yield "high", *work, *behind


def _power() -> Iterator[tuple[str, ...]]:
    for load in TABLES["power"].keys["load"]:
        yield (load,)


def _collectives() -> Iterator[tuple[str | int, ...]]:
    for gpus in reversed(SEVERAL[1:]):
        for op in TABLES["collectives"].keys["op"]:
            for nbytes in COLLECTIVE_BYTES:
                yield op, "graph", gpus, nbytes
    for gpus in reversed(SEVERAL[2:]):  # what launching them one by one costs
        for op in TABLES["collectives"].keys["op"]:
            for power in range(10, 31, 4):
                yield op, "eager", gpus, 2 ** power


def _p2p() -> Iterator[tuple[str | int, ...]]:
    for world in reversed(SEVERAL[1:]):  # each host measures those of its own size
        for pattern, counts in PATTERNS.items():
            for gpus in counts:
                for power in range(10, 31, 2):
                    if gpus <= world:
                        yield pattern, gpus, world, 2 ** power


def _pcie_multi() -> Iterator[tuple[str | int, ...]]:
    for gpus in SEVERAL:
        for direction in TABLES["pcie_multi"].keys["direction"]:
            for power in range(16, 29, 2):
                yield direction, gpus, 2 ** power


_MAKERS = {"launch": _launch, "memory": _memory, "pieces": _pieces, "attention": _attention,
           "gemm": _gemm, "expert": _expert, "grouped": _grouped, "conv": _conv, "pcie": _pcie,
           "streams": _streams, "power": _power, "collectives": _collectives, "p2p": _p2p,
           "pcie_multi": _pcie_multi}
