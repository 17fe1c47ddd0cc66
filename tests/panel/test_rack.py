"""The live rack: virtual time, work, power and faults against closed forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rackwright.panel import Panel, RackFile

PAIR = "h0/gpu0->h0/nvswitch"
NIC = "h0/nic0->leaf0"


def metric(client: Any, name: str) -> float:
    return float(client.ask(f"FETC:METR? '{name}'"))


def test_rounds_take_their_computation_and_their_transfer(client: Any, panel: Panel) -> None:
    fabric = panel.rack.fabric
    bandwidth = min(float(fabric.links.bandwidth[link])
                    for link in fabric.route("h0/gpu0", "h0/gpu1"))
    client.tell("SOUR:WORK:SEL 'train';:INIT")
    assert client.ask("*OPC?") == "1"
    assert metric(client, "elapsed_s") == pytest.approx(4 * (2e-3 + 45e6 / bandwidth), rel=1e-9)
    assert metric(client, "sent_bytes") == 4 * 2 * 45e6
    assert metric(client, "rounds") == 4


def test_energy_is_watts_times_time(client: Any, panel: Panel) -> None:
    board = panel.rack.boards.all["h0/gpu0"]
    client.tell("SENS:ENER:RES;:SOUR:WORK:SEL 'compute';:INIT;*WAI;:SYST:TIME:STEP 5ms")
    idle, added = board.power.idle_watts, board.power.added_watts["gemm_bf16"]
    expected = idle * 15e-3 + added * 10e-3
    assert float(client.ask("MEAS:ENER? 'h0/gpu0'")) == pytest.approx(expected, rel=1e-9)
    assert float(client.ask("MEAS:POW:AVER? 'h0/gpu0'")) == pytest.approx(expected / 15e-3)


@pytest.mark.parametrize("watts", [300.0, 500.0])
def test_a_power_limit_is_met_and_costs_time(client: Any, panel: Panel, watts: float) -> None:
    board = panel.rack.boards.all["h0/gpu0"]
    added = board.power.added_watts["gemm_bf16"]
    client.tell(f"SOUR:POW:LIM {watts},'h0/gpu0';:SOUR:WORK:SEL 'compute';:INIT"
                ";:SYST:TIME:STEP 1us")
    assert float(client.ask("MEAS:POW? 'h0/gpu0'")) == pytest.approx(watts)
    assert int(client.ask("STAT:QUES:COND?")) & 8
    client.ask("*OPC?")
    speed = (watts - board.power.idle_watts) / added
    assert metric(client, "elapsed_s") == pytest.approx(10e-3 / speed, rel=1e-9)
    assert int(client.ask("STAT:QUES:COND?")) == 0 and int(client.ask("STAT:QUES?")) & 8


def test_a_limit_changed_midway_counts_from_then_on(client: Any, panel: Panel) -> None:
    board = panel.rack.boards.all["h0/gpu0"]
    half = board.power.idle_watts + board.power.added_watts["gemm_bf16"] / 2
    client.tell("SOUR:WORK:SEL 'compute';:INIT;:SYST:TIME:STEP 4.5ms")
    client.tell(f"SOUR:POW:LIM {half!r},'h0/gpu0'")
    client.ask("*OPC?")
    assert metric(client, "elapsed_s") == pytest.approx(4.5e-3 + 5.5e-3 * 2, rel=1e-6)


def test_limits_have_limits(client: Any) -> None:
    least, most = (float(client.ask(f"SOUR:POW:LIM? {end},'h0/gpu0'")) for end in ("MIN", "MAX"))
    assert 0 < least < most == float(client.ask("SOUR:POW:LIM? 'h0/gpu0'"))
    client.tell(f"SOUR:POW:LIM {most + 1}")
    assert client.error().startswith("-222")


def test_steady_streams_keep_to_their_limit_and_duration(client: Any) -> None:
    client.tell("SOUR:WORK:SEL 'trickle';:INIT;:SYST:TIME:STEP 1ms")
    assert float(client.ask(f"MEAS:LINK:RATE? '{NIC}'")) == pytest.approx(1e9)
    client.ask("*OPC?")
    assert metric(client, "sent_bytes") == pytest.approx(1e9 * 10e-3, rel=1e-9)
    assert int(client.ask(f"SENS:LINK:COUN:BYT? '{NIC}'")) == pytest.approx(1e7, abs=2)


def test_a_fault_between_slices_changes_what_is_measured(client: Any) -> None:
    client.tell("SOUR:WORK:SEL 'shuffle';:INIT;:SYST:TIME:STEP 1ms")
    whole = metric(client, "sent_bytes")
    client.tell(f"INJ:LINK:RATE '{NIC}',50 PCT;:SYST:TIME:STEP 1ms")
    assert metric(client, "sent_bytes") == pytest.approx(1.5 * whole, rel=1e-6)
    assert int(client.ask("STAT:QUES:COND?")) == 1024
    client.tell(f"INJ:LINK:STAT '{NIC}',DOWN;:SYST:TIME:STEP 1ms")
    assert metric(client, "sent_bytes") == pytest.approx(1.5 * whole, rel=1e-6)
    assert client.ask(f"SENS:LINK:STAT? '{NIC}'") == "DOWN"


def test_a_glitch_passes(client: Any) -> None:
    client.tell(f"SOUR:WORK:SEL 'shuffle';:INIT;:INJ:LINK:GLIT '{NIC}',1ms;:SYST:TIME:STEP 3ms")
    capacity = float(client.ask(f"MEAS:LINK:CAP? '{NIC}'"))
    assert metric(client, "sent_bytes") == pytest.approx(2e-3 * capacity, rel=1e-6)


def test_an_event_to_come_happens_on_its_time(client: Any) -> None:
    client.tell(f"INJ:EVEN '2ms {NIC} down';:SYST:TIME:STEP 1.999ms")
    assert client.ask(f"SENS:LINK:STAT? '{NIC}'") == "UP"
    client.tell("SYST:TIME:STEP 1us")
    assert client.ask(f"SENS:LINK:STAT? '{NIC}'") == "DOWN"


def test_lost_lanes_and_speed(client: Any) -> None:
    link = "h0/gpu0->h0/pcie0"
    speed = float(client.ask(f"SENS:LINK:SPE? '{link}'"))
    assert client.ask(f"SENS:LINK:WIDT? '{link}'") == "16"
    client.tell(f"INJ:LINK:WIDT '{link}',4")
    assert client.ask(f"SENS:LINK:WIDT? '{link}'") == "4"
    assert float(client.ask(f"SENS:LINK:SPE? '{link}'")) == pytest.approx(speed / 4)
    client.tell(f"INJ:LINK:WIDT '{PAIR}',4")
    assert client.error().startswith("-224")


@pytest.mark.parametrize("error_rate", [1e-6, 1e-4])
def test_bit_errors_cost_what_resending_costs(client: Any, error_rate: float) -> None:
    healthy = float(client.ask(f"MEAS:LINK:CAP? '{NIC}'"))
    client.tell(f"INJ:LINK:BER '{NIC}',{error_rate}")
    good = (1 - error_rate) ** (8 * 256)
    assert float(client.ask(f"MEAS:LINK:CAP? '{NIC}'")) == pytest.approx(healthy * good)
    client.tell("SOUR:WORK:SEL 'shuffle';:INIT;:SYST:TIME:STEP 10ms")
    moved = healthy * good * 10e-3
    assert int(client.ask(f"SENS:LINK:COUN:ERR? '{NIC}'")) == pytest.approx(
        moved * 8 * error_rate, rel=1e-3, abs=1)
    assert int(client.ask(f"SENS:LINK:COUN:REPL? '{NIC}'")) == pytest.approx(
        moved / 256 * (1 - good) / good, rel=1e-3, abs=1)


def test_a_hot_board_is_slow(client: Any) -> None:
    client.tell("INJ:BOAR:SPE 'h0/gpu0',0.5;:SOUR:WORK:SEL 'compute';:INIT;*WAI")
    assert metric(client, "elapsed_s") == pytest.approx(20e-3, rel=1e-9)
    assert int(client.ask("STAT:QUES:COND?")) == 16


def test_waiting_for_what_cannot_come_is_an_error_not_a_hang(client: Any) -> None:
    client.tell("INJ:LINK:STAT 'h0/gpu0->h0/nvswitch',DOWN;:SOUR:WORK:SEL 'train';:INIT")
    client.tell("*WAI")
    problem = client.error()
    assert problem.startswith("-200") and "h0/gpu0->h0/nvswitch" in problem
    client.tell("INJ:CLE")
    assert client.ask("*OPC?") == "1"


def test_slices_change_nothing_but_the_last_bits(rack_file: RackFile,
                                                 client_of: Callable[..., Any]) -> None:
    def run(step: str, times: int) -> list[float]:
        client = client_of(Panel(rack_file))
        client.tell("SOUR:WORK:SEL 'train';:INIT")
        for _ in range(times):
            client.tell(f"SYST:TIME:STEP {step}")
        return [*map(float, client.ask("FETC?").split(",")), float(client.ask("MEAS:ENER?"))]

    assert run("7us", 2000) == pytest.approx(run("14ms", 1), rel=1e-12)


def test_equal_scripts_give_equal_bytes(rack_file: RackFile,
                                        client_of: Callable[..., Any]) -> None:
    def run() -> list[str]:
        client = client_of(Panel(rack_file))
        client.tell(f"SOUR:WORK:SEL 'train';:INIT;:INJ:EVEN '3ms {PAIR} rate 10%'")
        client.tell("SYST:TIME:STEP 3500us;:SOUR:POW:LIM 321,'h0/gpu1';*WAI")
        return [client.ask(question) for question in (
            "FETC?", "MEAS:ENER?", "MEAS:POW:AVER? 'h0/gpu1'", "FETC:TIM?", "FETC:JSON?",
            "SYST:TIME?")]

    assert run() == run()


def test_one_thing_at_a_time(client: Any) -> None:
    client.tell("SOUR:WORK:SEL 'train';:INIT;:INIT")
    assert client.error().startswith("-213")
    client.tell("ABOR;:INIT")
    assert client.error().startswith("0")


def test_reset_stops_work_and_repairs(client: Any) -> None:
    client.tell(f"SOUR:WORK:SEL 'train';:INIT;:INJ:LINK:STAT '{NIC}',DOWN;*RST")
    assert client.ask("STAT:OPER:COND?;:STAT:QUES:COND?;:SOUR:WORK:SEL?") == '0;0;""'
