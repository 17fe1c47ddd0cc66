"""``rackwright study``: exit codes, what goes to stdout, what is written."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from rackwright.cli import main
from rackwright.models import registry
from rackwright.study import code_hash

TOY = Path(__file__).parents[1] / "study" / "fakes"
TEXT = """
name = "workers"
baselines = ["slow"]
[base]
system = "toy"
[[axis]]
path = "options.workers"
values = [1, 2]
[derived]
gain = "throughput.ratio"
[[expect]]
that = "gain >= {}"
"""


class Ran(NamedTuple):
    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs ``rackwright study`` with the toy system of the tests of studies."""
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.setitem(registry._SYSTEMS, "toy", "study_system")
    import study_system

    monkeypatch.setattr(code_hash, "_package", study_system.package_hash)
    monkeypatch.delenv("RACKWRIGHT_DEBUG", raising=False)

    def call(*args: object) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(["study", *map(str, args)])
        return Ran(int(stop.value.code or 0), *capsys.readouterr())

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "workers.toml"
    path.write_text(TEXT.format(2))
    return path


def test_run_prints_the_table_and_writes_the_folder(command: Command, file: Path) -> None:
    ran = command("run", file)
    assert ran.code == 0 and "gain" in ran.out and "holds gain >= 2" in ran.out
    folder = file.parent / "workers-out"
    assert f"to {folder}" in ran.err
    page = (folder / "report.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "<script" not in page and "http" not in \
        page.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
            "http://creativecommons.org", "")
    assert (folder / "results.csv").read_text().count("\n") == 3


def test_a_failed_expectation_is_exit_code_1(command: Command, file: Path, tmp_path: Path) -> None:
    file.write_text(TEXT.format(3))
    ran = command("run", file, "--out", tmp_path / "out")
    assert ran.code == 1 and "FAILS gain >= 3, at all of 2 points: true at 0, not at points 0, 1" \
        in ran.out
    assert (tmp_path / "out" / "results.csv").exists()


def test_json_is_what_the_folder_holds(command: Command, file: Path, tmp_path: Path) -> None:
    ran = command("run", file, "--json", "--quiet", "--out", tmp_path / "out")
    assert ran.out == (tmp_path / "out" / "study.json").read_text()
    assert [point["axes"] for point in json.loads(ran.out)["points"]] == [
        {"workers": 1}, {"workers": 2}]


def test_shards_and_merge(command: Command, file: Path, tmp_path: Path) -> None:
    for number in (1, 2):
        ran = command("run", file, "--shard", f"{number}/2", "--out", tmp_path / f"p{number}")
        assert ran.code == 0 and "study merge" in ran.err
    ran = command("merge", file, tmp_path / "p1", tmp_path / "p2", "--out", tmp_path / "all")
    assert ran.code == 0
    command("run", file, "--out", tmp_path / "whole")
    for name in ("results.csv", "study.json", "report.html"):
        assert (tmp_path / "all" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    ran = command("merge", file, tmp_path, "--out", tmp_path / "all")
    assert ran.code == 3 and "has no store" in ran.err


@pytest.mark.parametrize(("args", "code", "words"), [
    (["run", "none.toml"], 3, "cannot read the study"),
    (["run", "{file}", "--shard", "3/2"], 2, "1/4"),
    (["run", "{file}", "--jobs", "2", "--scheduler", "tcp://x:1"], 2, "give one of them"),
    (["run", "{file}", "--jobs", "0"], 2, "--jobs"),
    (["check", "none.toml"], 3, "cannot read the study"), (["run"], 2, "FILE")])
def test_refusals(command: Command, file: Path, args: list[str], code: int, words: str) -> None:
    ran = command(*(arg.format(file=file) for arg in args))
    assert (ran.code, ran.out) == (code, "") and words in ran.err and "Traceback" not in ran.err


def test_a_cluster_needs_dask(command: Command, file: Path, monkeypatch: pytest.MonkeyPatch
                              ) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    ran = command("run", file, "--scheduler", "tcp://127.0.0.1:1")
    assert ran.code == 4 and "pip install 'rackwright[dask]'" in ran.err


def test_a_cluster_by_address(command: Command, file: Path, tmp_path: Path,
                              monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import Executor, ThreadPoolExecutor

    asked: list[str] = []

    class Client:
        def __init__(self, address: str, timeout: float) -> None:
            asked.append(address)

        def get_executor(self) -> Executor:
            return ThreadPoolExecutor(1)

        def close(self) -> None:
            asked.append("closed")

    module = ModuleType("distributed")
    module.Client = Client  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "distributed", module)
    assert command("run", file, "--scheduler", "tcp://h:8786", "--out", tmp_path / "o").code == 0
    assert asked == ["tcp://h:8786", "closed"] and importlib.util.find_spec("concurrent.futures")


BETWEEN = """
name = "between"
[base]
system = "toy"
[[axis]]
path = "options.workers"
range = { start = 1, stop = 9, steps = 2, whole = true }
[[axis]]
path = "options.load"
range = { start = 0.5, stop = 2.0, steps = 2 }
"""


def test_sensitivity_prints_and_writes(command: Command, file: Path) -> None:
    file.write_text(BETWEEN)
    ran = command("sensitivity", file, "--metric", "throughput", "--method", "one")
    assert ran.code == 0 and ran.out.splitlines()[5].startswith("workers")
    folder = file.parent / "workers-sensitivity"
    found = json.loads((folder / "sensitivity.json").read_text())
    assert [row["axis"] for row in found["effects"]] == ["workers", "load"]
    assert (folder / "results.csv").read_text().count("\n") == 1 + found["points"]
    again = command("sensitivity", file, "--metric", "throughput", "--method", "one", "--json")
    assert again.code == 2 and "--resume" in again.err
    again = command("sensitivity", file, "--metric", "throughput", "--method", "one", "--json",
                    "--resume", "--quiet")
    assert again.code == 0 and json.loads(again.out) == found
    assert command("sensitivity", file).code == 2


def test_optimise_prints_and_writes(command: Command, file: Path, tmp_path: Path) -> None:
    file.write_text(BETWEEN)
    call = ("optimise", file, "--optimiser", "random", "--out", tmp_path / "o", "--maximise",
            "throughput")
    ran = command(*call, "--trials", 6, "--batch", 2)
    assert ran.code == 0 and "6 trials by random, seed 0" in ran.out
    assert len(json.loads((tmp_path / "o" / "trials.json").read_text())["trials"]) == 6
    ran = command(*call, "--trials", 9, "--resume")
    assert ran.code == 0 and "9 trials" in ran.out
    assert command("optimise", file, "--optimiser", "random").code == 2


def test_check_lists_points(command: Command, file: Path) -> None:
    ran = command("check", file)
    assert ran.code == 0 and ran.out.endswith("2 points, 4 replays with 1 baselines\n")
    assert json.loads(command("check", file, "--json").out)[1]["scenario"] == {
        "system": "toy", "seed": 0, "options.workers": 2}


def test_schema(command: Command) -> None:
    assert "axis" in json.loads(command("schema").out)["properties"]
