"""The commands over traces: what they print, and that our errors pass through."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from rackwright.cli.trace import trace as command
from rackwright.errors import InputError, RackwrightError, TraceError, UnitError, UsageError
from rackwright.traces import SHORT, generate_requests, read_requests, sample_path


def run(*arguments: object) -> str:
    return CliRunner().invoke(command, [str(argument) for argument in arguments],
                              catch_exceptions=False).stdout


def test_show() -> None:
    text = run("show", sample_path("requests_medium"))
    assert "requests       420\n" in text and "min 50, " in text and "max 250" in text


def test_show_json_of_the_first_rows() -> None:
    shown = json.loads(run("show", sample_path("requests_medium"), "--json", "--limit", 10))
    assert shown["requests"] == 10 and shown["output_tokens"]["min"] >= 50


def test_show_routing(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("# n_experts: 2\n# k: 1\nstep,request,token,layer,expert_ids\n0,0,0,0,1\n")
    assert "hottest_share  1\n" in run("show", path)


def test_check(tmp_path: Path) -> None:
    assert ": good, 420 rows, sha256 " in run("check", sample_path("requests_medium"))
    assert json.loads(run("check", sample_path("requests_medium"), "--json"))["rows"] == 420
    path = tmp_path / "t.csv"
    path.write_text("arrival_time_s,input_tokens,output_tokens\n0,1,1\n0,1,x\n")
    with pytest.raises(TraceError, match="t.csv:3: column output_tokens: 'x'"):
        run("check", path)


def test_generate_is_the_library_s_generator(tmp_path: Path) -> None:
    out = tmp_path / "t.csv.gz"
    run("generate", out, "--rate", 20, "--duration", "60s", "--input", "30-70", "--output",
        "70-130", "--seed", 5)
    expected = generate_requests(20.0, duration_time=60.0, lengths=SHORT, seed=5)
    assert read_requests(out).content_hash == expected.content_hash


def test_generate_with_the_lengths_of_a_trace(tmp_path: Path) -> None:
    out = tmp_path / "t.csv"
    run("generate", out, "--rate", 2, "--count", 30, "--lengths-of",
        sample_path("requests_medium"), "--name", "mine")
    made = read_requests(out)
    assert (len(made), made.name) == (30, "mine")
    assert "length pairs drawn from requests_medium" in made.source


@pytest.mark.parametrize(("arguments", "kind", "message"), [
    (["--duration", "60"], UnitError, "--duration: not a time: '60'"),
    (["--duration", "60s", "--input", "50"], UsageError, "--input '50': not a range of tokens"),
    (["--duration", "60s", "--output", "9-5"], UsageError, "uniform lengths 9-5"),
    ([], UsageError, "give one of"),
    (["--count", "3", "--lengths-of", "absent.csv"], InputError, "absent.csv: cannot be opened"),
])
def test_what_generate_refuses(tmp_path: Path, arguments: list[str],
                               kind: type[RackwrightError], message: str) -> None:
    with pytest.raises(kind, match=message):
        run("generate", tmp_path / "t.csv", "--rate", "20", *arguments)
    assert not list(tmp_path.iterdir())
