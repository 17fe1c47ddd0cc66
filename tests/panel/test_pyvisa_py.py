"""PyVISA-py as the client, over sockets and HiSLIP, against a server in another thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rackwright.panel import Panel, PanelServer, RackFile

pyvisa = pytest.importorskip("pyvisa")
pytest.importorskip("pyvisa_py", reason="needs pyvisa-py to speak sockets and HiSLIP")


@pytest.fixture(scope="module")
def resources(rack_file: RackFile) -> Iterator[dict[str, str]]:
    """Ending of the resource name -> the rack's."""
    loop, started = asyncio.new_event_loop(), threading.Event()
    server = PanelServer(Panel(rack_file))

    def serve() -> None:
        loop.run_until_complete(server.start(tcp=0, hislip=0))
        started.set()
        loop.run_forever()

    thread = threading.Thread(target=serve)
    thread.start()
    assert started.wait(30)
    yield {resource.rpartition("::")[2]: resource
           for resource, name in server.resources.items() if name == "rack"}
    asyncio.run_coroutine_threadsafe(server.close(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def opened(resources: dict[str, str]) -> Iterator[Callable[[str], Any]]:
    manager = pyvisa.ResourceManager("@py")
    found = []

    def open_one(ending: str) -> Any:
        found.append(manager.open_resource(resources[ending], read_termination="\n",
                                           write_termination="\n", timeout=10_000))
        return found[-1]

    yield open_one
    for one in found:
        one.close()
    manager.close()


@pytest.fixture(params=["SOCKET", "INSTR"])
def rack(request: pytest.FixtureRequest, opened: Callable[[str], Any]) -> Any:
    return opened(request.param)


def test_what_a_script_does_first(rack: Any) -> None:
    rack.write("*RST;*CLS")
    assert rack.query("*IDN?").split(",")[:2] == ["RACKWRIGHT", "RACK"]
    assert rack.query("SYST:ERR?") == '0,"No error"'
    assert rack.query_ascii_values("*ESE 3;*ESE?;*SRE?", separator=";") == [3, 0]
    assert rack.query("*OPC?") == "1"


def test_a_block_of_any_bytes(rack: Any) -> None:
    content = bytes(byte for byte in range(256)) * 300
    head = f"#{len(str(len(content)))}{len(content)}".encode()
    rack.write_raw(b"DIAG:ECHO? " + head + content + b"\n")
    assert rack.read_bytes(len(head) + len(content) + 1) == head + content + b"\n"


def test_wrong_commands_leave_errors_and_no_answers(rack: Any) -> None:
    rack.write("*CLS;NO:SUCH:THING")
    rack.write("SOUR:POW:LIM 1E9")
    errors = [rack.query("SYST:ERR?").split(",")[0] for _ in range(3)]
    assert errors == ["-113", "-222", "0"]


def test_work_is_waited_for(rack: Any) -> None:
    rack.write("*RST;:SOUR:WORK:SEL 'train';:INIT")
    assert rack.query("*OPC?;:FETC:METR? 'rounds'") == "1;4.0E+00"


def test_hislip_status_clear_and_trigger(opened: Callable[[str], Any]) -> None:
    rack = opened("INSTR")
    rack.write("*RST;*CLS;*ESE 1;*SRE 32;:SOUR:WORK:SEL 'train'")
    rack.write("*TRG")  # PyVISA-py has no trigger message
    assert rack.query("*OPC?;:FETC:METR? 'rounds'") == "1;4.0E+00"
    rack.write("*OPC")
    assert rack.query("*ESE?") == "1"
    assert rack.read_stb() & 0x60 == 0x60
    rack.write("SYST:TIME:MODE REAL;:SOUR:WORK:OPT 'compute','1h';:INIT;*WAI")
    rack.clear()  # what it waits for is given up
    assert rack.query("ABOR;:SYST:TIME:MODE STEP;*OPC?") == "1"


def test_hislip_an_answer_never_read_is_lost_and_told(opened: Callable[[str], Any]) -> None:
    rack = opened("INSTR")
    rack.write("*CLS")
    rack.write("*IDN?")
    assert rack.query("*ESE 7;*ESE?") == "7"
    assert rack.query("SYST:ERR?").startswith("-410")
    assert rack.query("SYST:ERR?").startswith("0")


def test_transports_see_one_rack(opened: Callable[[str], Any]) -> None:
    one, other = opened("SOCKET"), opened("INSTR")
    before = float(one.query("SYST:TIME?"))
    other.write("SYST:TIME:STEP 1ms;*OPC?")
    other.read()
    assert float(one.query("SYST:TIME?")) == pytest.approx(before + 1e-3)
    one.write("NO:SUCH")
    assert one.query("SYST:ERR:COUN?") == "1"
    assert other.query("SYST:ERR:COUN?") == "0"
