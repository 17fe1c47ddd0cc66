"""Star and leaf-spine, and their texts."""

from __future__ import annotations

import pytest

from rackwright.devices import Link, catalog
from rackwright.errors import InputError, UnknownName, UsageError
from rackwright.topologies import (
    compile,
    leaf_spine,
    preset,
    preset_arguments,
    preset_names,
    resolve,
    save,
    star,
)


def test_a_star_has_one_switch_in_the_middle():
    graph = star(hosts=5, device="epyc-7763", link=Link("own", "ethernet", 1e9, 1.0, 0.0),
                 switch=catalog.switch("ethernet-switch-100g"))
    assert sorted(graph) == ["h0", "h1", "h2", "h3", "h4", "s0"]
    assert set(graph.successors("s0")) == {f"h{host}" for host in range(5)}
    fabric = compile(graph)
    assert fabric.hosts() == fabric.endpoints["cpu"] == ("h0", "h1", "h2", "h3", "h4")
    assert len(fabric.route("h0", "h4")) == 2


def test_a_leaf_spine_links_each_leaf_to_each_spine():
    graph = leaf_spine(leaves=3, spines=2, hosts_per_leaf=4)
    assert graph.number_of_nodes() == 3 + 2 + 12
    assert graph.number_of_edges() == 2 * (3 * 2 + 12)
    assert set(graph.successors("spine1")) == {"leaf0", "leaf1", "leaf2"}
    assert {"h4", "h5", "h6", "h7"} < set(graph.successors("leaf1"))
    fabric = compile(graph)
    assert len(fabric.route("h0", "h3")) == 2 and len(fabric.route("h0", "h4")) == 4


@pytest.mark.parametrize("build", [
    lambda: star(hosts=0), lambda: star(hosts="4"), lambda: leaf_spine(leaves=0),
    lambda: leaf_spine(spines=-1), lambda: leaf_spine(hosts_per_leaf=0),
    lambda: star(device=3), lambda: star(link=None)])
def test_bad_arguments(build):
    with pytest.raises(UsageError):
        build()


def test_names_of_other_parts_are_not_devices():
    with pytest.raises(UnknownName, match="unknown device 'nvlink3'"):
        star(device="nvlink3")


def test_every_preset_compiles():
    assert preset_names() == (
        "dgx-1", "dgx-a100", "dgx-h100", "dgx-h200", "dragonfly", "fat-tree", "leaf-spine",
        "lovelock", "p4d", "pcie-box", "star", "torus", "wan")
    for name in preset_names():
        graph = preset(name)
        assert graph.graph["name"] == name
        assert compile(graph).nodes


def test_arguments_after_a_colon():
    assert compile(preset("dgx-a100:hosts=2,nics=4")).hosts() == ("h0", "h1")
    assert compile(preset(" star : hosts = 3 , link = ethernet-100g ")).hosts() == (
        "h0", "h1", "h2")
    assert preset_arguments("dgx-h100") == {
        "gpu": "h100-sxm", "hosts": 1, "gpus": 8, "nics": 8, "network": None, "nic": None,
        "pcie": None, "fabric": "switch"}
    assert compile(preset("dgx-a100:gpu=a100-sxm-40")).device("h0/gpu0").name == "a100-sxm-40"
    assert compile(preset("star:")).content_hash == compile(star()).content_hash


@pytest.mark.parametrize("text, kind, message", [
    ("dgx-b100", UnknownName, "Did you mean 'dgx-h100'"),
    ("dgx-a100:host=2", UnknownName, "argument of topology 'dgx-a100': 'host'. Did you mean 'h"),
    ("dgx-a100:hosts", UsageError, "'hosts' has no value; write hosts=..., as in dgx-a100:hosts=1"),
    ("dgx-a100:hosts=", UsageError, "has no value"),
    ("wan:regions=a,b", UsageError, "write KEY=VALUE, with . between parts of a list"),
    ("dgx-a100:hosts=two", UsageError, "hosts is 'two'; it must be a whole number, as in hosts=1"),
    ("dgx-a100:hosts=-1", UsageError, "hosts is '-1'"),
    ("dgx-a100:hosts=1e3", UsageError, "hosts is '1e3'"),
    ("dgx-a100:hosts=99999999999999", UsageError, "must be a whole number"),
    ("dgx-a100:hosts=2,hosts=3", UsageError, "hosts is given twice"),
    ("dgx-a100:hosts=5000", UsageError, "from 1 to 4096"),
    ("", UnknownName, "unknown topology"),
])
def test_bad_texts(text, kind, message):
    with pytest.raises(kind, match=message) as caught:
        preset(text)
    assert caught.value.exit_code == 2


def test_resolve_takes_presets_and_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(star(hosts=2), "rack.json")
    save(star(hosts=3), "plain")
    save(star(hosts=7), "star")
    assert len(resolve("rack.json")) == 3
    assert len(resolve(str(tmp_path / "rack.json"))) == 3
    assert len(resolve("plain")) == 4
    assert len(resolve("star")) == 5         # the preset
    assert len(resolve("./star")) == 8       # the file
    assert len(resolve(tmp_path / "star")) == 8
    assert len(resolve("star:hosts=6")) == 7


def test_resolve_says_which_of_the_two_it_missed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="rack.json: cannot be read: No such file"):
        resolve("rack.json")
    with pytest.raises(InputError, match="no/rack: cannot be read"):
        resolve("no/rack")
    with pytest.raises(UnknownName, match=r"\(no preset, and no file of that name\) 'rack'"):
        resolve("rack")
