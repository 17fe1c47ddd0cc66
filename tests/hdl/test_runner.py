"""What the runner says of blocks that are wrong, and that nothing survives it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import hdl
from rackwright.errors import InputError, MissingTool, Stalled, UnknownName

MakeBlock = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("icarus")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RACKWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "hdl"


def test_block_folder_of_ones_own(make_block: MakeBlock) -> None:
    folder = make_block()
    report = hdl.test_block(folder)
    assert report.passed and [test.name for test in report.tests] == ["inverts"]
    assert report.coverage == {"a:5": 1}
    written = {file.name for file in folder.iterdir()} - {"__pycache__"}
    assert written == {"tiny.v", "bench.py", "block.toml"}


def test_failing_bench_is_a_report(make_block: MakeBlock) -> None:
    folder = make_block()
    make_block(rtl=(folder / "tiny.v").read_text().replace("~a", "a"))
    report = hdl.test_block(folder)
    assert not report.passed
    assert [test.passed for test in report.tests] == [False]
    assert "y is not the inverse of a" in report.tests[0].message


@pytest.mark.slow
def test_compiled_simulations_are_kept_by_content(make_block: MakeBlock, cache: Path) -> None:
    folder = make_block()
    assert hdl.test_block(folder).passed
    (kept,) = cache.glob("*.vvp")
    before = kept.stat().st_ino
    assert hdl.test_block(folder).passed
    assert [*cache.glob("*.vvp")] == [kept] and kept.stat().st_ino == before
    make_block(rtl=(folder / "tiny.v").read_text().replace("~a", "a"))
    assert not hdl.test_block(folder).passed
    assert len([*cache.glob("*.vvp")]) == 2


def test_rtl_that_does_not_compile(make_block: MakeBlock) -> None:
    with pytest.raises(InputError, match=r"(?s)does not compile \(4\):\n.*tiny.v:3: syntax error"):
        hdl.test_block(make_block(rtl="module tiny (input wire a);\n\nassign = a;\nendmodule\n"))


def test_rtl_that_refuses_its_parameters(make_block: MakeBlock) -> None:
    check = 'initial if (WIDTH > 3) begin $error("WIDTH is %0d", WIDTH); $finish; end\nendmodule'
    folder = make_block()
    make_block(rtl=(folder / "tiny.v").read_text().replace("endmodule", check))
    with pytest.raises(InputError, match=r"block.toml: the RTL refuses .*: WIDTH is 4"):
        hdl.test_block(folder)


@pytest.mark.slow
def test_bench_without_a_test(make_block: MakeBlock) -> None:
    with pytest.raises(InputError, match="(?s)bench.py: .*(No tests were discovered|no test ran)"):
        hdl.test_block(make_block(bench="import cocotb\n"))


@pytest.mark.slow
def test_filter_that_leaves_no_test(make_block: MakeBlock) -> None:
    with pytest.raises(InputError, match="bench.py: no test ran"):
        hdl.test_block(make_block(), tests="nothing")


@pytest.mark.slow
def test_bench_that_cannot_be_imported(make_block: MakeBlock) -> None:
    with pytest.raises(InputError, match="(?s)bench.py: .*No module named 'nonsense'"):
        hdl.test_block(make_block(bench="import nonsense\n"))


def test_simulation_that_hangs_is_killed(make_block: MakeBlock) -> None:
    folder = make_block()
    make_block(bench=(folder / "bench.py").read_text().replace(
        "dut.a.value = 5", "print('going round', flush=True)\n    while True:\n        pass"))
    with pytest.raises(Stalled, match=r"bench of tiny \(4, seed 0\) did not end within 2 s and "
                                      r"was killed") as caught:
        hdl.test_block(folder, timeout_time=2.0)
    assert caught.value.exit_code == 1


@pytest.mark.slow
def test_same_seed_same_report(make_block: MakeBlock) -> None:
    folder = make_block()
    drawing = """
    from rackwright.hdl.lib import seed, stream
    publish("coverage", {str(stream("x").getrandbits(64)): seed()})
"""
    make_block(bench=(folder / "bench.py").read_text() + drawing)
    first, again, other = (hdl.test_block(folder, seed=seed) for seed in (7, 7, 8))
    assert first.to_json() == again.to_json()
    assert first.seed == 7 and [*first.coverage.values()] == [7]
    assert first.coverage.keys() != other.coverage.keys()


@pytest.mark.slow
def test_waves_are_kept(make_block: MakeBlock, cache: Path) -> None:
    report = hdl.test_block(make_block(), waves=True)
    assert report.waves == cache / "tiny-4.fst"
    assert report.waves.stat().st_size > 0


def test_missing_icarus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (hdl.test_block, hdl.characterise, hdl.lint):
        with pytest.raises(MissingTool, match="sudo apt-get install iverilog") as caught:
            call("witness_table")
        assert caught.value.exit_code == 4
        assert "\n" not in str(caught.value)


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'witness_table'"):
        hdl.test_block("witness")
    with pytest.raises(UnknownName, match="geometry of block witness_table '9x9'. .*1024x4"):
        hdl.test_block("witness_table", geometry="9x9")
