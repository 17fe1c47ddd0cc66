"""Helpers: points without a GPU, and a measurer whose times are made up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from rackwright.calibrate import TABLES, Point, Row


class FakeBench:
    """Measures at one microsecond and more a point, and remembers which it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Point] = []
        self.fails: Callable[[Point], Exception | None] = lambda point: None

    def __call__(self, point: Point) -> Mapping[str, float]:
        self.asked.append(point)
        problem = self.fails(point)
        if problem is not None:
            raise problem
        return dict.fromkeys(TABLES[point.table].values, float(len(self.asked)))


@pytest.fixture
def bench() -> FakeBench:
    return FakeBench()


@pytest.fixture
def gemm_row() -> Callable[..., Row]:
    """A product that took `time_us`."""
    def make(m: int, n: int, k: int, time_us: float, set: str = "fit", dtype: str = "bf16"
             ) -> Row:
        return Row(Point("gemm", (dtype, "linear", m, n, k), set),
                   {"time_us": time_us, "spread": 0.0, "samples": 9.0})
    return make
