"""The examples: unmodified, over all three transports, with the kept output."""

from __future__ import annotations

import json
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "panel"
SCRIPTS = ("link_fault", "power", "power_cap", "replay_fault")

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="needs the repository's examples")


def printed(script: str, *args: str) -> str:
    done = subprocess.run([sys.executable, FOLDER / f"{script}.py", *args], capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_in_process(script: str, monkeypatch: pytest.MonkeyPatch,
                    capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", [f"{script}.py"])
    runpy.run_path(str(FOLDER / f"{script}.py"))
    assert capsys.readouterr().out == (FOLDER / f"{script}.out").read_text()


@pytest.fixture(scope="module")
def resources() -> Iterator[dict[str, str]]:
    """Ending of the resource name -> the rack's, from a served panel."""
    command = [sys.executable, "-m", "rackwright", "panel", str(FOLDER / "rack.toml"), "--tcp", "0",
               "--hislip", "0", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    text = ""
    while not text.rstrip().endswith("]"):
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        text += line
    yield {entry["resource"].rpartition("::")[2]: entry["resource"] for entry in json.loads(text)
           if entry["instrument"] == "rack"}
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and "panel closed" in errors


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["SOCKET", "INSTR"])
@pytest.mark.parametrize("script", SCRIPTS)
def test_over_the_network(resources: dict[str, str], script: str, ending: str) -> None:
    pytest.importorskip("pyvisa_py", reason="needs pyvisa-py to speak sockets and HiSLIP")
    got = printed(script, "@py", resources[ending])
    assert got == (FOLDER / f"{script}.out").read_text()
