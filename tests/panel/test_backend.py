"""The in-process backend through PyVISA."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pyvisa
from pyvisa import constants

CODE = constants.StatusCode


@pytest.fixture
def manager(rack_path: Path) -> Iterator[Any]:
    found = pyvisa.ResourceManager(f"{rack_path}@rackwright")
    yield found
    found.close()


@pytest.fixture
def rack(manager: Any) -> Iterator[Any]:
    with manager.open_resource("TCPIP::bench::rack::INSTR", read_termination="\n") as found:
        found.write("SYST:TIME:MODE STEP;*RST;*CLS")
        yield found


def test_instruments_are_listed_and_open(manager: Any) -> None:
    names = manager.list_resources()
    assert "TCPIP0::bench::h0-gpu1::INSTR" in names
    assert manager.list_resources("?*gpu3::INSTR") == ("TCPIP0::bench::h0-gpu3::INSTR",)
    for name in names:
        with manager.open_resource(name, read_termination="\n") as found:
            assert found.query("*IDN?").split(",")[2] == f"bench/{name.split('::')[2]}"


def test_a_topology_is_a_rack() -> None:
    manager = pyvisa.ResourceManager("dgx-a100@rackwright")
    with manager.open_resource("TCPIP::x::hislip_h0-gpu0,4880::INSTR") as meter:
        assert float(meter.query("MEAS:POW?")) > 0
    manager.close()


@pytest.mark.parametrize(("name", "code"), [
    ("TCPIP::bench::none::INSTR", CODE.error_resource_not_found)])
def test_a_wrong_name(manager: Any, name: str, code: int) -> None:
    with pytest.raises(pyvisa.VisaIOError) as problem:
        manager.open_resource(name)
    assert problem.value.error_code == code


def test_values_and_blocks(rack: Any) -> None:
    rack.write("SOUR:WORK:SEL 'train';:INIT;*WAI")
    assert rack.query_ascii_values("FETC?")[0] == 4
    assert rack.query_binary_values("DIAG:ECHO? #13\n\x01\n", datatype="B") == [10, 1, 10]
    assert bytes(rack.query_binary_values("FETC:TIM?", datatype="B"))[:2] == b"\x1f\x8b"


def test_serial_poll_clear_trigger(rack: Any) -> None:
    rack.write("*IDN?")
    assert rack.read_stb() == 16
    rack.clear()
    assert rack.read_stb() == 0
    rack.write("SOUR:WORK:SEL 'train'")
    rack.assert_trigger()
    assert rack.query("*OPC?;:FETC:METR? 'rounds'") == "1;4.0E+00"


def test_a_read_without_a_question_times_out_and_leaves_nothing_behind(rack: Any) -> None:
    rack.timeout = 10
    with pytest.raises(pyvisa.VisaIOError) as problem:
        rack.read()
    assert problem.value.error_code == CODE.error_timeout
    rack.write("SYST:TIME:MODE REAL;:SOUR:WORK:SEL 'train';OPT 'compute','1h';:INIT;*OPC?")
    with pytest.raises(pyvisa.VisaIOError):
        rack.read()
    rack.clear()
    rack.write("ABOR;:SYST:TIME:MODE STEP")
    assert rack.query("*OPC?") == "1"


def test_locks(manager: Any, rack: Any) -> None:
    other = manager.open_resource("TCPIP::bench::rack::INSTR", read_termination="\n")
    rack.lock_excl()
    with pytest.raises(pyvisa.VisaIOError) as problem:
        other.query("*IDN?")
    assert problem.value.error_code == CODE.error_resource_locked
    rack.unlock()
    assert other.query("*OPC?") == "1"
    other.close()


def test_service_request(rack: Any) -> None:
    rack.enable_event(constants.EventType.service_request, constants.EventMechanism.queue)
    rack.write("*SRE 32;*ESE 1;:SOUR:WORK:SEL 'train';:INIT;*OPC")
    found = rack.wait_on_event(constants.EventType.service_request, 60_000)
    assert not found.timed_out and rack.read_stb() & 64
    assert rack.query("*ESR?;:STAT:OPER:COND?") == "1;0"


def test_a_system_is_replayed_to_its_end(rack: Any) -> None:
    rack.timeout = 120_000
    rack.write("SOUR:WORK:SEL 'moe';:INIT")
    assert rack.query("*OPC?") == "1"
    names = rack.query("FETC:NAM?").strip('"').split(",")
    values = rack.query_ascii_values("FETC?")
    assert dict(zip(names, values, strict=True))["requests_finished"] == 5
    assert rack.query("FETC:PROG?;:SYST:ERR?") == '1.0E+00;0,"No error"'
    rack.write("SOUR:WORK:OPT 'policy','nonsense'")
    assert rack.query("SYST:ERR?").startswith("-2")


def test_another_session_sees_that_a_replay_runs(manager: Any, rack: Any) -> None:
    with manager.open_resource("TCPIP::bench::rack::INSTR", read_termination="\n") as other:
        assert other.query("STAT:OPER:COND?") == "0"
        rack.write("SOUR:WORK:SEL 'trickle';:INIT")
        assert other.query("STAT:OPER:COND?") == "16"


def test_a_replay_can_be_aborted(rack: Any) -> None:
    rack.timeout = 120_000
    rack.write("SOUR:WORK:SEL 'moe';:INIT;:ABOR")
    assert rack.query("*OPC?") == "1"
    assert rack.query("STAT:OPER:COND?") == "0"
