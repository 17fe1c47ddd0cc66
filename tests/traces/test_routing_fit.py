"""Fitted routing: its parameters come back when what it generated is fitted again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rackwright.errors import TraceError, UsageError
from rackwright.traces import ExponentialRouting, FittedRouting, fit_routing, generate_routing

TOKENS = [250] * 80


def made(skews: list[float], couplings: list[float], top_k: int = 2, experts: int = 8,
         seed: int = 5) -> FittedRouting:
    stream = np.random.default_rng(seed)
    ranks = np.array([stream.permutation(experts) for _ in skews])
    return FittedRouting(ranks, np.array(skews), np.array(couplings), top_k, seed)


@pytest.mark.parametrize("top_k", [1, 2, 6])
@pytest.mark.parametrize("skew", [0.6, 0.8, 0.95])
def test_a_skew_comes_back(skew: float, top_k: int) -> None:
    routing = ExponentialRouting(blocks=3, experts=8, top_k=top_k, skew=skew, seed=7)
    fitted = fit_routing(generate_routing(routing, TOKENS))
    assert fitted.skews == pytest.approx(np.full(3, skew), abs=0.01)
    assert (fitted.ranks == routing.ranks).all()
    assert fitted.couplings.max() < 0.02


def test_couplings_come_back() -> None:
    asked = made([0.8] * 4, [0.0, 0.0, 0.4, 0.9])
    fitted = fit_routing(generate_routing(asked, TOKENS))
    assert fitted.couplings == pytest.approx(asked.couplings, abs=0.02)
    assert fitted.skews == pytest.approx(asked.skews, abs=0.01)
    assert (fitted.ranks == asked.ranks).all()


def test_every_layer_has_its_own_skew() -> None:
    asked = made([0.6, 0.7, 0.85, 0.95], [0.0] * 4)
    fitted = fit_routing(generate_routing(asked, TOKENS))
    assert fitted.skews == pytest.approx(asked.skews, abs=0.01)


def test_refitting_is_stable() -> None:
    """A fit of a fit's trace is the fit again."""
    first = fit_routing(generate_routing(made([0.75] * 3, [0.0, 0.5, 0.3]), TOKENS))
    again = fit_routing(generate_routing(first, TOKENS))
    assert again.skews == pytest.approx(first.skews, abs=0.012)
    assert again.couplings == pytest.approx(first.couplings, abs=0.02)


def test_without_couplings_it_draws_what_exponential_routing_draws() -> None:
    plain = ExponentialRouting(blocks=3, experts=8, top_k=2, skew=0.8, seed=3)
    same = FittedRouting(plain.ranks, np.full(3, 0.8), np.zeros(3), 2, 3)
    assert (same.weights == plain.weights).all()
    one, two = (generate_routing(each, [20] * 10) for each in (plain, same))
    assert (one.expert_ids == two.expert_ids).all()


def test_coupling_leaves_shares_alone() -> None:
    trace = generate_routing(made([0.8] * 2, [0.0, 1.0], top_k=1), TOKENS)
    first, second = (np.sort(trace.load[layer])[::-1] for layer in (0, 1))
    assert (first == second).all()


def test_experts_of_a_row_differ() -> None:
    trace = generate_routing(made([0.5] * 3, [0.0, 0.7, 0.7], top_k=8), [50] * 10)
    assert (np.sort(trace.expert_ids, axis=1) == np.arange(8)).all()


def test_a_layer_without_rows_is_refused() -> None:
    trace = generate_routing(made([0.8] * 2, [0.0] * 2), [3])
    from rackwright.traces import RoutingTrace
    gap = RoutingTrace(trace.step, trace.request, trace.token, 2 * trace.layer, trace.expert_ids, 8)
    with pytest.raises(TraceError, match="layer 1 has no rows"):
        fit_routing(gap)


@pytest.mark.parametrize(("change", "words"), [
    ({"skews": np.array([0.0, 0.5])}, "skews"), ({"couplings": np.array([0.0, 1.5])}, "couplings"),
    ({"ranks": np.zeros((2, 8), np.int64)}, "permutation"), ({"top_k": 9}, "top_k")])
def test_what_is_refused(change: dict[str, Any], words: str) -> None:
    good = {"ranks": np.array([np.arange(8)] * 2), "skews": np.full(2, 0.8),
            "couplings": np.zeros(2), "top_k": 2}
    with pytest.raises(UsageError, match=words):
        FittedRouting(**{**good, **change})
