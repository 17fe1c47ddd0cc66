"""The command's frame: listing, exit codes, one message an error, no tracebacks."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rackwright.cli.app import COMMANDS


def test_help_lists_every_command(rackwright: Any) -> None:
    code, out, err = rackwright("--help")
    assert (code, err) == (0, "")
    for name in COMMANDS:
        assert f"\n  {name} " in out


def test_version_is_printed(rackwright: Any) -> None:
    assert rackwright("--version")[:2] == (0, "rackwright 0.1.0\n")


def test_no_command_shows_the_help_and_fails(rackwright: Any) -> None:
    code, out, err = rackwright()
    assert code == 2 and "Commands:" in out + err


def test_an_unknown_command_gets_the_nearest(rackwright: Any) -> None:
    code, out, err = rackwright("replya")
    assert (code, out) == (2, "")
    assert err.startswith("rackwright: error: unknown command 'replya'. Did you mean 'replay'?")


@pytest.mark.parametrize(("args", "code", "message"), [
    (["replay", "fake", "--nope"], 2, "No such option"),
    (["replay", "fake", "--seed", "x"], 2, "--seed"),
    (["replay"], 2, "which system? one of: "),
    (["replay", "fke"], 2, "unknown system 'fke'. Did you mean 'fake'?"),
    (["replay", "fake", "--set", "order"], 2, "write NAME=VALUE"),
    (["replay", "fake", "--set", "order=lifo", "--set", "order=fifo"], 2, "given twice"),
    (["replay", "fake", "--baseline=fast"], 2, "unknown baseline of fake 'fast'"),
    (["replay", "fake", "--set", "order=x"], 3, "order = 'x': expected fifo | lifo"),
    (["replay", "fake", "--set", "fault=stall"], 1, "request 3 waits for box"),
    (["replay", "fake", "--set", "fault=nan"], 1, "latency_mean_s is nan"),
    (["replay", "fake", "--set", "fault=stop", "--quiet"], 130, "interrupted after 1 request"),
    (["compare", "/nonexistent/a", "/nonexistent/b"], 3, "/nonexistent/a: no run.json here"),
    (["completion", "tcsh"], 2, "tcsh"),
])
def test_an_error_is_one_message_with_its_code(
        rackwright: Any, args: list[str], code: int, message: str) -> None:
    ran = rackwright(*args)
    assert ran.code == code
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_an_unexpected_error_is_short_and_says_how_to_see_more(rackwright: Any) -> None:
    code, _, err = rackwright("replay", "fake", "--set", "fault=bug")
    assert code == 1
    assert "unexpected ZeroDivisionError: division by zero" in err and "--debug" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("args", [["--debug"], []])
def test_debug_shows_the_traceback(rackwright: Any, monkeypatch: pytest.MonkeyPatch,
                                   args: list[str]) -> None:
    monkeypatch.setenv("RACKWRIGHT_DEBUG", "0" if args else "1")
    code, _, err = rackwright(*args, "replay", "fake", "--set", "fault=stall")
    assert code == 1 and "Traceback" in err and "Stalled" in err


def test_a_missing_module_breaks_its_command_only(
        rackwright: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "demo", ("rackwright.cli.absent:demo", "gone"))
    assert rackwright("--help").code == 0
    code, _, err = rackwright("demo")
    assert code == 4 and "no `rackwright demo`" in err


def test_a_missing_library_is_named(rackwright: Any, monkeypatch: pytest.MonkeyPatch,
                                    tmp_path: Path) -> None:
    (tmp_path / "needs_much.py").write_text("import a_library_nobody_has\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(COMMANDS, "demo", ("needs_much:demo", "gone"))
    code, _, err = rackwright("demo")
    assert code == 4 and "needs a_library_nobody_has" in err


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_s_help_works(rackwright: Any, name: str) -> None:
    module = COMMANDS[name][0].partition(":")[0]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not part of this tree")
    code, out, _ = rackwright(name, "--help")
    assert code == 0 and "Usage: rackwright" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_printed(rackwright: Any, shell: str) -> None:
    code, out, _ = rackwright("completion", shell)
    assert code == 0 and "_RACKWRIGHT_COMPLETE" in out


def completed(words: str, count: int) -> list[str]:
    """What bash is told for `words`."""
    code = "from rackwright.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "_RACKWRIGHT_COMPLETE": "bash_complete", "COMP_WORDS": words,
             "COMP_CWORD": str(count)})
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_commands_and_systems_are_completed() -> None:
    assert completed("rackwright co", 1) == ["compare", "completion"]
    assert "aep" in completed("rackwright replay a", 2)
    assert "--topology" in completed("rackwright replay aep --to", 3)


def test_a_reader_that_goes_away_is_no_error() -> None:
    code = "import sys; from rackwright.cli import main; main(['replay', '--help'])"
    process = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 141
