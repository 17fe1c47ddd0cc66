"""The prepared draws are those of the routing model, bit for bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwright.models.aep.draws import draw_block, new_draws, token_key
from rackwright.traces.routing import ExponentialRouting, draw_experts


@settings(deadline=None)   # the first example compiles
@given(st.integers(0, 2**31 - 1), st.integers(0, 10**6), st.integers(0, 5000),
       st.integers(1, 4), st.sampled_from([4, 8, 16]), st.sampled_from([0.3, 0.8, 1.0]))
def test_same_experts(seed: int, request: int, token: int, top_k: int, experts: int,
                      skew: float) -> None:
    routing = ExponentialRouting(blocks=3, experts=experts, top_k=top_k, skew=skew, seed=seed)
    draws = new_draws(routing.weights)
    key = token_key(routing.seed, request, token)
    for block in range(3):
        expected, found = np.zeros(top_k, np.int64), np.zeros(top_k, np.int64)
        draw_experts(routing.weights, block, top_k, routing.seed, request, token, expected)
        draw_block(draws, block, top_k, key, found)
        assert found.tolist() == expected.tolist()
