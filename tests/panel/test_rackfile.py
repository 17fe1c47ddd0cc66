"""Rack files: what is wrong is said with file, line, value and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rackwright.errors import InputError
from rackwright.panel import read_rack

HEAD = '[rack]\nname = "r"\ntopology = "star:hosts=3"\n'
WORK = '[workload.w]\ndevices = "h*"\n'


def read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "rack.toml"
    path.write_text(text)
    read_rack(path)


@pytest.mark.parametrize(("text", "line", "words"), [
    ("", None, "topology is missing"),
    ("[rack]\nname = 3\n", 2, "text in quotes"),
    ("[rack]\nname = 'a b'\ntopology = 'star'\n", 2, "'a b'"),
    ("[rack]\n\ntopology = 'dgx-h10'\n", 3, "Did you mean 'dgx-h100'"),
    ("[rack]\ntopology = 'star:hosts=x'\n", 2, "whole number"),
    ("[rack\n", 1, "no TOML"),
    (HEAD + "nmae = 'x'\n", 4, "rack has: name, replay_unit, topology"),
    (HEAD + "replay_unit = 256\n", 4, "write a number with a unit"),
    (HEAD + "replay_unit = '2MiB'\n", 4, "1B to 1MiB"),
    (HEAD + "[racks]\n", 4, "not known"),
    (HEAD + "workload = 3\n", 4, "rack has"),
    ("workload = 3\n" + HEAD, 1, "write a table [workload.NAME]"),
    (HEAD + "[workload]\nw = 3\n", 5, "write a table [workload.w]"),
    (HEAD + "[instruments]\nboards = ['h9*']\n", 5, "no metered board is named 'h9*'"),
    (HEAD + WORK, 4, "does nothing"),
    (HEAD + WORK + "pattern = 'rang'\n", 6, "all-to-all"),
    (HEAD + WORK + "pattern = 'ring'\nrounds = -1\nnbytes = '1MB'\n", 7, "whole number from 0"),
    (HEAD + WORK + "pattern = 'ring'\nnbytes = 1000000\n", 7, "with a unit"),
    (HEAD + WORK + "pattern = 'ring'\nrounds = 5\n", 7, "give `duration`"),
    (HEAD + WORK + "pattern = 'ring'\nnbytes = '1MB'\nduration = '1s'\n", 8, "give `rounds`"),
    (HEAD + WORK + "pattern = 'pairs'\n", 6, "make no pairs"),
    (HEAD + WORK + "pattern = 'pairs'\nto = 'x*'\n", 7, "no node is named 'x*'"),
    (HEAD + WORK + "nbytes = '1MB'\ncompute = '1s'\n", 6, "nobody sends"),
    (HEAD + "[workload.w]\ndevices = 's0'\ncompute = '1ms'\n", None, "s0"),
    (HEAD + "[system.s]\nsystem = 'aap'\n", 5, "allowed: aep"),
    (HEAD + "[system.s]\n", 4, "system is missing"),
    (HEAD + "[system.s]\nsystem = 'aep'\n[system.s.options]\nfoo = 1\n", 6, "foo"),
    (HEAD + WORK + "pattern = 'ring'\n[system.w]\nsystem = 'aep'\n", 7, "names a workload and"),
])
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, line: int | None,
                                             words: str) -> None:
    with pytest.raises(InputError) as problem:
        read(tmp_path, text)
    assert words in str(problem.value)
    if line is not None:
        assert f"rack.toml:{line}: " in str(problem.value)


def test_a_missing_file_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml: cannot be read"):
        read_rack(tmp_path / "none.toml")


def test_a_topology_file_lies_beside_the_rack_file(tmp_path: Path) -> None:
    from rackwright import topologies

    topologies.save(topologies.star(hosts=2), tmp_path / "two.json")
    path = tmp_path / "rack.toml"
    path.write_text("[rack]\ntopology = 'two.json'\n")
    assert len(read_rack(path).fabric.hosts()) == 2


VALUES = st.recursive(
    st.one_of(st.integers(), st.booleans(), st.sampled_from(["ring", "h*", "1MB", "5ms", "aep"]),
              st.floats(allow_nan=False)).map(lambda value: repr(value).replace("T", "t").replace(
                  "F", "f")),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
    max_leaves=4)
KEYS = st.sampled_from(["devices", "to", "pattern", "compute", "activity", "nbytes", "rounds",
                        "limit", "duration", "seed", "system", "boards", "x"])


@settings(max_examples=60, deadline=None, suppress_health_check=[
    HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["workload.w", "system.s", "instruments", "rack", "else"]),
       st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_table_is_taken_or_refused_in_words(tmp_path: Path, table: str,
                                                entries: dict[str, str]) -> None:
    head = "" if table == "rack" else "[rack]\ntopology = 'star:hosts=2'\n"
    lines = "".join(f"{key} = {value}\n" for key, value in entries.items())
    try:
        read(tmp_path, f"{head}[{table}]\n{lines}")
    except InputError as problem:
        assert "rack.toml" in str(problem)
