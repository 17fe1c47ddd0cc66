"""The terminal view: what runs, who is held back, which links are not as they should be."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from rackwright.panel import Panel, PanelServer


@pytest.fixture
def look(panel: Panel) -> Callable[[], str]:
    from rich.console import Console

    from rackwright.panel.watch import view

    server = PanelServer(panel)

    def shown() -> str:
        console = Console(file=io.StringIO(), width=160, color_system=None)
        console.print(view(server))
        text: str = console.file.getvalue()  # type: ignore[attr-defined]
        return text

    return shown


def line(text: str, name: str) -> str:
    return next((line for line in text.splitlines() if name in line), "")


def test_an_idle_rack(look: Callable[[], str]) -> None:
    text = look()
    assert "idle" in text and "0 busy or faulty links" in text and "bench" in text


def test_what_is_up_comes_first(look: Callable[[], str], client: Any) -> None:
    client.tell("SOUR:POW:LIM 400,'h0/gpu1';:INJ:BOAR:COOL 'h1/gpu2',0.5;SPE 'h1/gpu3',0.5")
    client.tell("INJ:LINK:RATE 'h0/nic0->leaf0',0.5;STAT 'h0/gpu3->h0/nvswitch',DOWN")
    client.tell("INJ:LINK:LAT 'h0/nic1->leaf1',1ms;BER 'h0/nic2->leaf2',1E-6")
    client.tell("SOUR:WORK:SEL 'train';:INIT;:SYST:TIME:STEP 1ms")
    text = look()
    assert "train, round 1" in text and "1 ms of virtual time (step)" in text
    for name, words in (("h0/gpu1 ", "power limit"), ("h1/gpu2", "cooling"),
                        ("h1/gpu3", "a fault"), ("h0/nic0->leaf0", "50% rate"),
                        ("h0/gpu3->h0/nvswitch", "down"), ("h0/nic1->leaf1", "1 ms latency"),
                        ("h0/nic2->leaf2", "BER 1e-06")):
        assert words in line(text, name), name


def test_looking_changes_nothing(look: Callable[[], str], client: Any) -> None:
    client.tell("SOUR:WORK:SEL 'shuffle';:INIT;:SYST:TIME:STEP 1ms")
    before = client.ask("MEAS:ENER?;:FETC?")
    assert "100 %" in line(look(), "h0/nic0->leaf0")
    assert client.ask("MEAS:ENER?;:FETC?") == before


def test_a_replay_shows_how_far_it_is(look: Callable[[], str], client: Any) -> None:
    client.tell("SOUR:WORK:SEL 'moe';:INIT")
    text = look()
    assert "moe (aep)" in text or "idle" in text
    assert client.ask("*OPC?") == "1"
