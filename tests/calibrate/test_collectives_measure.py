"""What each GPU does for a point, on a PyTorch of our own that only notes it."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from rackwright.calibrate import Point, plan
from rackwright.calibrate.measure_collectives import CollectiveBench, moves, root

STEP_US = 7.0  # of every operation of the fake


class FakeTensor:
    def __init__(self, name, count, width):
        self.name, self.count, self.width = name, count, width

    def __getitem__(self, part):
        return FakeTensor(self.name, part.stop, self.width)

    def view(self, dtype):
        return FakeTensor(self.name, self.count * self.width, 1)

    def copy_(self, other, non_blocking):
        assert self.count * self.width == other.count * other.width and non_blocking
        FakeTorch.now.operate("copy", self.name, self.count * self.width)

    def item(self):
        return self.count


class FakeTorch:
    """One GPU; `log` holds (operation, bytes, detail) as launched, `captured` while capturing."""

    now: FakeTorch
    bfloat16, uint8, float64 = 2, 1, 8

    def __init__(self):
        FakeTorch.now = self
        self.log, self.clock_us, self.captured = [], 0.0, None
        torch = self
        self.cuda = SimpleNamespace(
            Stream=lambda: SimpleNamespace(synchronize=lambda: None), stream=self._nothing,
            CUDAGraph=lambda: SimpleNamespace(nodes=[], replay=None), graph=self._capture,
            synchronize=lambda: None,
            Event=lambda enable_timing: FakeEvent(torch))
        self.distributed = FakeDistributed(self)

    @contextmanager
    def _nothing(self, *_):
        yield

    @contextmanager
    def _capture(self, graph, stream, capture_error_mode):
        self.captured = []
        yield
        nodes, self.captured = self.captured, None

        def replay():
            for node in nodes:
                self.operate(*node)
        graph.replay = replay

    def operate(self, *what):
        if self.captured is not None:
            self.captured.append(what)
        else:
            self.log.append(what)
            self.clock_us += STEP_US

    def randn(self, count, dtype, device):
        return FakeTensor("source", count, dtype)

    def zeros(self, count, dtype, device):
        return FakeTensor("target", count, dtype)

    def ones(self, count, dtype, pin_memory):
        return FakeTensor("host", count, dtype)

    def full(self, shape, value, dtype, device):
        return FakeTensor("value", value, dtype)


class FakeEvent:
    def __init__(self, torch):
        self.torch = torch

    def record(self):
        self.at = self.torch.clock_us

    def elapsed_time(self, other):
        return (other.at - self.at) * 1e-3

    def synchronize(self):
        pass


class FakeDistributed:
    ReduceOp = SimpleNamespace(MAX="max")

    def __init__(self, torch):
        self.torch = torch

    def all_reduce(self, tensor, group=None, op=None):
        if tensor.name != "value":
            self.torch.operate("all_reduce", tensor.count * 2, group)

    def all_gather_into_tensor(self, out, into, group):
        self.torch.operate("all_gather", (into.count * 2, out.count * 2), group)

    def reduce_scatter_tensor(self, out, into, group):
        self.torch.operate("reduce_scatter", (into.count * 2, out.count * 2), group)

    def all_to_all_single(self, out, into, group):
        self.torch.operate("all_to_all", (into.count * 2, out.count * 2), group)

    def broadcast(self, tensor, root, group):
        self.torch.operate("broadcast", tensor.count * 2, root)

    def reduce(self, tensor, root, group):
        self.torch.operate("reduce", tensor.count * 2, root)

    def isend(self):
        raise AssertionError("only named")

    def irecv(self):
        raise AssertionError("only named")

    def P2POp(self, call, tensor, peer):  # noqa: N802
        return call.__name__, tensor.count * 2, peer

    def batch_isend_irecv(self, works):
        for work in works:
            self.torch.operate(*work)
        return [SimpleNamespace(wait=lambda: None)]


GROUPS = {1: None, 2: "two", 4: "four", 8: "all"}


@pytest.fixture
def torch():
    return FakeTorch()


def test_every_point_of_the_plan_can_be_measured(torch):
    bench = CollectiveBench(torch, 0, GROUPS)
    for point in plan(["collectives", "p2p", "pcie_multi"])[::5]:
        found = bench(point)
        assert found["time_us"] > 0 and found["samples"] >= 4, point


@pytest.mark.parametrize("launch", ["graph", "eager"])
def test_a_time_is_that_of_one_operation(torch, launch):
    found = CollectiveBench(torch, 3, GROUPS)(Point("collectives",
                                                    ("all_reduce", launch, 4, 4096)))
    assert found["time_us"] == pytest.approx(STEP_US) and found["spread"] == pytest.approx(0)
    assert set(torch.log) == {("all_reduce", 4096, "four")}


@pytest.mark.parametrize(("op", "nbytes"), [("all_gather", (1024, 4096)),
                                            ("reduce_scatter", (4096, 1024)),
                                            ("all_to_all", (4096, 4096))])
def test_bytes_are_counted_as_nccl_tests_does(torch, op, nbytes):
    CollectiveBench(torch, 0, GROUPS)(Point("collectives", (op, "graph", 4, 4096)))
    assert set(torch.log) == {(op, nbytes, "four")}


def test_roots_go_round_backwards_through_all(torch):
    CollectiveBench(torch, 0, GROUPS)(Point("collectives", ("broadcast", "graph", 8, 2 ** 20)))
    roots = [detail for _, _, detail in torch.log]
    assert roots[:9] == [0, 7, 6, 5, 4, 3, 2, 1, 0]
    assert all((one - two) % 8 == 1 for one, two in zip(roots, roots[1:], strict=False))
    assert root(13, 4) == 3


@pytest.mark.parametrize("pattern", ["single", "bidirectional", "incast", "outcast", "pairs",
                                     "ring"])
def test_every_transfer_is_sent_once_and_received_once(torch, pattern):
    gpus = 2 if pattern in ("single", "bidirectional") else 4
    sent, received = [], []
    for rank in range(gpus):
        torch = FakeTorch()
        CollectiveBench(torch, rank, GROUPS)(Point("p2p", (pattern, gpus, 4, 1024)))
        round_of = torch.log[:len(torch.log) // len({*torch.log})]
        sent += [(rank, peer) for call, _, peer in {*round_of} if call == "isend"]
        received += [(peer, rank) for call, _, peer in {*round_of} if call == "irecv"]
    assert sorted(sent) == sorted(received) == sorted(moves(pattern, gpus))


def test_a_gpu_that_takes_no_part_does_nothing(torch):
    bench = CollectiveBench(torch, 5, GROUPS)
    assert bench(Point("collectives", ("reduce", "graph", 4, 1024))) == {} and torch.log == []


def test_more_gpus_than_there_are(torch):
    with pytest.raises(ValueError, match="needs 8 GPUs; this host has 4"):
        CollectiveBench(torch, 0, {1: None, 2: "", 4: ""})(
            Point("collectives", ("reduce", "graph", 8, 1024)))


@pytest.mark.parametrize(("direction", "targets"), [("h2d", {"source"}), ("d2h", {"host"}),
                                                    ("both", {"source", "host"})])
def test_pcie_copies_go_the_way_asked_for(torch, direction, targets):
    CollectiveBench(torch, 1, GROUPS)(Point("pcie_multi", (direction, 2, 2 ** 20)))
    assert {(target, nbytes) for _, target, nbytes in torch.log} == {
        (target, 2 ** 20) for target in targets}
