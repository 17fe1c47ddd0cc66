"""``rackwright reproduce``: arguments, exit codes, JSON, files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright.reproduce import System, reproduction

Command = Callable[..., tuple[int, str, str]]

MODULE = """\
from rackwright.reproduce import Context

def gain(context: Context) -> float:
    return 2.2 * context.parameter("cap", 10) / 10

SIMULATIONS = {"gain": gain, "late": lambda context: 5.0,
               "file": lambda context: context.file("x.csv", source="nowhere", licence="MIT")}
"""
CLAIMS = """\
system = "small"
paper = "a paper"

[[row]]
id = "gain"
figure = "Fig 1"
claim = "gain over the baseline"
configuration = "eight GPUs"
published = 2.0
tolerance = 0.2
unit = "1"
kind = "predicted"

[[row]]
id = "late"
figure = "Fig 2"
claim = "latency"
configuration = "eight GPUs"
published = 3.0
tolerance = 0.1
unit = "s"
kind = "predicted"
known_miss = "no queue in front"

[[row]]
id = "file"
figure = "Fig 3"
claim = "share"
configuration = "their trace"
low = 0.5
unit = "1"
kind = "check"
"""
FIELDS = {"system", "id", "part", "key", "kind", "figure", "claim", "configuration", "unit",
          "published", "low", "high", "simulated", "relative_error", "tolerance", "holds", "state",
          "reason", "known_miss", "fits", "fitted_on", "sensitivities"}


@pytest.fixture(autouse=True)
def targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "small_simulations.py").write_text(MODULE)
    path = tmp_path / "targets.toml"
    path.write_text(CLAIMS)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("RACKWRIGHT_DATA", raising=False)
    system = System("small", path, "small_simulations")
    monkeypatch.setattr(reproduction, "found", lambda: (system,))
    return path


def test_text(command: Command) -> None:
    code, out, err = command("reproduce")
    assert code == 0 and err == ""
    lines = out.splitlines()
    assert lines[0] == "small: a paper"
    gain, late, file = (line.split() for line in lines[3:6])
    assert gain[-8:] == ["predicted", "2", "+-20", "%", "2.2", "+10", "%", "holds"]
    assert late[-2:] == ["MISS,", "known"] and file[-1] == "skipped"
    assert "late: known miss: no queue in front" in out
    assert "1 of 2 predicted values hold; 1 known to miss" in lines[-1]
    assert all(len(line) <= 100 for line in lines)


def test_json(command: Command) -> None:
    code, out, _ = command("reproduce", "small", "--json", "--sensitivity")
    rows = json.loads(out)
    assert code == 0 and all(set(row) == FIELDS for row in rows)
    gain, late, file = rows
    assert (gain["simulated"], gain["holds"], gain["state"]) == (2.2, True, "holds")
    assert gain["relative_error"] == pytest.approx(0.1)
    assert [each["parameter"] for each in gain["sensitivities"]] == ["cap"]
    assert (late["holds"], late["known_miss"]) == (False, "no queue in front")
    assert (file["simulated"], file["holds"], file["low"], file["tolerance"]) == (
        None, None, 0.5, None)


def test_the_same_bytes_whatever_the_jobs(command: Command) -> None:
    assert command("reproduce", "--json")[1] == command("reproduce", "--json", "--jobs", 3)[1]


@pytest.mark.parametrize(("old", "new", "word"), [
    ("published = 2.0", "published = 9.0", "fails"),
    ("published = 3.0", "published = 5.0", "holds despite known miss")])
def test_a_row_that_changes_its_state(command: Command, targets: Path, old: str, new: str,
                                      word: str) -> None:
    targets.write_text(CLAIMS.replace(old, new))
    code, out, _ = command("reproduce")
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("CHANGED") and word in line]


def test_a_wrong_file_is_one_message(command: Command, targets: Path) -> None:
    targets.write_text(CLAIMS.replace('kind = "check"', 'kind = "checked"'))
    code, out, err = command("reproduce")
    assert (code, out) == (3, "")
    assert err == (f"rackwright: error: {targets}:32: row file: kind must be one of predicted, "
                   "fitted, stand-in, check, not 'checked'\n")


@pytest.mark.parametrize("arguments", [["smal"], ["--id", "gains"], ["--data", "/nowhere"],
                                       ["--jobs", "0"], ["--seed", "-1"], ["--update", "/no.md"]])
def test_usage(command: Command, arguments: list[str]) -> None:
    code, out, err = command("reproduce", *arguments)
    assert (code, out) == (2, "") and err


def test_list_simulates_nothing(command: Command, targets: Path) -> None:
    (targets.parent / "small_simulations.py").write_text("1 / 0")
    code, out, _ = command("reproduce", "--list")
    assert code == 0 and "late: latency" in out and "yes" in out
    code, out, _ = command("reproduce", "--list", "--json", "--id", "late")
    assert [row["key"] for row in json.loads(out)] == ["late"]


def test_html(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "new" / "page.html"
    code, _, err = command("reproduce", "--html", path)
    assert code == 0 and err == f"written: {path}\n"
    assert path.read_text().startswith("<!DOCTYPE html>")


def test_update(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text("a\n<!-- reproduce summary -->\nstale\n<!-- reproduce end -->\nb\n")
    assert command("reproduce", "--update", path, "--quiet")[0] == 0
    text = path.read_text()
    assert text.startswith("a\n") and text.endswith("b\n") and "stale" not in text
    assert "| small | 2 | 1 | 1 | 0 | 0 | 1 |\n" in text


def test_an_update_without_marks_is_refused_before_any_work(command: Command, tmp_path: Path
                                                            ) -> None:
    (tmp_path / "page.md").write_text("nothing")
    code, out, err = command("reproduce", "--update", tmp_path / "page.md")
    assert (code, out) == (3, "") and "reproduce summary" in err


@pytest.mark.parametrize("some", [["small"], ["--id", "gain"]])
def test_an_update_by_some_rows_is_refused(command: Command, tmp_path: Path, some: list[str]
                                           ) -> None:
    path = tmp_path / "page.md"
    path.write_text("<!-- reproduce rows -->\n<!-- reproduce end -->\n")
    code, out, err = command("reproduce", "--update", path, *some)
    assert (code, out) == (2, "") and "all systems" in err
