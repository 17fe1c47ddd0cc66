"""DMA engines with descriptors: closed form, and the same steps in the event model."""

from __future__ import annotations

import numpy as np
import pytest

from rackwright.devices import catalog
from rackwright.devices.pcie import Dma
from rackwright.errors import UnknownName, UsageError

ENGINES = (Dma(), Dma(active=1), Dma(batch=1, batches=1), Dma(batch=16, start_time=2e-7),
           Dma(batch=2, batches=8, notice="interrupt"))
GEN5, CYCLE5 = catalog.pcie("gen5-x16"), catalog.pcie("gen5-x16", fidelity="cycle")


@pytest.mark.parametrize("direction", ["h2d", "d2h"])
@pytest.mark.parametrize("name", ["gen3-x4", "gen4-x8", "gen5-x16", "gen6-x16"])
def test_closed_form_and_event_model(name, direction):
    """5 % for nine in ten; worst 20 %: small buffers at the edge of two limits."""
    closed, cycle = catalog.pcie(name), catalog.pcie(name, fidelity="cycle")
    found = [closed.dma_time(n * buffer, direction, buffer, engine)
             / cycle.dma_time(n * buffer, direction, buffer, engine) - 1
             for engine in ENGINES for buffer in (64, 512, 4096, 65_536) for n in (1, 8, 60)]
    assert np.quantile(np.abs(found), 0.9) < 0.05 and np.abs(found).max() < 0.20


@pytest.mark.parametrize("part", [GEN5, CYCLE5])
def test_one_descriptor_is_doorbell_fetch_data_status_and_a_look(part):
    engine = Dma()
    doorbell = GEN5.link_time + GEN5.setup().tlp_time(0, 4)
    parts = (doorbell + GEN5.read_time(64) + engine.start_time + GEN5.read_time(4096)
             + GEN5.write_time(16) + engine.poll_time)
    assert part.dma_time(4096) == pytest.approx(parts, rel=0.01)


@pytest.mark.parametrize("part", [GEN5, CYCLE5])
def test_large_buffers_run_at_the_links_rate_and_small_ones_at_the_engines(part):
    n = 1 << 21
    assert n / part.dma_time(n, buffer_nbytes=1 << 17) > 0.9 * GEN5.bandwidth
    slow = Dma(start_time=1e-6)
    assert part.dma_time(64 * 100, buffer_nbytes=64, engine=slow) == pytest.approx(100e-6, rel=0.05)


@pytest.mark.parametrize("part", [GEN5, CYCLE5])
def test_an_interrupt_costs_its_delay(part):
    polled, interrupt = (part.dma_time(4096, engine=Dma(notice=notice))
                         for notice in ("polled", "interrupt"))
    assert interrupt - polled == pytest.approx(2e-6 - 50e-9, abs=2e-9)


def test_more_in_flight_is_never_slower():
    n = 1 << 18
    for direction in ("h2d", "d2h"):
        for part in (GEN5, CYCLE5):
            times = [part.dma_time(n, direction, engine=Dma(active=active))
                     for active in (1, 2, 4, 16)]
            assert np.all(np.diff(times) <= 1e-12)


def test_arrays_and_nothing():
    assert GEN5.dma_time([0, 1, 4096], buffer_nbytes=[[512], [4096]]).shape == (2, 3)
    assert GEN5.dma_time(0) == CYCLE5.dma_time(0) == 0
    assert type(GEN5.dma_time(9)) is float


@pytest.mark.parametrize("call, error, says", [
    (lambda: Dma(notice="smoke"), UnknownName, "unknown notice of a DMA engine 'smoke'"),
    (lambda: Dma(batch=0), UsageError, "batch of a DMA engine is 0"),
    (lambda: Dma(start_time=-1.0), UsageError, "start_time of a DMA engine is -1.0 s"),
    (lambda: GEN5.dma_time(1, "both"), UnknownName, "unknown direction 'both'. Known: d2h, h2d"),
    (lambda: GEN5.dma_time(1, buffer_nbytes=0), UsageError, "buffer_nbytes must be 1 or more"),
    (lambda: GEN5.dma_time(1 << 40, buffer_nbytes=64), UsageError, "take larger buffers"),
])
def test_what_is_refused(call, error, says):
    with pytest.raises(error) as caught:
        call()
    assert says in str(caught.value)
