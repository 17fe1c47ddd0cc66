"""Temperatures against the closed form, and throttling against its own sums."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Callable
from importlib import resources
from typing import Any

import pytest

from rackwright.panel import Panel
from rackwright.panel.heat import AIR, LAG, MOST_OPERATING, RISE, SLOWDOWN, SLOWED


def celsius(client: Any, board: str = "h0/gpu0") -> float:
    return float(client.ask(f"MEAS:TEMP? '{board}'"))


def test_a_board_warms_as_a_capacitor_charges(client: Any, panel: Panel) -> None:
    board = panel.rack.boards.all["h0/gpu0"]
    resistance = RISE / board.most_watts
    idle = AIR + resistance * board.power.idle_watts
    assert celsius(client) == pytest.approx(idle)
    client.tell("SOUR:WORK:SEL 'compute';:SOUR:WORK:OPT 'compute','1s';:INIT;:SYST:TIME:STEP 2s")
    end = idle + resistance * board.power.added_watts["gemm_bf16"]
    assert celsius(client) == pytest.approx(end + (idle - end) * math.exp(-2 / LAG), rel=1e-9)
    assert celsius(client, "h0/gpu1") == pytest.approx(idle)
    assert float(client.ask("MEAS:TEMP?")) == celsius(client)


def test_the_constants_fit_what_was_measured() -> None:
    path = resources.files("rackwright.devices") / "measured/h100-sxm/power.csv.gz"
    with path.open("rb") as raw, gzip.open(raw, "rt") as file:
        first, *loads = csv.DictReader(file)
    watts, now = float(first["watts"]), float(first["celsius"])
    air = now - RISE / 700 * watts
    assert air == pytest.approx(AIR, abs=0.1)
    for load in loads:  # of 3 s, their medians in the middle
        end = air + RISE / 700 * float(load["watts"])
        middle = end + (now - end) * math.exp(-1.5 / LAG)
        assert middle == pytest.approx(float(load["celsius"]), abs=2.1)
        now = end + (now - end) * math.exp(-3 / LAG)


def test_a_hot_board_throttles_until_it_has_cooled(client: Any, panel: Panel) -> None:
    board = panel.rack.boards.all["h0/gpu0"]
    client.tell("SOUR:WORK:SEL 'compute';:SOUR:WORK:OPT 'compute','10s';OPT 'rounds','10'")
    client.tell("INJ:BOAR:COOL 'h0/gpu0',0.5;:INIT")
    resistance = 2 * RISE / board.most_watts
    added, idle = board.power.added_watts["gemm_bf16"], board.power.idle_watts
    start = AIR + RISE / board.most_watts * idle
    end = AIR + resistance * (idle + added)
    seconds = LAG * math.log((end - start) / (end - SLOWDOWN))
    client.tell(f"SYST:TIME:STEP {seconds - 1e-3}")
    assert client.ask("STAT:QUES:COND?") == "0"
    client.tell("SYST:TIME:STEP 2ms")
    assert client.ask("STAT:QUES:COND?") == "16"
    assert float(client.ask("MEAS:POW? 'h0/gpu0'")) == pytest.approx(idle + SLOWED * added)
    assert client.ask("DCGM:FIEL? '112','h0/gpu0'") == f"{0x48:.1E}".replace("E", "E")
    lower = AIR + resistance * (idle + SLOWED * added)
    assert lower < MOST_OPERATING
    cooling = LAG * math.log((SLOWDOWN - lower) / (MOST_OPERATING - lower))
    client.tell(f"SYST:TIME:STEP {cooling}")
    assert client.ask("STAT:QUES:COND?") == "0"
    assert celsius(client) == pytest.approx(MOST_OPERATING, abs=0.1)


def test_throttled_work_takes_longer(client: Any) -> None:
    def elapsed() -> float:
        client.tell("INIT")
        assert client.ask("*OPC?") == "1"
        return float(client.ask("FETC:METR? 'elapsed_s'"))

    client.tell("SOUR:WORK:SEL 'compute';:SOUR:WORK:OPT 'compute','5s'")
    free = elapsed()
    assert free == pytest.approx(50)
    client.tell("SOUR:TEMP:AMB 60 CEL")
    slowed = elapsed()
    assert free < slowed < free / SLOWED
    client.tell("SOUR:TEMP:AMB 90")
    assert elapsed() == pytest.approx(free / SLOWED, rel=1e-6)
    client.tell("*RST")
    assert float(client.ask("SOUR:TEMP:AMB?")) == AIR


def test_only_gpus_have_temperatures(client: Any, panel: Panel, client_of: Callable[..., Any]
                                     ) -> None:
    client.tell("MEAS:TEMP? 'h0/nic0'")
    assert client.error().startswith("-241")
    client.tell("INJ:BOAR:COOL 'h0/nic0',0.5")
    assert client.error().startswith("-224")
    client.tell("SOUR:TEMP:AMB 101")
    assert client.error().startswith("-222")
    meter = client_of(panel, "h0-gpu0")
    assert float(meter.ask("DCGM:FIEL? 'DCGM_FI_DEV_GPU_TEMP'")) == celsius(client)
    assert meter.ask("DCGM:FIEL? 'DCGM_FI_DEV_SLOWDOWN_TEMP'") == "8.7E+01"


def test_a_hot_spell_stands_in_the_timeline(client: Any, panel: Panel) -> None:
    client.tell("INJ:BOAR:COOL 'h0/gpu0',0.3;:SOUR:WORK:SEL 'compute'")
    client.tell("SOUR:WORK:OPT 'compute','5s';:INIT;*WAI")
    spans = panel.rack.log.spans(panel.rack.now_ps)
    assert "thermal slowdown" in spans.labels and "h0/gpu0 heat" in spans.tracks
