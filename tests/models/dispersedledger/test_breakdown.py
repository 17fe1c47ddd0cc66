"""Shares of an epoch's time are shares, for every variant."""

from __future__ import annotations

import pytest

from rackwright.run import replay


@pytest.mark.parametrize("variant", ["hb", "hb_link", "dl_coupled", "dl"])
def test_shares(variant: str) -> None:
    found = replay("dispersedledger", variant=variant, duration="15s", tick="20ms")
    assert all(share >= 0 for share in found.breakdown.values())
    assert sum(found.breakdown.values()) == pytest.approx(1.0)
