"""The snippets of docs/guides/moe-routing-traces.md, run."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rackwright.traces import generate_routing, read_routing, write_routing

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "moe-routing-traces.md"
if not PAGE.is_file():
    pytest.skip("the guides are not beside the tests", allow_module_level=True)
TEXT = PAGE.read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
FRAGMENT = next(block for block in re.findall(r"```\n(.*?)```", TEXT, re.DOTALL))


def names(snippet: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    exec(compile(snippet, str(PAGE), "exec"), found)
    return found


def test_the_fragment_is_a_trace_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "tiny.csv"
    path.write_text(FRAGMENT)
    trace = read_routing(path)
    assert (len(trace), trace.top_k, trace.n_experts, trace.layers) == (4, 2, 4, 2)
    assert trace.gate_weights is not None and trace.gate_weights[0].tolist() == [0.75, 0.25]
    assert write_routing(trace, tmp_path / "again.csv").read_text() == FRAGMENT


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_the_reader_reads_what_we_write(tmp_path: Path, name: str) -> None:
    reader = names(SNIPPETS[0])["read"]
    assert len([line for line in SNIPPETS[0].splitlines() if line]) <= 17
    path = tmp_path / name
    text = FRAGMENT.encode()
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    rows, trace = list(reader(path)), read_routing(path)
    assert [row["expert_ids"] for row in rows] == trace.expert_ids.tolist()
    assert trace.gate_weights is not None
    assert [row["gate_weights"] for row in rows] == trace.gate_weights.tolist()
    assert [row["layer"] for row in rows] == trace.layer.tolist()


class Tensor(np.ndarray):
    """Of a tensor what the recorder uses."""

    def softmax(self, axis: int) -> Tensor:
        powers = np.exp(self - self.max(axis, keepdims=True))
        return (powers / powers.sum(axis, keepdims=True)).view(Tensor)

    def topk(self, k: int) -> tuple[Tensor, Tensor]:
        order = np.argsort(-self, axis=-1, kind="stable")[..., :k]
        return np.take_along_axis(self, order, -1), order.view(Tensor)

    def sum(self, axis: Any = None, keepdim: bool = False, **more: Any) -> Any:  # type: ignore[override]
        return super().sum(axis, keepdims=keepdim or more.get("keepdims", False))


class Router:
    def __init__(self) -> None:
        self.hooks: list[Any] = []

    def register_forward_hook(self, hook: Any) -> None:
        self.hooks.append(hook)

    def __call__(self, logits: Tensor) -> None:
        for hook in self.hooks:
            hook(self, (), logits)


def test_the_recorder_writes_a_trace(tmp_path: Path) -> None:
    routers, stream = [Router(), Router(), Router()], np.random.default_rng(1)
    recorder = names(SNIPPETS[1])["Recorder"](routers, 2)
    for step in range(4):
        recorder.begin([(7, step), (9, step)])
        for router in routers:
            router(stream.normal(size=(2, 8)).view(Tensor))
    recorder.write(tmp_path / "r.csv", 8, "none", "a test")
    trace = read_routing(tmp_path / "r.csv")
    assert (len(trace), trace.layers, trace.top_k) == (4 * 2 * 3, 3, 2)
    assert trace.gate_weights is not None
    assert trace.gate_weights.sum(axis=1) == pytest.approx(np.ones(24), abs=1e-5)
    assert set(trace.request.tolist()) == {7, 9} and trace.step.max() == 3


def test_the_fit_brings_the_skew_back() -> None:
    found = names(SNIPPETS[2])
    assert found["fitted"].skews == pytest.approx(np.full(4, 0.8), abs=0.02)
    assert len(found["more"]) == 500 * 4


def test_sizes_are_as_said(tmp_path: Path) -> None:
    """Bytes a row, plain and compressed, of Mixtral's and DeepSeek-V3's shapes."""
    from rackwright.traces import ExponentialRouting
    for blocks, experts, top_k, most in ((32, 8, 2, 26), (58, 256, 8, 52)):
        trace = generate_routing(ExponentialRouting(blocks, experts, top_k), [150] * 2)
        plain = write_routing(trace, tmp_path / "r.csv").stat().st_size / len(trace)
        packed = write_routing(trace, tmp_path / "r.csv.gz").stat().st_size / len(trace)
        assert most * 0.5 < plain < most
        assert packed < plain / 2
