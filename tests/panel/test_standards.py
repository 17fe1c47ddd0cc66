"""What IEEE 488.2 and SCPI-99 make mandatory, and what PyVISA users type, command by command."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwright.panel.commands import COMMANDS
from rackwright.panel.scpi import ScpiError, units
from rackwright.panel.scpi.errors import TEXTS, event_bit
from rackwright.panel.scpi.numbers import INFINITE, number_of, whole_of

# IEEE 488.2 10.1 and SCPI-99 volume 1, 4.1.1 and 4.2.1
MANDATORY = ("*CLS", "*ESE 1", "*ESE?", "*ESR?", "*IDN?", "*OPC", "*OPC?", "*RST", "*SRE 0",
             "*SRE?", "*STB?", "*TST?", "*WAI", "SYST:ERR?", "SYSTEM:ERROR:NEXT?", "SYST:VERS?",
             "STAT:OPER?", "STAT:OPER:EVEN?", "STAT:OPER:COND?", "STAT:OPER:ENAB 1",
             "STAT:OPER:ENAB?", "STAT:QUES?", "STAT:QUES:EVEN?", "STAT:QUES:COND?",
             "STAT:QUES:ENAB 1", "STAT:QUES:ENAB?", "STAT:PRES")
OPTIONAL = ("*OPT?", "*PSC 1", "*PSC?", "*SAV 1", "*SAV 2;*RCL 2", "STAT:OPER:PTR 1",
            "STAT:OPER:NTR?", "SYST:ERR:COUN?", "SYST:ERR:ALL?", "SYST:ERR:CODE?",
            "SYST:ERR:CODE:ALL?", "SYST:HELP:HEAD?")


@pytest.mark.parametrize("message", MANDATORY + OPTIONAL)
def test_a_standard_command_is_there_on_every_kind_of_instrument(
        panel: Any, client_of: Any, message: str) -> None:
    for name in ("rack", "h0-gpu0", "pdu-h0", "links", "faults"):
        client = client_of(panel, name)
        if message.endswith("?"):
            assert client.ask(message)
        else:
            client.tell(message)
        assert client.error().startswith("0")


@pytest.mark.parametrize(("message", "number"), [
    ("*ESE (1)", -178), ("*ESE #15abcd", -161), ("*ESE #12ab", -168), ("*ESE ON", -141),
    ("SYST:TIME:MODE 1", -128), ("SYST:TIME:MODE 'STEP'", -158), ("SYST:TIME:MODE NEVER", -224),
    ("DIAG:ECHO? word", -148), ("DIAG:ECHO? (@1)", -178), ("MEAS:POW? (1)", -171),
    ("MEAS:POW? (@1", -171), ("MEAS:POW? (@1,x)", -171), ("MEAS:POW? (@0)", -222),
    ("MEAS:POW? (@1:99999)", -223), ("MEAS:POW? (@999)", -222), ("*ESE #HG", -121),
    ("*ESE #B2", -121), ("ABCDEFGHIJKLM:POW?", -112), ("*ESE 1 V", -138), ("*ESE 1,2", -108),
    ("SYST:TIME:STEP 1 CEL", -131), ("*ESE 1E99999", -123), ("*RST 1", -108), ("*CLS?", -113)])
def test_each_mistake_has_its_number(client: Any, message: str, number: int) -> None:
    client.tell(message)
    assert client.error().startswith(f'{number},"{TEXTS[number]}')
    assert client.error().startswith("0")


@pytest.mark.parametrize(("message", "answer"), [
    ("*ESE #H1F;*ESE?", "31"), ("*ESE #q17;*ESE?", "15"), ("*ESE #B101;*ESE?", "5"),
    ("*ESE 1.6;*ESE?", "2"), ("*ESE  1.2E1 ;*ESE?", "12"), ("*ESE 12 E0;*ESE?", "12"),
    ("*ESE +3;*ESE?", "3"), ("*ESE .5E1;*ESE?", "5"), ("*SRE 255;*SRE?", "191"),
    ("*ESE MAX;*ESE?", "255"), ("*PSC OFF;*PSC?", "0"), ("*PSC -2;*PSC?", "1"), ("*OPT?", "0"),
    ("SOUR:TEMP:AMB? MAX", "1.0E+02"), ("SOUR:TEMP:AMB? DEF", "4.35E+01"),
    (":SYST:VERS?;VERS?", "1999.0;1999.0"), ("stat:ques:enab 5;enab?", "5"),
    ("STATus:QUEStionable:ENABle 6;:STAT:QUES:ENAB?", "6"), ("MEAS1:POW1? (@3);*OPC?", None),
    ("SYST:ERR:CODE?", "0"), ("SYST:ERR:CODE:ALL?", "0"), ("DIAG:ECHO? #0a;b", "#13a;b"),
    ("DIAG:ECHO? 'it''s; (@1)'", "#210it's; (@1)")])
def test_ways_to_write(client: Any, message: str, answer: str | None) -> None:
    assert client.ask(message) == answer or answer is None
    assert client.error().startswith("0")


def test_a_channel_list_asks_several_boards(client: Any) -> None:
    names = client.ask("SYST:CAT:BOAR?").strip('"').split(",")
    listed = client.ask("MEAS:POW? (@1,3:4,2)").split(",")
    assert listed == [client.ask(f"MEAS:POW? '{names[at]}'") for at in (0, 2, 3, 1)]
    assert client.ask("MEAS:ENER? (@2:1)").count(",") == 1


def test_error_codes_leave_the_queue(client: Any) -> None:
    client.tell("NO:SUCH;:*ESE 999")
    client.tell("*ESE 999")
    assert client.ask("SYST:ERR:COUN?;CODE?;CODE:ALL?") == "2;-113;-222"
    assert client.ask("SYST:ERR:COUN?") == "0"


def test_numbers_of_errors_are_those_of_their_class() -> None:
    bits = {number: event_bit(number) for number in TEXTS}
    for number, bit in bits.items():
        low = {1: 0x20, 2: 0x10, 3: 0x08, 4: 0x04}[abs(number) // 100]
        assert bit == low


def test_every_mnemonic_is_short_enough_and_its_short_form_follows_the_rule() -> None:
    """SCPI-99 volume 1, 6.2.1: four letters, or three when the fourth is a vowel."""
    exceptions = {"EVENt", "ECHO", "CODE", "TIME", "MODE", "STEP", "LINK", "RATE", "COUNt", "AC"}
    for command in COMMANDS:
        for word in re.findall(r"[A-Za-z]+", command.header.lstrip("*")):
            short = "".join(letter for letter in word if letter.isupper())
            assert len(word) <= 12
            if len(word) > 4 and word not in exceptions and not command.header.startswith("*"):
                assert short == (word[:3] if word[3] in "aeiou" else word[:4]).upper(), word


@given(st.integers(0, 1 << 40), st.sampled_from(["H", "Q", "B"]))
def test_a_number_in_any_base_is_the_same(value: int, base: str) -> None:
    digits = {"H": f"{value:X}", "Q": f"{value:o}", "B": f"{value:b}"}[base]
    assert whole_of(f"#{base}{digits}") == str(value)
    (unit,) = units(f"X #{base.lower()}{digits}".encode())
    assert not isinstance(unit, ScpiError) and unit.arguments[0].text == str(value)


@given(st.floats(-1e30, 1e30), st.sampled_from(["", " "]), st.sampled_from(["e", "E", " E "]))
def test_any_spelling_of_a_number_reads_the_same(value: float, space: str, mark: str) -> None:
    mantissa, exponent = f"{value:.17e}".split("e")
    assert number_of(f"{mantissa}{mark}{exponent}{space}", "it", "") == value


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_a_standard_error(text: str) -> None:
    try:
        assert abs(number_of(text, "it", "time")) <= INFINITE
    except ScpiError as problem:
        assert -200 < problem.number <= -100


@given(st.text(alphabet="()@'\"1:, a;", max_size=25))
def test_parentheses_end_where_they_close(text: str) -> None:
    for unit in units(f"X {text}".encode()):
        if not isinstance(unit, ScpiError):
            for argument in unit.arguments:
                if argument.kind == "expression":
                    outside = re.sub(r"'[^']*'|\"[^\"]*\"", "", argument.text)
                    assert outside.count("(") == outside.count(")")
