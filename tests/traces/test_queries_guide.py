"""The snippets of docs/guides/query-traces.md, run, and the fragment of the traces' README."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import rackwright.traces
from rackwright.traces import read_queries
from rackwright.traces.queries_file import QUERIES_HEADER

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "query-traces.md"
README = Path(str(rackwright.traces.__file__)).parent / "README.md"


def test_the_fragment_is_a_trace_of_ours(tmp_path: Path) -> None:
    blocks = re.findall(r"```\n(.*?)```", README.read_text(), re.DOTALL)
    path = tmp_path / "tiny.csv"
    path.write_text(next(block for block in blocks if QUERIES_HEADER in block))
    assert len(read_queries(path)) == 2 and read_queries(path).name == "tiny"


@pytest.mark.skipif(not PAGE.is_file(), reason="the guides are not beside the tests")
def test_the_guide_s_snippets_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                  capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for snippet in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(compile(snippet, str(PAGE), "exec"), names)
    shown = capsys.readouterr().out
    assert "200 queries" in shown and "no figure is the paper's" in shown
    assert len(read_queries("day.csv.gz")) == len(names["day"])
