"""`draw_experts`: distinct experts with the probabilities of draws without replacement."""

from __future__ import annotations

import os
import subprocess
import sys
from bisect import bisect_right
from itertools import accumulate, permutations

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from rackwright.engine.hashing import hash31
from rackwright.traces import ExponentialRouting, draw_experts
from rackwright.traces.routing_trace import draw_rows

Ints = npt.NDArray[np.int64]


def draws(routing: ExponentialRouting, tokens: int, block: int = 0, request: int = 5) -> Ints:
    """Experts of tokens 0, 1, ... of one request in one block, shape (tokens, top_k)."""
    chosen = np.full((tokens, routing.top_k), -1, dtype=np.int64)
    same = np.ones(tokens, dtype=np.int64)
    draw_rows(routing.weights, routing.top_k, routing.seed, same * request, np.arange(tokens),
              same * block, chosen)
    return chosen


def plackett_luce(shares: npt.NDArray[np.float64], top_k: int) -> dict[tuple[int, ...], float]:
    """Exact probability of every ordered choice of `top_k`."""
    exact = {}
    for order in permutations(range(len(shares)), top_k):
        left, probability = 1.0, 1.0
        for expert in order:
            probability *= shares[expert] / left
            left -= shares[expert]
        exact[order] = probability
    return exact


@pytest.mark.parametrize("skew", [1.0, 0.8, 0.4])
@pytest.mark.parametrize("top_k", [1, 2, 3])
def test_ordered_choices_have_plackett_luce_probabilities(skew: float, top_k: int) -> None:
    routing = ExponentialRouting(blocks=2, experts=5, top_k=top_k, skew=skew, seed=11)
    exact = plackett_luce(routing.probabilities[1], top_k)
    assert sum(exact.values()) == pytest.approx(1)
    tokens = 60_000
    found = [tuple(row) for row in draws(routing, tokens, block=1).tolist()]
    seen = np.array([found.count(order) for order in exact])
    expected = np.array(list(exact.values())) * tokens
    assert seen.sum() == tokens
    big = expected >= 5
    seen = np.append(seen[big], seen[~big].sum() + 0.5)
    expected = np.append(expected[big], expected[~big].sum() + 0.5)
    assert stats.chisquare(seen, expected).pvalue > 1e-4


def test_all_experts_are_a_permutation() -> None:
    routing = ExponentialRouting(blocks=1, experts=6, top_k=6, skew=0.01)
    assert (np.sort(draws(routing, 500)) == np.arange(6)).all()


def test_distinct_at_the_size_of_a_large_model() -> None:
    routing = ExponentialRouting(blocks=3, experts=256, top_k=8, skew=0.99)
    chosen = np.sort(draws(routing, 2000, block=2))
    assert (np.diff(chosen) > 0).all() and chosen.min() >= 0 and chosen.max() < 256


def test_fewer_draws_are_a_prefix_of_more() -> None:
    one, four = (draws(ExponentialRouting(1, 8, top_k, seed=3), 300) for top_k in (1, 4))
    assert (one[:, 0] == four[:, 0]).all()


@pytest.mark.parametrize("other", [{"block": 1}, {"request": 6}])
def test_blocks_and_requests_draw_independently(other: dict[str, int]) -> None:
    routing = ExponentialRouting(blocks=2, experts=4, top_k=1, skew=1)
    table = np.zeros((4, 4))
    np.add.at(table, (draws(routing, 20_000)[:, 0], draws(routing, 20_000, **other)[:, 0]), 1)
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_neighbouring_tokens_draw_independently() -> None:
    first = draws(ExponentialRouting(1, 4, 1, skew=1), 20_001)[:, 0]
    table = np.zeros((4, 4))
    np.add.at(table, (first[:-1], first[1:]), 1)
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_one_token_by_hand() -> None:
    routing = ExponentialRouting(blocks=2, experts=8, top_k=2, seed=4)
    chosen = np.zeros(2, dtype=np.int64)
    draw_experts(routing.weights, 1, 2, 4, 5, 17, chosen)
    assert chosen.tolist() == draws(routing, 18, block=1)[17].tolist()


_CODE = """
import hashlib, numpy as np
from rackwright.engine.hashing import hash31
from rackwright.traces import ExponentialRouting, generate_routing
trace = generate_routing(ExponentialRouting(4, 16, 3, 0.7, 123), [9, 4, 12])
print(trace.content_hash, hashlib.sha256(trace.expert_ids.tobytes()).hexdigest())
"""


def test_interpreted_and_compiled_draw_the_same() -> None:
    out = []
    for disabled in ("0", "1"):
        done = subprocess.run([sys.executable, "-c", _CODE], capture_output=True, text=True,
                              env={**os.environ, "NUMBA_DISABLE_JIT": disabled}, check=True)
        out.append(done.stdout)
    assert out[0] == out[1] and len(out[0]) == 130


def test_agrees_with_a_list_of_cumulative_weights() -> None:
    routing = ExponentialRouting(blocks=2, experts=8, top_k=4, skew=0.7, seed=1)
    weights = routing.weights[1].tolist()
    for token, chosen in enumerate(draws(routing, 300, block=1).tolist()):
        rest = list(range(8))
        for draw in range(4):
            ends = list(accumulate(weights[expert] for expert in rest))
            point = hash31(1, 5, token, 1, draw) * ends[-1] >> 31
            assert rest.pop(bisect_right(ends, point)) == chosen[draw]
