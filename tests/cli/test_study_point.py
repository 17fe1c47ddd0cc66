"""``rackwright study point``: any point again, whole, without touching the study's own results."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import run, study
from rackwright.errors import Interrupted
from rackwright.models import registry
from rackwright.replays import Replays

Command = Callable[..., tuple[int, str, str]]
TOY = Path(__file__).parents[1] / "study" / "fakes"
TEXT = """
name = "workers"
baselines = ["slow"]
[base]
system = "toy"
[[axis]]
path = "options.workers"
values = [1, 2]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(TOY))
    monkeypatch.setitem(registry._SYSTEMS, "toy", "study_system")
    path = tmp_path / "workers.toml"
    path.write_text(TEXT)
    return path


def test_a_point_is_what_the_study_found(command: Command, file: Path) -> None:
    rows = study.run(study.load(file)).rows
    for number, row in enumerate(rows):
        code, out, err = command("study", "point", file, number)
        folder = file.parent / f"workers-point-{number}"
        assert code == 0 and f"wrote result.json, report.html to {folder}" in err
        found = run.load(folder)
        assert dict(found.result.metrics) == {name: value for name, value in row.metrics.items()
                                              if "." not in name}
        assert list(found.baselines) == ["slow"] and "slow" in out
        assert json.loads((folder / "run.json").read_text())["point"] == number


def test_other_values_of_a_path(command: Command, file: Path, tmp_path: Path) -> None:
    for workers in (2, 3):
        assert command("study", "point", file, 0, "--set", f"options.workers={workers}", "--out",
                       tmp_path / str(workers), "--quiet")[0] == 0
    study_row = study.run(study.load(file)).rows[1]
    two, three = (run.load(tmp_path / str(workers)).result for workers in (2, 3))
    name = "throughput_requests_per_s"
    assert two.metrics[name] == study_row.metrics[name] < three.metrics[name]
    assert three.options["workers"] == 3


@pytest.mark.parametrize(("args", "code", "words"), [
    (["2"], 2, "has no point 2; its points are 0 to 1"),
    (["-1"], 2, "No such option"),
    (["one"], 2, "'one' is not a valid integer"),
    (["0", "--set", "option.workers=2"], 2, "did you mean 'options.NAME'"),
    (["0", "--set", "options.workers"], 2, "write PATH=VALUE"),
    (["0", "--set", "options.wrkers=2"], 3, "did you mean 'workers'"),
])
def test_what_is_refused(command: Command, file: Path, args: list[str], code: int, words: str
                         ) -> None:
    found, out, err = command("study", "point", file, *args, "--out", file.parent / "o")
    assert found == code and words.lower() in (err + out).lower()
    assert not (file.parent / "o" / "result.json").exists()


def test_a_study_that_searches_asks_for_the_value(command: Command, file: Path) -> None:
    file.write_text(TEXT + """[search]
path = "options.load"
low = 0.1
high = 2
that = "throughput_requests_per_s > 60"
""")
    code, _, err = command("study", "point", file, 0)
    assert code == 2 and "--set options.load=VALUE" in err
    assert command("study", "point", file, 0, "--set", "options.load=0.5", "--quiet")[0] == 0


@pytest.mark.slow
def test_a_point_has_a_timeline(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text('name = "s"\n[base]\nsystem = "serving"\nlimit = 20\n'
                    '[[axis]]\npath = "seed"\nvalues = [3, 4]\n')
    assert command("study", "point", path, 1, "--out", tmp_path / "o", "--quiet")[0] == 0
    events = json.loads(gzip.decompress((tmp_path / "o" / "timeline.json.gz").read_bytes()))
    assert sum(event["ph"] == "X" for event in events["traceEvents"]) > 100
    assert run.load(tmp_path / "o").result.seed == 4


def test_an_interruption_keeps_what_is_done(command: Command, file: Path,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run.replay_baselines

    def stopped(*args: object, **options: object) -> object:
        found = whole(*args, **options)  # type: ignore[arg-type]
        raise Interrupted("interrupted", partial=Replays(found.result, {}, ("slow",)))

    monkeypatch.setattr(run, "replay_baselines", stopped)
    code, out, err = command("study", "point", file, 0, "--quiet")
    assert code == 130 and "not run: slow" in out and "wrote result.json" in err
    assert run.load(file.parent / "workers-point-0").missing == ("slow",)
