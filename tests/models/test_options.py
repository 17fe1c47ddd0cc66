"""Options: strict, frozen, in units, listed whole when wrong, byte-stable when right."""

from __future__ import annotations

import enum
import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rackwright.errors import OptionsError
from rackwright.models.options import (
    Bandwidth,
    Bytes,
    Energy,
    Frequency,
    Money,
    Options,
    Power,
    Rate,
    Time,
    describe,
    option,
)
from rackwright.units import Quantity


class Mode(enum.Enum):
    FAST = "fast"
    SAFE = "safe"


class Sample(Options):
    policy: Literal["defrag", "mtfs"] = option("defrag", "scheduler")
    hop: Time = option("2us", "one hop", gt=0)
    patience: Time | None = option(None, "give up after")
    cache: Bytes = option("2GiB", "cache size")
    line: Rate = option("400Gbps", "line rate")
    memory: Bandwidth = option("50GB/s", "memory bandwidth")
    clock: Frequency = option("250MHz", "clock")
    board: Power = option("700W", "board power")
    budget: Energy = option("1kWh", "energy budget")
    price: Money = option("$3.50", "price an hour")
    ways: int = option(4, "entries a set", unit="entries", ge=1)
    share: float = option(0.5, "share kept", unit="1", gt=0, lt=1)
    mode: Mode = option(Mode.FAST, "mode of work")
    sizes: tuple[int, ...] = option((1, 2), "sizes tried", unit="tokens")
    warm: bool = option(True, "start warm")
    cap: int | None = option(None, "most entries", unit="entries")


def faults_of(**values: object) -> tuple[str, ...]:
    with pytest.raises(OptionsError) as caught:
        Sample.checked(values)
    return caught.value.faults


def test_quantities_are_held_in_si() -> None:
    held = Sample()
    assert (held.hop, held.cache, held.line, held.memory) == (2e-6, 2 * 2**30, 4e11, 5e10)
    assert (held.clock, held.board, held.budget, held.price) == (250e6, 700.0, 3.6e6, 3.5)
    assert isinstance(held.cache, int)


def test_a_typed_quantity_is_accepted() -> None:
    assert Sample(hop=Quantity(3e-9, "time")).hop == 3e-9


@pytest.mark.parametrize("bare", [2, 2.0, "2", True, None])
def test_a_bare_number_is_no_quantity(bare: object) -> None:
    (fault,) = faults_of(hop=bare)
    assert fault.startswith("hop")
    assert "unit" in fault or "expected time" in fault


def test_a_quantity_of_another_dimension_is_refused() -> None:
    (fault,) = faults_of(memory="5us")
    assert "memory" in fault and "5us" in fault


def test_canonical_json_reads_back_as_the_same_options() -> None:
    held = Sample.from_settings({"hop": "0.1us", "patience": "3ms", "mode": "safe", "cap": "9"})
    again = Sample.model_validate_json(held.canonical_json())
    assert again == held
    assert again.content_hash == held.content_hash


@given(st.floats(min_value=1e-15, max_value=1e9), st.integers(0, 2**60))
def test_exact_text_keeps_every_bit(seconds: float, nbytes: int) -> None:
    held = Sample(hop=Quantity(seconds, "time"), cache=f"{nbytes}B")
    again = Sample.model_validate_json(held.canonical_json())
    assert (again.hop, again.cache) == (held.hop, nbytes)


def test_the_way_a_value_is_written_does_not_change_the_hash() -> None:
    hashes = {Sample(hop=text).content_hash for text in ("2us", "2000ns", "0.002ms")}
    assert len(hashes) == 1
    assert Sample(hop="2.1us").content_hash not in hashes


def test_canonical_json_is_sorted_and_compact() -> None:
    text = Sample().canonical_json()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))


def test_options_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Sample().ways = 5


@pytest.mark.parametrize(("name", "text", "value"), [
    ("policy", "mtfs", "mtfs"), ("ways", "12", 12), ("share", "0.25", 0.25),
    ("share", "1e-3", 1e-3), ("mode", "safe", Mode.SAFE), ("mode", "SAFE", Mode.SAFE),
    ("sizes", "3, 4,5", (3, 4, 5)), ("warm", "off", False), ("warm", "True", True),
    ("cap", "7", 7), ("cap", "none", None), ("patience", "none", None), ("patience", "1s", 1.0),
    ("hop", "7ns", 7e-9)])
def test_settings_are_read_as_the_option_s_type(name: str, text: str, value: object) -> None:
    assert getattr(Sample.from_settings({name: text}), name) == value


@pytest.mark.parametrize(("name", "text"), [
    ("policy", "Defrag"), ("ways", "4.0"), ("ways", "0"), ("share", "nan"), ("share", "inf"),
    ("share", "1"), ("mode", "slow"), ("sizes", "1,x"), ("warm", "maybe"), ("warm", "1"),
    ("cap", "few"), ("hop", "0s"), ("hop", "-1us"), ("cache", "1.5B")])
def test_a_wrong_setting_is_named_with_its_value(name: str, text: str) -> None:
    with pytest.raises(OptionsError) as caught:
        Sample.from_settings({name: text})
    assert name in str(caught.value)
    assert text.split(",")[-1].strip() in str(caught.value)


@pytest.mark.parametrize("values", [
    {"ways": "4"}, {"ways": 4.0}, {"ways": True}, {"share": "0.5"}, {"warm": 1},
    {"share": float("nan")}, {"share": float("inf")}, {"sizes": [1, 2]}])
def test_python_values_are_not_converted(values: dict[str, object]) -> None:
    assert len(faults_of(**values)) == 1


def test_every_fault_is_listed_at_once() -> None:
    faults = faults_of(policy="x", ways=0, hop=3, sise=1)
    assert len(faults) == 4
    assert any("unknown option 'sise'; did you mean 'sizes'?" in fault for fault in faults)


def test_an_unlike_name_gets_the_list_of_options() -> None:
    (fault,) = faults_of(zzz=1)
    assert "known: policy, hop" in fault


def test_an_error_says_what_is_allowed() -> None:
    assert "expected defrag | mtfs" in faults_of(policy="x")[0]
    assert "expected integer >= 1" in faults_of(ways=0)[0]
    assert "expected number > 0 and < 1" in faults_of(share=1.0)[0]
    assert "expected fast | safe" in faults_of(mode="slow")[0]


def test_defaults_are_checked_like_values() -> None:
    class Wrong(Options):
        ways: int = option(0, "entries", unit="entries", ge=1)

    with pytest.raises(OptionsError, match="ways = 0"):
        Wrong.checked({})


def test_a_listing_has_a_row_for_every_option() -> None:
    rows = {row.name: row for row in describe(Sample)}
    assert list(rows) == list(Sample.model_fields)
    assert rows["hop"] == ("hop", "time with a unit (2us) > 0", "2us", "s", "one hop")
    assert rows["policy"].allowed == "defrag | mtfs"
    assert rows["sizes"].default == "1,2"
    assert rows["warm"].default == "true"
    assert rows["patience"].allowed.endswith("| none")


def test_a_listed_default_can_be_typed_back() -> None:
    rows = describe(Sample)
    assert Sample.from_settings({row.name: row.default for row in rows}) == Sample()


def test_an_option_without_a_description_is_refused() -> None:
    with pytest.raises(TypeError, match="Bad.ways has no description"):
        class Bad(Options):
            ways: int = 4


def test_a_plain_number_without_a_unit_is_refused() -> None:
    with pytest.raises(TypeError, match="without a unit"):
        class Bad(Options):
            ways: int = option(4, "entries")


def test_a_list_is_refused() -> None:
    with pytest.raises(TypeError, match="use a tuple"):
        class Bad(Options):
            ways: list[int] = option((), "entries", unit="entries")


@pytest.mark.parametrize("name", ["seed", "trace", "fabric", "progress", "system", "baseline"])
def test_names_of_the_call_are_reserved(name: str) -> None:
    with pytest.raises(TypeError, match="belongs to rackwright.replay"):
        type("Bad", (Options,), {"__annotations__": {name: str}, "__module__": __name__,
                                 name: option("x", "text")})
