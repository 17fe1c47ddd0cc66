"""Routing traces: generated, written, read, refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import TraceError, UsageError
from rackwright.traces import (
    ExponentialRouting,
    RoutingTrace,
    draw_experts,
    generate_routing,
    read_routing,
    write_routing,
)

HEAD = "# model: m\n# n_experts: 8\n# k: 2\nstep,request,token,layer,expert_ids\n"
Write = Callable[[str], Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        path = tmp_path / "r.csv"
        path.write_text(text)
        return path

    return write


def test_a_generated_file_holds_what_a_replay_draws(tmp_path: Path) -> None:
    routing = ExponentialRouting(blocks=3, experts=8, top_k=2, seed=9)
    trace = read_routing(write_routing(generate_routing(routing, [2, 4, 1], "m"),
                                       tmp_path / "r.csv.gz"))
    assert len(trace) == 7 * 3
    chosen = np.zeros(2, dtype=np.int64)
    for row in range(len(trace)):
        draw_experts(routing.weights, trace.layer[row], 2, 9, trace.request[row], trace.token[row],
                     chosen)
        assert trace.expert_ids[row].tolist() == chosen.tolist()


def test_the_order_of_generated_rows() -> None:
    trace = generate_routing(ExponentialRouting(blocks=2, experts=4, top_k=1), [1, 3])
    keys = zip(trace.step.tolist(), trace.request.tolist(), trace.token.tolist(),
               trace.layer.tolist(), strict=True)
    assert list(keys) == [(0, 0, 0, 0), (0, 0, 0, 1), (0, 1, 0, 0), (0, 1, 0, 1),
                          (1, 1, 1, 0), (1, 1, 1, 1), (2, 1, 2, 0), (2, 1, 2, 1)]


def test_load_counts_visits() -> None:
    trace = generate_routing(ExponentialRouting(blocks=2, experts=4, top_k=3, skew=0.5), [50] * 9)
    assert trace.load.shape == (2, 4) and (trace.load.sum(axis=1) == 450 * 3).all()
    assert trace.load[1, 2] == (trace.expert_ids[trace.layer == 1] == 2).sum()
    assert trace.summary()["hottest_share"] == pytest.approx(
        (trace.load.max(axis=1) / 1350).mean())


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_round_trip(tmp_path: Path, data: st.DataObject) -> None:
    experts = data.draw(st.integers(1, 9))
    top_k = data.draw(st.integers(1, experts))
    keys = data.draw(st.lists(st.tuples(*[st.integers(0, 9)] * 3), min_size=1, max_size=20,
                              unique=True))
    steps = sorted(data.draw(st.lists(st.integers(0, 5), min_size=len(keys), max_size=len(keys))))
    ids = [data.draw(st.permutations(range(experts)))[:top_k] for _ in keys]
    request, token, layer = np.array(keys).T
    trace = RoutingTrace(np.array(steps), request, token, layer, np.array(ids), experts, "m", "s")
    again = read_routing(write_routing(trace, tmp_path / "r.csv"))
    assert again.content_hash == trace.content_hash
    assert (again.model, again.source, again.top_k) == ("m", "s", top_k)


def test_ids_keep_the_order_of_the_gate(file: Write) -> None:
    assert read_routing(file(HEAD + "0,0,0,0,7|1\n")).expert_ids.tolist() == [[7, 1]]


def test_limit(file: Write) -> None:
    path = file(HEAD + "0,0,0,0,7|1\n0,0,0,1,7|1\nnonsense\n")
    assert len(read_routing(path, limit=2)) == 2


@pytest.mark.parametrize(("text", "message"), [
    (HEAD + "0,0,0,0,7\n", "5: column expert_ids: '7': 1 experts; expected 2 distinct experts, "
                           "0 to 7, joined by '|'"),
    (HEAD + "0,0,0,0,7|7\n", "5: column expert_ids: '7|7': an expert comes twice"),
    (HEAD + "0,0,0,0,7|8\n", "5: column expert_ids: '7|8': out of range"),
    (HEAD + "0,0,0,0,7|x\n", "5: column expert_ids: '7|x': not a whole number"),
    (HEAD + "0,0,0,0,\n", "5: column expert_ids: '': not a whole number"),
    (HEAD + "0,-1,0,0,7|1\n", "5: column request: '-1': not a whole number"),
    (HEAD + "0,0,0,10000,7|1\n", "5: column layer: '10000': out of range"),
    (HEAD + "1,0,0,0,7|1\n0,0,1,0,7|1\n", "6: step is lower than in the row above"),
    (HEAD + "0,0,0,0,7|1\n0,1,0,0,7|1\n1,0,0,0,7|1\n",
     "7: this (request, token, layer) has come before"),
    (HEAD + "0,0,0,0,1|2,3|4\n", "5: 6 fields"),
    (HEAD, "4: the header is followed by no row"),
    (HEAD.replace("# k: 2\n", ""), "3: the comment '# k: ...' is missing above the header"),
    (HEAD.replace("k: 2", "k: two"), " comment k: 'two': not a whole number; expected a whole "
                                     "number, 1 to 8"),
    (HEAD.replace("k: 2", "k: 9"), " comment k: '9': out of range"),
    (HEAD.replace("experts: 8", "experts: 0"), " comment n_experts: '0': out of range"),
    ("step,layer\n0,0\n", "1: unknown header 'step,layer'; expected 'step,request,token,layer,"),
])
def test_a_bad_file_is_one_error_at_its_line(file: Write, text: str, message: str) -> None:
    path = file(text)
    with pytest.raises(TraceError) as caught:
        read_routing(path)
    assert str(caught.value).startswith(f"{path}:{message}")


def make(**change: Any) -> RoutingTrace:
    given: dict[str, Any] = {"step": [0, 0], "request": [0, 1], "token": [0, 0], "layer": [0, 0],
                             "expert_ids": [[0, 1], [2, 1]], "n_experts": 4, **change}
    columns = {name: np.array(value) for name, value in given.items() if isinstance(value, list)}
    return RoutingTrace(**{**given, **columns})


@pytest.mark.parametrize(("change", "message"), [
    ({"step": [0]}, "one common length"),
    ({"expert_ids": [0, 1]}, "column expert_ids: int64 of shape .*2 dimensions"),
    ({"token": [0.0, 1.0]}, "column token: float64"),
    ({"token": [0, -1]}, "row 1: token is not from 0 to 2147483647"),
    ({"request": [2**31, 0]}, "row 0: request is not"),
    ({"expert_ids": [[0, 1], [2, 4]]}, "row 1: an expert id is not from 0 to 3"),
    ({"expert_ids": [[0, 1], [2, 2]]}, "row 1: an expert comes twice"),
    ({"step": [1, 0]}, "row 1: step is lower"),
    ({"request": [0, 0]}, "row 1: this .request, token, layer. has come before"),
    ({"n_experts": 1}, "2 experts a token of n_experts = 1"),
    ({"model": "a\tb"}, "not one line"),
])
def test_what_a_trace_refuses(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TraceError, match=message):
        make(**change)
    make()


@pytest.mark.parametrize("tokens", [[], [0], [1.5], [[1]], [1, -1]])
def test_token_counts_that_are_refused(tokens: Any) -> None:
    with pytest.raises(UsageError, match="expected a whole number >= 1 for every request"):
        generate_routing(ExponentialRouting(1, 2, 1), tokens)


def test_too_many_rows() -> None:
    with pytest.raises(UsageError, match="at most 50000000"):
        generate_routing(ExponentialRouting(1000, 2, 1), [10**6])


WEIGHTED = ("# n_experts: 8\n# k: 2\n# layers: 2\n"
            "step,request,token,layer,expert_ids,gate_weights\n"
            "0,0,0,0,2|3,0.75|0.25\n0,0,0,1,1|3,1|0\n")


def test_gate_weights_are_kept_and_written(file: Write, tmp_path: Path) -> None:
    trace = read_routing(file(WEIGHTED))
    assert trace.gate_weights is not None
    assert trace.gate_weights.tolist() == [[0.75, 0.25], [1.0, 0.0]]
    again = read_routing(write_routing(trace, tmp_path / "w.csv.gz"))
    assert again.content_hash == trace.content_hash
    without = read_routing(file(WEIGHTED.replace(",gate_weights", "").replace(",0.75|0.25", "")
                                .replace(",1|0", "")))
    assert without.gate_weights is None and without.content_hash != trace.content_hash


@pytest.mark.parametrize(("find", "put", "message"), [
    ("0.75|0.25", "0.75", ":5: column gate_weights: '0.75': 1 weights; expected 2 numbers"),
    ("0.75|0.25", "1.5|0", ":5: column gate_weights: '1.5.0': out of range"),
    ("0.75|0.25", "a|0", ":5: column gate_weights: 'a.0': not a plain decimal"),
    ("0,0,0,1,", "0,0,0,2,", ":6: column layer: '2': out of range; expected .* 0 to 1"),
    ("# layers: 2\n", "# layers: x\n", "comment layers: 'x'"),
    ("# layers: 2\n", "# schema: 2\n", "schema '2': this version reads schema 1"),
])
def test_a_bad_weight_layer_or_schema_is_named(file: Write, find: str, put: str, message: str
                                               ) -> None:
    with pytest.raises(TraceError, match=message):
        read_routing(file(WEIGHTED.replace(find, put)))


def test_weights_of_another_shape_are_refused() -> None:
    trace = generate_routing(ExponentialRouting(blocks=2, experts=4, top_k=2), [2])
    for weights in (np.zeros((4, 1)), np.zeros(4), np.zeros((4, 2), np.int64)):
        with pytest.raises(TraceError, match="column gate_weights"):
            RoutingTrace(trace.step, trace.request, trace.token, trace.layer, trace.expert_ids, 4,
                         gate_weights=weights)  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="row 2: a gate weight is not from 0 to 1"):
        weights = np.full((4, 2), 0.5)
        weights[2, 0] = np.nan
        RoutingTrace(trace.step, trace.request, trace.token, trace.layer, trace.expert_ids, 4,
                     gate_weights=weights)
