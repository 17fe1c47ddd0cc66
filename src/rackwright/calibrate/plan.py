"""Which points are measured, table by table, each with its set.

Shapes are those of published models: dense and grouped-query language models from 0.1 to 175
billion parameters, also cut for tensor parallelism; mixtures of experts; ResNet-50 and VGG-16
(see `shapes`). The list is a constant: the same points in the same order every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rackwright.calibrate import shapes
from rackwright.calibrate.sets import assign
from rackwright.calibrate.tables import TABLES, Point
from rackwright.errors import UnknownName

__all__ = ["estimated_seconds", "plan"]

MIB = 2 ** 20


def plan(only: Sequence[str] = ()) -> list[Point]:
    """All points, or those of the tables named; sets do not depend on `only`.

    Raises `UnknownName` for a table that there is not.
    """
    for name in only:
        if name not in TABLES:
            raise UnknownName("operation to measure", name, TABLES)
    return [point for point in assign(_all()) if not only or point.table in only]


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


def _power() -> Iterator[tuple[str, ...]]:
    for load in TABLES["power"].keys["load"]:
        yield (load,)


_MAKERS = {"launch": _launch, "memory": _memory, "pieces": _pieces, "attention": _attention,
           "gemm": _gemm, "expert": _expert, "grouped": _grouped, "conv": _conv, "pcie": _pcie,
           "power": _power}
