"""Queues: incast, M/D/1, strict priority, deficit round robin, losses. With closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices.ethernet import (
    Framing,
    Hop,
    SwitchModel,
    Transfer,
    incast_time,
    md1_wait_time,
    simulate,
    star,
)
from rackwright.errors import UsageError

RATE = 100e9
RAW = Framing("ethernet")
FRAME = 1538 * 8 / RATE


def to_h0(senders, nbytes, **kwargs):
    return [Transfer(f"h{sender + 1}", "h0", nbytes, **kwargs) for sender in range(senders)]


@pytest.mark.parametrize("senders", [1, 2, 5, 16])
@pytest.mark.parametrize("cut_through", [True, False])
def test_incast_takes_the_sum_at_the_receivers_port(senders, cut_through):
    network = star(senders + 1, RATE, SwitchModel(400e-9, cut_through), 100e-9)
    hop = Hop(RATE, 100e-9, 400e-9, cut_through)
    for nbytes in (100, 4096, 100_000):
        found = simulate(network, to_h0(senders, nbytes), checked=nbytes == 4096)
        assert incast_time(senders, nbytes, hop) == pytest.approx(found.finish_time.max(), rel=1e-4)
        assert found.drops.sum() == 0


def test_incast_piles_up_all_but_one_senders_bytes():
    frames, senders = 50, 4
    found = simulate(star(5, RATE, SwitchModel()), to_h0(senders, frames * 1500), RAW)
    assert found.most_used_nbytes.max() == pytest.approx((senders - 1) * frames * 1518, rel=0.02)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_mean_wait_of_an_md1_queue(load):
    """Poisson frames from many hosts at one port, each host's wire free when it sends."""
    count, hosts = 30_000, 200
    rng = np.random.default_rng(7)
    starts = np.cumsum(rng.exponential(FRAME / load, count))
    transfers = [Transfer(f"h{1 + number % hosts}", "h0", 1500, float(start))
                 for number, start in enumerate(starts)]
    network = star(hosts + 1, RATE, SwitchModel(cut_through=False))
    found = simulate(network, transfers, RAW)
    wait = (found.finish_time - starts).mean() - 2 * FRAME
    assert wait == pytest.approx(md1_wait_time(load, FRAME), rel=0.06)


def test_strict_priority_lets_the_first_class_pass():
    model = SwitchModel(cut_through=False, classes=2)
    heavy = to_h0(4, 60 * 1500, kind=1)
    urgent = Transfer("h5", "h0", 1500, 100e-6 * 0.1, kind=0)
    found = simulate(star(6, RATE, model), [*heavy, urgent], RAW, checked=True)
    alone = 2 * FRAME
    assert found.finish_time[4] - urgent.start_time <= alone + FRAME + 1e-12
    assert found.finish_time[:4].max() == pytest.approx(242 * FRAME, rel=0.01)


@pytest.mark.parametrize("quanta", [(1518, 1518), (3036, 1518), (6072, 1518), (1000, 500)])
def test_deficit_round_robin_shares_by_quanta(quanta):
    model = SwitchModel(classes=2, scheduler="drr", quanta=quanta)
    transfers = [Transfer("h1", "h0", 600 * 1500, kind=0), Transfer("h2", "h0", 600 * 1500, kind=1)]
    found = simulate(star(3, RATE, model), transfers, RAW)
    share = quanta[0] / sum(quanta)
    assert found.finish_time[0] == pytest.approx(600 * FRAME / share, rel=0.02)
    assert found.finish_time[1] == pytest.approx(1200 * FRAME, rel=0.01)


def test_deficits_are_kept_after_every_step():
    model = SwitchModel(classes=3, scheduler="drr", quanta=(1000, 500, 64), buffer_nbytes=40_000)
    transfers = [Transfer("h1", "h0", 60_000, kind=kind) for kind in (0, 1, 2)]
    found = simulate(star(2, RATE, model), transfers, RAW, checked=True)
    assert (np.diff(found.finish_time) > 0).all()


def test_what_does_not_fit_is_lost_and_counted():
    model = SwitchModel(cut_through=False, buffer_nbytes=10 * 1518)
    found = simulate(star(4, RATE, model), to_h0(3, 100 * 1500), RAW, checked=True)
    sent = found.frames.sum()
    assert found.drops.sum() == found.dropped.sum() > 100
    # while all three send, the port takes one in three; then what is queued
    assert sent - found.drops.sum() == pytest.approx(100 + 10, abs=3)
    assert found.most_used_nbytes.max() <= 10 * 1518


def test_a_ports_own_limit_leaves_room_to_others():
    model = SwitchModel(cut_through=False, buffer_nbytes=100 * 1518, port_nbytes=10 * 1518)
    transfers = [*to_h0(3, 100 * 1500), Transfer("h4", "h5", 100 * 1500)]
    found = simulate(star(6, RATE, model), transfers, RAW)
    assert found.dropped[3] == 0 < found.dropped[:3].sum()
    assert found.most_queued_nbytes.max() <= 10 * 1518


def test_nothing_that_arrives_at_all():
    model = SwitchModel(buffer_nbytes=100)
    found = simulate(star(2, RATE, model), to_h0(1, 1500), RAW)
    assert np.isnan(found.finish_time[0]) and found.dropped[0] == 1


@pytest.mark.parametrize("load, service", [(1.0, 1.0), (-0.1, 1.0), (0.5, -1.0),
                                           (float("nan"), 1.0)])
def test_impossible_loads(load, service):
    with pytest.raises(UsageError):
        md1_wait_time(load, service)
