"""`fidelity=` of the catalog: the same part under another model."""

from __future__ import annotations

import pytest

from rackwright.devices import Pcie, catalog, fidelity
from rackwright.errors import UnknownName


def test_another_fidelity_is_the_same_part_under_a_subclass():
    closed, cycle = catalog.pcie("gen5-x16"), catalog.pcie("gen5-x16", fidelity="cycle")
    assert isinstance(cycle, Pcie) and type(cycle) is not Pcie
    assert (cycle.name, cycle.lanes, cycle.sources) == (closed.name, closed.lanes, closed.sources)
    assert cycle.content_hash != closed.content_hash and cycle != closed
    assert catalog.get("gen5-x16", "cycle") is cycle is catalog.pcie("gen5-x16", "cycle")
    assert catalog.pcie("gen5-x16", "analytic") is closed


@pytest.mark.parametrize("name", catalog.names())
def test_an_unknown_fidelity_lists_what_there_is(name):
    known = ", ".join(fidelity.allowed(catalog.get(name)))
    with pytest.raises(UnknownName, match=f"unknown fidelity of {name} 'rtl'.* Known: {known}$"):
        catalog.get(name, "rtl")


@pytest.mark.parametrize("key", fidelity.MODELS)
def test_every_registered_model_can_be_had_for_a_part_of_its_kind(key):
    kind, _, medium = key.partition("/")
    parts = [part for part in map(catalog.get, catalog.names(kind))
             if not medium or getattr(part, "medium", "") == medium]
    assert parts
    for name in fidelity.MODELS[key]:
        other = catalog.get(parts[0].name, name)
        assert isinstance(other, type(parts[0])) and type(other) is not type(parts[0])


def test_a_medium_narrows_the_parts_of_a_kind(monkeypatch):
    line = {"cycle": "rackwright.devices.link_part:LinkPart"}
    monkeypatch.setattr(fidelity, "MODELS", {"link/nvlink": line})
    assert fidelity.allowed(catalog.get("nvlink4")) == ("analytic", "cycle")
    assert fidelity.allowed(catalog.get("ethernet-400g")) == ("analytic",)
