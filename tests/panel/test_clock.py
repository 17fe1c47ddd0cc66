"""Modes of virtual time: stepped, free, tied to a clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rackwright.panel import Panel, RackFile


def test_stepping_adds_up(client: Any) -> None:
    client.tell("SYST:TIME:STEP 1ms;STEP 2ms;STEP DEF")
    assert float(client.ask("SYST:TIME?")) == pytest.approx(4e-3)


def test_time_stands_still_between_steps(client: Any) -> None:
    client.tell("SOUR:WORK:SEL 'train';:INIT")
    assert client.ask("SYST:TIME?;:STAT:OPER:COND?") == "0.0E+00;16"


def test_in_free_mode_what_is_started_is_over(client: Any) -> None:
    client.tell("SYST:TIME:MODE FREE;:SOUR:WORK:SEL 'train';:INIT")
    assert client.ask("STAT:OPER:COND?") == "0"
    assert float(client.ask("FETC:METR? 'rounds'")) == 4


def test_in_real_time_the_clock_leads(rack_file: RackFile, client_of: Callable[..., Any]) -> None:
    now = [100.0]
    client = client_of(Panel(rack_file, clock=lambda: now[0]))
    client.tell("SYST:TIME:MODE REAL;:SOUR:WORK:SEL 'shuffle';:INIT")
    now[0] += 0.25
    assert float(client.ask("SYST:TIME?")) == 0.25
    assert float(client.ask("FETC:METR? 'elapsed_s'")) == 0.25
    client.tell("SYST:TIME:STEP 1ms")
    assert client.error().startswith("-224")
    client.tell("SYST:TIME:MODE STEP")
    now[0] += 1
    assert float(client.ask("SYST:TIME?")) == 0.25


def test_the_clock_has_an_end(client: Any) -> None:
    client.tell("SYST:TIME:STEP 107 h;STEP 2500 h")
    assert client.error().startswith("-224")
