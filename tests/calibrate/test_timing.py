"""What the timer makes of times, and how it fills a graph; with a device of paper."""

from __future__ import annotations

import math

import pytest

from rackwright.calibrate import timing
from rackwright.calibrate.timing import GraphTimer, rotation, sample


class PaperGpu:
    """Stands for `torch`: an operation takes `kernel` seconds, each launch outside a graph
    `launch` at least."""

    def __init__(self, kernel: float, launch: float = 8e-6) -> None:
        self.kernel, self.launch, self.now = kernel, launch, 0.0
        self.capturing: list[int] | None = None
        self.captured: list[list[int]] = []
        self.cuda = self

    def step(self, operand: int) -> None:
        if self.capturing is None:
            self.now += max(self.kernel, self.launch)
        else:
            self.capturing.append(operand)

    def Stream(self):  # noqa: N802
        return _Nothing()

    def current_stream(self):
        return None

    def stream(self, stream):
        return _Nothing()

    def CUDAGraph(self):  # noqa: N802
        return _Graph(self)

    def graph(self, graph, stream):
        return graph

    def Event(self, enable_timing):  # noqa: N802
        return _Event(self)


class _Nothing:
    def __enter__(self):
        return self

    def __exit__(self, *problem):
        return None

    def wait_stream(self, other):
        return None

    def synchronize(self):
        return None


class _Graph(_Nothing):
    def __init__(self, gpu):
        self.gpu, self.nodes = gpu, []

    def __enter__(self):
        self.gpu.capturing = self.nodes
        self.gpu.captured.append(self.nodes)

    def __exit__(self, *problem):
        self.gpu.capturing = None

    def replay(self):
        self.gpu.now += len(self.nodes) * self.gpu.kernel


class _Event(_Nothing):
    def __init__(self, gpu):
        self.gpu, self.when = gpu, math.nan

    def record(self):
        self.when = self.gpu.now

    def elapsed_time(self, other):
        return (other.when - self.when) * 1e3


@pytest.mark.parametrize("kernel", [1e-6, 3e-5, 4e-3])
@pytest.mark.parametrize("sets", [1, 3, 200])
def test_the_time_is_the_kernels_not_the_launches(kernel, sets):
    gpu = PaperGpu(kernel)
    found = GraphTimer(gpu)(gpu.step, sets)
    assert found["time_us"] == pytest.approx(kernel * 1e6)
    assert found["spread"] == pytest.approx(0, abs=1e-9)
    assert timing.LEAST_SAMPLES <= found["samples"] <= timing.MOST_SAMPLES


@pytest.mark.parametrize("sets", [1, 3, 200])
def test_a_graph_takes_whole_rounds_of_the_operands(sets):
    gpu = PaperGpu(1e-6)
    GraphTimer(gpu)(gpu.step, sets)
    nodes = gpu.captured[-1]
    assert len(nodes) % sets == 0 and nodes == [node % sets for node in range(len(nodes))]
    assert len(nodes) * gpu.kernel >= timing.GRAPH_TIME / 2 or len(nodes) > 1024 - sets


def test_sample():
    assert sample([3, 1, 2, 100]) == {"time_us": 2.5, "spread": 99 / 2.5, "samples": 4}
    assert sample([5.0]) == {"time_us": 5.0, "spread": 0.0, "samples": 1}
    assert sample(range(1, 12))["spread"] == pytest.approx((10 - 2) / 6)


@pytest.mark.parametrize(("nbytes", "sets"), [(10, 20), (30, 7), (1000, 2), (0, 200)])
def test_rotation_is_four_times_l2(nbytes, sets):
    assert rotation(50, nbytes) == sets


def test_rotation_ends():
    assert rotation(10 ** 9, 1) == 512
