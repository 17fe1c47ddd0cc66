"""``rackwright fidelity``: what it prints, its exit codes, what it imports."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from rackwright.fidelity.assessment import SCHEMA

CSV = "dtype,layout,m,n,k,time_us\nbf16,linear,64,4096,4096,1000\n"


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(CSV)
    return path


@pytest.fixture
def asked(packaged, monkeypatch):
    """What the command asks for; it gets what was assessed already."""
    calls = []
    monkeypatch.setattr("rackwright.fidelity.assessment.assess",
                        lambda *args, **chosen: calls.append((args, chosen)) or packaged)
    return calls


def test_the_report(command, asked):
    code, out, err = command("fidelity", "h100-sxm", "--all")
    assert asked == [((("h100-sxm",),), {"folder": None, "fitted": True})]
    assert (code, err) == (0, "")
    assert "attention decode cold" in out and "roofline" in out and "LLMCompass" in out
    assert max(map(len, out.splitlines())) <= 100


def test_all_parts_and_the_transferred_one_as_json(command, asked):
    code, out, err = command("fidelity", "--json")
    assert asked == [(((),), {"folder": None, "fitted": False})]
    found = json.loads(out)
    assert (code, err) == (0, "") and found["schema"] == SCHEMA
    assert [column["name"] for column in found["columns"]] == [
        "h100-sxm", "h200-sxm", "h200 from h100"]
    assert {entry["column"] for entry in found["operations"]} == {
        "h100-sxm", "h200-sxm", "h200 from h100"}


@pytest.mark.slow
@pytest.mark.parametrize("part", ["h100-sxm", "h200-sxm"])
def test_a_whole_part(command, part):
    code, out, err = command("fidelity", part)
    assert code == 0 and f"{part}: measured on" in out


@pytest.mark.parametrize("args", [("--part", "h100-sxm"), ("h100-sxm",)])
def test_ones_own_data(command, mine, args):
    code, out, err = command("fidelity", "--data", mine, *args, "--json")
    entry, = json.loads(out)["operations"]
    assert (code, err) == (0, "")
    assert (entry["operation"], entry["rows"]) == ("gemm bf16", 1) and entry["worst"] < -0.98
    assert entry["roofline"]["rows"] == 1  # of the packaged measurements, for the part has some


@pytest.mark.parametrize(("args", "says"), [
    (("h101-sxm",), "part with packaged measurements 'h101-sxm'. Did you mean 'h100-sxm'? Known"),
    (("--part", "h100-sxm"), "there is no --data"),
    (("--all", "--nope"), "No such option"),
    (("--plot", "x.gif"), "--plot writes .png or .svg"),
])
def test_usage(command, args, says):
    code, out, err = command("fidelity", *args)
    assert (code, out) == (2, "") and says in err


def test_data_needs_one_part(command, mine):
    for parts in ((), ("h100-sxm", "h200-sxm"), ("h100-sxm", "--part", "h200-sxm")):
        code, out, err = command("fidelity", "--data", mine, *parts)
        assert (code, out) == (2, "") and "--data needs the one part" in err
    code, _, err = command("fidelity", "--data", mine, "--part", "h101")
    assert code == 2 and "unknown GPU 'h101'" in err


def test_bad_data(command, mine):
    mine.write_text(CSV.replace("1000", "fast"))
    code, out, err = command("fidelity", "--data", mine, "--part", "h100-sxm")
    assert (code, out) == (3, "")
    assert err == (f"rackwright: error: {mine}:2: column time_us: 'fast'; allowed: numbers above "
                   "0, with a point for decimals\n")


def test_a_shape_that_makes_no_sense(command, tmp_path):
    path = tmp_path / "a.csv"
    head = "phase,causal,cache,batch,heads,kv_heads,head_dim,q_len,kv_len,time_us\n"
    path.write_text(head + "decode,no,cold,1,8,8,128,1,64,9\ndecode,no,cold,1,8,3,128,1,64,9\n")
    code, out, err = command("fidelity", "--data", path, "--part", "h100-sxm")
    assert (code, out) == (3, "") and err.startswith(f"rackwright: error: {path}:3: attention ")
    assert "multiple" in err


def test_a_catalog_of_ones_own(command, mine, tmp_path):
    (tmp_path / "slow.toml").write_text(
        '[part]\nname = "slow"\nkind = "gpu"\nlike = "h100-sxm"\n' + "".join(
            f'[calibration.{name}]\nclass = "assumed"\nsource = "a test"\nmedian = 0.5\np90 = 0.9\n'
            for name in calibrations()))
    mine = mine.rename(tmp_path / "mine.csv")
    code, out, err = command("fidelity", "--data", mine, "--part", "slow", "--catalog", tmp_path,
                             "--json")
    assert (code, err) == (0, "") and json.loads(out)["columns"][0]["part"] == "slow"


def calibrations():
    import dataclasses

    from rackwright.devices.gpu.part import Gpu

    return [field.metadata["table"] or field.name for field in dataclasses.fields(Gpu)
            if "fit" in field.metadata]


def test_ctrl_c(command, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt
    monkeypatch.setattr("rackwright.fidelity.assessment.assess", stop)
    code, out, err = command("fidelity")
    assert (code, out, err.strip()) == (130, "", "rackwright: interrupted")


def test_a_picture(command, mine, tmp_path):
    pytest.importorskip("matplotlib")
    target = tmp_path / "a.svg"
    code, out, err = command("fidelity", "--data", mine, "--part", "h100-sxm", "--plot", target)
    assert code == 0 and "gemm bf16" in out and err == f"drawn: {target}\n"
    assert "gemm bf16" in target.read_text()


def test_what_is_not_needed_is_not_imported(mine):
    code = ("import sys\nfrom rackwright.cli import main\n"
            f"try: main(['fidelity', '--data', {str(mine)!r}, '--part', 'h100-sxm'])\n"
            "except SystemExit: pass\n"
            "print(sorted({'numba', 'matplotlib', 'pydantic', 'rich', 'cocotb'} "
            "& set(sys.modules)), file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
