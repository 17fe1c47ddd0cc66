"""``rackwright replay``: text and JSON on stdout, progress on stderr, files in --out."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from rackwright import run


def test_a_replay_prints_its_metrics(rackwright: Any) -> None:
    code, out, err = rackwright("replay", "fake")
    assert (code, err) == (0, "")
    assert "500 req/s" in out and "what limits it" in out and "slow" not in out


@pytest.mark.parametrize(("args", "shown"), [
    (["--baseline"], ["slow", "pair"]), (["--baseline=pair"], ["pair"]),
    (["--baseline=pair,slow"], ["pair", "slow"]), (["--baseline", "--quiet"], ["slow", "pair"])])
def test_baselines_are_shown_beside_it(rackwright: Any, args: list[str], shown: list[str]) -> None:
    code, out, _ = rackwright("replay", "fake", *args)
    table = out.split("ratio: fake divided by the row")[0]
    rows = [line.split()[0] for line in table.splitlines()[4:] if line]
    assert code == 0 and rows == ["fake", *shown]


def test_settings_reach_the_model(rackwright: Any) -> None:
    code, out, _ = rackwright("replay", "fake", "--set", "service=1ms", "--set", "workers=2")
    assert code == 0 and "2000 req/s" in out


def test_json_is_canonical_and_complete(rackwright: Any) -> None:
    code, out, _ = rackwright("replay", "fake", "--baseline=slow", "--json", "--seed", 5)
    found = json.loads(out)
    assert code == 0
    assert out == json.dumps(found, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    assert found["result"]["seed"] == 5
    assert list(found["baselines"]) == ["slow"] and found["missing"] == []


def test_the_same_call_gives_the_same_bytes(rackwright: Any) -> None:
    call = ("replay", "fake", "--baseline", "--json")
    assert rackwright(*call).out == rackwright(*call).out


def test_out_holds_what_was_printed(rackwright: Any, tmp_path: Path) -> None:
    code, out, err = rackwright("replay", "fake", "--baseline", "--json", "--out", tmp_path / "o")
    assert code == 0 and f"wrote results to {tmp_path / 'o'}" in err
    assert run.load(tmp_path / "o").record() == json.loads(out)


def test_a_wrong_place_for_out_is_found_before_the_replay(rackwright: Any, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(run, "replay_baselines", None)
    code, _, err = rackwright("replay", "fake", "--out", tmp_path / "file")
    assert code == 3 and "cannot write results here" in err


def test_a_trace_can_be_limited(rackwright: Any, tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("1\n" * 9)
    whole = json.loads(rackwright("replay", "fake", "--trace", path, "--json").out)
    part = json.loads(rackwright("replay", "fake", "--trace", path, "--limit", 4, "--json").out)
    assert whole["result"]["undefined"]["latency_p99_s"].endswith("had 9")
    assert part["result"]["undefined"]["latency_p99_s"].endswith("had 4")


def test_options_are_listed_without_a_replay(rackwright: Any) -> None:
    code, out, _ = rackwright("replay", "fake", "--options")
    assert code == 0 and "service = 2ms" in out and "pair  workers=2" in out
    found = json.loads(rackwright("replay", "fake", "--options", "--json").out)
    assert [row["name"] for row in found["options"]] == ["service", "order", "workers", "fault"]
    assert found["baselines"] == {"slow": {"service": "4ms"}, "pair": {"workers": "2"}}


def test_an_interruption_prints_and_writes_what_is_done(
        rackwright: Any, fake: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
        ) -> None:
    monkeypatch.setitem(fake.MODEL.baselines, "pair", {"fault": "stop"})
    code, out, err = rackwright("replay", "fake", "--baseline", "--out", tmp_path)
    assert code == 130
    assert "pair *" in out and "* interrupted" in out
    assert "wrote what was done so far" in err and "error" not in err
    found = run.load(tmp_path)
    assert not found.complete and found.result.complete
    assert not found.baselines["pair"].complete


def test_compare_reads_two_folders(rackwright: Any, tmp_path: Path) -> None:
    for name, service in (("a", "2ms"), ("b", "4ms")):
        rackwright("replay", "fake", "--baseline=slow", "--set", f"service={service}",
                   "--out", tmp_path / name)
    code, out, _ = rackwright("compare", tmp_path / "a", tmp_path / "b")
    assert code == 0 and "option service" in out and "0.50x" in out
    assert "slow: no difference" in out  # the baseline overrides the option that differs
    found = json.loads(rackwright("compare", tmp_path / "a", tmp_path / "b", "--json").out)
    assert found["fake"]["inputs"] == [
        {"name": "option service", "ours": "0.002s", "theirs": "0.004s"}]
    assert found["slow"]["moved"] == []


def test_the_demo_shows_every_system(rackwright: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from rackwright.models import registry

    monkeypatch.setattr(registry, "names", lambda: ("fake",))
    code, out, _ = rackwright("demo", "--quiet")
    assert code == 0
    assert "fake: a queue before one server" in out
    assert "slow" in out and "pair" in out and "limit:" in out
    assert set(json.loads(rackwright("demo", "--json").out)) == {"fake"}
