"""Headers: short and long forms, optional nodes, suffixes."""

from __future__ import annotations

import pytest

from rackwright.panel.commands import COMMANDS
from rackwright.panel.instruments import KINDS
from rackwright.panel.scpi import ScpiError, Tree, tree_of


@pytest.fixture
def tree() -> Tree[str]:
    found: Tree[str] = Tree()
    found.add("MEASure[:SCALar]:POWer[:AC]", "power")
    found.add("MEASure:ENERgy", "energy")
    found.add("*IDN", "idn")
    return found


@pytest.mark.parametrize("typed", [
    "MEAS:POW", "MEASURE:POWER", "MEAS:SCAL:POW", "MEASURE:SCALAR:POWER:AC", "MEAS:POW:AC",
    "MEAS1:POW"])
def test_every_spelling_leads_to_the_same_command(tree: Tree[str], typed: str) -> None:
    assert tree.find(typed.split(":")) == "power"


@pytest.mark.parametrize(("typed", "number"), [
    ("MEASU:POW", -113), ("MEAS", -113), ("POW", -113), ("MEAS:POWE", -113), ("MEAS2:POW", -114),
    ("MEAS:POW:AC:AC", -113), ("IDN", -113)])
def test_nothing_else_does(tree: Tree[str], typed: str, number: int) -> None:
    with pytest.raises(ScpiError) as problem:
        tree.find(typed.split(":"))
    assert problem.value.number == number


def test_two_commands_cannot_share_a_spelling(tree: Tree[str]) -> None:
    with pytest.raises(ValueError, match="two commands"):
        tree.add("MEASure:POWer", "another")


def test_a_short_form_means_one_word(tree: Tree[str]) -> None:
    with pytest.raises(ValueError, match="short for two"):
        tree.add("MEASles:POWer", "another")


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_table_has_no_collisions(kind: str) -> None:
    tree_of(COMMANDS, kind)
