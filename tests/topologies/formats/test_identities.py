"""The tables of identifiers name parts of the catalog, or parts that are known to have no
numbers."""

from __future__ import annotations

import pytest

from rackwright.devices import catalog
from rackwright.devices.unknown import UnknownPart
from rackwright.topologies.formats import identities

KINDS = ("gpu", "nic", "smart-nic")
NAMED = sorted({*identities._PCI.values(), *identities._BY_SM.values(),
                *identities._BY_GCN.values(), *(name for _, name in identities._BY_RATE),
                *(name for _, name in identities._BY_WORDS)})


@pytest.mark.parametrize("name", NAMED)
def test_every_name_is_in_the_catalog_or_known_to_be_missing(name):
    there = any(name in catalog.names(kind) for kind in KINDS)
    assert there != (name in identities.WITHOUT_NUMBERS)


def test_no_missing_name_is_left_over():
    assert set(identities.WITHOUT_NUMBERS) <= set(NAMED)


@pytest.mark.parametrize(("device", "gibibytes"), [("1db1", 16), ("1db5", 32), ("1db8", 32)])
def test_a_v100_has_the_memory_of_its_identifier(device, gibibytes):
    part, assumed = identities.gpu_part("0x10de", f"0x{device}")
    assert not assumed and part.memory_nbytes == pytest.approx(gibibytes * 2**30, rel=0.08)


@pytest.mark.parametrize("found", [identities.gpu_part("0x1002", "0x7408"),
                                   identities.gpu_part("0x1002", "0x740c"),
                                   identities.gpu_part("", "", gcn="90a"),
                                   identities.gpu_by_name("AMD Instinct MI250X")])
def test_half_an_mi250x_is_what_a_node_is(found):
    assert found[0].name == "mi250x-gcd" and not isinstance(found[0], UnknownPart)


@pytest.mark.parametrize(("rate", "name"), [(25e9, "connectx-6"), (200e9, "connectx-6"),
                                            (4e11, "connectx-7"), (8e11, "connectx-8")])
def test_an_adapter_by_its_rate(rate, name):
    part, assumed = identities.nic_by_rate(rate)
    assert part.name == name and f"taken for {name}" in assumed


def test_an_adapter_faster_than_any():
    part, assumed = identities.nic_by_rate(1.6e12)
    assert isinstance(part, UnknownPart) and "the catalog has none so fast" in assumed
