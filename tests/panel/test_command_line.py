"""`rackwright panel`, and the reference page that it makes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rackwright.cli import main
from rackwright.panel.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "panel-commands.md"


def run(*args: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["panel", *args])
    return int(stop.value.code or 0)


def test_names_for_use_in_process(rack_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(rack_path), "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert {"instrument": "h0-gpu0", "resource": "TCPIP::bench::h0-gpu0::INSTR"} in listed


def test_a_wrong_rack_file_exits_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rack.toml"
    path.write_text("[rack]\ntopology = 'nothing'\n")
    assert run(str(path)) == 3
    assert f"{path}:2: rack.topology" in capsys.readouterr().err


@pytest.mark.parametrize("args", [("dgx-h10",), ("dgx-h100", "--watch"),
                                  ("star", "--tcp", "0", "--bind", "203.0.113.1")])
def test_wrong_usage_exits_2(args: tuple[str, ...]) -> None:
    assert run(*args) == 2


@pytest.mark.skipif(not PAGE.parent.is_dir(), reason="needs the repository's documentation")
def test_the_reference_page_is_made_from_the_table() -> None:
    assert PAGE.read_text() == reference()
