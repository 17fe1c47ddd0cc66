"""IEEE 488.2 and SCPI-99 behaviour of a session."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


def test_identity_and_version(client: Any) -> None:
    assert client.ask("*IDN?").split(",")[:3] == ["RACKWRIGHT", "RACK", "bench/rack"]
    assert client.ask("SYST:VERS?") == "1999.0"
    assert client.ask("*TST?") == "0"


def test_power_on_is_seen_once(client: Any) -> None:
    assert client.ask("*ESR?;*ESR?") == "128;0"


@pytest.mark.parametrize(("message", "number", "bit"), [
    ("FOO", -113, 32), ("*RST?", -113, 32), ("*IDN", -113, 32), ("*CLS 1", -108, 32),
    ("*ESE", -109, 32), ("*ESE 256", -222, 16), ("*ESE 'a'", -158, 32), ("INIT", -221, 16),
    ("X 'open", -151, 32), ("SYST:TIME:STEP 1 W", -131, 32), ("SOUR:WORK:SEL 'nothing'", -224, 16),
    ("FETC?", -230, 16), ("INJ:LINK:STAT 'a->b', DOWN", -224, 16), ("MEAS2:POW?", -114, 32),
    ("INJ:LINK:RATE 'h0/gpu0->h0/nvswitch 1s', 1", -224, 16)])
def test_errors_have_standard_numbers_and_set_their_bit(client: Any, message: str, number: int,
                                                        bit: int) -> None:
    client.ask("*ESR?")
    client.tell(message)
    assert client.error().startswith(f"{number},\"")
    assert client.ask("*ESR?") == str(bit)
    assert client.error() == '0,"No error"'


def test_errors_queue_in_order_and_the_last_one_says_overflow(client: Any) -> None:
    for place in range(40):
        client.tell(f"FOO{'ABC'[place % 3]}")
    assert client.ask("SYST:ERR:COUN?") == "30"
    found = [client.error() for _ in range(31)]
    assert "FOOA" in found[0] and "FOOB" in found[1]
    assert found[29].startswith("-350") and found[30].startswith("0,")


def test_the_status_byte_sums_up(client: Any) -> None:
    client.tell("*CLS;*ESE 1;*SRE 32")
    assert client.session.status_byte() == 0
    client.tell("*OPC")
    assert client.session.status_byte() == 32 + 64
    assert client.ask("*ESR?;*STB?") == "1;0"
    client.tell("FOO")
    assert client.ask("*STB?") == "4"


def test_reset_leaves_status_alone(client: Any) -> None:
    client.tell("*ESE 5;*SRE 6;FOO;*RST")
    client.tell("*RST")
    assert client.ask("*ESE?;*SRE?") == "5;6"
    assert client.error().startswith("-113")


def test_clear_keeps_enables(client: Any) -> None:
    client.tell("*ESE 5;:STAT:QUES:ENAB 512")
    client.tell("FOO")
    client.tell("*CLS")
    assert client.ask("*ESR?;*ESE?;:STAT:QUES:ENAB?;:SYST:ERR?") == '0;5;512;0,"No error"'


def test_a_path_is_remembered_within_a_message(client: Any) -> None:
    assert len(client.ask("MEAS:POW?;ENER?;*OPC?;POW:AVER?").split(";")) == 4
    client.tell("MEAS:POW?;:MEAS:FOO?;*IDN?")   # what follows a command error is dropped
    assert client.session.peek().count(b";") == 0
    client.session.clear()
    assert client.error().startswith("-113")


def test_an_execution_error_drops_one_command_only(client: Any) -> None:
    assert client.ask("*ESE 999;*ESE 7;*ESE?") == "7"


def test_a_question_that_is_overtaken_loses_its_answer(client: Any) -> None:
    client.tell("*IDN?")
    assert client.ask("*OPC?") == "1"
    assert client.error().startswith("-410")


def test_reading_without_a_question(client: Any) -> None:
    assert client.session.read(100, 0.0) is None
    assert client.error().startswith("-420")


def test_device_clear_forgets_the_answer(client: Any) -> None:
    client.tell("*IDN?")
    client.session.clear()
    assert client.ask("*OPC?;:SYST:ERR?") == '1;0,"No error"'


def test_sessions_do_not_see_each_others_errors(panel: Any, client_of: Callable[..., Any]) -> None:
    one, other = client_of(panel), client_of(panel)
    one.tell("FOO")
    assert other.ask("*ESR?;:SYST:ERR?") == '128;0,"No error"'


def test_edges_become_events_through_the_filters(client: Any) -> None:
    client.tell("STAT:QUES:NTR 512;PTR 0")
    client.tell("INJ:LINK:STAT 'h0/gpu0->h0/nvswitch',DOWN")
    assert client.ask("STAT:QUES:COND?;EVEN?") == "512;0"
    client.tell("INJ:CLE")
    assert client.ask("STAT:QUES:COND?;EVEN?;EVEN?") == "0;512;0"
    client.tell("STAT:PRES")
    assert client.ask("STAT:QUES:NTR?;PTR?") == "0;32767"


def test_bytes_echo(client: Any) -> None:
    client.tell(b"DIAG:ECHO? #15a\n;'b\n")
    assert client.ask("SYST:ERR?") .startswith("-410")
    assert client.ask(b"DIAG:ECHO? #15a\n;'b") == "#15a\n;'b"


def test_help_lists_every_header(client: Any) -> None:
    text = client.ask("SYST:HELP:HEAD?")
    assert ":MEASure[:SCALar]:POWer[:AC]/qonly/" in text and "*CLS/nquery/" in text


def test_settings_are_kept_and_taken_back(client: Any) -> None:
    client.tell("SOUR:POW:LIM 400,'h0/gpu0';*SAV 1;LIM MAX;*RCL 1")
    assert float(client.ask("SOUR:POW:LIM? 'h0/gpu0'")) == 400
    client.tell("*RCL 2")
    assert client.error().startswith("-221")
