"""Study files: what is read, and every fault in one error with its line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from rackwright import study
from rackwright.errors import InputError
from rackwright.study.toml_lines import TomlLines

Write = Callable[..., Path]
BASE = 'name = "s"\n[base]\nsystem = "toy"\n'


def fault(path: Path) -> str:
    with pytest.raises(InputError) as stop:
        study.load(path)
    return str(stop.value)


def test_every_fault_is_told_with_its_line(toy: object, write: Write) -> None:
    path = write('''name = "s"
baselines = ["slow", "quick"]

[base]
system = "toy"
topology = "stra"
trace = "no.csv"

[base.options]
wokers = 2

[[axis]]
path = "options.load"
values = [1.0, -1.0]

[[axis]]
path = "link.nvlink.speed"
values = [1]

[derived]
gain = "throughput.ratio.fast"
bad = "a ++"
''')
    lines = fault(path).splitlines()
    told = [line.removeprefix(f"{path}:").partition(": ") for line in lines]
    assert [int(number) for number, _, _ in told] == [2, 6, 7, 10, 14, 17, 21, 22]
    for (_, _, text), word in zip(told, ["quick", "'star'", "no.csv", "'workers'", "load = -1.0",
                                         ".rate or .latency", "'fast'", "a ++"], strict=True):
        assert word in text


@pytest.mark.parametrize(("text", "words"), [
    ("name = 3\n" + BASE[11:], ["1: name = 3"]),
    (BASE + "[[axis]]\nvales = [1]\n", ["5: 'vales' is no field of axis.0", "'values'"]),
    (BASE + '[[axis]]\npath = "seed"\n', ["one of values, range, random"]),
    (BASE + '[[axis]]\npath = "seed"\nvalues = [1]\nrange = { start = 1, stop = 2, steps = 3 }\n',
     ["not values and range"]),
    (BASE + '[[axis]]\npath = "seed"\nvalues = []\n', ["at least one value"]),
    (BASE + '[[axis]]\npath = "seed"\nvalues = [0, -1]\n', ["6: seed is -1"]),
    (BASE + '[[axis]]\npath = "options.load"\nrange = { start = 0, stop = 2, steps = 3, '
     'scale = "log" }\n', ["above 0"]),
    (BASE + '[[axis]]\nname = "n"\ncase = [{ name = "x", set = { "option.load" = 1.0 } }]\n',
     ["options.NAME"]),
    ('combine = "zip"\n' + BASE + '[[axis]]\npath = "seed"\nvalues = [1, 2]\n[[axis]]\n'
     'path = "options.load"\nvalues = [1.0]\n', ["1: zip", "2, 1 values"]),
    ('combine = "sample"\n' + BASE, ["belong together"]),
    (BASE + '[[axis]]\npath = "seed"\nvalues = [1]\n[[axis]]\npath = "seed"\nvalues = [1]\n',
     ["7: axis 2 is called 'seed' like axis 1"]),
    (BASE + "[derived]\nmax = \"1\"\n", ["5: 'max' cannot name"]),
    (BASE + "[derived]\nx = \"throughput.ratio\"\n", ["needs a baseline"]),
    (BASE + "[[expect]]\nthat = \"throughput.change > 1\"\n", ["[reference]"]),
    (BASE + '[reference]\nseed = 1\n', ["unknown axis 'seed'"]),
    (BASE.replace("toy", "toyy"), ["unknown system 'toyy'", "'toy'"]),
    (BASE + '[base.device.h100-sxm]\nmemory_bandwith = "2x"\n', ["'memory_bandwidth'"]),
    (BASE + '[base.device.h100-sxm]\nmemory_bandwidth = 3e12\n', ["device.h100-sxm"]),
    (BASE + '[base.link.ethernet]\nrate = "3 parsecs"\n', ["parsecs"]),
    (BASE + '[base.link.ethernet]\nrate = -2\n', ["link rate is -2"]),
    (BASE + "trace_args = { rate_per_s = 3.0 }\n", ["generate:requests"]),
    (BASE + 'trace = "generate:request"\n', ["'requests'"]),
    (BASE + 'trace = "generate:requests"\ntrace_args = { rate = 3.0 }\n', ["rate_per_s"]),
    (BASE + "x = nan\n", ["'x' is no field"]), ("name = ", ["not TOML"]), ("", ["name is missing"]),
    (BASE + "seed = 1979-05-27\n", ["seed"]),
    (BASE + '[[axis]]\npath = "options.load"\nvalues = [nan]\n', ["axis"]),
])
def test_faults(toy: object, write: Write, text: str, words: list[str]) -> None:
    found = fault(write(text))
    assert all(word in found for word in words), found
    assert "Traceback" not in found and "pydantic" not in found


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert "cannot read the study" in fault(tmp_path / "none.toml")
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe")
    assert "cannot read the study" in fault(tmp_path / "x.toml")


def test_lines_of_headers_keys_and_what_is_in_them() -> None:
    lines = TomlLines('a = """\nb = 1\n"""\n[base.link."h0/gpu*->h0/s"]\nrate = 1\n'
                      '[[axis]]\n[[axis.case]]\nset = {}\n[[axis]]\npath = "x"\nb.c = 2\n')
    assert lines.of(["a"]) == 1 and lines.of(["b"]) is None
    assert lines.of(["base", "link", "h0/gpu*->h0/s", "rate"]) == 5
    assert lines.of(["axis", 0, "case", 0, "set", "x"]) == 8
    assert lines.of(["axis", 1, "path"]) == 10 and lines.of(["axis", 1, "b", "c"]) == 11


def test_the_schema_knows_every_field(toy: object) -> None:
    found = study.schema()
    assert set(found["properties"]) == set(study.Study.model_fields)
    assert found["additionalProperties"] is False
    assert json.dumps(found)
