"""Laws of the timed replay: conservation, what throughput depends on, ticks against recursion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

MB = 1e6
EQUAL = np.full(7, 10 * MB)


def test_bytes_are_conserved_by_class(fluid: Callable[..., Any]) -> None:
    total = fluid(np.linspace(8, 14, 7) * MB).moving.total
    assert total[0].sum() == pytest.approx(total[1].sum())
    assert total[2].sum() <= total[3].sum() * (1 + 1e-9)
    assert total[2].sum() >= 0.98 * total[3].sum()      # a tick's rest may find nothing to fetch


def test_no_port_carries_more_than_its_rate(fluid: Callable[..., Any]) -> None:
    rates = np.linspace(8, 14, 7) * MB
    total = fluid(rates).moving.total
    for way in (0, 1):
        assert (total[way] + total[way + 2] <= rates * 40.0 * (1 + 1e-9)).all()


def test_retrieval_does_not_starve_dispersal(fluid: Callable[..., Any]) -> None:
    much, little = (fluid(EQUAL / 2, retrieval_overshoot=over).moving.epoch.max()
                    for over in (2.3, 0.01))
    assert much > 0.85 * little     # although retrieval is behind all the time


def test_with_endless_bandwidth_dl_gains_nothing_over_hb_link(fluid: Callable[..., Any]) -> None:
    dl, link = (fluid(EQUAL * 1e4, variant=variant, tick="5ms") for variant in ("dl", "hb_link"))
    assert dl.rates.mean() == pytest.approx(link.rates.mean(), rel=0.05)


def test_a_dl_site_depends_on_its_own_bandwidth(fluid: Callable[..., Any]) -> None:
    some = np.array([9, 10, 11, 12, 13, 14, 15]) * MB
    others = some * np.array([1, 1, 1, 1, 1, 1, 1.4])
    one, two = (fluid(rates, variant="dl", block="1MB").rates for rates in (some, others))
    assert one[:3] == pytest.approx(two[:3], rel=0.03)
    serial = [fluid(rates, variant="hb_link", block="1MB").rates for rates in
              (some, some * np.array([1, .5, .5, 1, 1, 1, 1]))]
    assert serial[1][6] < 0.9 * serial[0][6]     # the baselines wait for the slow


def test_dl_overtakes_hb_link_when_sites_differ(fluid: Callable[..., Any]) -> None:
    rates = np.linspace(9, 16, 16) * MB
    link = fluid(rates, 0.1, variant="hb_link", block="1MB").rates
    dl = fluid(rates, 0.1, variant="dl", propose_time="970ms").rates
    assert link.mean() < dl.mean()
    assert link[8:] == pytest.approx(link[15], rel=0.02)     # flat above the (2f+1)-th fastest
    assert (np.diff(dl) > 0).sum() >= 14                     # everybody at its own pace


def test_unlimited_pipelining_starves_retrieval(fluid: Callable[..., Any]) -> None:
    rates = np.linspace(9, 16, 16) * MB
    free, coupled = (fluid(rates, 0.1, variant=variant, block="2MB").rates.mean()
                     for variant in ("dl", "dl_coupled"))
    assert free < coupled


@pytest.mark.parametrize("variant", ["hb_link", "dl"])
def test_the_recursion_agrees_with_the_ticks(fluid: Callable[..., Any], variant: str) -> None:
    rates = np.linspace(9, 12, 16) * MB
    ticks, recursion = (fluid(rates, 0.1, variant=variant, method=method, seconds=60.0)
                        for method in ("ticks", "recursion"))
    assert recursion.rates.mean() == pytest.approx(ticks.rates.mean(), rel=0.12)


def test_output_never_precedes_decision(fluid: Callable[..., Any]) -> None:
    found = fluid(np.linspace(8, 14, 7) * MB)
    done = found.tables.output < 1e9
    assert done.any()
    assert (found.tables.output >= found.tables.ready)[done].all()
    assert (np.diff(found.tables.output, axis=0)[done[1:]] >= 0).all()


def test_shorter_ticks_change_little(fluid: Callable[..., Any]) -> None:
    rates = np.linspace(8, 14, 7) * MB
    coarse, fine = (fluid(rates, tick=tick).rates.mean() for tick in ("20ms", "5ms"))
    assert coarse == pytest.approx(fine, rel=0.03)
