"""No kernel of the package breaks the rules, and the scanner sees every breach."""

from __future__ import annotations

from pathlib import Path

import pytest

import rackwright
from rackwright.engine import heap_push, kernel_faults, scan_package

BREACHES = {
    "np.sum(a)": "np.sum, whose order of summation is not fixed",
    "a.sum()": "a.sum, whose order of summation is not fixed",
    "np.mean(a)": "np.mean, whose",
    "np.dot(a, a)": "np.dot, whose",
    "np.linalg.norm(a)": "np.linalg.norm, whose",
    "a @ a": "multiplies matrices (@)",
    "math.exp(x)": "math.exp, whose last bit differs between machines",
    "np.log(x)": "np.log, whose last bit",
    "math.sin(x)": "math.sin, whose last bit",
    "np.power(x, 2.0)": "np.power, whose last bit",
    "log2(x)": "calls log2",
    "x ** 2": "takes a power (**)",
    "pow(x, 2)": "takes a power",
    "np.sort(a)": 'np.sort other than kind="mergesort"',
    "np.argsort(a, kind='quicksort')": "np.argsort other than",
    "a.sort()": "a.sort other than",
    "sorted(a)": "sorts unstably",
    "np.random.random()": "draws from the global generator",
    "rng.integers(0, 9)": "draws with rng.integers, which allocates",
    "{1: 2}": "makes a dict",
    "{1, 2}": "makes a set",
    "dict()": "makes a dict",
    "[x, x]": "makes a list",
    "[i for i in a]": "makes a list",
    "np.zeros(3)": "makes an array (np.zeros)",
    "x / y": "divides by y without a `nonzero:` comment",
    "x // y": "divides by y without",
    "x % y": "divides by y without",
    "x / 0": "divides by 0 without",
    "helper(other, x)": "passes the kernel other as an argument",
    "(lambda z: z)(x)": "has a lambda",
    "hash(x)": "depends on the hash seed",
    "f'{x}'": "makes text",
}

STATEMENTS = {
    "raise ValueError": "raises",
    "assert x > 0": "uses assert",
    "with x: pass": "uses with",
    "x /= y": "divides by y without",
    "x **= 2": "takes a power",
    "global y": "assigns a global",
    "import math": "imports",
    "try:\n        x = 1\n    except ValueError:\n        x = 2": "uses try",
}

FINE = [
    "math.sqrt(x)", "np.sqrt(x)", "x / 2", "x // 8", "x % 1000", "max(x, y)", "abs(x)", "a[1:]",
    "rng.random()", "np.argsort(a, kind='mergesort')", "np.int64(x)", "int(x)", "(x, y)",
    "x / y  # nonzero: y counts at least one",
]


def module(expression: str) -> str:
    return ("from rackwright.engine import kernel\nimport numpy as np\n\n"
            "@kernel\ndef other(x):\n    return x\n\n"
            f"@kernel\ndef bad(x, y, a, rng):\n    return {expression}\n")


@pytest.mark.parametrize("expression", BREACHES)
def test_a_forbidden_expression_is_found_on_its_line(expression: str) -> None:
    fault, = kernel_faults(module(expression))
    assert fault.startswith("10: bad ")
    assert BREACHES[expression] in fault


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_forbidden_statement_is_found(statement: str) -> None:
    source = f"@kernel\ndef bad(x, y):\n    {statement}\n    return x\n"
    assert any(STATEMENTS[statement] in fault for fault in kernel_faults(source))


@pytest.mark.parametrize("expression", FINE)
def test_what_is_allowed_is_not_reported(expression: str) -> None:
    assert kernel_faults(module(expression)) == []


def test_the_reason_of_a_division_may_stand_on_the_line_above() -> None:
    source = "@kernel\ndef good(x, y):\n    # nonzero: y is a count\n    return x / y\n"
    assert kernel_faults(source) == []
    assert len(kernel_faults(source.replace("return", "x += 1\n    return"))) == 1


def test_options_for_the_compiler_are_found() -> None:
    fault, = kernel_faults("@kernel(fastmath=True)\ndef bad(x):\n    return x\n")
    assert "has options for the compiler" in fault


def test_functions_that_are_no_kernels_may_do_anything() -> None:
    assert kernel_faults("def free(x):\n    raise ValueError(f'{x ** 2}')\n") == []


def test_a_kernel_can_be_given_itself() -> None:
    assert kernel_faults(heap_push) == []


def test_files_are_named_and_links_to_folders_followed(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (real / "one.py").write_text("@kernel\ndef f(x):\n    return x ** 2\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "link").symlink_to(real)
    fault, = scan_package(tmp_path / "src")
    assert fault == f"{tmp_path / 'src' / 'link' / 'one.py'}:3: f takes a power (**)"


def test_no_kernel_of_the_package_breaks_a_rule() -> None:
    assert scan_package(Path(rackwright.__file__).parent) == []


def test_the_scan_reaches_the_kernels_of_the_package() -> None:
    root = Path(rackwright.__file__).parent
    marked = [path for path in root.rglob("*.py") if "\n@kernel\n" in path.read_text()]
    assert {path.name for path in marked} >= {"heap.py", "maxmin.py", "ports.py"}
