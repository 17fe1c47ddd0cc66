"""``rackwright trace generate KIND OUT``: every kind, one form, and the form without a kind."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import traces
from rackwright.cli.trace_kinds import KINDS
from rackwright.traces.packaged import sample_path

Command = Callable[..., tuple[int, str, str]]

SMALL = {
    "requests": "--rate 20 --count 9", "conversations": "--rate 2 --count 3 --turns 1-2",
    "documents": "--rate 10 --count 5 --documents 99 --per-query 3 --skew 0.5",
    "operations": "--workload a --count 50 --keys 100 --value 1kB --scrambled",
    "jobs": "--rate 1 --count 5 --mean 30s --foreground-batches 4,8",
    "queries": "--rate 2 --count 3 --scale 1 --period 1h --swing 0.5",
    "training": "--steps 3 --gradients 1GB", "transfers": "--rate 3 --count 4 --size 1MB",
    "bandwidth": "--steps 4 --step 2s --site paris=50MB/s --site rome=400Mbps",
    "routing": "--count 2 --layers 2 --experts 4 --top-k 2 --tokens 3-5",
    "profile": "--network vgg16 --batches 1,8", "execution": "--network gpt2 --batch 4 --data 2"}
ENDING = {"profile": "json", "execution": "zip"}


def test_every_kind_is_tried() -> None:
    assert set(SMALL) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(set(SMALL) - {"profile", "execution"}))
def test_a_kind_is_written_read_back_and_repeatable(command: Command, tmp_path: Path, kind: str
                                                    ) -> None:
    files = [tmp_path / f"{number}.{ENDING.get(kind, 'csv')}" for number in (1, 2)]
    for file in files:
        code, out, err = command("trace", "generate", kind, file, *SMALL[kind].split())
        assert (code, out) == (0, "") and str(file) in err
    read = traces.read_trace(files[0])
    assert f"{len(read)} rows, sha256 {read.content_hash}" in err
    assert files[0].read_bytes() == files[1].read_bytes()
    assert command("trace", "check", files[0])[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["profile", "execution"])
def test_kinds_of_cost_models(command: Command, tmp_path: Path, kind: str) -> None:
    test_a_kind_is_written_read_back_and_repeatable(command, tmp_path, kind)


@pytest.mark.parametrize("order", [["OUT", "--rate", "20", "--count", "9"],
                                   ["--rate", "20", "OUT", "--count", "9"]])
def test_without_a_kind_it_makes_requests(command: Command, tmp_path: Path, order: list[str]
                                          ) -> None:
    named, plain = tmp_path / "named.csv", tmp_path / "plain.csv"
    assert command("trace", "generate", "requests", named, *SMALL["requests"].split())[0] == 0
    assert command("trace", "generate", *[plain if arg == "OUT" else arg for arg in order])[0] == 0
    assert plain.read_bytes() == named.read_bytes()


def test_packaged_jobs_can_be_made_again(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "jobs.csv"
    assert command("trace", "generate", "jobs", out, "--rate", 1, "--count", 120, "--name",
                   "jobs_mixed")[0] == 0
    digest = hashlib.sha256(sample_path("jobs_mixed").read_bytes()).hexdigest()
    assert hashlib.sha256(out.read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(("arguments", "code", "said"), [
    ("documets out.csv --rate 1", 2, "unknown kind of trace 'documets'. Did you mean 'documents'"),
    ("bandwidth out.csv --steps 2 --site paris=fast", 3, "--site paris: not a data rate: 'fast'"),
    ("bandwidth out.csv --steps 2 --site paris", 2, "--site 'paris': write NAME=VALUE"),
    ("jobs out.csv --rate 1 --count 2 --model a=b", 2, "--model 'b': not a number of samples"),
    ("jobs out.csv --rate 1 --count 2 --mean 60", 3, "--mean: not a time: '60'"),
    ("conversations out.csv --rate 1 --count 2 --turns 3", 2, "--turns '3': not a range of turns"),
    ("profile out.json --network resnet5", 2, "resnet50"),
    ("profile out.json --network resnet50 --batches 1;2", 2, "--batches '1;2': not a list"),
    ("operations out.csv --count 2", 2, "Missing option '--workload'"),
    ("queries out.csv --rate 0 --count 2", 2, "rate_per_s = 0.0"),
    ("", 2, "Commands:")])
def test_what_is_refused(command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                         arguments: str, code: int, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    found, out, err = command("trace", "generate", *arguments.split())
    assert said in err + out and found == code
    assert not list(tmp_path.iterdir())
