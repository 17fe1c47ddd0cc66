"""The reader of targets.toml: what it gives, and one error with every fault at its line."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rackwright.models
from rackwright.errors import InputError
from rackwright.reproduce.claims import Claims, read

MODELS = Path(str(rackwright.models.__file__)).parent
FILES = sorted(MODELS.glob("*/targets.toml"))

TEXT = '''\
system = "toy"
paper = "a paper"

[[row]]
id = "toy-1"
part = "one host"
figure = "Fig 1"
claim = "gain"
configuration = """two lines, \\
kind = \\"of the text\\""""
unit = "tokens/s"
published = 10
tolerance = 0.1
kind = "fitted"
fits = "cap"
fitted_on = ["toy-1/one host"]

[[row]]
id = "toy-2"
figure = "Fig 2"
claim = "order"
configuration = "two hosts"
unit = "s"
published = 3.0
low = 1.0
kind = "predicted"
known_miss = "no caches"
'''


def parse(text: str, tmp_path: Path, system: str = "toy") -> Claims:
    path = tmp_path / "targets.toml"
    path.write_text(text)
    return read(path, system)


def test_a_file(tmp_path: Path) -> None:
    claims = parse(TEXT, tmp_path)
    assert claims.keys == ("toy-1/one host", "toy-2")
    first, second = claims.rows
    assert first.published == 10.0 and first.bounds == (9.0, 11.0)
    assert first.fitted_on == ("toy-1/one host",) and first.line == 4
    assert second.bounds == (1.0, math.inf) and second.known_miss == "no caches"
    assert second.line == 18


# (what is replaced, by what, line of the error, words of the message)
FAULTS = {
    "unknown field": ('part = "one host"', 'parts = "x"', 6, "parts is not a field"),
    "unknown field of the file": ('paper = "a paper"', 'paper = "p"\nyear = 2025', 3, "year"),
    "no paper": ('paper = "a paper"\n', "", None, "paper: must be text"),
    "another system": ('"toy"', '"aep"', 1, "'aep' in the folder of 'toy'"),
    "no rows": (TEXT[TEXT.index("[[row]]"):], "", None, "at least one: [[row]]"),
    "row is no table": (TEXT[TEXT.index("[[row]]"):], "row = [3]", 4, "[[row]]"),
    "missing": ('claim = "order"\n', "", 18, "claim is missing"),
    "empty": ('claim = "order"', 'claim = " "', 21, "claim is empty"),
    "kind": ('"predicted"', '"expected"', 26, "one of predicted, fitted, stand-in, check"),
    "text for a number": ("published = 3.0", 'published = "3"', 24, "must be a number"),
    "truth for a number": ("published = 3.0", "published = true", 24, "must be a number"),
    "infinite": ("published = 3.0", "published = inf", 24, "must be finite"),
    "not a number": ("low = 1.0", "low = nan", 25, "must be finite"),
    "number for text": ('id = "toy-2"', "id = 2", 19, "must be text, not 2"),
    "negative tolerance": ("tolerance = 0.1", "tolerance = -0.1", 13, "must not be negative"),
    "unit": ('unit = "s"', 'unit = "ms"', 23, "'ms' is no known unit"),
    "unit below": ('unit = "s"', 'unit = "s/"', 23, "'s/' is no known unit"),
    "miss without a reason": ('"no caches"', '""', 27, "known_miss is empty"),
    "no goal": ("low = 1.0\n", "", 18, "either published and tolerance, or low"),
    "two goals": ("low = 1.0", "low = 1.0\ntolerance = 0.1", 18, "either published"),
    "tolerance alone": ("published = 10\n", "", 4, "tolerance is about published"),
    "field named in a text": ('kind = "fitted"', 'kind = "fit"', 14, "one of predicted, fitted"),
    "range of a point": ("low = 1.0", "low = 1.0\nhigh = 1.0", 18, "low 1 is not below high 1"),
    "range turned": ("low = 1.0", "low = 1.0\nhigh = 0.5", 18, "low 1 is not below high 0.5"),
    "fit without name": ('fits = "cap"\n', "", 4, "names what it fits"),
    "fit without rows": ('fitted_on = ["toy-1/one host"]\n', "", 4, "rows it was fitted on"),
    "fit on nothing": ('["toy-1/one host"]', "[]", 16, "must name a row"),
    "fit on what is not there": ('["toy-1/one host"]', '["toy-3"]', 4, "no such row"),
    "fit on a predicted row": ('["toy-1/one host"]', '["toy-2"]', 18, "cap was fitted on it"),
    "fits of another kind": ('kind = "fitted"', 'kind = "check"', 4, 'only for kind = "fitted"'),
    "twice": ('id = "toy-2"', 'id = "toy-1"\npart = "one host"', 18, "line 4 has this id and part"),
    "id with and without parts": ('id = "toy-2"', 'id = "toy-1"', 4, "give it one"),
    "slash": ('id = "toy-2"', 'id = "toy/2"', 19, "a row's key is id/part"),
    "line": ('id = "toy-2"', 'id = "toy-2"\nline = 3', 20, "line: is not a field"),
    "not TOML": ('id = "toy-2"', "id = toy-2", None, "not TOML"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_its_line(name: str, tmp_path: Path) -> None:
    old, new, line, words = FAULTS[name]
    assert TEXT.count(old) == 1 or name == "no rows"
    with pytest.raises(InputError) as problem:
        parse(TEXT.replace(old, new), tmp_path)
    assert words in str(problem.value)
    assert problem.value.line == line
    assert problem.value.place == tmp_path / "targets.toml"


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = TEXT.replace('unit = "s"', 'unit = "ms"').replace("tolerance = 0.1", "tolerance = -1")
    with pytest.raises(InputError) as problem:
        parse(text.replace('"no caches"', '""'), tmp_path)
    places = re.findall(r"targets\.toml:(\d+): ", str(problem.value))
    assert places == ["13", "23", "27"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the claims"):
        read(tmp_path / "none.toml", "toy")


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot read the claims"):
        read(tmp_path / "targets.toml", "toy")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_the_packaged_files(path: Path) -> None:
    claims = read(path, path.parent.name)
    lines = path.read_text().splitlines()
    assert len(claims.rows) == sum(line.startswith("[[row]]") for line in lines)
    assert all(lines[row.line - 1] == "[[row]]" for row in claims.rows)


LINES = TEXT.splitlines()
SCRAPS = [*LINES, "[[row]]", "[row]", "row = 1", "low = 1e400", "published = 1" + "0" * 400,
          "high = -1",
          'fitted_on = "toy-2"', "fitted_on = [1]", "known_miss = 3", "id = []", "kind = {}",
          '"""', "'''", "part = '''a", "[row.x]", "line = 1", "x.y = 2", "tolerance = 1979-05-27"]


@settings(max_examples=300)
@given(edits=st.lists(st.tuples(st.sampled_from(["drop", "put", "swap"]),
                                st.integers(0, len(LINES)), st.sampled_from(SCRAPS)), max_size=5))
def test_an_edited_file_is_read_or_refused(edits: list[tuple[str, int, str]],
                                           tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = list(LINES)
    for what, place, scrap in edits:
        kept = [] if what == "put" else [what]
        lines[place:place + len(kept)] = [] if what == "drop" else [scrap]
    path = tmp_path_factory.getbasetemp() / "edited.toml"
    path.write_text("\n".join(lines) + "\n")
    try:
        claims = read(path, "toy")
    except InputError as problem:
        assert problem.place == path
        assert problem.line is None or 1 <= problem.line <= len(lines)
        return
    assert len(set(claims.keys)) == len(claims.rows)
    for row in claims.rows:
        low, high = row.bounds
        assert low <= high
        assert row.published is None or row.tolerance is None or row.allows(row.published)
        assert (row.kind == "fitted") == (row.fitted_on is not None)
