"""Telemetry, the NVML profile and the timeline agree with the rack."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import yaml

from rackwright.panel import Panel


def block(client: Any, question: str) -> bytes:
    text = client.ask(question)
    return text[2 + int(text[1]):].encode("latin-1")


def test_the_nvml_profile_is_of_the_same_rack(client: Any, panel: Panel) -> None:
    profile = yaml.safe_load(block(client, "MMEM:EXP:NVML?"))
    gpus = [gpu for gpu in panel.rack.fabric.gpus() if gpu.startswith("h0/")]
    assert [device["index"] for device in profile["devices"]] == list(range(len(gpus)))
    defaults = profile["device_defaults"]
    field = "DCGM:FIEL? '{}','h0/gpu0'"
    limit = float(client.ask(field.format("DCGM_FI_DEV_POWER_MGMT_LIMIT")))
    assert defaults["power"]["enforced_limit_mw"] == 1e3 * limit
    idle = float(client.ask(field.format("DCGM_FI_DEV_POWER_USAGE")))
    assert defaults["power"]["current_draw_mw"] == round(1e3 * idle)
    width = client.ask("SENS:LINK:WIDT? 'h0/gpu0->h0/pcie0'")
    assert defaults["pcie"]["current_link_width"] == int(width)


def test_telemetry_is_what_the_instruments_say(client: Any) -> None:
    client.tell("SOUR:WORK:SEL 'shuffle';:INIT;:SYST:TIME:STEP 1ms")
    rate = client.ask("MEAS:LINK:RATE? 'h0/gpu0->h0/pcie0'")
    assert client.ask("DCGM:FIEL? 'DCGM_FI_PROF_PCIE_TX_BYTES','h0/gpu0'") == rate
    assert client.ask("DCGM:FIEL? '1010','h1/gpu0'") == rate
    assert client.ask("DCGM:FIEL? '1009','h1/gpu0'") == "0.0E+00"
    joules = float(client.ask("MEAS:ENER? 'h0/gpu0'"))
    millijoules = float(client.ask("DCGM:FIEL? 'DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION','h0/gpu0'"))
    assert millijoules == pytest.approx(1e3 * joules)
    for wrong in ("'NONE','h0/gpu0'", "'1009','h0/nic0'", "'1009'"):
        client.tell(f"DCGM:FIEL? {wrong}")
        assert client.error()[0] == "-"


def test_a_fault_stands_in_the_timeline_and_the_stream_changes_there(client: Any) -> None:
    client.tell("SOUR:WORK:SEL 'shuffle';:INIT;:SYST:TIME:STEP 1ms")
    client.tell("INJ:LINK:RATE 'h0/nic0->leaf0',0.25;:SYST:TIME:STEP 2ms")
    client.tell("INJ:CLE;:SYST:TIME:STEP 1ms;:ABOR")
    events = json.loads(gzip.decompress(block(client, "FETC:TIM?")))["traceEvents"]
    names = {event["tid"]: event["args"]["name"] for event in events
             if event["name"] == "thread_name"}
    spans = [(names[event["tid"]], event["name"], event["ts"], event["dur"],
              event["args"]["amount"]) for event in events if event["ph"] == "X"]
    (fault,) = [span for span in spans if span[0] == "h0/nic0->leaf0"]
    assert fault[1].startswith("rate 25") and fault[2:4] == (1000.0, 2000.0)
    stream = [span for span in spans if span[0] == "h0/gpu0 to h1/gpu0"]
    assert [span[2] for span in stream] == [0.0, 1000.0, 3000.0]
    assert stream[1][4] == pytest.approx(stream[0][4] / 2, rel=1e-6)


def test_instruments_know_their_boards(panel: Panel, client_of: Any) -> None:
    rack, pdu, board = (client_of(panel, name) for name in ("rack", "pdu-h0", "h0-gpu0"))
    boards = rack.ask("SYST:CAT:BOAR?").strip('"').split(",")
    assert board.ask("SYST:CAT:BOAR?") == '"h0/gpu0"'
    total = sum(float(rack.ask(f"MEAS:POW? '{name}'")) for name in boards)
    assert float(rack.ask("MEAS:POW?")) == pytest.approx(total)
    own = sum(float(pdu.ask(f"MEAS:POW? '{name}'")) for name in boards if name.startswith("h0/"))
    assert float(pdu.ask("MEAS:POW?")) == pytest.approx(own)
    pdu.tell("MEAS:POW? 'h1/gpu0'")
    assert pdu.error().startswith("-224")
    board.tell("INJ:CLE")
    assert board.error().startswith("-113")
