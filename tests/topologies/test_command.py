"""``rackwright topology``: what it prints, what it writes, how it fails."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from rackwright.cli.topology import topology
from rackwright.errors import InputError, TopologyError, UnknownName, UsageError
from rackwright.topologies import compile, load, preset, save, star


def call(*arguments: str):
    return CliRunner().invoke(topology, arguments)


def test_show_prints_the_table():
    done = call("show", "star:hosts=2")
    assert done.exit_code == 0
    assert done.stdout.startswith("star:hosts=2\n\ns0     ethernet-switch\n")
    assert compile(preset("star:hosts=2")).content_hash in done.stdout


def test_show_draws(tmp_path):
    pytest.importorskip("matplotlib", reason="pip install 'rackwright[plot]'")
    files = tmp_path / "star.svg", tmp_path / "star.png"
    done = call("show", "star", "--svg", str(files[0]), "--png", str(files[1]), "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["hosts"] == 4
    assert files[0].read_bytes().startswith(b"<?xml") and files[1].read_bytes()[1:4] == b"PNG"
    assert str(files[0]) in done.stderr


def test_check_says_that_all_is_good():
    assert call("check", "dgx-h100:hosts=2").stdout.startswith(
        "dgx-h100:hosts=2: good, 57 nodes, 172 links, hosts: 2, sha256 ")
    assert json.loads(call("check", "star", "--json").stdout)["nodes"] == 5


def test_check_lists_what_is_wrong_with_a_file(tmp_path):
    path = tmp_path / "rack.json"
    save(star(hosts=2), path)
    rows = json.loads(path.read_text())
    rows["edges"] = [edge for edge in rows["edges"] if edge["source"] != "s0"]
    path.write_text(json.dumps(rows))
    problem = call("check", str(path)).exception
    assert isinstance(problem, TopologyError)
    assert str(problem).startswith(f"{path}: this topology cannot be used (2 faults)")
    assert "edge h1->s0 has no reverse s0->h1" in str(problem)


def test_convert_writes_what_load_reads(tmp_path):
    path = tmp_path / "rack.json"
    assert call("convert", "leaf-spine:spines=3", str(path)).exit_code == 0
    assert compile(load(path)).content_hash == compile(preset("leaf-spine:spines=3")).content_hash


@pytest.mark.parametrize("arguments, kind, message", [
    (("check", "dgx"), UnknownName, "unknown topology"),
    (("show", "none.json"), InputError, "none.json: cannot be read"),
    (("convert", "star", "rack.bin"), UsageError, "cannot tell a format from 'rack.bin'"),
    (("check", "dgx-a100:hosts=x"), UsageError, "hosts is 'x'"),
])
def test_failures_are_our_errors(arguments, kind, message):
    problem = call(*arguments).exception
    assert isinstance(problem, kind) and message in str(problem)


def test_importing_topologies_is_light():
    code = ("import sys, rackwright.topologies, rackwright.cli.topology\n"
            "heavy = {'networkx', 'scipy', 'matplotlib', 'numba', 'pydantic', 'rich'}\n"
            "print(sorted(heavy & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_merge_joins_networks_by_an_uplink(tmp_path):
    sources = ["star:hosts=2", "leaf-spine:leaves=2,spines=2"]
    target = tmp_path / "both.json"
    assert isinstance(call("merge", *sources, "--out", str(target)).exception, UsageError)
    assert call("merge", *sources, "--uplink", "ethernet-400g", "--out", str(target)).exit_code == 0
    assert sorted(load(target).successors("s1")) == ["s0", "spine0", "spine1"]
