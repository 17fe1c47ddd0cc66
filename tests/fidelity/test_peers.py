"""Published errors of others: each with a source, each of a statistic that we can compute."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from rackwright.calibrate import TABLES
from rackwright.errors import UnknownName
from rackwright.fidelity import assess_columns, text
from rackwright.fidelity.peers import STATISTICS, peers, statistic_of


@pytest.mark.parametrize("peer", peers(), ids=lambda peer: f"{peer.tool}: {peer.what}")
def test_each_says_where_it_is_from(peer):
    assert peer.basis in ("claimed", "measured") and len(peer.source) > 10
    assert peer.statistic in STATISTICS and 0 < peer.error < 10
    assert set(peer.tables) <= set(TABLES)


def test_single_operations_come_first():
    near = [bool(peer.tables) for peer in peers()]
    assert near == sorted(near, reverse=True) and any(near) and not all(near)


def test_statistics():
    errors = [np.array([0.5, -0.5, math.nan]), np.array([0.0])]
    assert statistic_of("mean", errors) == pytest.approx(1 / 3)
    assert statistic_of("max", errors) == statistic_of("median", errors) == 0.5
    assert statistic_of("geo-mean", errors) == pytest.approx((0.25 * 1e-4) ** (1 / 3))
    assert statistic_of("geo-factor", errors) == pytest.approx((1.5 * 2) ** (1 / 3) - 1)


def test_no_error_at_all():
    assert statistic_of("mean", []) is None
    assert statistic_of("mean", [np.array([math.nan])]) is None
    with pytest.raises(UnknownName, match="mode"):
        statistic_of("mode", [])


def test_ours_stand_beside_theirs(model, product, column):
    """Held points of the peer's tables only."""
    found = assess_columns([column({"gemm": [product(1, 0.2), product(2, -0.4),
                                             product(3, 3.0, "fit")]})])
    peer = next(peer for peer in peers() if peer.tool == "LLMCompass" and peer.tables)
    assert found.beside(peer, "h100-sxm") == pytest.approx(0.3)
    shown = " ".join(text(found).split())
    assert "Ours, on attention, expert, gemm, grouped, pieces: 30.0 % h100-sxm." in shown


def test_a_figure_about_one_operation_stands_beside_that_operation(model, product, column):
    found = assess_columns([column({"gemm": [product(1, 0.2), product(2, 0.6, dtype="fp8")]})])
    peer = dataclasses.replace(peers()[0], tables=("gemm",), operations="gemm fp8")
    assert found.beside(peer, "h100-sxm") == pytest.approx(0.6)
