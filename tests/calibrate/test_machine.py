"""A folder holds the rows of one machine."""

from __future__ import annotations

import json

import pytest

from rackwright.calibrate import machine
from rackwright.errors import InputError

HERE = {"gpu": "A", "torch": "2", "cuda": "13", "driver": "580"}


@pytest.fixture
def describe(monkeypatch):
    """Says what machine this is."""
    def set_to(**other):
        monkeypatch.setattr(machine, "describe", lambda torch: HERE | other)
    set_to()
    return set_to


def test_the_machine_is_written(tmp_path, describe):
    machine.write_description(None, tmp_path / "new")
    assert json.loads((tmp_path / "new" / "machine.json").read_text()) == HERE


def test_the_same_machine_goes_on(tmp_path, describe):
    machine.write_description(None, tmp_path)
    describe(driver="581")
    machine.write_description(None, tmp_path)


def test_another_machine_does_not(tmp_path, describe):
    machine.write_description(None, tmp_path)
    describe(gpu="B")
    with pytest.raises(InputError, match="another machine .gpu 'A', here 'B'.; give an empty"):
        machine.write_description(None, tmp_path)


def test_a_damaged_description(tmp_path, describe):
    (tmp_path / "machine.json").write_text("{")
    with pytest.raises(InputError, match="machine.json: cannot be read"):
        machine.write_description(None, tmp_path)
