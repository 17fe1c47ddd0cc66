"""What paths do to parts, links and topologies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rackwright import study
from rackwright.devices import catalog
from rackwright.errors import InputError, RackwrightError, UnknownName, UsageError
from rackwright.study.inputs import prepared
from rackwright.study.parts import changed_link, derived_part

HERE = Path(".")


def graph(**settings: Any) -> Any:
    """The graph of a scenario; "__" in a name stands for a dot."""
    paths = {name.replace("__", "."): value for name, value in settings.items()}
    return fabric({"system": "toy", **paths}).graph


def fabric(scenario: dict[str, Any]) -> Any:
    return prepared(scenario, HERE).fabric


def rate(found: Any, one: str, other: str) -> float:
    return float(found.edges[one, other]["link"].rate_bps)


def test_a_number_scales_and_a_quantity_sets(toy: object) -> None:
    plain = graph(topology="star:hosts=2")
    half = graph(topology="star:hosts=2", link__ethernet__rate=0.5)
    assert rate(half, "h0", "s0") == rate(plain, "h0", "s0") / 2 == rate(half, "s0", "h1")
    one = fabric({"system": "toy", "topology": "star:hosts=2", "link.h0->s0.rate": "100Gbps",
                  "link.h1->s0.latency": "2x"}).graph
    assert rate(one, "h0", "s0") == rate(one, "s0", "h0") == 1e11
    assert rate(one, "h1", "s0") == rate(plain, "h1", "s0")
    assert one.edges["h1", "s0"]["link"].latency_time == pytest.approx(
        2 * plain.edges["h1", "s0"]["link"].latency_time)


def test_a_change_of_nothing_changes_nothing(toy: object) -> None:
    base = {"system": "toy", "topology": "star:hosts=2"}
    same = [{}, {"link.ethernet.rate": 1.0}, {"fail": "none"},
            {"device.connectx-6.rate": "1x"}]
    assert len({fabric(base | change).content_hash for change in same}) == 1
    others = [{"link.ethernet.rate": 2.0}, {"fail": "h1"}, {"device.connectx-6.rate": "2x"},
              {"replace.h1": "connectx-7"}, {"topology.args.hosts": 3}]
    assert len({fabric(base | change).content_hash for change in [{}, *others]}) == 6


def test_arguments_add_to_those_of_the_preset(toy: object) -> None:
    found = graph(topology="star:hosts=2,link=ethernet-100g", topology__args__hosts=3)
    assert "h2" in found and rate(found, "h2", "s0") == 1e11


def test_what_fails_is_gone(toy: object) -> None:
    found = graph(topology="leaf-spine", fail="leaf0->spine0, h3")
    assert not found.has_edge("leaf0", "spine0") and not found.has_edge("spine0", "leaf0")
    assert "h3" not in found and found.has_edge("leaf0", "spine1")


def test_a_derived_part_is_like_its_own_but_for_one_number() -> None:
    gpu = catalog.gpu("h100-sxm")
    fast = derived_part(gpu, "memory_bandwidth", "6704GB/s")
    assert fast.memory_bandwidth == 2 * gpu.memory_bandwidth
    assert fast.name != gpu.name and fast.content_hash != gpu.content_hash
    assert fast.boost_clock if hasattr(fast, "boost_clock") else True
    assert gpu.gemm.basis == "calibrated" and fast.gemm.basis == "derived"
    assert fast.attention_time(8, 32, 8, 128, 1, 4096) < gpu.attention_time(8, 32, 8, 128, 1, 4096)
    assert derived_part(gpu, "sms", "0.5x").sms == 66


@pytest.mark.parametrize(("field", "value"), [
    ("sms", 1.5), ("sms", "many"), ("memory", 80), ("memory", "80ms"), ("memory", "0x"),
    ("nothing", 1), ("peak_bf16", "1THz"), ("sms", True)])
def test_numbers_that_a_part_cannot_have(field: str, value: Any) -> None:
    with pytest.raises(RackwrightError):
        derived_part(catalog.gpu("h100-sxm"), field, value)


@pytest.mark.parametrize("changes", [
    {"device.h100-sxm.sms": 1}, {"link.nvlink.rate": 0.5}, {"link.x->y.rate": 0.5}, {"fail": "h9"},
    {"replace.h9": "connectx-7"}, {"topology": "star:hosts=0"}, {"options.workers": 0}])
def test_what_a_topology_does_not_have(toy: object, changes: dict[str, Any]) -> None:
    with pytest.raises(RackwrightError):
        fabric({"system": "toy", "topology": "star:hosts=2", **changes})


def test_files_are_looked_for_beside_the_study(toy: object, tmp_path: Path) -> None:
    from rackwright import topologies

    topologies.save(topologies.star(hosts=2), tmp_path / "rack.json")
    scenario = {"system": "toy", "topology": "rack.json"}
    assert prepared(scenario, tmp_path).fabric.content_hash == fabric(
        {"system": "toy", "topology": "star:hosts=2"}).content_hash
    with pytest.raises(UsageError, match="belong to presets"):
        prepared(scenario | {"topology.args.hosts": 2}, tmp_path)


def test_traces_are_generated(toy: object) -> None:
    args = {"system": "aep", "topology": "dgx-a100", "trace": "generate:requests",
            "trace.args.rate_per_s": 20.0, "trace.args.duration_time": "2s",
            "trace.args.lengths": "short"}
    found = prepared(args, HERE).trace
    assert 10 < len(found) < 90
    assert prepared(args | {"trace.args.seed": 1}, HERE).trace.content_hash != found.content_hash
    assert len(prepared(args | {"limit": 3}, HERE).trace) == 3
    with pytest.raises(UsageError, match="rate_per_s"):
        prepared({**args, "trace.args.rate_per_s": 0.0}, HERE)
    with pytest.raises(UnknownName):
        prepared({**args, "trace.args.lengths": "long"}, HERE)


def test_a_changed_link_counts_as_no_part_of_the_catalog() -> None:
    link = catalog.link("ethernet-100g")
    assert changed_link(link, "rate", 1.0) is link
    assert changed_link(link, "rate", "50Gbps").content_hash == ""


OWN = '[part]\nname = "{}"\nkind = "nic"\nlike = "connectx-6"\n'


@pytest.fixture
def catalogs(tmp_path: Path) -> Path:
    """Two folders of part files: a part of one's own, and one in the place of a packaged part."""
    for folder, part in (("mine", "my-nic"), ("theirs", "connectx-6")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{part}.toml").write_text(
            OWN.format(part).replace('like = "connectx-6"\n', "") + _datasheet()
            if folder == "theirs" else OWN.format(part))
    return tmp_path


def _datasheet() -> str:
    text = (Path(catalog.__file__).parent / "connectx-6.toml").read_text(encoding="utf-8")
    return text[text.index("\n", text.index('kind = "nic"')):]


def test_a_catalog_of_ones_own(toy: object, catalogs: Path) -> None:
    path = catalogs / "c.toml"
    text = ('name = "c"\n[base]\nsystem = "toy"\ntopology = "star:hosts=2"\n{}[[axis]]\n'
            'path = "replace.h1"\nvalues = ["connectx-6", "my-nic"]\n')
    path.write_text(text.format('catalog = "mine"\n'))
    found = study.run(path)
    assert [row.error for row in found.rows] == ["", ""] and "my-nic" in found.parts
    path.write_text(text.format(""))
    with pytest.raises(InputError, match="unknown part 'my-nic'"):
        study.run(path)
    path.write_text(text.format('catalog = "nobodys"\n'))
    with pytest.raises(InputError, match="c.toml:5: 'nobodys' is no folder"):
        study.run(path)


def test_another_catalog_is_another_key(toy: object, catalogs: Path) -> None:
    path = catalogs / "c.toml"
    path.write_text('name = "c"\n[base]\nsystem = "toy"\n[[axis]]\npath = "catalog"\n'
                    'values = ["mine", "theirs"]\n')
    rows = study.run(path).rows
    assert [row.error for row in rows] == ["", ""] and rows[0].hash != rows[1].hash


def test_a_part_that_an_option_names_is_told_how_to_vary() -> None:
    with pytest.raises(UsageError, match=r"by options\.server, which device\. does not reach: "
                                         r"vary options\.server over .*like = \"server-milan-1s\""):
        fabric({"system": "lovelock", "device.server-milan-1s.board_power": "2x"})
